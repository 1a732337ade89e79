"""A queue on Ray Tune: Tune asks it for specs, runs each on a worker, and passes on what the workers report.

This imports Ray at its top, so only `connect` and `backend` import it, once the token is chosen.
"""

from __future__ import annotations

import contextlib
import functools
import operator
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import ray
from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from rnnsweep.cluster.connect import started_workers
from rnnsweep.cluster.cores import cores_now
from rnnsweep.cluster.gpu_share import packed_share, peaks
from rnnsweep.cluster.nodes import Node
from rnnsweep.cluster.slots import count_slots, smallest_gpu_mb
from rnnsweep.errors import UserError
from rnnsweep.ledger import Ledger
from rnnsweep.machine.gpu import environment
from rnnsweep.spec import Spec
from rnnsweep.sweep import (
    ATTEMPTS,
    PRUNED,
    Listener,
    Machines,
    Queue,
    SweepError,
    Trainer,
    Wait,
    epoch_limit,
    pass_on,
    run_trial,
)
from rnnsweep.types import Row

if TYPE_CHECKING:
    from rnnsweep.data import Dataset

GRACE_SECONDS = 10.0  # in which the driver hears by itself that a part of its Ray has ended
ENDED = "Ray's {} has ended; nothing finished is lost: give the same command again to go on"
UNASKED = ("SYSTEM_ERROR", "NODE_OUT_OF_MEMORY")  # Ray's names of how a worker exits that nobody ended
VITAL = ("gcs_server", "raylet")  # processes of Ray without which nothing goes on
END_SECONDS = "600"  # that a stopped trial's thread may take to end; after Tune's 2 the trial that follows is lost
PATIENCE_SECONDS = 45.0  # that a first worker may take to start before it is said that none does
Hear = Callable[[Spec, Row], bool]  # takes what a trial reports; true to stop it


def tune_queue(
    queue: Queue,
    ledger: Ledger,
    dataset: Dataset,
    machines: Machines,
    nodes: list[Node],
    listener: Listener,
    trainer: Trainer | None,
) -> None:
    """Train what the queue hands out on the cluster that this driver is connected to, and whose nodes said this."""
    slots = count_slots(machines, nodes, operator.length_hint(queue) or None)
    listener.on_slots(slots)
    hear = functools.partial(pass_on, queue, listener)
    # Else a searcher's trials begin one after another, and an autoscaler hears of one at a time. What is asked for
    # are placement groups of this driver: Ray forgets them when it ends, however it does.
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(slots)
    share = _shares(machines, ledger, nodes)
    workers = started_workers() if machines.address is None else contextlib.nullcontext()
    with _watched(listener), workers, tempfile.TemporaryDirectory(prefix="rnnsweep-") as scratch:
        trainable = tune.with_parameters(_trainable, dataset=dataset, ledger=ledger, machines=machines, trainer=trainer)
        tune.Tuner(
            tune.with_resources(trainable, functools.partial(_resources, machines.least_cpus)),
            tune_config=tune.TuneConfig(
                search_alg=QueueSearcher(queue, share),
                scheduler=QueueScheduler(hear),
                num_samples=-1,  # as many as the queue hands out
                reuse_actors=True,  # TensorFlow is imported once per worker
                max_concurrent_trials=slots,
                trial_name_creator=_trial_name,
                trial_dirname_creator=_trial_name,
            ),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=scratch,
                verbose=0,
                failure_config=tune.FailureConfig(max_failures=ATTEMPTS - 1),
                callbacks=[QueueCallback(hear, ledger, listener)],
            ),
        ).fit()


def _shares(machines: Machines, ledger: Ledger, nodes: Iterable[Node]) -> Callable[[Spec], float]:
    """Return what decides a trial's share of a GPU."""
    if machines.gpus_per_trial != "auto":
        return lambda spec: float(machines.gpus_per_trial)
    total = smallest_gpu_mb(machines, nodes)
    results = ledger.results()
    known = peaks(ledger.specs(key for key, row in results.items() if row.get("peak_gpu_memory_mb")), results)
    return lambda spec: packed_share(spec, known, total)


def _resources(cpus: float, config: Row) -> Any:
    return tune.PlacementGroupFactory([{"CPU": cpus} | ({"GPU": config["gpus"]} if config["gpus"] else {})])


def _trial_name(trial: Any) -> str:
    return _spec(trial).key


