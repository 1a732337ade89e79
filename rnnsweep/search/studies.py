"""TODO docstring of rnnsweep/search/studies.py."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.trial import FrozenTrial, Trial, TrialState

from rnnsweep.files import cache_folder
from rnnsweep.ledger import STUDIES, Ledger
from rnnsweep.spec import Spec

STATES = {
    "finished": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "diverged": TrialState.FAIL,
}


@dataclass
class Known:
    """A trial of the study."""

    spec: Spec
    number: int
    params: dict[str, Any]  # as the axes name them
    trials: list[Trial]  # of the sampler's study, and of the record where it has not ended there
    answered: bool = False  # by the ledger: another sweep had trained it
    suggest_seconds: float = 0.0  # that its suggestion took
    epochs: set[int] = field(default_factory=set)  # that the sampler's study has the values of
    recorded: frozenset[int] = frozenset()  # that the record had when it was opened
    seconds: float = 0.0  # of these epochs
    feasible: bool = False
    values: list[float] | None = None  # of a finished one


def ended_as(
    recorded: FrozenTrial | None, said: Mapping[str, Any] | None, result: Mapping[str, Any] | None
) -> TrialState | None:
    """Return how a trial ended, or None where it goes on: by the record, else by the ledger."""
    if recorded is not None and recorded.state.is_finished():
        return recorded.state
    if said is not None and said["state"] in STATES:
        return STATES[str(said["state"])]
    return STATES[str(result["status"])] if result is not None else None


def epochs_of(recorded: FrozenTrial | None) -> list[Mapping[str, Any]]:
    """Return the epochs that the record has values of, where the ledger has none."""
    if recorded is None:
        return []
    values = recorded.intermediate_values.items()
    return [{"epoch": epoch, "val_accuracy": value, "val_loss": value, "seconds": 0.0} for epoch, value in values]


def first_value(known: Known) -> float:
    assert known.values is not None
    return known.values[0]


def words(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def default_url(ledger: Ledger) -> str:
    """Return the address of an SQLite file beside the ledger, or, for one in a bucket, on this machine."""
    folder = ledger.studies_folder()
    if folder is None:
        folder = cache_folder() / STUDIES / f"{zlib.crc32(ledger.uri.encode()):08x}"
    return f"sqlite:///{folder / 'optuna.db'}"
