"""A ledger where people already look: written into TensorBoard and MLflow, once or again, with the same end."""
