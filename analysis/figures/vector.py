"""Matplotlib's SVG as an element of a page: without what a page has already, in colours that the page's style names."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Any

from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

SQUARE = Path([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)], closed=True)
POINT = 4 / 3  # CSS pixels of a point
TOLD = "told:"  # begins the name of a group that says something when it is pointed at
# A figure is drawn for white paper; on a dark page its style gives these other values.
NAMED = {
    "#000000": "currentColor",
    "#555555": "var(--soft)",
    "#666666": "var(--axis)",
    "#e4e4e4": "var(--grid)",
    "#0072b2": "var(--blue)",
    "#d55e00": "var(--orange)",
    "#009e73": "var(--green)",
    "#cc79a7": "var(--purple)",
}
# Axes hold all that is drawn in them, so that no figure needs to be clipped; fonts are the page's.
DROPPED = re.compile(
    r"<metadata>.*?</metadata>|<defs>\s*<style.*?</defs>|<defs>\s*<clipPath.*?</defs>| clip-path=\"[^\"]*\"|"
    r"font-family: [^;\"]*;? ?| transform=\"rotate\(-?0 [^\"]*\"|(?<=<g) id=\"(?!told:)[^\"]*\"| id=\"image\w+\"",
    re.DOTALL,
)
SPOKEN = re.compile(rf"<g id=([\"']){TOLD}(.*?)\1>")
COLOUR = re.compile("|".join(NAMED))
SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt" viewBox="([^"]*)"[^>]*>')


class Told(Artist):
    """Words at points of an axes' data, which a page shows for the point that is pointed at."""

    def __init__(self, points: list[tuple[float, float, str]], radius: float = 6.0) -> None:
        """Say the words of each (x, y, words) within so many points of it."""
        super().__init__()
        self._points, self._radius = points, radius
        self.set_in_layout(False)
        self.set_zorder(10)  # above all that would be pointed at instead

    def draw(self, renderer: RendererBase) -> None:
        """Draw an invisible square per point, in a group of its own."""
        pen: Any = renderer.new_gc()
        pen.set_alpha(0)
        pen.set_linewidth(0)
        size: Any = renderer.points_to_pixels(self._radius)
        for x, y, words in self._points:
            place: Any = self.get_transform().transform((x, y))
            renderer.open_group("told", gid=TOLD + words)
            disc = Affine2D().scale(float(size)).translate(*place)
            renderer.draw_path(pen, Path.unit_rectangle().transformed(Affine2D().translate(-0.5, -0.5).scale(2)), disc,
                               (0, 0, 0, 0))  # fmt: skip
            renderer.close_group("told")
        pen.restore()


def vector(svg: str) -> str:
    """Return the `<svg>` element of a file that matplotlib wrote, as small as it goes; groups that tell have a title.

    It has neither role nor label: the page adds them.
    """
    found = SIZE.search(svg)
    if found is None:
        raise ValueError("not an SVG file of matplotlib's")
    width, height = (round(float(side) * POINT) for side in found.groups()[:2])
    inside = SPOKEN.sub(_told, DROPPED.sub("", svg[found.end() :]))
    inside = re.sub(r"<(?!/?title)[^>]*>", _short, inside)
    inside = re.sub(r">\s+<", "><", inside)
    inside = inside.replace("<g/>", "").replace("<g></g>", "")
    return f'<svg class="plot" width="{width}" height="{height}" viewBox="{found[3]}">{inside.strip()}'


def _told(match: re.Match[str]) -> str:
    return f'<g class="told"><title>{escape(unescape(match[2]))}</title>'


def _short(tag: re.Match[str]) -> str:
    """Return a tag with numbers of two digits after the point and colours by their names."""
    if tag[0].startswith("<image"):
        return re.sub(r"\s+", " ", tag[0].replace("base64,\n", "base64,"))
    short = re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), tag[0])
    short = COLOUR.sub(lambda colour: NAMED[colour[0]], short)
    return re.sub(r"\s+", " ", short).replace(": ", ":").replace("; ", ";").replace(' "', '"')
