"""A spec's network: its Keras model, what it costs, its output, and the same computed packed."""
