"""Successive halving that promotes: a paused trial goes on once it is among the best at its rung (Li and others 2020).

A trial is stopped at a rung by Optuna's pruner, which never comes back to it. Here it is paused, and each time a trial
can be begun, one that now belongs to the best third of the arrivals at its rung goes on from its checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

FACTOR = 3  # one of so many goes on
RUNGS = 2  # of a long training: at a ninth and at a third of its epochs


class Paused(Protocol):
    """What is to be known of a trial: its watched value after each epoch so far, and whether it is paused."""

    watched: dict[int, float]
    paused: bool


T = TypeVar("T", bound=Paused)


def first_rung(epochs: int) -> int:
    """Return the epoch of the first rung."""
    return int(max(1, epochs // FACTOR**RUNGS))


def is_rung(epoch: int, epochs: int) -> bool:
    """Return whether trials of so many epochs are compared after this one: behind a third of them, it saves little."""
    return epoch in rungs(epochs)


def rungs(epochs: int) -> list[int]:
    """Return the epochs after which trials of so many epochs are compared, the first one first."""
    found = [first_rung(epochs)]
    while found[-1] * FACTOR**2 <= epochs:
        found.append(found[-1] * FACTOR)
    return [rung for rung in found if rung * FACTOR <= epochs]


def promoted(trials: Iterable[T], epochs: int, maximize: bool) -> T | None:
    """Return a paused trial among the best third of those that have reached its rung, the highest rung first."""
    known = list(trials)
    for rung in reversed(rungs(epochs)):
        arrived = [trial for trial in known if rung in trial.watched]
        arrived.sort(key=lambda trial: trial.watched[rung], reverse=maximize)
        for trial in arrived[: len(arrived) // FACTOR]:
            if trial.paused and max(trial.watched) == rung:
                return trial
    return None
