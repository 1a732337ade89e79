"""The report's figures: each function draws a frame of `tables` on an axes; none computes a number."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

DPI = 120
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
LINES: dict[str, dict[str, Any]] = {
    "seed": {"linewidth": 0.8, "alpha": 0.4},
    "mean": {"linewidth": 2.0, "marker": "o", "markersize": 3.5},
    "published": {"linewidth": 1.3, "linestyle": (0, (4, 2)), "alpha": 0.75},
}


def png(draw: Callable[[Axes], Axes], width: float, height: float) -> bytes:
    """Return the drawing as PNG bytes, width by height in inches; equal drawings are equal bytes."""
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure.subplots())
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def titled(ax: Axes, title: str, subtitle: str) -> Axes:
    """Set a title and, smaller and a line of text per line below it, a subtitle."""
    ax.set_title(title, pad=8 + 11 * len(subtitle.splitlines()))
    above = ax.annotate(subtitle, (0, 1), (0, 5), "axes fraction", textcoords="offset points", fontsize=8, color=GREY)
    above.set_in_layout(False)
    return ax


def curves(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str, ylabel: str) -> Axes:
    """Draw `tables.curves`: a thin line per seed, their mean solid, the published run dashed."""
    labelled: set[str] = set()
    lines: Any = frame.groupby(["source", "part", "line"], sort=True)
    for (source, part, _), line in lines:
        name = {"seed": "each seed", "mean": "measured", "published": "published"}[source]
        label = f"{part}, {name}" if source != "seed" and f"{part}{source}" not in labelled else None
        labelled.add(f"{part}{source}")
        ax.plot(line["epoch"], line["value"], color=COLOURS[part], label=label, **LINES[source])
    ax.set(xlabel="epoch", ylabel=ylabel)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if labelled:
        ax.legend(loc="best")
    return titled(ax, title, subtitle)


def confusion(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw a confusion matrix `tables.confusion` as a heatmap with its counts and shares of the true class."""
    counts = frame.to_numpy(dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        text = f"{counts[row, column]:,.0f}\n{share:.1%}"
        ax.text(column, row, text, ha="center", va="center", color="white" if share > 0.55 else "black", fontsize=11)
    ax.set_xticks(range(len(frame.columns)), list(frame.columns))
    ax.set_yticks(range(len(frame.index)), list(frame.index), rotation=90, va="center")
    ax.set(xlabel="predicted", ylabel="true")
    return titled(_bare(ax), title, subtitle)


def _bare(ax: Axes) -> Axes:
    ax.grid(visible=False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def dots(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `tables.by_axis` of several axes below each other: mean accuracy as a dot, its interval as a line."""
    places, labels, place = [], [], 0.0
    for axis, group in frame.groupby("axis", sort=False):
        rows: Any = group.itertuples()
        for row in rows:
            if np.isfinite(row.low):
                ax.hlines(place, row.low, row.high, color=COLOURS["training"], linewidth=2)
            ax.plot([row.mean], [place], "o", color=COLOURS["training"], markersize=6)
            places.append(place)
            labels.append(f"{axis} {row.value:,}" if isinstance(row.value, int) else str(row.value))
            place += 1
        place += 0.6
    ax.set_yticks(places, labels)
    ax.set_ylim(place - 1, -0.6)  # the first on top
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="mean test accuracy, with its 95 % interval where n > 1")
    return titled(ax, title, subtitle)


def grid(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `tables.grid_means` as a heatmap with its numbers; combinations without a trial stay empty."""
    values = frame.to_numpy(dtype=float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    ax.imshow(values, cmap="Blues", vmin=low - 0.3 * (high - low), vmax=high, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            dark = value > low + 0.6 * (high - low)
            ax.text(column, row, f"{value:.3f}", ha="center", va="center", color="white" if dark else "black")
    columns, index = list[Any](frame.columns), list[Any](frame.index)
    ax.set_xticks(range(len(columns)), [f"{words:,}\n{steps:,}" for words, steps in columns])
    ax.set_yticks(range(len(index)), [f"{cell} ×{depth}" for cell, depth in index])
    ax.set(xlabel="num_words (above) and max_len (below)", ylabel="cell × depth")
    return titled(_bare(ax), title, subtitle)
