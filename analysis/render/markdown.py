"""TODO docstring of analysis/render/markdown.py."""

from __future__ import annotations


def in_cell(text: str) -> str:
    """Return a text that keeps to its cell in a Markdown table."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
