"""This machine: what the backend of Keras computes on, shares of a GPU, memory, and versions of software."""
