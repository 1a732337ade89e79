"""TODO analysis.frames."""
