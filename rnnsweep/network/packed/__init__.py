"""TODO rnnsweep.network.packed."""
