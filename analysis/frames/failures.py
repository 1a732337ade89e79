"""Runs that failed to train: k of n for every cell, by a rule that was fixed before any result was seen."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.frames.networks import Grid, least_trained
from rnnsweep.stats import clopper_pearson

FAILURE_COLUMNS = ["data", "epochs", "cell", "depth", "failed", "n", "share", "low", "high", "diverged"]


def failures(found: Sequence[Grid], trials: pd.DataFrame) -> pd.DataFrame:
    """Return of each grid how many runs failed to train, a row per cell and per cell and depth (NA: all depths).

    Failed: the best validation accuracy is below what `least_trained` asks, or the loss was not finite (`diverged` of
    them). The interval is Clopper and Pearson's, as if all networks of a row failed equally often.
    """
    rows = []
    for grid in found:
        inside = trials[trials["key"].isin(grid.ended)]
        inside = inside.assign(least=least_trained(inside))
        rows += [_row(grid, str(cell), pd.NA, group) for cell, group in inside.groupby("cell")]
        rows += [_row(grid, str(cell), depth, group) for (cell, depth), group in inside.groupby(["cell", "depth"])]
    frame = pd.DataFrame(rows, columns=FAILURE_COLUMNS)
    return frame.astype({"depth": "Int64"})


def _row(grid: Grid, cell: str, depth: object, runs: pd.DataFrame) -> dict[str, object]:
    diverged = int((runs["status"] == "diverged").sum())
    failed = diverged + int(((runs["status"] == "finished") & (runs["val_accuracy"] < runs["least"])).sum())
    low, high = clopper_pearson(failed, len(runs))
    return {
        "data": grid.data,
        "epochs": grid.epochs,
        "cell": cell,
        "depth": depth,
        "failed": failed,
        "n": len(runs),
        "share": failed / len(runs),
        "low": low,
        "high": high,
        "diverged": diverged,
    }
