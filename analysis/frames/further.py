"""What comes after the choice of a network: a training on all texts, or a mean with others; and the linear lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.frames.networks import Stored
from analysis.frames.trials import held_out
from rnnsweep.choice import networks, right_of_all
from rnnsweep.ensemble import ensemble, members_frame
from rnnsweep.ledger import COMMONEST, LINE_TITLES, LedgerFrames, refitted_pairs
from rnnsweep.refits import REFIT_COLUMNS, compared
from rnnsweep.spec import Spec
from rnnsweep.stats import ACCURACY, contrast, sample, wilson

LINE_COLUMNS = ["data", "title", "num_words", "max_len", "test_accuracy", "refit_accuracy", "seconds", "refit_seconds"]
ENSEMBLE_COLUMNS = [
    "data", "what", "title", "members", "keys", "val_accuracy", "test_accuracy", "low", "high", "seconds", "params",
]  # fmt: skip
NEEDED = ("label", "best", "validation", "validation_label")  # of the predictions, to choose an ensemble by
WHERE = ["data_sha256", "reviews_used"]


def refits(contents: LedgerFrames, trials: pd.DataFrame, predictions: Stored) -> pd.DataFrame:
    """Return `refits.compared` of the ledger's networks, with `data` as the prepared trials have it."""
    chose = {key for study in contents.studies.values() for key in study.get("confirmed") or []}
    found = compared(trials, contents.specs, lambda keys: _right(keys, predictions), chose)
    named = dict(zip(trials["key"], trials["data"], strict=True))
    return found.assign(data=[named[key] for key in found["key"]])[["data", *REFIT_COLUMNS]]


def refitted_lines(contents: LedgerFrames, trials: pd.DataFrame) -> pd.DataFrame:
    """Return, of each data and linear model, the best line by validation that was trained again on all texts."""
    if not len(contents.refits):
        return pd.DataFrame(columns=LINE_COLUMNS)
    both = refitted_pairs(contents.baselines, contents.refits)
    both = both.assign(reviews_used=both["reviews"].fillna(0).astype("int64"))
    both = both.merge(trials[[*WHERE, "data"]].drop_duplicates(WHERE), on=WHERE)
    best = both.sort_values("val_accuracy", ascending=False, kind="stable").drop_duplicates(["data", "model"])
    return best.sort_values(["data", "refit_accuracy"], ascending=[True, False])[LINE_COLUMNS].reset_index(drop=True)


def ensembles(contents: LedgerFrames, trials: pd.DataFrame, predictions: Stored) -> pd.DataFrame:
    """Return, of each data with one, its ensemble, the best single network and the best linear line, chosen alike.

    `what` is ensemble, network or line. Seconds and parameters are those of all members; of several seeds of the
    network, their mean. The interval of a network is for other seeds and test texts, the others' for other test texts.
    """
    rows = [row for data, done in held_out(trials).groupby("data", sort=True)
            for row in _of_data(str(data), done, contents, predictions)]  # fmt: skip
    return pd.DataFrame(rows, columns=ENSEMBLE_COLUMNS)


def _of_data(data: str, done: pd.DataFrame, contents: LedgerFrames, predictions: Stored) -> list[dict[str, Any]]:
    found = ensemble(contents, lambda key: _arrays(predictions, key, *NEEDED), set(done["key"]))
    if found is None:
        return []
    members = members_frame(found, contents)
    kinds = members["cell"].nunique()
    low, high = found.interval()
    row = {"data": data, "what": "ensemble", "title": f"mean logits of {len(members)} networks, {_cells(kinds)}",
           "members": len(members), "keys": " ".join(f"{key}x{n}" for key, n in found.members.items()),
           "val_accuracy": found.val_accuracy, "test_accuracy": found.test_accuracy, "low": low, "high": high,
           "seconds": found.seconds, "params": found.params}  # fmt: skip
    best = networks(done).iloc[0]
    alone = _network(data, done[done["key"].isin(best["keys"])], contents.specs[best["key"]], predictions)
    return [row, alone, *_line(data, done, contents, contents.specs[best["key"]])]


def _cells(kinds: int) -> str:
    return "one cell" if kinds == 1 else f"{kinds} cells"


def _network(data: str, rows: pd.DataFrame, spec: Spec, predictions: Stored) -> dict[str, Any]:
    seeds = sample(rows["test_accuracy"].to_numpy(float), _right(list(rows["key"]), predictions))
    low, high = contrast([seeds], [1.0], ACCURACY).interval()
    return {"data": data, "what": "network", "title": spec.label(), "members": 1,
            "keys": " ".join(rows["key"]), "val_accuracy": float(rows["val_accuracy"].mean()),
            "test_accuracy": seeds.mean, "low": low, "high": high, "seconds": float(rows["seconds"].mean()),
            "params": int(rows["params"].iloc[0])}  # fmt: skip


def _line(data: str, done: pd.DataFrame, contents: LedgerFrames, spec: Spec) -> list[dict[str, Any]]:
    """Return the best linear line of this data by validation, on the texts that the network was chosen by, if any.

    Others cannot be held against it: of 64 texts, a batch's, some line has nearly all right.
    """
    lines = contents.baselines
    alike = (lines["validation"] == str(spec.validation)) & (lines["validation_share"] == spec.validation_share)
    used = lines["reviews"].fillna(0).astype("int64")
    here = (lines["data_sha256"] == done["data_sha256"].iloc[0]) & (used == done["reviews_used"].iloc[0])
    found = lines[here & alike & (lines["model"] != COMMONEST)].sort_values(
        "val_accuracy", ascending=False, kind="stable"
    )
    if not len(found):
        return []
    best = found.iloc[0]
    texts = 0 if pd.isna(best["test_reviews"]) else int(best["test_reviews"])
    low, high = wilson(round(best["test_accuracy"] * texts), texts)
    title = f"{LINE_TITLES.get(best['model'], best['model'])} · {best['num_words']:,} words · {best['max_len']:,} steps"
    return [{"data": data, "what": "line", "title": title, "members": 1, "val_accuracy": best["val_accuracy"],
             "test_accuracy": best["test_accuracy"], "low": low, "high": high, "seconds": best["seconds"]}]  # fmt: skip


def _arrays(predictions: Stored, key: str, *names: str) -> dict[str, Any] | None:
    arrays = predictions(key, *names)
    return None if arrays is None else dict(arrays)


def _right(keys: Sequence[str], predictions: Stored) -> NDArray[np.bool_] | None:
    return right_of_all([_arrays(predictions, key, "label", "best") for key in keys])
