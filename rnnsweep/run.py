"""Running a sweep: what a queue hands out, the records in a ledger, and a row here for each way to train them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnsweep.data import Dataset
    from rnnsweep.ledger import Ledger
    from rnnsweep.sweep import Listener, Machines, Queue, Trainer

    Train = Callable[[Queue, Ledger, Dataset, Machines, Listener, Trainer | None], None]


@dataclass(frozen=True)
class Backend:
    """A way to train what a queue hands out: a function of a module, which is imported when it is chosen."""

    module: str
    function: str
    meaning: str  # the line of help of its flag

    def load(self) -> Train:
        """Import the module and return the function.

        It asks the queue for specs until there is none left, has `run_trial` train each, wherever that may be, and has
        `pass_on` say what that reports; it tells the listener of slots and starts itself.
        """
        train: Train = getattr(importlib.import_module(self.module), self.function)
        return train


# By the name that `Machines` and the flag have, the usual one first.
BACKENDS = {
    "ray": Backend("rnnsweep.cluster.backend", "run_on_ray", "on Ray, here or on the cluster at --address"),
    "in-process": Backend(
        "rnnsweep.sweep.in_process", "run_in_process", "one trial after another in this process, without Ray"
    ),
}


def run(
    queue: Queue,
    ledger: Ledger,
    dataset: Dataset,
    machines: Machines,
    listener: Listener | None = None,
    trainer: Trainer | None = None,
) -> None:
    """Train what the queue hands out and write the records; a spec that fails is recorded, not raised.

    What another driver of the ledger trains is waited for, and trained here if that driver leaves it.

    `trainer` stands in for `train.train`, with its signature. Raises `SweepError` when the cluster cannot be reached or
    has no room for one trial, `StoreError` when the ledger cannot be written, `BackendError` where Keras has none.
    """
    from rnnsweep.cluster import check_gpus
    from rnnsweep.machine.keras_backend import check_backend
    from rnnsweep.sweep import ClaimedQueue, Claims, Listener, SweepError

    if machines.backend not in BACKENDS:
        raise SweepError(f"backend is {machines.backend!r}; give one of {', '.join(BACKENDS)}")
    if trainer is None and machines.address is None:
        check_backend()
    check_gpus(machines)
    ledger.check_writable()
    heard = listener or Listener()
    with Claims(ledger) as claims:
        ledger.tidy(half_files=claims.alone)
        claimed = ClaimedQueue(queue, claims, ledger, heard)
        BACKENDS[machines.backend].load()(claimed, ledger, dataset, machines, heard, trainer)
