"""A queue of what no other driver of the ledger trains; what one does is waited for, in case it is left."""

from __future__ import annotations

import operator
import time
from typing import TYPE_CHECKING

from rnnsweep.ledger import Ledger
from rnnsweep.spec import Spec
from rnnsweep.sweep.events import Listener, pass_on
from rnnsweep.sweep.queue import Queue, Wait
from rnnsweep.types import Row

if TYPE_CHECKING:
    from rnnsweep.sweep.claims import Claims

LOOK_SECONDS = 1.0  # from one look at what others have taken to the next


class ClaimedQueue:
    """Hands out what another queue does, each spec once its key is taken."""

    def __init__(self, queue: Queue, claims: Claims, ledger: Ledger, listener: Listener) -> None:
        """Take the keys of this queue's specs by these claims, and say to the listener what others end or keep."""
        self._queue, self._claims, self._ledger, self._listener = queue, claims, ledger, listener
        self._waiting: dict[str, Spec] = {}  # taken by others
        self._next_look = 0.0
        self._said = False

    def __length_hint__(self) -> int:
        """Return how many are left at most, if the queue knows."""
        return operator.length_hint(self._queue) + len(self._waiting)

    def ask(self) -> Spec | Wait | None:
        """Return the next spec that nobody else trains, `Wait` while others train all that is left, else None."""
        while (spec := self._queue.ask()) is not None:
            if isinstance(spec, Wait) or self._claims.take(spec.key) is None:
                return spec
            self._waiting[spec.key] = spec
        if self._waiting and time.monotonic() >= self._next_look:
            freed = self._look()
            if freed is not None:
                return freed
        return Wait() if self._waiting else None

    def _look(self) -> Spec | None:
        """Hear what others have ended, and return a spec that is left, if there is one."""
        self._next_look = time.monotonic() + LOOK_SECONDS
        taken = self._claims.taken()
        for key in [key for key in self._waiting if key not in taken]:
            row = self._ledger.record(key).result()
            if row is None and self._claims.take(key) is not None:
                continue
            spec = self._waiting.pop(key)
            if row is None:
                return spec
            pass_on(self._queue, self._listener, spec, row)
        if self._waiting and not self._said:
            self._said = True
            names = sorted({str(taken[key]) for key in self._waiting if key in taken})
            self._listener.on_claimed(len(self._waiting), ", ".join(names) or "another driver")
        return None

    def report(self, spec: Spec, row: Row) -> bool:
        """Return whether the queue, or the loss of the key to another driver, stops the trial here."""
        return not self._claims.keeps(spec.key) or self._queue.report(spec, row)

    def tell(self, spec: Spec, row: Row) -> None:
        """Tell the queue how a trial ended, and give its key back; one that is lost is another driver's to end."""
        if not self._claims.keeps(spec.key) and row["status"] == "pruned":
            self._waiting[spec.key] = spec
            return
        self._claims.give_back(spec.key)
        self._queue.tell(spec, row)
