"""A ledger's trials as trackers know them: a run each, with its hyperparameters, its epochs and what came out."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rnnsweep.errors import UserError
from rnnsweep.spec import HINTS

if TYPE_CHECKING:
    import pandas as pd

    from rnnsweep.ledger import LedgerFrames

# Columns of the epochs, and what a tracker's charts call them: of one part before the stroke is one group of charts.
OF_EPOCH = {
    "accuracy": "accuracy/train",
    "val_accuracy": "accuracy/validation",
    "loss": "loss/train",
    "val_loss": "loss/validation",
    "seconds": "seconds/epoch",
}
# Columns of the trials, each a metric by which runs are compared.
OF_RESULT = {
    "val_accuracy": "result/val_accuracy",
    "test_accuracy": "result/test_accuracy",
    "params": "result/params",
    "seconds": "result/seconds",
    "best_epoch": "result/best_epoch",
}
ENDED = ("finished", "diverged", "failed", "pruned")
Value = bool | float | str


class TrackerError(UserError, RuntimeError):
    """A tracker that cannot be written to; the message names it, and the remedy."""


@dataclass(frozen=True)
class Run:
    """A trial: all that is written of it, numbers that are not finite left out."""

    key: str
    name: str
    status: str  # as in the ledger
    fields: dict[str, Value]  # of its spec, by name: numbers, switches and words
    epochs: list[dict[str, float]]  # of each `epoch`, by OF_EPOCH's names, and the `at` seconds after its start
    results: dict[str, float]  # by OF_RESULT's names

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.status in ENDED


def runs_of(contents: LedgerFrames) -> Iterator[Run]:
    """Yield a run for each trial of a ledger, by key; those whose spec cannot be read have none."""
    epochs: dict[Any, pd.DataFrame] = dict(iter(contents.epochs.groupby("key")))
    for row in contents.trials.sort_values("key").to_dict("records"):
        key = str(row["key"])
        spec = contents.specs[key]
        fields = asdict(spec) | {"units": "-".join(map(str, spec.units)), "depth": spec.depth}
        yield Run(
            key=key,
            name=f"{spec.label()} · seed {spec.seed} · {key}",
            status=str(row["status"]),
            fields={name: _value(value) for name, value in fields.items()},
            epochs=list(_epochs(epochs[key].to_dict("records"))) if key in epochs else [],
            results={name: float(row[column]) for column, name in OF_RESULT.items() if _is_number(row[column])},
        )


def varied(runs: list[Run]) -> list[str]:
    """Return the fields in which these runs differ, in a spec's order; where there are none, the cell."""
    names = [name for name in (*HINTS, "depth") if len({run.fields[name] for run in runs}) > 1]
    return names or ["cell"]


def _epochs(rows: list[dict[Hashable, Any]]) -> Iterator[dict[str, float]]:
    at = 0.0
    for row in rows:
        at += row["seconds"] if _is_number(row["seconds"]) else 0.0
        numbers = {name: float(row[column]) for column, name in OF_EPOCH.items() if _is_number(row[column])}
        yield {"epoch": row["epoch"], "at": at} | numbers


def _value(value: object) -> Value:
    if isinstance(value, bool | str):
        return value
    return float(value) if isinstance(value, int | float) else "all" if value is None else str(value)


def _is_number(value: object) -> bool:
    try:
        return math.isfinite(value)  # type: ignore[arg-type]
    except TypeError:  # pandas's missing value
        return False
