"""TODO rnnsweep.sweep."""

from rnnsweep.sweep.estimate import Estimate, correction, estimate, longest_first
from rnnsweep.sweep.events import pass_on
from rnnsweep.sweep.in_process import run_in_process
from rnnsweep.sweep.machines import Machines, SweepError, cores_here
from rnnsweep.sweep.progress import Progress, duration
from rnnsweep.sweep.queue import Queue, SpecList, missing
from rnnsweep.sweep.trial import ATTEMPTS, PRUNED, Trainer, record_failure, run_trial

__all__ = [
    "ATTEMPTS",
    "PRUNED",
    "Estimate",
    "Machines",
    "Progress",
    "Queue",
    "SpecList",
    "SweepError",
    "Trainer",
    "cores_here",
    "correction",
    "duration",
    "estimate",
    "longest_first",
    "missing",
    "pass_on",
    "record_failure",
    "run_in_process",
    "run_trial",
]
