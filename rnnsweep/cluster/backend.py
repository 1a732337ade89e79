"""The backend of a Ray cluster, or of a private one on this machine."""

from __future__ import annotations

import operator
import sys
from typing import TYPE_CHECKING

from rnnsweep.cluster.connect import connected
from rnnsweep.cluster.survey import preflight
from rnnsweep.ledger import Ledger
from rnnsweep.sweep import Listener, Machines, Queue, Trainer

if TYPE_CHECKING:
    from rnnsweep.data import Dataset


def run_on_ray(
    queue: Queue,
    ledger: Ledger,
    dataset: Dataset,
    machines: Machines,
    listener: Listener,
    trainer: Trainer | None,
) -> None:
    """Train what the queue hands out on Ray; raises `SweepError` where no cluster lets this driver in or has room."""
    trials = operator.length_hint(queue) or sys.maxsize  # a search within a budget does not know
    with connected(machines, dataset, 0 if trainer else trials):
        nodes = [] if machines.address is None else preflight(ledger, dataset)
        from rnnsweep.cluster.ray_tune import tune_queue  # imports Ray, which must not happen before

        tune_queue(queue, ledger, dataset, machines, nodes, listener, trainer)
