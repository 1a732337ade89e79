"""What a sweep trains: a queue that is asked for one spec after another, and told what becomes of each."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Protocol

from rnnsweep.ledger import Ledger
from rnnsweep.spec import Spec
from rnnsweep.types import Row


class Wait:
    """What a queue answers that has nothing to train now, and may have something later."""


class Queue(Protocol):
    """What a run trains, decided while it runs; only the driver calls it.

    One that knows how many specs it will hand out at most says so by `__length_hint__`.
    """

    def ask(self) -> Spec | Wait | None:
        """Return the next spec to train, `Wait` when it has to be asked again later, None when there is none left."""

    def report(self, spec: Spec, row: Row) -> bool:
        """Hear an epoch's row; return whether to stop the trial here."""

    def tell(self, spec: Spec, row: Row) -> None:
        """Hear how a trial ended, by the status of its row: finished, diverged, failed or pruned."""


class SpecList:
    """A queue of specs known from the start, each trained to its end."""

    def __init__(self, specs: Iterable[Spec]) -> None:
        """Hand the specs out in this order."""
        self._specs = iter(list(specs))

    def __length_hint__(self) -> int:
        """Return how many are left."""
        return operator.length_hint(self._specs)

    def ask(self) -> Spec | None:
        """Return the next spec."""
        return next(self._specs, None)

    def report(self, spec: Spec, row: Row) -> bool:
        """Never stop a trial."""
        return False

    def tell(self, spec: Spec, row: Row) -> None:
        """Nothing follows from how a trial ended."""


def missing(specs: Iterable[Spec], ledger: Ledger) -> list[Spec]:
    """Return the specs, each once, that the ledger has no result of."""
    done = ledger.results()
    return list({spec.key: spec for spec in specs if spec.key not in done}.values())
