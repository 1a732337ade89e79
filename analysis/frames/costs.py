"""What accuracy costs: networks by their seconds and by their parameters, and which of them no other one beats."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

COSTS = ("seconds", "params")
COST_COLUMNS = ["data", "epochs", "network", "key", "n", "test_accuracy", "low", "high", "seconds", "params",
                "front_seconds", "front_params"]  # fmt: skip


def costs(board: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Return the networks of a leaderboard with seconds and parameters, and whether each is on a Pareto front.

    On the front of a cost is a network of its data that no other one beats: none has a higher mean test accuracy at
    no more cost, nor the same at less. Only ranked networks are on it, where there are any.
    """
    params = dict(zip(trials["key"], trials["params"].astype("Float64"), strict=True))
    frame = board.assign(params=[params[key] for key in board["key"]]).astype({"params": "float64"})
    for cost in COSTS:
        frame[f"front_{cost}"] = False
    for _, rows in frame.groupby("data", sort=False):
        judged = rows[rows["rank"].notna()] if rows["rank"].notna().any() else rows
        for cost in COSTS:
            known = judged.dropna(subset=[cost, "test_accuracy"])
            frame.loc[known.index, f"front_{cost}"] = _front(known[cost].to_numpy(), known["test_accuracy"].to_numpy())
    return frame[COST_COLUMNS]


def _front(cost: NDArray[np.float64], accuracy: NDArray[np.float64]) -> NDArray[np.bool_]:
    order = np.lexsort((-accuracy, cost))
    on_it = np.zeros(len(cost), dtype=bool)
    best = -np.inf
    for place in order:
        if accuracy[place] > best:
            on_it[place], best = True, accuracy[place]
    return on_it
