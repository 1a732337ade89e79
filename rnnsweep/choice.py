"""Which network is chosen: the one rule that the command line and the report share, on the trials of a ledger.

Networks are ranked by their mean validation accuracy over equally many seeds; the test set takes no part in it. What a
seed was chosen by says too much of it, on the test set, too: so the seed that chose never counts in what is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from rnnsweep.spec import ALL_BUT_SEED
from rnnsweep.stats import interval

NETWORK = list(ALL_BUT_SEED)
"""Columns of `LedgerFrames.trials` that make a trial another network or another experiment: all of a spec's but the
seed, so that a field added later parts networks instead of passing them off as seeds of one."""
COLUMNS = ["key", "val", "n", "mean", "sd", "low", "high"]


def common(counts: Iterable[int]) -> int:
    """Return the number of seeds to rank networks by: what at least half of those with two seeds have; 0 if none."""
    several = sorted((count for count in counts if count > 1), reverse=True)
    return several[(len(several) - 1) // 2] if several else 0


def networks(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the networks of these trials, the best mean validation accuracy first, then those that are not ranked.

    A row holds the columns of `NETWORK` and n, val_accuracy and test_accuracy (means), key (the first), keys and
    `ranked`. Those that are ranked are judged by their first seeds, `common` many of each, or one where no network has
    two; n, means and keys are of these. Equals are ordered by their first key.
    """
    groups = trials.sort_values(["seed", "key"]).groupby(NETWORK, sort=False, dropna=False)
    used = common(groups.size()) or 1
    size = groups["key"].transform("size")
    counted = trials[(size.reindex(trials.index) < used) | (groups.cumcount().reindex(trials.index) < used)]
    table = (
        counted.sort_values("key")
        .groupby(NETWORK, sort=False, dropna=False)
        .agg(
            n=("key", "size"),
            val_accuracy=("val_accuracy", "mean"),
            test_accuracy=("test_accuracy", "mean"),
            key=("key", "first"),
            keys=("key", list),
        )
    )
    table["ranked"] = table["n"] == used
    order = ["ranked", "val_accuracy", "key"]
    return table.sort_values(order, ascending=[False, False, True]).reset_index()


def confirmed(trials: pd.DataFrame, keys: Sequence[str], seeds: int) -> pd.DataFrame:
    """Return a row per confirmed spec, the winner first: key, val, and n, mean, sd, low, high of its test accuracy.

    The rule of a search's winner: the specs were chosen by their own seeds, which do not count here; each has the fresh
    seeds that the search planned, `seeds` of them after its own, and of those that finished the highest mean validation
    accuracy wins. Only specs of equal n are ranked: those with fewer seeds than another come behind. Other seeds of the
    same network, which another sweep has trained, do not count. Equals keep the order of `keys`, which is the search's
    own; a spec without a finished fresh seed has no row.
    """
    frame = _rows((key, planned(trials, key, seeds)) for key in keys)
    return frame.sort_values(["n", "val"], ascending=False, kind="stable", ignore_index=True)


def chosen(trials: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return what `confirmed` returns, of specs that nothing confirms: by the one seed that chose each, in order."""
    return _rows((key, trials[(trials["key"] == key) & (trials["status"] == "finished")]) for key in keys)


def _rows(found: Iterable[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    rows = [
        {"key": key, "val": done["val_accuracy"].mean(), **interval(done["test_accuracy"])}
        for key, done in found
        if len(done)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def planned(trials: pd.DataFrame, key: str, seeds: int) -> pd.DataFrame:
    """Return the finished trials of the key's network whose seeds are the planned ones: `seeds`, after its own."""
    spec = trials[trials["key"] == key]
    if not len(spec):
        return spec
    own = int(spec["seed"].iloc[0])
    fields = trials[NETWORK].astype("string").fillna("")  # no number of reviews is one value, equal to itself
    same = (fields == fields.loc[spec.index[0]]).all(axis=1)
    fresh = trials["seed"].between(own + 1, own + seeds)
    done: pd.DataFrame = trials[same & fresh & (trials["status"] == "finished")]
    return done
