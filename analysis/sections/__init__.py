"""TODO analysis.sections."""
