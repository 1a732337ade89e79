"""Mean accuracy of the trials of one data block: by the value of an axis, and over the grid."""

from __future__ import annotations

import pandas as pd

from analysis.frames.trials import BEST, CELL_ORDER
from rnnsweep.stats import interval

AXES = ("cell", "depth", "num_words", "max_len")


def by_axis(trials: pd.DataFrame, axis: str, accuracy: str = BEST) -> pd.DataFrame:
    """Return a row per value of an axis: axis, value, n, mean, sd, low, high of the accuracy over the trials."""
    values = sorted(trials[axis].unique(), key=lambda value: (CELL_ORDER.get(value, value),))
    return pd.DataFrame(
        [{"axis": axis, "value": value} | interval(trials.loc[trials[axis] == value, accuracy]) for value in values]
    )


def grid_means(trials: pd.DataFrame, accuracy: str = BEST) -> pd.DataFrame:
    """Return the mean accuracy of each (cell, depth), a row, and (num_words, max_len), a column; nan where no trial."""
    means = trials.pivot_table(accuracy, ["cell", "depth"], ["num_words", "max_len"], aggfunc="mean")
    return means.sort_index(key=lambda level: level.map(lambda value: CELL_ORDER.get(value, value))).sort_index(axis=1)
