"""The fonts that come with matplotlib, for whoever needs the figures' own."""

from __future__ import annotations

from pathlib import Path

from matplotlib import get_data_path
from matplotlib.font_manager import findSystemFonts

STYLES = {"": "DejaVuSans", "B": "DejaVuSans-Bold", "I": "DejaVuSans-Oblique", "mono": "DejaVuSansMono"}


# Fonts of Chinese, Japanese and Korean as systems name their files, the better first; all have Latin signs, too.
WIDE = (
    "NotoSansCJK-Regular", "NotoSansSC", "NotoSansJP", "SourceHanSans", "PingFang", "msyh", "ArialUnicode",
    "Arial Unicode", "DroidSansFallback", "wqy-zenhei", "wqy-microhei", "unifont",
)  # fmt: skip


def wide_font() -> Path | None:
    """Return a file of this machine that has the signs of Chinese, Japanese and Korean, or None."""
    files = sorted(map(Path, findSystemFonts()))
    return next((file for name in WIDE for file in files if file.name.startswith(name)), None)


def fonts() -> dict[str, Path]:
    """Return the TrueType file of each style: upright (""), bold (B), italic (I) and of equal widths (mono)."""
    folder = Path(get_data_path(), "fonts", "ttf")
    return {style: folder / f"{name}.ttf" for style, name in STYLES.items()}
