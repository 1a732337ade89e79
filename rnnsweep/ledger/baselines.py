"""Linear lines in a ledger: the rows of each data set and setting, and what they say of the test reviews.

`baselines/<key>.json` is a list of rows, one per line, and `<key>.npz` beside it has their predictions
(`rnnsweep.baselines` makes both).
"""

from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd

from rnnsweep.ledger.fields import misfit
from rnnsweep.spec import Spec
from rnnsweep.types import Row

BASELINES = "baselines"  # the folder
ROWS, PREDICTIONS = "json", "npz"  # the endings of the two files of a key
NAME = re.compile(rf"{BASELINES}/([0-9a-f]{{12}})\.({ROWS}|{PREDICTIONS})")
# The first six are a contract: tables/baselines.csv has them in this order.
BASELINE_COLUMNS = [
    "model", "num_words", "max_len", "val_accuracy", "test_accuracy", "seconds", "c", "dataset", "data_sha256",
    "reviews", "validation", "classes", "validation_share", "key", "train_reviews", "validation_reviews",
    "test_reviews", "test_shared", "test_accuracy_distinct", "val_macro_f1", "test_macro_f1", "val_micro_f1",
    "test_micro_f1",
]  # fmt: skip
COMMONEST = "commonest"  # of the models: no line, the share of the commonest class
LINE_TITLES = {
    COMMONEST: "commonest class",
    "tfidf_lr_1": "TF-IDF, words, logistic regression",
    "tfidf_lr_2": "TF-IDF, words and pairs, logistic regression",
    "nbsvm_2": "NB-SVM, words and pairs",
}
SETTING = ("reviews", "validation", "validation_share", "data_sha256", "num_words", "max_len")
REQUIRED = ("model", "num_words", "max_len", "data_sha256")
FIELDS: dict[str, Any] = {
    "model": str, "num_words": int, "max_len": int, "val_accuracy": float, "test_accuracy": float, "seconds": float,
    "C": float, "dataset": str, "data_sha256": str, "reviews": int, "classes": int, "validation_share": float,
    "train_reviews": int, "validation_reviews": int, "test_reviews": int, "test_shared": int,
    "test_accuracy_distinct": float, "val_macro_f1": float, "test_macro_f1": float, "val_micro_f1": float,
    "test_micro_f1": float,
}  # fmt: skip


def baseline_path(key: str, ending: str) -> str:
    """Return the path from the ledger's root of one of the two files of a key."""
    return f"{BASELINES}/{key}.{ending}"


def parse_baselines(path: str, data: bytes | None, warnings: list[str]) -> list[Row]:
    """Return the rows that a file holds, each with its key; a damaged file is one more warning instead."""
    try:
        rows = json.loads(data or b"")
    except (ValueError, RecursionError):  # the second: nested ten thousand deep
        rows = None
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        warnings.append(f"{path}: half-written or damaged; delete it, and the next sweep computes its lines again")
        return []
    found = NAME.fullmatch(path)
    key = found.group(1) if found else ""
    return [row | {"key": key, "c": row.get("C"), "validation": str(row.get("validation", ""))} for row in rows]


def _is_row(row: Any) -> bool:
    return isinstance(row, dict) and not misfit(row, FIELDS) and all(row.get(name) is not None for name in REQUIRED)


def baselines_frame(rows: list[Row]) -> pd.DataFrame:
    """Return a row per data set, setting and line, the contract's columns first; what is missing is NaN."""
    frame = pd.DataFrame(rows).reindex(columns=BASELINE_COLUMNS)
    measured = [name for name in BASELINE_COLUMNS if name.endswith(("accuracy", "_f1", "_distinct"))]
    for name in (*measured, "seconds", "c", "validation_share"):
        frame[name] = pd.to_numeric(frame[name])
    whole = ("num_words", "max_len", "reviews", "classes", "train_reviews", "validation_reviews", "test_reviews")
    for name in (*whole, "test_shared"):
        frame[name] = pd.to_numeric(frame[name]).astype("Int64")
    for name in ("model", "dataset", "data_sha256", "validation", "key"):
        frame[name] = frame[name].astype(object).where(frame[name].notna(), "").astype(str)
    order = ["dataset", "data_sha256", "reviews", "validation", "num_words", "max_len", "model", "key"]
    return frame.sort_values(order, ignore_index=True)


def lines_of(lines: pd.DataFrame, spec: Spec, measure: str = "val_accuracy") -> pd.DataFrame:
    """Return the linear models on a spec's texts, the best by a validation measure first; without it, none.

    Of those that were chosen on the texts that the spec is validated on, or of all where there are no such: of 64
    texts, a batch's, some line has nearly all right.
    """
    reviews = lines["reviews"].isna() if spec.reviews is None else lines["reviews"].eq(spec.reviews).fillna(False)
    same = lines[(lines["data_sha256"] == spec.data_sha256) & reviews & (lines["model"] != COMMONEST)]
    shares = same["validation_share"].fillna(Spec.validation_share)  # which older rows lack
    alike = same[(same["validation"] == str(spec.validation)) & (shares == spec.validation_share)]
    found = alike if len(alike) else same
    return found.dropna(subset=[measure]).sort_values(measure, ascending=False, kind="stable")


def refitted_pairs(lines: pd.DataFrame, refits: pd.DataFrame) -> pd.DataFrame:
    """Return the linear lines that were trained again on all texts, `title` and `refit_accuracy` beside their own.

    Both frames are as `baselines_frame` makes them; a refit has the setting in which its C was chosen.
    """
    again = refits[["model", *SETTING, "test_accuracy", "seconds"]]
    again = again.rename(columns={"test_accuracy": "refit_accuracy", "seconds": "refit_seconds"})
    both = lines[lines["model"] != COMMONEST].merge(again, on=["model", *SETTING])
    return both.assign(title=[LINE_TITLES.get(model, model) for model in both["model"]])
