"""TODO docstring of rnnsweep/sweep/events.py."""

from __future__ import annotations

from collections.abc import Callable

from rnnsweep.spec import Spec
from rnnsweep.sweep.progress import Progress
from rnnsweep.sweep.queue import Queue
from rnnsweep.types import Row

Told = Callable[[Row], bool | None]  # hears a trial's rows; true to stop the trial after this epoch


def pass_on(queue: Queue, progress: Progress, spec: Spec, row: Row) -> bool:
    """Pass what a trial reports on: an epoch's row, a new attempt, or the row of its end; return whether to stop it."""
    if "epoch" in row:
        progress.epoch(spec, row)
        return queue.epoch(spec, row)
    if "attempt" in row:
        progress.retried(spec)
        return False
    queue.ended(spec, row)
    progress.ended(spec, row)
    return False
