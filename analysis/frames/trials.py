"""Trials ready for the report: what data they are of, which are shown, and which take part in the study.

Two rules give a trial's accuracy: `LAST`, of the last epoch's weights, as the original published it; and `BEST`, of the
epoch with the best validation accuracy, the test set being used once.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from rnnsweep.cells import CELLS
from rnnsweep.spec import NOT_HELD_OUT

LAST, BEST = "last_test_accuracy", "test_accuracy"
DATA = ["dataset", "data_sha256", "reviews_used"]  # results of different data are never averaged together
BLOCK = [*DATA, "epochs"]
STATUSES = ("finished", "diverged", "failed", "pruned", "unfinished")
PUBLISHED_EPOCHS = 0  # in a scope: each system with the epochs it was published with
CELL_ORDER = {cell: place for place, cell in enumerate(CELLS)}
ORDER = ["generated", "data", "cell_order", "depth", "units", "num_words", "max_len", "epochs", "batch_size", "seed"]


def prepared(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials with `reviews_used` (0: all), `real` and `data`, a label that tells different data apart."""
    frame = trials.copy()
    frame["reviews_used"] = pd.to_numeric(frame["reviews"]).fillna(0).astype("int64")
    known = frame.loc[frame["real_data"].notna(), ["dataset", "real_data"]].drop_duplicates("dataset")
    said = dict(zip(known["dataset"], known["real_data"], strict=True))
    frame["real"] = [bool(said.get(name, name != "embedded")) for name in frame["dataset"]]
    checksums = frame.groupby("dataset")["data_sha256"].nunique().to_dict()
    several = [checksums[name] > 1 for name in frame["dataset"]]
    frame["data"] = [
        _data_label(*row)
        for row in zip(frame["dataset"], frame["data_sha256"], frame["reviews_used"], several, strict=True)
    ]
    return frame


def _data_label(dataset: str, checksum: str, reviews: int, several: bool) -> str:
    which = f" (checksum {checksum[:8] or 'unknown'})" if several else ""
    return f"{dataset}{which}, " + (f"first {reviews:,} reviews" if reviews else "all reviews")


def records(frame: pd.DataFrame) -> list[Any]:
    """Return the rows as named tuples."""
    return list(frame.itertuples(index=False))


def finished(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that have a result."""
    return trials[trials["status"] == "finished"]


def held_out(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the finished trials whose validation reviews were a held-out share of the training reviews.

    Only these take part in the study: a trial that chose its epoch by the test set or by one batch would win unfairly,
    and one that held nothing out has seen more reviews than those that did.
    """
    done = finished(trials)
    return done[~done["validation"].isin([*NOT_HELD_OUT, "first_batch"])]


def in_order(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials as they are listed: real data first, then by their specs (`ORDER`), then by key."""
    order = trials.assign(cell_order=trials["cell"].map(CELL_ORDER), generated=~trials["real"].astype(bool))
    return order.sort_values([*ORDER, "key"])


def status_counts(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the number of trials of each status, a row per data."""
    counts = pd.crosstab(trials["data"], trials["status"]) if len(trials) else pd.DataFrame()
    return counts.reindex(columns=list(STATUSES), fill_value=0)


def scopes(trials: pd.DataFrame, published_epochs: dict[str, int]) -> pd.DataFrame:
    """Return the variants in which the ledger holds the report's systems, the one to show first.

    A row per dataset, checksum, reviews_used and epochs (`PUBLISHED_EPOCHS`: as published): real, trials, finished,
    systems (how many have a finished trial), keys. The order: with a finished trial before without; real before
    generated; all reviews before fewer; the published epochs before others, then more epochs; more finished trials.
    """
    rows: list[dict[str, Any]] = []
    named = trials[trials["system"] != ""]
    for values, group in named.groupby(DATA, sort=True):
        as_published = group["epochs"] == group["system"].map(published_epochs)
        variants = {PUBLISHED_EPOCHS: group[as_published]}
        variants |= {int(n): group[group["epochs"] == n] for n in sorted(group.loc[~as_published, "epochs"].unique())}
        rows += [
            dict(zip(DATA, values, strict=True)) | _scope(epochs, members)
            for epochs, members in variants.items()
            if len(members)
        ]
    frame = pd.DataFrame(rows, columns=[*DATA, "epochs", "real", "data", "trials", "finished", "systems", "keys"])
    return _best_first(frame.assign(published=frame["epochs"] == PUBLISHED_EPOCHS), ["published", "epochs", "finished"])


def _scope(epochs: int, members: pd.DataFrame) -> dict[str, Any]:
    done = finished(members)
    return {
        "epochs": epochs,
        "real": bool(members["real"].iloc[0]),
        "data": members["data"].iloc[0],
        "trials": len(members),
        "finished": len(done),
        "systems": done["system"].nunique(),
        "keys": list(members["key"]),
    }


def _best_first(frame: pd.DataFrame, then: list[str]) -> pd.DataFrame:
    ranked = frame.assign(any_finished=frame["finished"] > 0, all_reviews=frame["reviews_used"] == 0)
    order = ["any_finished", "real", "all_reviews", "reviews_used", *then]
    ranked = ranked.sort_values([*order, *DATA], ascending=[False] * len(order) + [True] * len(DATA))
    return ranked[frame.columns].reset_index(drop=True)


def blocks(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the data blocks (`BLOCK`) of the study's trials: real, data, finished, keys.

    Real before generated, all reviews before fewer, then more trials, then more epochs.
    """
    groups: Any = held_out(trials).groupby(BLOCK, sort=True)
    rows = [dict(zip(BLOCK, values, strict=True)) | _scope(int(values[-1]), group) for values, group in groups]
    frame = pd.DataFrame(rows, columns=[*BLOCK, "real", "data", "trials", "finished", "systems", "keys"])
    return _best_first(frame, ["finished", "epochs"])
