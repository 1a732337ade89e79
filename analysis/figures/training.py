"""Figures of one network: its learning curves and its confusion matrix; neither computes a number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis.figures.canvas import COLOURS, bare, titled

LINES: dict[str, dict[str, Any]] = {
    "seed": {"linewidth": 0.8, "alpha": 0.4},
    "mean": {"linewidth": 2.0, "marker": "o", "markersize": 3.5},
    "published": {"linewidth": 1.3, "linestyle": (0, (4, 2)), "alpha": 0.75},
}


def curves(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str, ylabel: str) -> Axes:
    """Draw `frames.training.curves`: a thin line per seed, their mean solid, the published run dashed."""
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
    """Draw a confusion matrix of `frames.predictions` as a heatmap with its counts and shares of the true class."""
    counts = frame.to_numpy(dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        text = f"{counts[row, column]:,.0f}\n{share:.1%}"
        ax.text(column, row, text, ha="center", va="center", color="white" if share > 0.55 else "black", fontsize=11)
    ax.set_xticks(range(len(frame.columns)), list(frame.columns))
    ax.set_yticks(range(len(frame.index)), list(frame.index), rotation=90, va="center")
    ax.set(xlabel="predicted", ylabel="true")
    return titled(bare(ax), title, subtitle)
