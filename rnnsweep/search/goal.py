"""TODO docstring of rnnsweep/search/goal.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.study import StudyDirection

OBJECTIVES = {
    "val_accuracy": StudyDirection.MAXIMIZE,
    "val_loss": StudyDirection.MINIMIZE,
    "params": StudyDirection.MINIMIZE,
    "seconds": StudyDirection.MINIMIZE,
}
WATCHED = ("val_accuracy", "val_loss")  # objectives that each epoch's row has a value of


class SearchError(RuntimeError):
    """A search that cannot be run as asked; the message names the culprit and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a search looks for, the same for the whole of a study; raises `SearchError` on an unknown objective."""

    objectives: tuple[str, ...] = ("val_accuracy",)  # columns of a result, each with its direction in OBJECTIVES
    max_params: int | None = None  # weights of the network; a larger one is never trained
    max_seconds: float | None = None  # of training; a slower trial is stopped there, and never the best

    def __post_init__(self) -> None:
        if set(self.objectives) - set(OBJECTIVES) or len(set(self.objectives)) != len(self.objectives):
            given = ", ".join(self.objectives)
            raise SearchError(f"objectives are {given}; give some of {', '.join(OBJECTIVES)}, each once")

    @property
    def directions(self) -> list[StudyDirection]:
        """Whether each objective is to be large or small."""
        return [OBJECTIVES[name] for name in self.objectives]

    def values(self, row: Mapping[str, Any]) -> list[float]:
        """Return the objectives' values of a finished trial's row."""
        return [float(row[name]) for name in self.objectives]

    def constraints(self, params: int, seconds: float) -> dict[str, float]:
        """Return by how much each limit is passed; a trial is feasible where none is above 0."""
        limits = {"params": (params, self.max_params), "seconds": (seconds, self.max_seconds)}
        return {name: float(value - limit) for name, (value, limit) in limits.items() if limit is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return the goal as the ledger and the study hold it."""
        return {"objectives": list(self.objectives), "max_params": self.max_params, "max_seconds": self.max_seconds}
