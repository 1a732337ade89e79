"""What the ledger knows before a search begins: networks of its space that any sweep has trained on the same data."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from rnnsweep.ledger import Ledger
from rnnsweep.search.goal import Goal
from rnnsweep.space import SearchSpace
from rnnsweep.spec import Spec
from rnnsweep.types import Row

FIRST = 5  # networks of cheaper trials that are trained first


@dataclass(frozen=True)
class Earlier:
    """A finished trial of a network that the space holds, with whatever seed, epochs and reviews it had."""

    spec: Spec
    params: dict[str, Any]  # as the axes name them
    values: list[float]  # of the objectives
    row: Row

    @property
    def fidelity(self) -> tuple[int, int | None]:
        """Epochs and reviews: values of one fidelity can be compared."""
        return self.spec.epochs, self.spec.reviews


def earlier_trials(space: SearchSpace, goal: Goal, ledger: Ledger) -> list[Earlier]:
    """Return the finished trials of the space's networks, by key; epochs, reviews and seed may be others."""
    finished = {key: row for key, row in ledger.results().items() if row["status"] == "finished"}
    found = []
    for key, spec in sorted(ledger.specs(finished).items()):
        params, values = space.params_of(spec), goal.values(finished[key])
        if params is not None and all(map(math.isfinite, values)):
            found.append(Earlier(spec, params, values, finished[key]))
    return found


def same_fidelity(space: SearchSpace, trials: Sequence[Earlier]) -> list[Earlier]:
    """Return the trials with the epochs and reviews of the search: a sampler can learn from their values."""
    return [trial for trial in trials if trial.fidelity == (space.base.epochs, space.base.reviews)]


def most_promising(trials: Sequence[Earlier], goal: Goal) -> list[dict[str, Any]]:
    """Return the choices that make the best networks by the first objective, the mean of their seeds, the best first.

    Values of one fidelity alone are compared: of that which has the most networks, of several the dearest.
    """
    of: dict[tuple[int, int | None], dict[str, list[Earlier]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        of[trial.fidelity][trial.spec.replace(seed=0).key].append(trial)
    if not of:
        return []

    def size(fidelity: tuple[int, int | None]) -> tuple[float, float]:
        epochs, reviews = fidelity
        return len(of[fidelity]), epochs * (reviews or math.inf)

    sign = -1 if goal.directions[0] == "maximize" else 1
    networks = sorted(of[max(of, key=size)].values(), key=lambda seeds: sign * fmean(s.values[0] for s in seeds))
    return [seeds[0].params for seeds in networks[:FIRST]]


def watched_values(rows: Sequence[Mapping[str, Any]], goal: Goal) -> dict[int, float]:
    """Return the watched objective by epoch, of the rows that have it."""
    name = goal.watched
    return {int(row["epoch"]): float(row[name]) for row in rows if name is not None and row.get(name) is not None}
