"""TODO docstring of rnnsweep/sweep/queue.py."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from rnnsweep.ledger import Ledger
from rnnsweep.spec import Spec


class Queue(Protocol):
    """What a run trains, decided while it runs; only the driver calls it.

    One that knows how many specs it will hand out at most says so by `__length_hint__`.
    """

    def take(self) -> Spec | None:
        """Return the next spec to train, or None when there is none left."""

    def epoch(self, spec: Spec, row: Mapping[str, Any]) -> bool:
        """Hear an epoch's row; return whether to stop the trial here."""

    def ended(self, spec: Spec, row: Mapping[str, Any]) -> None:
        """Hear how a trial ended, by the status of its row: finished, diverged, failed or pruned."""


class SpecList:
    """A queue of specs known from the start, each trained to its end."""

    def __init__(self, specs: Iterable[Spec]) -> None:
        """Hand the specs out in this order."""
        self._specs = iter(list(specs))

    def __length_hint__(self) -> int:
        """Return how many are left."""
        return operator.length_hint(self._specs)

    def take(self) -> Spec | None:
        """Return the next spec."""
        return next(self._specs, None)

    def epoch(self, spec: Spec, row: Mapping[str, Any]) -> bool:
        """Never stop a trial."""
        return False

    def ended(self, spec: Spec, row: Mapping[str, Any]) -> None:
        """Nothing follows from how a trial ended."""


def missing(specs: Iterable[Spec], ledger: Ledger) -> list[Spec]:
    """Return the specs, each once, that the ledger has no result of."""
    done = ledger.results()
    return list({spec.key: spec for spec in specs if spec.key not in done}.values())
