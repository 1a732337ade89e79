"""TODO docstring of rnnsweep/run.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnsweep.cluster import run_on_ray
from rnnsweep.ledger import Ledger
from rnnsweep.sweep import Machines, Progress, Queue, Trainer, run_in_process

if TYPE_CHECKING:
    from rnnsweep.data import Dataset


def run(
    queue: Queue,
    ledger: Ledger,
    dataset: Dataset,
    machines: Machines,
    progress: Progress,
    trainer: Trainer | None = None,
) -> None:
    """Train what the queue hands out and write the records; a spec that fails is recorded, not raised.

    `trainer` stands in for `train.train`, with its signature. Raises `SweepError` when the cluster cannot be reached or
    has no room for one trial.
    """
    ledger.check_writable()
    (run_in_process if machines.in_process else run_on_ray)(queue, ledger, dataset, machines, progress, trainer)
