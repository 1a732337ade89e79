"""What every figure is drawn on: its style, its colours and its title, and equal bytes for equal drawings."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import rc_context, style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray
from PIL import Image

from analysis.figures.vector import Told, vector

DPI, SVG_DPI = 120, 72  # an SVG's unit is a point
PALETTE = 128  # colours of a figure
GREY = "#555555"
# Of the palette of Okabe and Ito (2008), which the colour-blind tell apart.
BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY)
COLOURS = {"training": BLUE, "validation": ORANGE}
CORNERS = {"upper right": (1, 1), "lower right": (1, 0), "upper left": (0, 1), "lower left": (0, 0)}
STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same bytes on every machine
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "none",  # text stays text: it is found, read aloud, and as large as the page's
}


class Drawing(NamedTuple):
    """A figure as PNG bytes, and as the SVG element that stands in a page."""

    png: bytes
    svg: str


def drawn(draw: Callable[[Axes], Axes], width: float, height: float) -> Drawing:
    """Return the drawing, width by height in inches; equal drawings are equal bytes."""
    return _rendered(lambda figure: draw(figure.subplots()), width, height)


def _rendered(draw: Callable[[Figure], object], width: float, height: float) -> Drawing:
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        canvas: Any = FigureCanvasAgg(figure)
        draw(figure)
        canvas.draw()  # not savefig, which draws everything twice
        small = _palette(Image.fromarray(np.asarray(canvas.buffer_rgba())))
        figure.set_layout_engine("none")  # the places are found: both show the same
        for background in (figure.patch, *(ax.patch for ax in figure.axes)):
            background.set_visible(False)  # the page has its own
        # Names within an SVG come from its salt: two figures of a page must not share one.
        with rc_context({"svg.hashsalt": hashlib.sha256(small).hexdigest()}):
            figure.dpi = SVG_DPI
            vectors: Any = FigureCanvasSVG(figure)
            vectors.print_svg(buffer := io.BytesIO(), metadata={"Date": None, "Creator": None})
    return Drawing(small, vector(buffer.getvalue().decode()))


def _palette(image: Image.Image) -> bytes:
    """Return a PNG with few colours: a third of the bytes."""
    small = io.BytesIO()
    image.convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE).save(small, "png", compress_level=6)
    return small.getvalue()


def titled(ax: Axes, title: str, subtitle: str) -> Axes:
    """Set a title and, smaller and a line of text per line below it, a subtitle."""
    # With its height given, no drawing looks for one.
    ax.set_title(title, pad=8 + 11 * len(subtitle.splitlines()), y=1.0)
    above = ax.annotate(subtitle, (0, 1), (0, 5), "axes fraction", textcoords="offset points", fontsize=8, color=GREY)
    above.set_in_layout(False)
    return ax


def legend(ax: Axes) -> Axes:
    """Put a legend where it covers the fewest points, of lines or alone: found once, not at each drawing as `best` is.

    Its size is guessed from its labels; where several corners are as good, the one with the fewest points around it.
    """
    lines = [_between(np.asarray(line.get_xydata(), dtype=float)) for line in ax.lines]
    alone = [np.ma.filled(of.get_offsets(), np.nan) for of in ax.collections if isinstance(of, PathCollection)]
    points = np.concatenate([*lines, *alone])
    ax.autoscale_view()  # else the limits are found when it is drawn
    x, y = (ax.transData - ax.transAxes).transform(points[np.isfinite(points).all(axis=1)]).T
    labels = ax.get_legend_handles_labels()[1]
    width, height = 0.12 + 0.012 * max(map(len, labels)), 0.04 + 0.055 * len(labels)

    def covered(corner: str) -> tuple[int, int]:
        across, up = abs(x - CORNERS[corner][0]), abs(y - CORNERS[corner][1])
        return int(((across < width) & (up < height)).sum()), int((np.hypot(across / 0.5, up / 0.4) < 1).sum())

    corner: Any = min(CORNERS, key=covered)
    ax.legend(loc=corner)
    return ax


def _between(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points [n, 2] of a line, and some between each and the next."""
    if len(line) < 2:
        return line
    places = np.arange(len(line))
    fine = np.linspace(0, len(line) - 1, 8 * (len(line) - 1) + 1)
    return np.stack([np.interp(fine, places, column) for column in line.T], axis=1)


def by_powers(ax: Axes) -> None:
    """Make an axes' x logarithmic, with ticks at 1, 2 and 5 times each power of 10, written out; of many at 1 and 3."""
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1, 3)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    ax.xaxis.set_minor_locator(NullLocator())


def on(dark: bool) -> str:
    """Return the colour of text on a dark or a pale cell, which stays as it is where the page is dark."""
    return "#ffffff" if dark else "#111111"


def bare(ax: Axes) -> Axes:
    """Take away an axes' grid, ticks and frame."""
    ax.grid(visible=False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def tell(ax: Axes, points: Iterable[tuple[float, float, str]], radius: float = 6.0) -> Axes:
    """Let a page say the words of each (x, y, words) when what is within so many points of it is pointed at."""
    told = Told(list(points), radius)
    told.set_transform(ax.transData)
    ax.add_artist(told)
    return ax


# Searches.
def panels(draws: Sequence[Callable[[Axes], Axes]], columns: int, width: float, height: float) -> Drawing:
    """Return several drawings beside each other as one, each width by height in inches."""
    columns = min(columns, len(draws))
    rows = -(-len(draws) // columns)

    def draw(figure: Figure) -> None:
        places = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, one in zip(places, draws, strict=False):
            one(ax)
        for ax in places[len(draws) :]:
            ax.set_visible(False)

    return _rendered(draw, width * columns, height * rows)
