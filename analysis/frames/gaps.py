"""Whether validation flatters: validation minus test by words and length, and which network each would choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.frames.networks import Grid, Samples
from analysis.frames.trials import BEST, LAST

GAP_COLUMNS = ["data", "epochs", "validation", "num_words", "max_len", "networks", "runs", "best", "last"]


def gaps(found: Sequence[Grid], samples: Samples, trials: pd.DataFrame) -> pd.DataFrame:
    """Return of each grid the mean validation minus test accuracy of the runs that trained, by words and length.

    `best` is of the best epoch by validation, which was chosen for being high, `last` of the last one.
    """
    rows = [
        {"data": grid.data, "epochs": grid.epochs, "num_words": words, "max_len": length, **counted}
        for grid in found
        for (words, length), counted in _of_grid(grid, samples, trials)
    ]
    return pd.DataFrame(rows, columns=GAP_COLUMNS)


def _of_grid(grid: Grid, samples: Samples, trials: pd.DataFrame) -> list[tuple[tuple[int, int], dict[str, object]]]:
    by_key = trials.set_index("key")
    found = []
    for setting in sorted({(one.num_words, one.max_len) for one in grid.networks}):
        inside = [one for one in grid.networks if (one.num_words, one.max_len) == setting]
        keys = [key for one in inside for key, kept in zip(one.keys, samples.trained(one), strict=True) if kept]
        runs = by_key.loc[keys]
        best, last = runs["val_accuracy"] - runs[BEST], runs["last_val_accuracy"] - runs[LAST]
        if best.notna().any():
            named = {"validation": str(runs["validation"].iloc[0]), "networks": len(inside), "runs": len(keys)}
            found.append((setting, named | {"best": float(best.mean()), "last": float(last.mean())}))
    return found


@dataclass(frozen=True)
class Choice:
    """What validation chooses of the ranked networks of one data, and what the test set says of it."""

    data: str
    chosen: str
    first: str  # by the test set
    behind: float  # test accuracy of the first less that of the chosen one
    supported: bool  # the chosen one is among those that cannot be told from the best


def choices(board: pd.DataFrame) -> list[Choice]:
    """Return the choice of each data of a leaderboard that has two ranked networks."""
    found = []
    for data, rows in board[board["rank"].notna()].groupby("data", sort=False):
        if len(rows) > 1 and np.isfinite(rows["val_accuracy"]).all():
            chosen, first = rows.sort_values("val_accuracy", kind="stable").iloc[-1], rows.sort_values("rank").iloc[0]
            behind = float(first["test_accuracy"] - chosen["test_accuracy"])
            found.append(Choice(str(data), chosen["network"], first["network"], behind, bool(chosen["best"])))
    return found
