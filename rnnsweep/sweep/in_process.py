"""The backend of one trial after another in this process, for a debugger and a single trial."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING

from rnnsweep.ledger import Ledger
from rnnsweep.sweep.events import Listener, pass_on
from rnnsweep.sweep.machines import Machines, cores_here
from rnnsweep.sweep.queue import Queue, Wait
from rnnsweep.sweep.trial import Trainer, run_trial

if TYPE_CHECKING:
    from rnnsweep.data import Dataset

WAIT_SECONDS = 0.5  # from one question to the next, where a queue says to wait


def run_in_process(
    queue: Queue,
    ledger: Ledger,
    dataset: Dataset,
    machines: Machines,
    listener: Listener,
    trainer: Trainer | None,
) -> None:
    """Train what the queue hands out, one trial at a time, on the cores of one trial: by itself on all."""
    cores = cores_here if isinstance(machines.cpus_per_trial, str) else machines.cpus_per_trial
    while (spec := queue.ask()) is not None:
        if isinstance(spec, Wait):
            time.sleep(WAIT_SECONDS)
            continue
        listener.on_start(spec)
        report = functools.partial(pass_on, queue, listener, spec)
        limit = machines.epoch_timeout or None
        report(run_trial(spec, dataset, ledger, cores, report, trainer, epoch_seconds=limit))
