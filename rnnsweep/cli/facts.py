"""What `--json` says of data, plan and summary (docs/json.md); numbers that are none become null."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnnsweep.data import Dataset
from rnnsweep.spec import Spec
from rnnsweep.sweep import Plan, wall_seconds
from rnnsweep.types import Row

if TYPE_CHECKING:
    from rnnsweep.search.search import Search

OF_TRIAL = ("status", "best_epoch", "val_accuracy", "test_accuracy", "params", "seconds")


def of_data(dataset: Dataset) -> Row:
    """Return which texts are trained on: name, checksum, how many in each set, classes, whether they are real."""
    return {
        "name": dataset.name,
        "sha256": dataset.sha256,
        "train": len(dataset.train),
        "validation": None if dataset.validation is None else len(dataset.validation),
        "test": len(dataset.test),
        "classes": list(dataset.classes),
        "real": dataset.real,
    }


def of_plan(plan: Plan, slots: int | None) -> Row:
    """Return what a sweep would train: counts, the keys, wall seconds on so many slots, MB of the largest trial."""
    used = min(slots or 1, max(len(plan.to_run), 1))
    return {
        "trials": len(plan.specs),
        "done": plan.done,
        "to_train": len(plan.to_run),
        "keys": [spec.key for spec in plan.to_run],
        "slots": slots,
        "seconds": wall_seconds(plan.seconds.values(), used, plan.cores),
        "memory_mb": max((plan.estimates[spec.key].memory_mb for spec in plan.to_run), default=0.0),
    }


def of_search(
    study: Search, ended: int, left: int, seconds: float, slots: int | None, cores: int | None, memory_mb: float
) -> Row:
    """Return what a search would train, each trial so many seconds of one core, and MB of its largest."""
    return {
        "study": study.name,
        "trials": ended + left,
        "done": ended,
        "to_train": left,
        "slots": slots,
        "seconds": wall_seconds([seconds] * left, min(slots or 1, max(left, 1)), cores),
        "memory_mb": memory_mb,
    }


def of_trials(rows: Mapping[str, Row], failed: Mapping[str, str]) -> Row:
    """Return how a sweep ended: how many finished, why others failed by key, and a few numbers of each trial by key."""
    return {
        "finished": sum(row["status"] == "finished" for row in rows.values()),
        "failed": dict(failed),
        "trials": {key: {name: row.get(name) for name in OF_TRIAL} for key, row in rows.items()},
    }


def of_winner(spec: Spec, mean: float, low: float, high: float, over: str) -> Row:
    """Return a search's winner: its key, its test accuracy with the 95 % interval, and over what that is."""
    return {"key": spec.key, "test_accuracy": mean, "low": low, "high": high, "interval": over}


def without_nan(value: Any) -> Any:
    """Return a value of which each number that is not finite, which JSON does not know, is None."""
    if isinstance(value, Mapping):
        return {str(name): without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(each) for each in value]
    if hasattr(value, "item"):  # NumPy's
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