def _trainable(config: Row, dataset: Dataset, ledger: Ledger, machines: Machines, trainer: Trainer | None) -> None:
    os.environ.update(environment(config["gpus"]) | {"TUNE_FUNCTION_THREAD_TIMEOUT_S": END_SECONDS})
    dataset = _as_before(dataset)
    spec = Spec.from_json(config["spec"])
    limit = _epoch_seconds(spec, dataset, machines, trainer)
    cores = cores_now if isinstance(machines.cpus_per_trial, str) else machines.cpus_per_trial
    gpus = config["gpus"]
    try:
        row = run_trial(spec, dataset, ledger, cores, _report, trainer, gpus, limit)
    except _ThreadEnds:
        sys.exit(0)
    tune.report(row)


_latest: list[Dataset] = []  # of this worker's trials, one at most


def _as_before(dataset: Dataset) -> Dataset:
    """Return the data set that this worker's trial before had, where it is the same.

    Ray makes another object of it for each trial, and what is worked out of a data set once, its splits and copies, is
    known by the object.
    """
    if not _latest or _latest[0].sha256 != dataset.sha256:
        _latest[:] = [dataset]
    return _latest[0]


class _ThreadEnds(BaseException):
    """Ends a trial's thread from within a report, past whatever takes errors for the trial's own."""


def _report(row: Row) -> None:
    """Report to Tune; raises `_ThreadEnds` where Tune stops the trial.

    Tune raises `SystemExit` there, as a layer of one's own may that fails. Taken for that, the trial would be tried
    again, its thread would wait in its next report for ever, and Tune would lose the trial that is to follow on its
    worker, and the worker's slot with it.
    """
    try:
        tune.report(row)
    except SystemExit as stopped:
        raise _ThreadEnds from stopped


def _epoch_seconds(spec: Spec, dataset: Dataset, machines: Machines, trainer: Trainer | None) -> float | None:
    if machines.epoch_timeout is not None or trainer is not None:
        return machines.epoch_timeout or None
    try:
        return epoch_limit(spec, dataset)
    except UserError:  # the trial says so itself, and its record has it
        return None


class _NotSaved:
    """A part of Tune that talks to this process: Tune pickles it with its own state, which nobody reads."""

    def __reduce__(self) -> tuple[type[object], tuple[()]]:
        return object, ()


class QueueSearcher(_NotSaved, Searcher):  # type: ignore[misc]
    """Hands the queue's specs to Tune, each with its share of a GPU."""

    def __init__(self, queue: Queue, share: Callable[[Spec], float]) -> None:
        """Ask this queue for specs, and this function what a spec needs of a GPU."""
        super().__init__()
        self._queue, self._share = queue, share

    def suggest(self, trial_id: str) -> Row | str | None:
        """Return the next spec as a trial's configuration, None to be asked again later, or that there is none left."""
        spec = self._queue.ask()
        if spec is None:
            return str(Searcher.FINISHED)
        if isinstance(spec, Wait):
            return None
        return {"spec": spec.to_json(), "gpus": self._share(spec)}

    def on_trial_complete(self, trial_id: str, result: Row | None = None, error: bool = False) -> None:
        """Nothing: the queue hears of it from the scheduler and the callback."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the ledger is the state."""


