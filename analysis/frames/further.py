"""What comes after the choice of a network: a training on all texts, or a mean with others; and the linear lines."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.frames.networks import Stored
from analysis.frames.trials import held_out
from rnnsweep.choice import networks, right_of_all, run_seconds
from rnnsweep.ensemble import ensemble, members_frame
from rnnsweep.ledger import LINE_TITLES, LedgerFrames, lines_of, refitted_pairs
from rnnsweep.refits import REFIT_COLUMNS, compared
from rnnsweep.spec import Spec
from rnnsweep.stats import ACCURACY, contrast, sample, wilson
from rnnsweep.types import Predictions

LINE_COLUMNS = ["data", "title", "num_words", "max_len", "test_accuracy", "refit_accuracy", "seconds", "refit_seconds"]
ENSEMBLE_COLUMNS = [
    "data", "what", "title", "members", "keys", "val_accuracy", "test_accuracy", "low", "high", "seconds", "params",
]  # fmt: skip
RIGHT = ("label", "best")  # of the predictions, what says who was right by the best epoch
NEEDED = (*RIGHT, "validation", "validation_label")  # and to choose an ensemble by
WHERE = ["data_sha256", "reviews_used"]


def refits(contents: LedgerFrames, trials: pd.DataFrame, predictions: Stored) -> pd.DataFrame:
    """Return `refits.compared` of the ledger's networks, with `data` as the prepared trials have it."""
    found = compared(trials, contents.specs, contents.studies, _only(predictions, *RIGHT))
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
    found = ensemble(contents, _only(predictions, *NEEDED), set(done["key"]))
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
    return [row, alone, *_line(data, contents, contents.specs[best["key"]])]


def _cells(kinds: int) -> str:
    return "one cell" if kinds == 1 else f"{kinds} cells"


def _network(data: str, rows: pd.DataFrame, spec: Spec, predictions: Stored) -> dict[str, Any]:
    shares = right_of_all(map(_only(predictions, *RIGHT), rows["key"]))
    seeds = sample(rows["test_accuracy"].to_numpy(float), shares)
    low, high = contrast([seeds], [1.0], ACCURACY).interval()
    return {"data": data, "what": "network", "title": spec.label(), "members": 1,
            "keys": " ".join(rows["key"]), "val_accuracy": float(rows["val_accuracy"].mean()),
            "test_accuracy": seeds.mean, "low": low, "high": high, "seconds": float(run_seconds(rows).mean()),
            "params": int(rows["params"].iloc[0])}  # fmt: skip


def _line(data: str, contents: LedgerFrames, spec: Spec) -> list[dict[str, Any]]:
    """Return the best linear line by validation on the texts that the network was chosen by, if there is one."""
    found = lines_of(contents.baselines, spec)
    if not len(found) or found["validation"].iloc[0] != str(spec.validation):
        return []
    best = found.iloc[0]
    texts = 0 if pd.isna(best["test_reviews"]) else int(best["test_reviews"])
    low, high = wilson(round(best["test_accuracy"] * texts), texts)
    title = f"{LINE_TITLES.get(best['model'], best['model'])} · {best['num_words']:,} words · {best['max_len']:,} steps"
    return [{"data": data, "what": "line", "title": title, "members": 1, "val_accuracy": best["val_accuracy"],
             "test_accuracy": best["test_accuracy"], "low": low, "high": high, "seconds": best["seconds"]}]  # fmt: skip


def _only(predictions: Stored, *names: str) -> Predictions:
    """Return a reader of these predictions alone, since unpacking the others would take time."""
    return lambda key: predictions(key, *names)
