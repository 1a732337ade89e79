"""TODO rnnsweep.training."""
