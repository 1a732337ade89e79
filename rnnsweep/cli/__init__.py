"""TODO rnnsweep.cli."""
