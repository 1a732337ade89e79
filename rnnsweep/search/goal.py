"""What a search looks for: its objectives, which of them are to be small, and its limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rnnsweep.errors import UserError

Direction = Literal["maximize", "minimize"]  # as Optuna has it
# Not all data has each of them; a trial whose objective this is selects its epochs by it.
MEASURES = ("val_micro_f1", "val_macro_f1", "val_balanced_accuracy", "val_auroc", "val_average_precision")
# Columns of a result, each with its direction.
OBJECTIVES: dict[str, Direction] = {
    "val_accuracy": "maximize",
    "val_loss": "minimize",
    **dict.fromkeys(MEASURES, "maximize"),
    "params": "minimize",
    "seconds": "minimize",
}
SMALLER = tuple(name for name, direction in OBJECTIVES.items() if direction == "minimize")
"""The objectives that are to be small."""
WATCHED = ("val_accuracy", "val_loss", *MEASURES)  # objectives that each epoch's row may have a value of


class SearchError(UserError, RuntimeError):
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
    def directions(self) -> list[Direction]:
        """Whether each objective is to be large or small: maximize or minimize."""
        return [OBJECTIVES[name] for name in self.objectives]

    @property
    def watched(self) -> str | None:
        """The objective by whose value after each epoch a trial may be pruned, or None.

        There is none where the objectives are several, or no accuracy or loss.
        """
        first, *others = self.objectives
        return first if first in WATCHED and not others else None

    def values(self, row: Mapping[str, Any]) -> list[float]:
        """Return the objectives' values of a finished trial's row, nan for one that it has not."""
        return [math.nan if row.get(name) is None else float(row[name]) for name in self.objectives]

    @property
    def timed(self) -> bool:
        """Whether it asks how long a trial took, which cores that come and go would change."""
        return "seconds" in self.objectives or self.max_seconds is not None

    def constraints(self, params: int, seconds: float) -> dict[str, float]:
        """Return by how much each limit is passed; a trial is feasible where none is above 0."""
        limits = {"params": (params, self.max_params), "seconds": (seconds, self.max_seconds)}
        return {name: float(value - limit) for name, (value, limit) in limits.items() if limit is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return the goal as the ledger and the study hold it."""
        return {"objectives": list(self.objectives), "max_params": self.max_params, "max_seconds": self.max_seconds}
