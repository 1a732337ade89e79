"""What training says: after each epoch to who watches it, and at its end; and the rule that selects the best epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnnsweep.spec import Spec
from rnnsweep.types import Arrays, Row


@dataclass(frozen=True)
class Epoch:
    """What `on_epoch` is told: the rows of all epochs so far, and how to get the arrays that training goes on from."""

    rows: list[Row]
    state: Callable[[], Arrays]


@dataclass(frozen=True)
class Result:
    """A trained spec: its flat row, both sets of weights as Keras `.weights.h5` bytes, the test set's predictions."""

    row: Row
    best_weights: bytes
    last_weights: bytes
    predictions: Arrays


def best_epoch(rows: list[Row], select: str = "val_accuracy") -> int:
    """Return the number of the epoch that is best by this column of its row, the first of equals: the selection rule.

    The least loss is best, the largest of anything else; a value that is not finite never is, where another is. Where
    nothing was held out to choose by, it is the last epoch.
    """
    if rows and not any(name.startswith("val_") for name in rows[-1]):
        return len(rows)
    sign = -1 if select.endswith("loss") else 1
    return 1 + int(np.argmax([sign * row[select] if math.isfinite(row[select]) else -math.inf for row in rows]))


def ended(spec: Spec, rows: list[Row]) -> bool:
    """Return whether no epoch is to follow these: all were run, or as many as `patience` were no better."""
    waited = spec.patience and len(rows) - best_epoch(rows, spec.select) >= spec.patience if rows else False
    return bool(waited) or len(rows) >= spec.epochs


def accuracy_columns(rows: list[Row], select: str = "val_accuracy") -> Row:
    """Return the columns of a result that repeat its epochs: the best one's number, its losses, and the last one's."""
    if not rows:
        return {}
    best = best_epoch(rows, select)
    found = {"best_epoch": best}
    for prefix, row in (("", rows[best - 1]), ("last_", rows[-1])):
        found |= {f"{prefix}train_loss": row["loss"], f"{prefix}train_accuracy": row["accuracy"]}
        found |= {f"{prefix}{name}": row[name] for name in ("val_loss", "val_accuracy") if name in row}
    return found
