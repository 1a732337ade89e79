"""What happens in a sweep, and who hears of it: the queue decides, a listener only listens."""

from __future__ import annotations

from collections.abc import Callable

from rnnsweep.spec import Spec
from rnnsweep.sweep.queue import Queue
from rnnsweep.types import Row

Report = Callable[[Row], bool | None]  # takes a trial's rows; true to stop the trial after this epoch


class Listener:
    """Hears what happens in a sweep; each method does nothing, so that a kind of listener names only what it needs."""

    def on_slots(self, slots: int) -> None:
        """Hear how many trials run at a time, once, before the first; a backend of one slot does not say it."""

    def on_waiting(self, seconds: float, logs: str) -> None:
        """Hear that after so many seconds no worker has started; why may stand in the files of this folder."""

    def on_claimed(self, trials: int, who: str) -> None:
        """Hear that all that is left to train, so many trials, is being trained by another driver, and who that is."""

    def on_start(self, spec: Spec) -> None:
        """Hear that a trial begins, or begins again."""

    def on_epoch(self, spec: Spec, row: Row) -> None:
        """Hear the row of an epoch that a trial ended, after it is safe in the ledger."""

    def on_retry(self, spec: Spec) -> None:
        """Hear that a trial failed and goes on from its checkpoint."""

    def on_end(self, spec: Spec, row: Row) -> None:
        """Hear how a trial ended, by the status of its row: finished, diverged, failed or pruned."""


def pass_on(queue: Queue, listener: Listener, spec: Spec, row: Row) -> bool:
    """Pass what a trial reports on: an epoch's row, a new attempt, or the row of its end; return whether to stop it."""
    if "epoch" in row:
        listener.on_epoch(spec, row)
        return queue.report(spec, row)
    if "attempt" in row:
        listener.on_retry(spec)
        return False
    queue.tell(spec, row)
    listener.on_end(spec, row)
    return False
