"""The learning rate of each training step, from spec and epochs so far alone, so that no checkpoint need hold it."""

from __future__ import annotations

import math
from collections.abc import Callable

from rnnsweep.spec import Spec
from rnnsweep.training.result import best_epoch
from rnnsweep.types import Row

DECAY_AFTER, DECAY = 0.8, 0.1  # share of the epochs, and factor: Johnson and Zhang 2016
RISE, FIRST, LAST = 0.3, 1 / 25, 1e-4 / 25  # share of the steps, and shares of the highest rate: PyTorch's OneCycleLR


def rates(spec: Spec, rows: list[Row], steps: int) -> list[float]:
    """Return the learning rate of each of the steps of the epoch that follows these rows; epochs have equal steps."""
    return [spec.learning_rate * _FACTORS[spec.schedule](spec, rows, step / steps) for step in range(steps)]


def _constant(spec: Spec, rows: list[Row], share: float) -> float:
    return 1.0


def _steps(spec: Spec, rows: list[Row], share: float) -> float:
    """Return a tenth after 80 % of the epochs; the first is always taken at the whole rate."""
    return DECAY if len(rows) >= max(1, int(spec.full_epochs * DECAY_AFTER)) else 1.0


def _cosine(spec: Spec, rows: list[Row], share: float) -> float:
    """Return (1 + cos(pi t)) / 2 of the share t of all steps that have been taken: Loshchilov and Hutter 2017."""
    return _between(1.0, 0.0, _taken(spec, rows, share))


def _one_cycle(spec: Spec, rows: list[Row], share: float) -> float:
    """Return a rise and a longer fall, each half a cosine: Smith and Topin 2019, as PyTorch's OneCycleLR has it."""
    taken = _taken(spec, rows, share)
    return _between(FIRST, 1.0, taken / RISE) if taken < RISE else _between(1.0, LAST, (taken - RISE) / (1 - RISE))


def _plateau(spec: Spec, rows: list[Row], share: float) -> float:
    """Return half as much after each epoch that is not the best so far, by what the spec selects by."""
    return 0.5 ** sum(best_epoch(rows[:epoch], spec.select) < epoch for epoch in range(1, len(rows) + 1))


def _taken(spec: Spec, rows: list[Row], share: float) -> float:
    return (len(rows) + share) / spec.full_epochs


def _between(first: float, last: float, share: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


_FACTORS: dict[str, Callable[[Spec, list[Row], float], float]] = {
    "constant": _constant,
    "steps": _steps,
    "cosine": _cosine,
    "one_cycle": _one_cycle,
    "plateau": _plateau,
}
