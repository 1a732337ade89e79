"""Training what a queue hands out: one trial and its record, what is said of it, and what it should cost."""

from rnnsweep.sweep.claimed import ClaimedQueue
from rnnsweep.sweep.claims import Claims
from rnnsweep.sweep.estimate import (
    KERAS_TIMES,
    Estimate,
    check_objectives,
    core_seconds,
    correction,
    estimate,
    longest_first,
    refusal,
    wall_seconds,
)
from rnnsweep.sweep.events import Listener, Report, pass_on
from rnnsweep.sweep.in_process import run_in_process
from rnnsweep.sweep.machines import Machines, SweepError, cores_here
from rnnsweep.sweep.plan import Plan, cores_to_share, known_estimates, plan, slots_here
from rnnsweep.sweep.progress import Progress, duration
from rnnsweep.sweep.queue import Queue, SpecList, Wait, missing
from rnnsweep.sweep.trial import ATTEMPTS, PRUNED, Trainer, epoch_limit, run_trial

__all__ = [
    "ATTEMPTS",
    "KERAS_TIMES",
    "PRUNED",
    "ClaimedQueue",
    "Claims",
    "Estimate",
    "Listener",
    "Machines",
    "Plan",
    "Progress",
    "Queue",
    "Report",
    "SpecList",
    "SweepError",
    "Trainer",
    "Wait",
    "check_objectives",
    "core_seconds",
    "cores_here",
    "cores_to_share",
    "correction",
    "duration",
    "epoch_limit",
    "estimate",
    "known_estimates",
    "longest_first",
    "missing",
    "pass_on",
    "plan",
    "refusal",
    "run_in_process",
    "run_trial",
    "slots_here",
    "wall_seconds",
]
