"""Figures of one network: its learning curves and its confusion matrix; neither computes a number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from analysis.figures.canvas import COLOURS, bare, legend, on, tell, titled

FULL_CELLS = 8  # classes whose cells hold count and share
CELL_FONT = 6.0  # points, of the counts of more classes
CHARACTER = 0.075  # inches of a tick label's character
LINE = 0.12  # inches between two of them, at least
NAME = 24  # characters of a class's name
LINES: dict[str, dict[str, Any]] = {
    "seed": {"linewidth": 0.8, "alpha": 0.4},
    "mean": {"linewidth": 2.0, "marker": "o", "markersize": 3.5},
    "published": {"linewidth": 1.3, "linestyle": (0, (4, 2)), "alpha": 0.75},
}


def curves(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str, ylabel: str) -> Axes:
    """Draw `frames.training.curves`: a thin line per seed, their mean solid, the published run dashed."""
    groups: Any = frame.groupby(["source", "part"], sort=True)
    for (source, part), points in groups:
        name = {"seed": "each seed", "mean": "measured", "published": "published"}[source]
        label = f"{part}, {name}" if source != "seed" else None
        ax.plot(*_apart(points), color=COLOURS[part], label=label, **LINES[source])
        if source != "seed":
            values = zip(points["epoch"], points["value"], strict=True)
            tell(ax, ((epoch, value, f"{part}, {name}, epoch {epoch}: {value:.4f}") for epoch, value in values))
    ax.set(xlabel="epoch", ylabel=ylabel)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(frame):
        legend(ax)
    return titled(ax, title, subtitle)


def _apart(points: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y of lines with a gap between them: one artist however many seeds there are, drawn at once."""
    ordered = points.sort_values("line", kind="stable")
    begins = np.flatnonzero(ordered["line"].to_numpy()[1:] != ordered["line"].to_numpy()[:-1]) + 1
    x, y = (np.insert(ordered[name].to_numpy(dtype=float), begins, np.nan) for name in ("epoch", "value"))
    return x, y


def confusion(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw a confusion matrix of `frames.predictions` as a heatmap of shares of the true class.

    Cells hold count and share, of many classes the count, where it fits; then a bar says what share a colour is.
    """
    counts = frame.to_numpy(dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    if len(frame) > FULL_CELLS:
        _many_classes(frame, shares, ax)
    else:
        ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        size = 11 if len(frame) == 2 else 8
        for (row, column), share in np.ndenumerate(shares):
            text = f"{counts[row, column]:,.0f}\n{share:.1%}"
            ax.text(column, row, text, ha="center", va="center", color=on(share > 0.55), fontsize=size)
    _name_classes(frame, ax)
    tell(ax, _cells(frame, shares), 36 * _cell(len(frame)))
    ax.set(xlabel="predicted", ylabel="true")
    return titled(bare(ax), title, subtitle)


def _cells(frame: pd.DataFrame, shares: NDArray[np.float64]) -> list[tuple[float, float, str]]:
    """Return what each cell with a review says when it is pointed at."""
    classes = list(map(str, frame.index))
    return [
        (guess, true, f"{classes[true]} taken for {classes[guess]}: {count:,} ({shares[true, guess]:.1%})")
        for (true, guess), count in np.ndenumerate(frame.to_numpy())
        if count
    ]


def confusion_size(frame: pd.DataFrame) -> tuple[float, float]:
    """Return the width and height in inches at which `confusion` is readable."""
    if len(frame) == 2:
        return 3.9, 3.4
    side, labels = len(frame) * _cell(len(frame)), max(map(len, _names(frame))) * CHARACTER
    bar = 0.9 if len(frame) > FULL_CELLS else 0.0
    return max(3.9, side + labels + bar + 0.6), max(3.4, side + labels + 1.0)


def _many_classes(frame: pd.DataFrame, shares: NDArray[np.float64], ax: Axes) -> None:
    # By its square root, so that a mistake in 20 is seen beside a diagonal of nearly all.
    image = ax.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1), aspect="auto")
    bar = ax.figure.colorbar(image, ax=ax, label="share of the true class", fraction=0.03, pad=0.02)
    bar.set_ticks([0, 0.05, 0.2, 0.5, 1], labels=["0 %", "5 %", "20 %", "50 %", "100 %"])
    bar.outline.set_visible(False)
    texts = {place: f"{count:,}" for place, count in np.ndenumerate(frame.to_numpy()) if count}
    if not texts or max(map(len, texts.values())) * 0.6 * CELL_FONT > 72 * _cell(len(frame)):
        return
    for (row, column), text in texts.items():
        ax.text(
            column, row, text, ha="center", va="center", color=on(bool(shares[row, column] > 0.3)), fontsize=CELL_FONT
        )


def _name_classes(frame: pd.DataFrame, ax: Axes) -> None:
    names, cell = _names(frame), _cell(len(frame))
    every = math.ceil(LINE / cell)
    ax.set_xticks(range(0, len(names), every), names[::every])
    ax.set_yticks(range(0, len(names), every), names[::every])
    if len(names) == 2:
        ax.set_yticks(range(2), names, rotation=90, va="center")
    elif max(map(len, names)) * CHARACTER > cell:
        ax.tick_params(axis="x", labelrotation=90)
    if len(names) > FULL_CELLS:
        ax.tick_params(labelsize=7)


def _cell(classes: int) -> float:
    """Return the inches of a cell's side: a whole of 6, more where names would not stand apart, and at most 14."""
    return min(max(min(0.65, 6 / classes), 0.185), 14 / classes)


def _names(frame: pd.DataFrame) -> list[str]:
    """Return the names of the classes as the figure can show them: shortened, or numbers where the font lacks them."""
    known = get_font(findfont("DejaVu Sans")).get_charmap()
    short = [name if len(name) <= NAME else name[: NAME - 1] + "…" for name in map(str, frame.index)]
    return [name if all(ord(sign) in known for sign in name) else str(i) for i, name in enumerate(short)]
