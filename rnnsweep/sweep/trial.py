"""One trial, wherever it runs: trained from its checkpoint, recorded as it goes, tried again where it fails."""

from __future__ import annotations

import contextlib
import errno
import functools
import math
import sys
import traceback
from collections.abc import Callable
from typing import Any

from rnnsweep.data import Dataset
from rnnsweep.errors import UserError, plain
from rnnsweep.ledger import Ledger, Record, StoreError
from rnnsweep.machine.memory import memory_here_mb
from rnnsweep.spec import Spec
from rnnsweep.sweep.estimate import estimate, refusal
from rnnsweep.sweep.events import Report
from rnnsweep.sweep.machines import SweepError
from rnnsweep.sweep.watchdog import Watchdog
from rnnsweep.training.result import Epoch, Result, ended
from rnnsweep.types import Row

Trainer = Callable[[Spec, Dataset, Callable[[Epoch], None], dict[str, Any] | None], Result]

Cores = float | Callable[[], int]  # of a trial, or what says at each epoch how many it may use now

ATTEMPTS = 3  # at a trial that fails or whose worker dies, each from its last checkpoint
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # of a disk: no other trial has any, either
LEAST_LIMIT, LIMIT_FACTOR = 1800.0, 50.0  # seconds of an epoch, and times its estimate, of a trial that hangs
PRUNED = {"status": "pruned"}  # the row of a trial that was stopped; its checkpoint stays, to go on from


def run_trial(
    spec: Spec,
    dataset: Dataset,
    ledger: Ledger,
    cores: Cores = 1,
    report: Report = lambda row: None,
    trainer: Trainer | None = None,
    gpu_share: float | None = None,
    epoch_seconds: float | None = None,
) -> Row:
    """Train one spec, from its checkpoint if it has one, and write its record; returns the row of its result.

    `report` takes each epoch's row, after it is safe in the ledger, and may stop the trial there: then the row has
    status `pruned` and the checkpoint stays. A trial that raises is tried again from its checkpoint, after `report`
    took {"attempt": n}; after the last attempt its traceback is its record, and the row has status `failed`. A result
    that is already there is returned as it is. `gpu_share` is what the trial may take of a GPU's memory, None all it
    needs. A trial that reports nothing for `epoch_seconds` is recorded as failed, with the stack of each thread, and
    ends this process; None waits for ever. Raises `StoreError` where the ledger takes no record at all, as on a full
    disk; one record that cannot be written is the failure of its trial.
    """
    train = trainer or functools.partial(_train, cores=cores, gpu_share=gpu_share)
    record = ledger.record(spec.key)
    for attempt in range(1, ATTEMPTS + 1):
        if attempt > 1:
            report({"attempt": attempt})
        try:
            with Watchdog(epoch_seconds, functools.partial(_hung, spec, record, epoch_seconds)) as watchdog:
                return _attempt(spec, dataset, record, report, train, watchdog)
        except _Stopped:
            return PRUNED
        except StoreError as refused:
            if refused.errno in NO_ROOM:
                raise
            ledger.check_writable()
            error = str(refused)
        except UserError as mistake:  # trying again is of no use
            error = _traceback() if mistake.__cause__ else str(mistake)
            record.fail(spec, error)
            return {"status": "failed", "error": error}
        except (Exception, SystemExit):  # whatever it is, a layer of one's own that ends its process too: others go on
            error = _traceback()
        with contextlib.suppress(StoreError):  # then the row alone says it
            record.fail(spec, error)
    return {"status": "failed", "error": error}


def _traceback() -> str:
    return plain(traceback.format_exc())


class _Stopped(Exception):  # noqa: N818  (not an error)
    """Ends a training from within its epoch's report."""


def _hung(spec: Spec, record: Record, seconds: float | None, stacks: str) -> None:
    epochs = len(record.epochs())
    reason = f"epoch {epochs + 1} took longer than {seconds:g} s, see --epoch-timeout; where it hung: the stack above"
    print(f"{spec.key}: {reason}, in {record.path(record.ERROR)}", file=sys.stderr, flush=True)
    record.fail(spec, f"{stacks}\n{reason}")


def epoch_limit(spec: Spec, dataset: Dataset) -> float:
    """Return after how many seconds without an epoch a trial surely hangs, by what an epoch is estimated to take."""
    return max(LEAST_LIMIT, LIMIT_FACTOR * estimate(spec, dataset).seconds / spec.epochs)


def _attempt(spec: Spec, dataset: Dataset, record: Record, report: Report, train: Trainer, watchdog: Watchdog) -> Row:
    done = record.result()
    if done is not None:  # finished by a worker whose last words were lost, or by another driver
        record.complete(spec)
        record.close()
        return done
    record.begin(spec)

    def on_epoch(epoch: Epoch) -> None:
        record.epoch(epoch.rows, epoch.state())
        watchdog.heard()
        if report(epoch.rows[-1]) and not ended(spec, epoch.rows):
            raise _Stopped

    result = train(spec, dataset, on_epoch, record.checkpoint())
    record.complete(spec)
    record.finish(result)
    return result.row


def _train(
    spec: Spec,
    dataset: Dataset,
    on_epoch: Callable[[Epoch], None],
    state: dict[str, Any] | None,
    *,
    cores: Cores,
    gpu_share: float | None,
) -> Result:
    too_large = None if gpu_share else refusal(spec, estimate(spec, dataset), memory_here_mb())
    if too_large:
        raise SweepError(too_large)
    from rnnsweep.machine.device import use_cores
    from rnnsweep.training.train import train

    use_cores(cores if callable(cores) else max(1, math.ceil(cores)), gpu_share)
    return train(spec, dataset, on_epoch, state)
