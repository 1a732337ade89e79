"""All that records hold as data frames: a row per trial, per epoch and per suggestion of a search."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rnnsweep.ledger.baselines import baselines_frame
from rnnsweep.redact import printable
from rnnsweep.space import system_of
from rnnsweep.spec import Spec
from rnnsweep.types import Row

# The contract's columns first, in its order; the rest of the spec and of the result behind them.
# fmt: off
CONTRACT = [
    "key", "system", "dataset", "cell", "depth", "units", "embedding_dim", "num_words", "max_len", "batch_size",
    "epochs", "seed", "params", "status", "best_epoch", "train_accuracy", "val_accuracy", "test_accuracy",
    "last_train_accuracy", "last_val_accuracy", "last_test_accuracy", "seconds",
]
# fmt: on
LOSSES = ["train_loss", "val_loss", "test_loss", "last_train_loss", "last_val_loss", "last_test_loss"]
MEASURED = ["cpu_seconds", "peak_memory_mb", "peak_gpu_memory_mb"]
# Columns of the report's tables that follow from how fast and how busy a machine was. All others are the same bytes
# however the same sweep ran: in process or on nodes, with more or fewer cores, broken off or not.
TIMED = (
    "seconds",
    *MEASURED,
    "suggest_seconds",
    "line_seconds",
    "refit_seconds",
    "front_seconds",
)
WORDS = ["path", "device", "classes", "revision", "error"]
MEASURES = [
    f"{part}_{name}"
    for name in ("macro_f1", "balanced_accuracy", "auroc", "average_precision", "micro_f1")
    for part in ("val", "test")
]
COPIES = ["test_shared", "test_accuracy_distinct"]  # test reviews that are copies of training reviews; without them
SUGGESTION_COLUMNS = ["study", "number", "key", "state", "known", "suggest_seconds"]
EPOCH_COLUMNS = ["key", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"]


@dataclass(frozen=True)
class LedgerFrames:
    """All that a ledger holds: a row per trial, a row per epoch, layers and spec by key, and a warning per bad file.

    And of searches: a row per suggestion, its `state` running, paused, finished, pruned or failed, and what each looked
    for, by its name. And a row per linear line, with `BASELINE_COLUMNS`, in `refits` per line that was trained again on
    all texts, and the planned number of seeds by cell.
    """

    trials: pd.DataFrame
    epochs: pd.DataFrame
    layers: dict[str, list[Row]]
    warnings: list[str]
    suggestions: pd.DataFrame
    studies: dict[str, Row]
    specs: dict[str, Spec]
    baselines: pd.DataFrame = dataclasses.field(default_factory=lambda: baselines_frame([]))
    planned: dict[str, int] = dataclasses.field(default_factory=dict)
    sources: dict[str, list[str]] = dataclasses.field(default_factory=dict)  # words that name the data, by checksum
    refits: pd.DataFrame = dataclasses.field(default_factory=lambda: baselines_frame([]))


def trial_row(
    key: str, spec: Spec, result: Mapping[str, Any], error: str, searches: Mapping[str, Mapping[str, Any]]
) -> Row:
    """Return all that a record says of its trial, by column; `searches` is what each search said of it."""
    fields = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)} | {
        "units": "-".join(map(str, spec.units)),
        "vocab_size": spec.embedding_rows,
        "validation": str(spec.validation),
    }
    pruned = any(record.get("state") == "pruned" for record in searches.values())
    status = result.get("status") or ("failed" if error else "pruned" if pruned else "unfinished")
    row = {"key": key, "system": system_of(spec), "depth": spec.depth} | dict(result) | fields | {"status": status}
    shown = {name: printable(value) if isinstance(value, str) else value for name, value in row.items()}
    return shown | {"error": "\n".join(map(printable, error.split("\n")))}


def trials_frame(rows: list[Row]) -> pd.DataFrame:
    """Return a row per trial, the contract's columns first; a number that is missing is NaN, a word is empty.

    `class_names` is a JSON list, `multilabel` whether a text may have several of them. What older records do not have
    comes last.
    """
    spec_columns = [field.name for field in dataclasses.fields(Spec) if field.name not in CONTRACT]
    columns = [*CONTRACT, *spec_columns, *LOSSES, *MEASURED, *WORDS, "real_data", "blas", *MEASURES, "class_names"]
    columns += [*COPIES, "multilabel", "processor", "versions"]
    frame = pd.DataFrame(rows).reindex(columns=columns)
    frame["multilabel"] = frame["multilabel"].eq(True)  # of records of one label a text, nothing
    of_results = [name for name in columns if name not in spec_columns]
    measured = [name for name in of_results if name.endswith(("accuracy", "loss"))] + [
        "seconds",
        *MEASURED,
        *MEASURES,
        *COPIES,
    ]
    for name in dict.fromkeys(measured):
        frame[name] = pd.to_numeric(frame[name])
    for name in ("params", "best_epoch", "reviews", "test_shared"):
        frame[name] = pd.to_numeric(frame[name]).astype("Int64")
    for name in (*WORDS, "blas", "processor"):  # a record of an older version has no BLAS and no processor
        frame[name] = frame[name].astype(object).where(frame[name].notna(), "").astype(str)
    frame["class_names"] = [
        json.dumps(names, ensure_ascii=False) if isinstance(names, list) else "" for names in frame["class_names"]
    ]
    frame["versions"] = [
        ", ".join(f"{name} {number}" for name, number in sorted(found.items())) if isinstance(found, dict) else ""
        for found in frame["versions"]
    ]
    return frame


def suggestion_row(study: str, key: str, record: Mapping[str, Any], result: Mapping[str, Any]) -> Row:
    """Return what a search wrote of a suggestion, by column, its state that of the trial's result once there is one."""
    ended = record["state"] not in ("running", "paused")  # only what ended without a result is written again
    return {
        "study": study,
        "key": key,
        **record,
        "state": record["state"] if ended else result.get("status", record["state"]),
    }


def suggestions_frame(rows: list[Row]) -> pd.DataFrame:
    """Return a row per suggestion, by study and number."""
    frame = pd.DataFrame(rows).reindex(columns=SUGGESTION_COLUMNS)
    frame = frame.astype({"number": "int64", "known": "bool", "suggest_seconds": "float64"})
    return frame.sort_values(["study", "number"], ignore_index=True)


def epochs_frame(rows: list[Row]) -> pd.DataFrame:
    """Return a row per epoch, by key and number."""
    frame = pd.DataFrame(rows).reindex(columns=EPOCH_COLUMNS)
    for name in EPOCH_COLUMNS[1:]:
        frame[name] = pd.to_numeric(frame[name])
    return frame.astype({"epoch": "int64"}).sort_values(["key", "epoch"], ignore_index=True)
