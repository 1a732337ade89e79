"""TODO rnnsweep.network."""
