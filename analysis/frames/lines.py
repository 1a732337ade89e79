"""The bar: the linear models of a ledger beside its networks, setting by setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames.networks import Grid
from analysis.frames.trials import held_out
from rnnsweep.ledger import COMMONEST, LINE_TITLES, LedgerFrames
from rnnsweep.stats import wilson

SETTING = ["data", "num_words", "max_len"]
BESIDE_COLUMNS = [*SETTING, "line", "line_accuracy", "line_seconds", "network", "network_accuracy", "used", "above"]


def lines(contents: LedgerFrames, trials: pd.DataFrame) -> pd.DataFrame:
    """Return the ledger's linear lines on the data of its prepared trials, `data` as theirs, the best test first.

    The other columns are the ledger's own, so that tables/baselines.csv begins with the contract's.
    `low` and `high` are Wilson's interval of the test accuracy for other test reviews. Of lines that differ in their
    validation reviews alone, those of the split that most trials have are taken.
    """
    found = contents.baselines
    if not len(found):
        return found.assign(data="", title="", low=np.nan, high=np.nan)
    found = found.assign(reviews_used=found["reviews"].fillna(0).astype("int64"))
    where = ["data_sha256", "reviews_used"]
    named = found.merge(trials[[*where, "data"]].drop_duplicates(where), on=where)
    counts = held_out(trials).groupby([*where, "validation"]).size().rename("trials").reset_index()
    named = named.merge(counts, on=[*where, "validation"], how="left").fillna({"trials": 0})
    named = named.sort_values(["trials", "validation"], ascending=[False, True], kind="stable")
    kept = named.drop_duplicates([*SETTING, "model"])
    kept = kept.sort_values("test_accuracy", ascending=False, kind="stable", ignore_index=True)
    return _with_limits(kept)[[*found.columns.drop("reviews_used"), "data", "title", "low", "high"]]


def line_name(row: Any) -> str:
    """Return what a row of `lines` is called: its model, words and length; the commonest class has neither."""
    return row.title if row.model == COMMONEST else f"{row.title} · {row.num_words:,} words · {row.max_len:,} steps"


def _with_limits(found: pd.DataFrame) -> pd.DataFrame:
    counts = found["test_reviews"].fillna(0).astype(int)
    known = [
        (round(accuracy * n), n) if np.isfinite(accuracy) else (0, 0)
        for accuracy, n in zip(found["test_accuracy"], counts, strict=True)
    ]
    limits = [wilson(*right) for right in known]
    low, high = ([pair[side] for pair in limits] for side in (0, 1))
    titles = [LINE_TITLES.get(model, model) for model in found["model"]]
    return found.assign(title=titles, low=low, high=high)


def models(found: pd.DataFrame) -> pd.DataFrame:
    """Return the lines that are models: without the commonest class."""
    return found[found["model"] != COMMONEST]


def beside(found: pd.DataFrame, board: pd.DataFrame, grids: Sequence[Grid]) -> pd.DataFrame:
    """Return of each words and length the best line by validation and the best ranked network by test; `above`: of it.

    So the networks are favoured, and where none is above its line, none is.
    """
    settings = {network.keys[0]: (network.num_words, network.max_len) for grid in grids for network in grid.networks}
    ranked = board[board["rank"].notna()].sort_values("rank")
    words, lengths = ([settings[key][place] for key in ranked["key"]] for place in (0, 1))
    first = ranked.assign(num_words=words, max_len=lengths).drop_duplicates(SETTING)
    best = _by_validation(models(found)).drop_duplicates(SETTING)
    both = best.merge(first, on=SETTING, suffixes=("_line", "_network")).sort_values(SETTING)
    frame = pd.DataFrame(
        {
            **{name: both[name] for name in SETTING},
            "line": both["title"],
            "line_accuracy": both["test_accuracy_line"],
            "line_seconds": both["seconds_line"],
            "network": both["network"],
            "network_accuracy": both["test_accuracy_network"],
            "used": both["used"],
            "above": both["test_accuracy_network"] - both["test_accuracy_line"],
        },
        columns=BESIDE_COLUMNS,
    )
    return frame.reset_index(drop=True)


def bar_of(found: pd.DataFrame, data: str) -> pd.Series[Any] | None:
    """Return the line with the highest validation accuracy on this data, or None where there is none."""
    inside = _by_validation(models(found)[models(found)["data"] == data])
    return inside.iloc[0] if len(inside) and np.isfinite(inside["test_accuracy"].iloc[0]) else None


def _by_validation(found: pd.DataFrame) -> pd.DataFrame:
    return found.sort_values("val_accuracy", ascending=False, kind="stable")
