"""Where a sweep runs, and how much of a machine each trial takes."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

from rnnsweep import arguments
from rnnsweep.arguments import LARGEST, LEAST_SHARE
from rnnsweep.errors import UserError
from rnnsweep.machine.gpu import PER_GPU


class SweepError(UserError, RuntimeError):
    """A sweep that cannot be run as asked; the message names the culprit and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Where and how wide a sweep runs; no part of any spec, because results must not depend on it."""

    backend: str = "ray"  # of the table in `run`; `in-process`: one trial after another here, for a debugger
    address: str | None = None  # of a running Ray cluster, `auto` for one on this machine; None: a private one, here
    # Cores of a trial; two trials of one core finish sooner than one trial of two. `auto`: one, and at each epoch its
    # part of those that nothing waits for, which in process are all.
    cpus_per_trial: float | str = "auto"
    gpus_per_trial: float | str = 0.0  # share of a GPU of a trial; `auto`: what its memory needs
    max_concurrent: int | None = None  # trials at a time; None: as many as the cores and GPUs hold
    # Seconds without an epoch after which a trial hangs, 0 for never; None: by the estimate, and in process never: a
    # debugger may stop it there.
    epoch_timeout: float | None = None

    def __post_init__(self) -> None:
        """Raise `UserError` on what is no share or number of machines, before anything is started on them."""
        arguments.a(str, "backend", self.backend, "a name, such as in-process")
        if self.address is not None and not arguments.a(str, "address", self.address, "auto or HOST:PORT"):
            raise UserError("address has no name: '' is no cluster; give auto or HOST:PORT")
        cores: Any = self.cpus_per_trial
        share: Any = self.gpus_per_trial
        if not _is_auto(cores) and not _is_share(cores):
            raise arguments.refusal("cpus_per_trial", cores, f"a number of cores from {LEAST_SHARE:g}, or auto")
        none = arguments.is_number(share) and share == 0
        if not none and not _is_auto(share) and not (_is_share(share) and (share <= 1 or share == int(share))):
            remedy = f"0, a share of a GPU from {LEAST_SHARE:g} to 1, a whole number of them, or auto"
            raise arguments.refusal("gpus_per_trial", share, remedy)
        if self.max_concurrent is not None:
            arguments.whole("max_concurrent", self.max_concurrent)
        if self.epoch_timeout is not None and self.epoch_timeout != 0:
            arguments.above_0("epoch_timeout", self.epoch_timeout)

    @property
    def in_process(self) -> bool:
        """Whether trials run one after another in this process."""
        return self.backend == "in-process"

    @property
    def least_cpus(self) -> float:
        """The cores that a trial has for itself, as it starts."""
        return 1.0 if isinstance(self.cpus_per_trial, str) else self.cpus_per_trial

    def unshared(self) -> Machines:
        """Return the same, but each trial on its own cores alone, so that times of trials compare."""
        return replace(self, cpus_per_trial=self.least_cpus)

    def least(self, gpu_mb: float | None) -> dict[str, float]:
        """Return the least that a trial takes, by Ray's names, of GPUs with this memory, or of GPUs nobody has seen."""
        share = self.gpus_per_trial
        if isinstance(share, str):
            share = 1.0 if gpu_mb is None else 1 / PER_GPU
        return {"CPU": self.least_cpus} | ({"GPU": share} if share else {})


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def _is_share(value: Any) -> bool:
    return arguments.is_number(value) and LEAST_SHARE <= value <= LARGEST


def cores_here() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
