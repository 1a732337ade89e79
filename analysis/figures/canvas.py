"""What every figure is drawn on: its style, its colours and its title, and equal bytes for equal drawings."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

DPI = 120
PALETTE = 128  # colours of a figure
GREY = "#555555"
COLOURS = {"training": "#0b5fa5", "validation": "#c2570c"}
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
}


def png(draw: Callable[[Axes], Axes], width: float, height: float) -> bytes:
    """Return the drawing as PNG bytes, width by height in inches; equal drawings are equal bytes."""
    return _rendered(lambda figure: draw(figure.subplots()), width, height)


def _rendered(draw: Callable[[Figure], object], width: float, height: float) -> bytes:
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    small = io.BytesIO()  # a palette is a third of the bytes, and a report holds some thirty figures twice
    Image.open(buffer).convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()


def titled(ax: Axes, title: str, subtitle: str) -> Axes:
    """Set a title and, smaller and a line of text per line below it, a subtitle."""
    ax.set_title(title, pad=8 + 11 * len(subtitle.splitlines()))
    above = ax.annotate(subtitle, (0, 1), (0, 5), "axes fraction", textcoords="offset points", fontsize=8, color=GREY)
    above.set_in_layout(False)
    return ax


def bare(ax: Axes) -> Axes:
    """Take away an axes' grid, ticks and frame."""
    ax.grid(visible=False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


# Searches.
def panels(draws: Sequence[Callable[[Axes], Axes]], columns: int, width: float, height: float) -> bytes:
    """Return several drawings beside each other as PNG bytes, each width by height in inches."""
    columns = min(columns, len(draws))
    rows = -(-len(draws) // columns)

    def draw(figure: Figure) -> None:
        places = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, one in zip(places, draws, strict=False):
            one(ax)
        for ax in places[len(draws) :]:
            ax.set_visible(False)

    return _rendered(draw, width * columns, height * rows)
