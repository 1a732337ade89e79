"""Training what a queue hands out: one trial and its record, what is said of it, and what it should cost."""

from rnnsweep.sweep.estimate import Estimate, correction, estimate, longest_first, refusal
from rnnsweep.sweep.events import Listener, Report, pass_on
from rnnsweep.sweep.in_process import run_in_process
from rnnsweep.sweep.machines import Machines, SweepError, cores_here
from rnnsweep.sweep.progress import Progress, duration
from rnnsweep.sweep.queue import Queue, SpecList, missing
from rnnsweep.sweep.trial import ATTEMPTS, PRUNED, Trainer, run_trial

__all__ = [
    "ATTEMPTS",
    "PRUNED",
    "Estimate",
    "Listener",
    "Machines",
    "Progress",
    "Queue",
    "Report",
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
    "refusal",
    "run_in_process",
    "run_trial",
]
