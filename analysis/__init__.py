"""Ledgers read, reports written; loads no TensorFlow, Keras or Ray, and Optuna only for the importance of axes."""
