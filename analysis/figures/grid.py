"""Figures of many networks: accuracy by the value of an axis, and over the grid; neither computes a number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.figures.canvas import COLOURS, bare, on, tell, titled


def dots(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `frames.axes.margins` of several axes below each other: mean accuracy as a dot, its interval as a line."""
    places, labels, said, place = [], [], [], 0.0
    for axis, group in frame.groupby("axis", sort=False):
        rows: Any = group.itertuples()
        for row in rows:
            if np.isfinite(row.low):
                ax.hlines(place, row.low, row.high, color=COLOURS["training"], linewidth=2)
            ax.plot([row.mean], [place], "o", color=COLOURS["training"], markersize=6)
            places.append(place)
            labels.append(f"{axis} {row.value:,}" if isinstance(row.value, int) else str(row.value))
            interval = f" ({row.low:.4f} to {row.high:.4f})" if np.isfinite(row.low) else ""
            said.append((row.mean, place, f"{labels[-1]}: {row.mean:.4f}{interval}"))
            place += 1
        place += 0.6
    ax.set_yticks(places, labels)
    ax.set_ylim(place - 1, -0.6)  # the first on top
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="mean test accuracy, with its 95 % interval where n > 1")
    return titled(tell(ax, said), title, subtitle)


def grid(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `frames.grid.grid_means` as a heatmap with its numbers; combinations without a trial stay empty."""
    values = frame.to_numpy(dtype=float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    ax.imshow(values, cmap="Blues", vmin=low - 0.3 * (high - low), vmax=high, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            dark = value > low + 0.6 * (high - low)
            ax.text(column, row, f"{value:.3f}", ha="center", va="center", color=on(dark))
    columns, index = list[Any](frame.columns), list[Any](frame.index)
    said = (
        (x, y, f"{cell} ×{depth}, {words:,} words, {steps:,} steps: {values[y, x]:.4f}")
        for y, (cell, depth) in enumerate(index)
        for x, (words, steps) in enumerate(columns)
        if np.isfinite(values[y, x])
    )
    ax.set_xticks(range(len(columns)), [f"{words:,}\n{steps:,}" for words, steps in columns])
    ax.set_yticks(range(len(index)), [f"{cell} ×{depth}" for cell, depth in index])
    ax.set(xlabel="num_words (above) and max_len (below)", ylabel="cell × depth")
    return titled(tell(bare(ax), said, 12), title, subtitle)
