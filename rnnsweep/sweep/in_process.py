"""TODO docstring of rnnsweep/sweep/in_process.py."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from rnnsweep.ledger import Ledger
from rnnsweep.sweep.events import pass_on
from rnnsweep.sweep.machines import Machines
from rnnsweep.sweep.progress import Progress
from rnnsweep.sweep.queue import Queue
from rnnsweep.sweep.trial import Trainer, run_trial

if TYPE_CHECKING:
    from rnnsweep.data import Dataset


def run_in_process(
    queue: Queue,
    ledger: Ledger,
    dataset: Dataset,
    machines: Machines,
    progress: Progress,
    trainer: Trainer | None,
) -> None:
    while (spec := queue.take()) is not None:
        progress.started(spec)
        hear = functools.partial(pass_on, queue, progress, spec)
        hear(run_trial(spec, dataset, ledger, machines.cpus_per_trial, hear, trainer))
