"""Which network is chosen: the one rule that the command line and the report share, on the trials of a ledger.

Networks are ranked by what their specs select epochs by, its mean on validation texts over equally many seeds; the test
set takes no part in it. Trials that differ in it are ranked by accuracy. What a seed was chosen by says too much of it,
on the test set, too: so the seed that chose never counts in what is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnsweep.spec import ALL_BUT_SEED, NONE_HELD_OUT, NOT_HELD_OUT
from rnnsweep.stats import interval

NETWORK = list(ALL_BUT_SEED)
"""Columns of `LedgerFrames.trials` that make a trial another network or another experiment: all of a spec's but the
seed, so that a field added later parts networks instead of passing them off as seeds of one."""
COLUMNS = ["key", "val", "n", "mean", "sd", "low", "high"]
ACCURACY = "val_accuracy"
TITLES = {"auroc": "AUROC", "macro_f1": "macro F1", "micro_f1": "micro F1"}


def run_seconds(trials: pd.DataFrame) -> pd.Series[float]:
    """Return the seconds of each trial's run: of the CPU, which other work does not lengthen, where known."""
    return trials["cpu_seconds"].fillna(trials["seconds"]).astype(float)


def measure_of(trials: pd.DataFrame) -> str:
    """Return the column that these trials are ranked by: what all of them select epochs by, else `val_accuracy`.

    Accuracy also where a finished one of them has no value of it.
    """
    done = trials[trials["status"] == "finished"] if "status" in trials else trials
    found = set(done["select"]) if "select" in done else set()
    named = str(found.pop()) if len(found) == 1 else ACCURACY
    return named if named in done and done[named].notna().all() else ACCURACY


def title_of(measure: str) -> str:
    """Return what a column of validation texts is called in a sentence, such as `validation macro F1`."""
    name = measure.removeprefix("val_")
    return f"validation {TITLES.get(name, name.replace('_', ' '))}"


def _sign(measure: str) -> int:
    return -1 if measure.endswith("loss") else 1


def common(counts: Iterable[int]) -> int:
    """Return the number of seeds to rank networks by: what at least half of those with two seeds have; 0 if none."""
    several = sorted((count for count in counts if count > 1), reverse=True)
    return several[(len(several) - 1) // 2] if several else 0


def networks(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the networks of these trials, the best mean of `measure_of` first, then those that are not ranked.

    A row holds the columns of `NETWORK` and n, val_accuracy, test_accuracy and `val`, what they are ranked by (means),
    key (the first), keys, `measure` (the column of `val`) and `ranked`. Those that are ranked are judged by their first
    seeds, `common` many of each, or one where no network has two; n, means and keys are of these. Equals are ordered by
    their first key. Trials that held no texts out are none of them.
    """
    if "validation" in trials:
        trials = trials[trials["validation"] != NONE_HELD_OUT]
    measure = measure_of(trials)
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
            val=(measure, "mean"),
            key=("key", "first"),
            keys=("key", list),
        )
    )
    table["ranked"], table["measure"] = table["n"] == used, measure
    return table.sort_values(["ranked", "val", "key"], ascending=[False, _sign(measure) < 0, True]).reset_index()


def confirmed(trials: pd.DataFrame, keys: Sequence[str], seeds: int) -> pd.DataFrame:
    """Return a row per confirmed spec, the winner first: key, val, and n, mean, sd, low, high of its test accuracy.

    `val` is the mean of `measure_of` all of them.

    The rule of a search's winner: the specs were chosen by their own seeds, which do not count here; each has the fresh
    seeds that the search planned, `seeds` of them after its own, and of those that finished the best `val` wins. Only
    specs of equal n are ranked: those with fewer seeds than another come behind. Other seeds of the same network, which
    another sweep has trained, do not count. Equals keep the order of `keys`, which is the search's own; a spec without
    a finished fresh seed has no row.
    """
    found = [(key, planned(trials, key, seeds)) for key in keys]
    measure = _measure_of_all(found)
    order = [False, _sign(measure) < 0]
    return _rows(found, measure).sort_values(["n", "val"], ascending=order, kind="stable", ignore_index=True)


def chosen(trials: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return what `confirmed` returns, of specs that nothing confirms: by the one seed that chose each, in order."""
    found = [(key, trials[(trials["key"] == key) & (trials["status"] == "finished")]) for key in keys]
    return _rows(found, _measure_of_all(found))


def held_out(done: pd.DataFrame) -> pd.DataFrame:
    """Return the finished trials that were validated on held-out texts; where there are none, all."""
    held = done[~done["validation"].isin(NOT_HELD_OUT)]
    return held if len(held) else done


def classify(probabilities: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class of each text, int64 [texts], as Keras counts.

    1 where its probability is above 0.5; of several classes the most probable one, the first of equals.
    """
    values = np.asarray(probabilities, dtype=np.float32)
    return (values > 0.5).astype(np.int64) if values.ndim == 1 else values.argmax(axis=1)


def right(label: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which texts are classified rightly, bool [texts]: of several labels each, those with all of them."""
    if np.ndim(label) > 1:
        return np.asarray(((np.asarray(probabilities, dtype=np.float32) > 0.5) == label).all(axis=1))
    return np.asarray(classify(probabilities) == label)


def right_of_all(predicted: Iterable[Mapping[str, NDArray[Any]] | None]) -> NDArray[np.bool_] | None:
    """Return who was right by the best epoch of each trial, bool [trials, test texts], given its record's predictions.

    None where the texts differ or a trial has no predictions.
    """
    arrays = list(predicted)
    found = [right(each["label"], each["best"]) for each in arrays if each]
    return np.stack(found) if found and len(found) == len(arrays) and len(set(map(len, found))) == 1 else None


def _measure_of_all(found: Sequence[tuple[str, pd.DataFrame]]) -> str:
    rows = [done for _, done in found if len(done)]
    return measure_of(pd.concat(rows)) if rows else ACCURACY


def _rows(found: Iterable[tuple[str, pd.DataFrame]], measure: str) -> pd.DataFrame:
    rows = [
        {"key": key, "val": done[measure].mean(), **interval(done["test_accuracy"])} for key, done in found if len(done)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def planned(trials: pd.DataFrame, key: str, seeds: int) -> pd.DataFrame:
    """Return the finished trials of the key's network whose seeds are the planned ones: `seeds`, after its own."""
    same = of_network(trials, key)
    if not len(same):
        return same
    own = int(same.loc[same["key"] == key, "seed"].iloc[0])
    done: pd.DataFrame = same[same["seed"].between(own + 1, own + seeds) & (same["status"] == "finished")]
    return done


def of_network(trials: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return the trials of the key's network, whatever their seeds; none where there is no such key."""
    spec = trials[trials["key"] == key]
    if not len(spec):
        return spec
    fields = trials[NETWORK].astype("string").fillna("")  # no number of reviews is one value, equal to itself
    found: pd.DataFrame = trials[(fields == fields.loc[spec.index[0]]).all(axis=1)]
    return found
