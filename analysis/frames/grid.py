"""Mean accuracy of a grid's trials, network by network."""

from __future__ import annotations

import pandas as pd

from analysis.frames.trials import BEST, CELL_ORDER


def grid_means(trials: pd.DataFrame, accuracy: str = BEST) -> pd.DataFrame:
    """Return the mean accuracy of each (cell, depth), a row, and (num_words, max_len), a column; nan where no trial."""
    means = trials.pivot_table(accuracy, ["cell", "depth"], ["num_words", "max_len"], aggfunc="mean")
    return means.sort_index(key=lambda level: level.map(lambda value: CELL_ORDER.get(value, value))).sort_index(axis=1)
