"""Which network a reader should use, by data: the one that validation chooses, and where it and its kinds stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames.trials import held_out
from rnnsweep.choice import networks

FEW = 8  # networks that a picture shows where cell and depth do not part them
STANDING = ["network", "accuracy", "low", "high", "best", "chosen"]


@dataclass(frozen=True)
class Answer:
    """The network of one data and number of epochs that the rule of `rnnsweep.choice` puts first, with all its seeds.

    `of` networks were compared, by `seeds` seeds each; `place` is its row of the leaderboard, None where it has none.
    """

    data: str
    real: bool
    key: str
    seeds: int
    of: int
    val_accuracy: float
    test_accuracy: float  # NaN without a test set
    place: Any
    others: bool  # of the same data with other epochs, which are not compared


def answers(trials: pd.DataFrame, board: pd.DataFrame) -> list[Answer]:
    """Return the answer of each data with a finished trial whose validation was held out.

    Of each data, the epochs with the most trials, then the most epochs; real data before generated, then by the number
    of trials.
    """
    done = held_out(trials)
    done = done[done["val_accuracy"].notna()]
    found = [_answer(str(data), group, board) for data, group in done.groupby("data", sort=True)]
    sizes = done["data"].value_counts()
    return sorted(found, key=lambda one: (not one.real, -sizes[one.data]))


def _answer(data: str, trials: pd.DataFrame, board: pd.DataFrame) -> Answer:
    counts = trials["epochs"].value_counts()
    epochs = max(counts.index, key=lambda value: (counts[value], value))
    ranked = networks(trials[trials["epochs"] == epochs])
    first = ranked.iloc[0]
    places = board[board["key"].isin(first["keys"])]
    return Answer(
        data,
        bool(trials["real"].iloc[0]),
        str(first["key"]),
        int(first["n"]),
        int(ranked["ranked"].sum()),
        float(first["val_accuracy"]),
        float(first["test_accuracy"]),
        places.iloc[0] if len(places) else None,
        len(counts) > 1,
    )


def standing(answer: Answer, board: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Return `STANDING`, the highest accuracy first: of each cell and depth the best network, and the chosen one.

    The accuracy is of the test set; where that is missing, or nothing is ranked, of validation, without an interval.
    """
    ranked = board[(board["data"] == answer.data) & board["rank"].notna()]
    rows = ranked if len(ranked) else board[board["data"] == answer.data]
    tested = len(ranked) > 0 and bool(ranked["test_accuracy"].notna().all())
    rows = rows.assign(accuracy=rows["test_accuracy" if tested else "val_accuracy"].astype(float))
    rows = rows.sort_values(["accuracy", "key"], ascending=[False, True])
    if not tested:
        rows = rows.assign(low=np.nan, high=np.nan, best=False)
    chosen = rows["key"] == (None if answer.place is None else answer.place["key"])
    kinds = trials.set_index("key").loc[rows["key"], ["cell", "depth"]].apply(tuple, axis=1)
    firsts = ~pd.Series(kinds.to_numpy(), index=rows.index).duplicated()
    shown = firsts if firsts.sum() > 2 else pd.Series(np.arange(len(rows)) < FEW, index=rows.index)
    return rows.assign(chosen=chosen)[shown | chosen][STANDING].reset_index(drop=True)
