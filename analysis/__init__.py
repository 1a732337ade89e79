"""Ledgers read, reports written; never loads TensorFlow, Keras, Ray or Optuna."""
