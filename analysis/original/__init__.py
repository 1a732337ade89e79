"""The original report, transcribed: what it printed, and what it concluded."""
