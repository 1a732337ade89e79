"""TODO analysis.original."""
