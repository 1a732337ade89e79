"""Which network is chosen: the one rule that the command line and the report share, on the trials of a ledger.

Networks are ranked by their mean validation accuracy over seeds; the test set takes no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from rnnsweep.spec import ALL_BUT_SEED
from rnnsweep.stats import interval

NETWORK = list(ALL_BUT_SEED)
"""Columns of `LedgerFrames.trials` that make a trial another network or another experiment: all of a spec's but the
seed, so that a field added later parts networks instead of passing them off as seeds of one."""


def networks(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the networks of these trials, the best mean validation accuracy first.

    A row holds the columns of `NETWORK` and n, val_accuracy and test_accuracy (means), key (the first) and keys.
    Equals are ordered by their first key.
    """
    groups = trials.sort_values("key").groupby(NETWORK, sort=False, dropna=False)
    table = groups.agg(
        n=("key", "size"),
        val_accuracy=("val_accuracy", "mean"),
        test_accuracy=("test_accuracy", "mean"),
        key=("key", "first"),
        keys=("key", list),
    )
    return table.sort_values(["val_accuracy", "key"], ascending=[False, True]).reset_index()


def confirmed(trials: pd.DataFrame, keys: Sequence[str], seeds: int) -> pd.DataFrame:
    """Return a row per confirmed spec, the winner first: key, val, and n, mean, sd, low, high of its test accuracy.

    The rule of a search's winner: each confirmed spec has exactly the seeds that the search planned, `seeds` of them
    from its own on; those of them that finished are averaged, and the highest mean validation accuracy wins. Other
    seeds of the same network, which another sweep has trained, do not count: all are judged by as many. Equals keep
    the order of `keys`, which is the search's own; a spec without a finished seed has no row.
    """
    found = []
    for key in keys:
        done = planned(trials, key, seeds)
        if len(done):
            found.append({"key": key, "val": done["val_accuracy"].mean(), **interval(done["test_accuracy"])})
    frame = pd.DataFrame(found, columns=["key", "val", "n", "mean", "sd", "low", "high"])
    return frame.sort_values("val", ascending=False, kind="stable", ignore_index=True)


def planned(trials: pd.DataFrame, key: str, seeds: int) -> pd.DataFrame:
    """Return the finished trials of the key's network whose seeds are the planned ones: `seeds`, from its own on."""
    chosen = trials[trials["key"] == key]
    if not len(chosen):
        return chosen
    first = int(chosen["seed"].iloc[0])
    fields = trials[NETWORK].astype("string").fillna("")  # no number of reviews is one value, equal to itself
    same = (fields == fields.loc[chosen.index[0]]).all(axis=1)
    among = trials["seed"].between(first, first + seeds - 1)
    done: pd.DataFrame = trials[same & among & (trials["status"] == "finished")]
    return done