class QueueScheduler(_NotSaved, FIFOScheduler):  # type: ignore[misc]
    """Hears the epochs, because only a scheduler can stop a trial, and gives free workers to new trials."""

    def __init__(self, hear: Hear) -> None:
        """Pass the epochs on to this function, and stop the trials that it says to."""
        super().__init__()
        self._hear = hear
        self._added: list[Any] = []

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Keep a trial until Tune asks for one."""
        self._added.append(trial)

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """Return a trial that was added since Tune asked last, or None."""
        # Tune's own choice is the oldest trial that waits. That one has a worker starting, which would be ended as
        # another comes free; where trials are short, over and over, and slots stay without a worker for ever.
        added, self._added = self._added, []
        return added[0] if added else None

    def on_trial_result(self, tune_controller: Any, trial: Any, result: Row) -> str:
        """Pass an epoch on, and return whether its trial goes on."""
        if "epoch" in result and self._hear(_spec(trial), result):
            self._hear(_spec(trial), PRUNED)
            return str(TrialScheduler.STOP)
        return str(TrialScheduler.CONTINUE)


class QueueCallback(_NotSaved, tune.Callback):  # type: ignore[misc]
    """Hears everything but the epochs, and records trials whose worker could not.

    A machine may be lost between a trial's result and Tune's hearing that its worker is done. Tune begins it again
    then, and what it says of that goes no further: a trial ends once.
    """

    def __init__(self, hear: Hear, ledger: Ledger, listener: Listener) -> None:
        """Pass on to this function what trials report, and to the listener what only Tune knows."""
        self._hear, self._ledger, self._listener = hear, ledger, listener
        self._waits_since: float | None = time.monotonic()  # None: a worker has started, or was said to be missing
        self._ended: set[str] = set()  # Tune's names of trials whose results were passed on

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Say, once, that no worker starts; it may yet, where an autoscaler has machines to start first.

        Raises `SweepError` where a part of the private Ray has ended: some time later that ends this process unasked.
        """
        ended = _ended_part()
        if ended:
            raise SweepError(ENDED.format(ended))
        if not trials and self._waits_since is not None:  # other drivers train all that there is
            self._waits_since = time.monotonic()
        if self._waits_since is not None and time.monotonic() - self._waits_since > PATIENCE_SECONDS:
            self._waits_since = None
            self._listener.on_waiting(PATIENCE_SECONDS, _logs())

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Say that a trial begins."""
        self._waits_since = None
        if trial.trial_id not in self._ended:
            self._listener.on_start(_spec(trial))

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: Row, **info: Any) -> None:
        """Pass on a new attempt, or how the trial ended."""
        if "epoch" in result or trial.trial_id in self._ended:
            return
        self._hear(_spec(trial), result)
        if "status" in result:
            self._ended.add(trial.trial_id)

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Say that a trial goes on, on another worker."""
        if trial.trial_id not in self._ended:
            self._listener.on_retry(_spec(trial))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Record a trial whose workers died, and pass on that it failed."""
        if trial.trial_id in self._ended:
            return
        spec = _spec(trial)
        record = self._ledger.record(spec.key)
        text = record.error()  # one that hung said so itself, before its process ended
        if not text:
            text = reason_of(trial.get_pickled_error() or trial.get_error() or _last_death())
            record.fail(spec, text)
        self._hear(spec, {"status": "failed", "error": text})


@contextlib.contextmanager
def _watched(listener: Listener) -> Iterator[None]:
    """End this process, within, some seconds after a part of its own Ray, where it waits for that part for ever."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(1.0):
            ended = _ended_part()
            if ended and not done.wait(GRACE_SECONDS):
                if isinstance(listener, contextlib.AbstractContextManager):  # a terminal's display
                    listener.__exit__(None, None, None)
                print(ENDED.format(ended), file=sys.stderr, flush=True)
                os._exit(2)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _ended_part() -> str:
    """Return the name of a process of this driver's own Ray that has ended, or ''."""
    parts = ray._private.worker.global_worker.node.all_processes
    return next((name for name in VITAL for part in parts.get(name, []) if part.process.poll() is not None), "")


def _logs() -> str:
    """Return the folder of Ray's logs on the machine of its head."""
    return f"{ray._private.worker.global_worker.node.get_logs_dir_path()}"


def _last_death() -> str:
    """Return what Ray knows of the last worker that died unasked, or ''; Tune has nothing of one that was starting."""
    from ray.core.generated.common_pb2 import WorkerExitType
    from ray.core.generated.gcs_pb2 import WorkerTableData

    try:
        kept = ray._private.state.state._connect_and_get_accessor().get_worker_table()
    except (AttributeError, RuntimeError):  # no part of Ray's interface
        return ""
    dead = [worker for worker in map(WorkerTableData.FromString, kept) if not worker.is_alive]
    unasked = [worker for worker in dead if WorkerExitType.Name(worker.exit_type) in UNASKED]
    return str(max(unasked, key=lambda worker: worker.end_time_ms).exit_detail) if unasked else ""


def reason_of(error: BaseException | str | None) -> str:
    """Return, in one line, why a trial's last worker ended, as far as Ray knows it by the error of the trial."""
    said = str(error)
    if isinstance(error, ray.exceptions.RayTaskError):  # it could say it itself
        return said.strip().splitlines()[-1]
    times = f"the worker died {ATTEMPTS} times, the last time"
    if isinstance(error, ray.exceptions.OutOfMemoryError) or re.search(
        "running low on memory|memory monitor|OutOfMemory", said
    ):
        return f"{times} out of memory: {_detail(said)}"
    if isinstance(error, ray.exceptions.NodeDiedError) or re.search(
        r"\bnode\b.*(died|dead|terminated|failure|lost)", said
    ):
        return f"{times} because its machine was lost: {_detail(said)}"
    return f"{times} killed: {_detail(said)}"


def _detail(said: str) -> str:
    """Return what Ray's error says of the end of a process, else its first line."""
    found = re.search(r"exit detail: (.*)", said, re.IGNORECASE)
    first = found.group(1) if found else said.strip().partition("\n")[0]
    return "Ray does not say how" if first in ("", "None") else first.strip()


def _spec(trial: Any) -> Spec:
    return Spec.from_json(trial.config["spec"])
