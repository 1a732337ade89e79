"""The fonts that come with matplotlib, for whoever needs the figures' own."""

from __future__ import annotations

from pathlib import Path

from matplotlib import get_data_path

STYLES = {"": "DejaVuSans", "B": "DejaVuSans-Bold", "I": "DejaVuSans-Oblique", "mono": "DejaVuSansMono"}


def fonts() -> dict[str, Path]:
    """Return the TrueType file of each style: upright (""), bold (B), italic (I) and of equal widths (mono)."""
    folder = Path(get_data_path(), "fonts", "ttf")
    return {style: folder / f"{name}.ttf" for style, name in STYLES.items()}
