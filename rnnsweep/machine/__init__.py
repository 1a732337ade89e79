"""TODO rnnsweep.machine."""
