"""TODO analysis.render."""
