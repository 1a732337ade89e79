"""Running a sweep: train what a queue hands out, in this process or on Ray Tune, with the same records.

A queue decides while it runs: a list of specs hands out what is missing, a search what it suggests next.
"""

from __future__ import annotations

import functools
import math
import operator
import os
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from rnnsweep import cluster, gpu
from rnnsweep import ledger as files
from rnnsweep.cluster import Machines, SweepError, cores_here
from rnnsweep.ledger import Ledger
from rnnsweep.progress import Progress
from rnnsweep.spec import Spec

if TYPE_CHECKING:
    from rnnsweep.data import Dataset
    from rnnsweep.train import Epoch, Result

    Trainer = Callable[[Spec, Dataset, Callable[[Epoch], None], dict[str, Any] | None], Result]

__all__ = ["Listed", "Machines", "Queue", "SweepError", "cores_here", "missing", "run", "run_trial"]

ATTEMPTS = 3  # at a trial that fails or whose worker dies, each from its last checkpoint

Row = dict[str, Any]
Told = Callable[[Row], bool | None]  # hears a trial's rows; true to stop the trial after this epoch
PRUNED = {"status": "pruned"}  # the row of a trial that was stopped; its checkpoint stays, to go on from


class Queue(Protocol):
    """What a run trains, decided while it runs; only the driver calls it.

    One that knows how many specs it will hand out at most says so by `__length_hint__`.
    """

    def take(self) -> Spec | None:
        """Return the next spec to train, or None when there is none left."""

    def epoch(self, spec: Spec, row: Mapping[str, Any]) -> bool:
        """Hear an epoch's row; return whether to stop the trial here."""

    def ended(self, spec: Spec, row: Mapping[str, Any]) -> None:
        """Hear how a trial ended, by the status of its row: finished, diverged, failed or pruned."""


class Listed:
    """A queue of specs known from the start, each trained to its end."""

    def __init__(self, specs: Iterable[Spec]) -> None:
        """Hand the specs out in this order."""
        self._specs = iter(list(specs))

    def __length_hint__(self) -> int:
        """Return how many are left."""
        return operator.length_hint(self._specs)

    def take(self) -> Spec | None:
        """Return the next spec."""
        return next(self._specs, None)

    def epoch(self, spec: Spec, row: Mapping[str, Any]) -> bool:
        """Never stop a trial."""
        return False

    def ended(self, spec: Spec, row: Mapping[str, Any]) -> None:
        """Nothing follows from how a trial ended."""


def missing(specs: Iterable[Spec], ledger: Ledger) -> list[Spec]:
    """Return the specs, each once, that the ledger has no result of."""
    done = ledger.results()
    return list({spec.key: spec for spec in specs if spec.key not in done}.values())


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
    (_run_in_process if machines.in_process else _run_on_ray)(queue, ledger, dataset, machines, progress, trainer)


def run_trial(
    spec: Spec,
    dataset: Dataset,
    ledger: Ledger,
    cores: float = 1,
    told: Told = lambda row: None,
    trainer: Trainer | None = None,
    gpu_share: float | None = None,
) -> Row:
    """Train one spec, from its checkpoint if it has one, and write its records; returns the row of its result.

    `told` hears each epoch's row, after it is safe in the ledger, and may stop the trial there: then the row has status
    `pruned` and the checkpoint stays. A trial that raises is tried again from its checkpoint, after `told` heard
    {"attempt": n}; after the last attempt its traceback is its record, and the row has status `failed`. A result that
    is already there is returned as it is. `gpu_share` is what the trial may take of a GPU's memory, None all it needs.
    """
    train = trainer or functools.partial(_train, cores=cores, gpu_share=gpu_share)
    for attempt in range(1, ATTEMPTS + 1):
        if attempt > 1:
            told({"attempt": attempt})
        try:
            return _attempt(spec, dataset, ledger, told, train)
        except _Stopped:
            return PRUNED
        except Exception:  # whatever it is, the other trials go on
            error = traceback.format_exc()
            _record_failure(ledger, spec, error)
    return {"status": "failed", "error": error}


class _Stopped(Exception):  # noqa: N818  (not an error)
    """Ends a training from within its epoch's report."""


def _attempt(spec: Spec, dataset: Dataset, ledger: Ledger, told: Told, train: Trainer) -> Row:
    key = spec.key
    done = ledger.result(key)
    if done is not None:  # finished by a worker whose last words were lost
        return done
    ledger.write(key, files.SPEC, (spec.to_json() + "\n").encode())
    ledger.remove(key, files.ERROR)

    def on_epoch(epoch: Epoch) -> None:
        ledger.write_arrays(key, files.CHECKPOINT, epoch.state())
        ledger.write_epochs(key, epoch.rows)
        if told(epoch.rows[-1]) and len(epoch.rows) < spec.epochs:
            raise _Stopped

    result = train(spec, dataset, on_epoch, ledger.read_arrays(key, files.CHECKPOINT))
    if result.predictions:
        ledger.write_arrays(key, files.PREDICTIONS, result.predictions, compress=True)
        ledger.write(key, files.BEST_WEIGHTS, result.best_weights)
        ledger.write(key, files.LAST_WEIGHTS, result.last_weights)
    ledger.write_json(key, files.RESULT, result.row)  # the last file but for the cleaning up: now the trial is done
    ledger.remove(key, files.CHECKPOINT)
    return result.row


def _train(
    spec: Spec,
    dataset: Dataset,
    on_epoch: Callable[[Epoch], None],
    state: dict[str, Any] | None,
    *,
    cores: float,
    gpu_share: float | None,
) -> Result:
    from rnnsweep.model import use_cores
    from rnnsweep.train import train

    use_cores(max(1, math.ceil(cores)), gpu_share)
    return train(spec, dataset, on_epoch, state)


def _record_failure(ledger: Ledger, spec: Spec, text: str) -> None:
    ledger.write(spec.key, files.SPEC, (spec.to_json() + "\n").encode())
    ledger.write(spec.key, files.ERROR, text.encode())


def _run_in_process(
    queue: Queue,
    ledger: Ledger,
    dataset: Dataset,
    machines: Machines,
    progress: Progress,
    trainer: Trainer | None,
) -> None:
    while (spec := queue.take()) is not None:
        progress.started(spec)
        hear = functools.partial(_hear, queue, progress, spec)
        hear(run_trial(spec, dataset, ledger, machines.cpus_per_trial, hear, trainer))


def _hear(queue: Queue, progress: Progress, spec: Spec, row: Row) -> bool:
    """Pass what a trial reports on: an epoch's row, a new attempt, or the row of its end; return whether to stop it."""
    if "epoch" in row:
        progress.epoch(spec, row)
        return queue.epoch(spec, row)
    if "attempt" in row:
        progress.retried(spec)
        return False
    queue.ended(spec, row)
    progress.ended(spec, row)
    return False


def _run_on_ray(
    queue: Queue,
    ledger: Ledger,
    dataset: Dataset,
    machines: Machines,
    progress: Progress,
    trainer: Trainer | None,
) -> None:
    # Ray reads these when it is imported. Tune need not save its own folder: the ledger is the state.
    for name, value in {
        "RAY_AIR_NEW_OUTPUT": "0",
        "RAY_CHDIR_TO_TRIAL_DIR": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
        "TUNE_DISABLE_SIGINT_HANDLER": "1",
        "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
        "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    }.items():
        os.environ.setdefault(name, value)
    cluster.connect(machines, dataset)
    import ray
    from ray import tune

    try:
        nodes = [] if machines.address is None else cluster.preflight(ledger, dataset)
        slots = cluster.width(machines, nodes, operator.length_hint(queue) or None)
        progress.slots(slots)
        hear = functools.partial(_hear, queue, progress)
        # Else a searcher's trials begin one after another, and an autoscaler hears of one at a time. What is asked for
        # are placement groups of this driver: Ray forgets them when it ends, however it does.
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(slots)
        share = _shares(machines, ledger, nodes)
        with tempfile.TemporaryDirectory(prefix="rnnsweep-") as scratch:
            trainable = tune.with_parameters(
                _trainable, dataset=dataset, ledger=ledger, cores=machines.cpus_per_trial, trainer=trainer
            )
            tune.Tuner(
                tune.with_resources(trainable, functools.partial(_resources, machines.cpus_per_trial)),
                tune_config=tune.TuneConfig(
                    search_alg=_searcher(queue, share),
                    scheduler=_scheduler(hear),
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
                    callbacks=[_listener(hear, ledger, progress)],
                ),
            ).fit()
    finally:
        ray.shutdown()


def _shares(machines: Machines, ledger: Ledger, nodes: Iterable[cluster.Node]) -> Callable[[Spec], float]:
    """Return what decides a trial's share of a GPU."""
    if machines.gpus_per_trial != "auto":
        return lambda spec: float(machines.gpus_per_trial)
    total = cluster.gpu_mb(machines, nodes)
    results = ledger.results()
    known = gpu.peaks(ledger.specs(key for key, row in results.items() if row.get("peak_gpu_memory_mb")), results)
    return lambda spec: gpu.packed_share(spec, known, total)


def _resources(cpus: float, config: Row) -> Any:
    from ray import tune

    return tune.PlacementGroupFactory([{"CPU": cpus} | ({"GPU": config["gpus"]} if config["gpus"] else {})])


def _trial_name(trial: Any) -> str:
    return _spec(trial).key


def _trainable(config: Row, dataset: Dataset, ledger: Ledger, cores: float, trainer: Trainer | None) -> None:
    from ray import tune

    os.environ.update(gpu.environment(config["gpus"]))
    # To stop a trial, Tune ends its thread within the report.
    spec = Spec.from_json(config["spec"])
    tune.report(run_trial(spec, dataset, ledger, cores, tune.report, trainer, config["gpus"]))


class _NotSaved:
    """A part of Tune that talks to this process: Tune pickles it with its own state, which nobody reads."""

    def __reduce__(self) -> tuple[type[object], tuple[()]]:
        return object, ()


def _searcher(queue: Queue, share: Callable[[Spec], float]) -> Any:
    from ray.tune.search import Searcher

    class Taker(_NotSaved, Searcher):  # type: ignore[misc]
        """Hands the queue's specs to Tune."""

        def suggest(self, trial_id: str) -> Row | str:
            spec = queue.take()
            if spec is None:
                return str(Searcher.FINISHED)
            return {"spec": spec.to_json(), "gpus": share(spec)}

        def on_trial_complete(self, trial_id: str, result: Row | None = None, error: bool = False) -> None:
            """Nothing: the queue hears of it from the scheduler and the listener."""

        def save(self, checkpoint_path: str) -> None:
            """Nothing: the ledger is the state."""

        def restore(self, checkpoint_path: str) -> None:
            """Nothing: the ledger is the state."""

    return Taker()


def _scheduler(hear: Callable[[Spec, Row], bool]) -> Any:
    from ray.tune.schedulers import FIFOScheduler, TrialScheduler

    class Stopper(_NotSaved, FIFOScheduler):  # type: ignore[misc]
        """Hears the epochs, because only a scheduler can stop a trial, and gives free workers to new trials."""

        def __init__(self) -> None:
            super().__init__()
            self._added: list[Any] = []

        def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
            self._added.append(trial)

        def choose_trial_to_run(self, tune_controller: Any) -> Any:
            # Tune's own choice is the oldest trial that waits. That one has a worker starting, which would be ended as
            # another comes free; where trials are short, over and over, and slots stay without a worker for ever.
            added, self._added = self._added, []
            return added[0] if added else None

        def on_trial_result(self, tune_controller: Any, trial: Any, result: Row) -> str:
            if "epoch" in result and hear(_spec(trial), result):
                hear(_spec(trial), PRUNED)
                return str(TrialScheduler.STOP)
            return str(TrialScheduler.CONTINUE)

    return Stopper()


def _listener(hear: Callable[[Spec, Row], bool], ledger: Ledger, progress: Progress) -> Any:
    from ray import tune

    class Listener(_NotSaved, tune.Callback):  # type: ignore[misc]
        """Hears everything but the epochs, and records trials whose worker could not."""

        def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            progress.started(_spec(trial))

        def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: Row, **info: Any) -> None:
            if "epoch" not in result:
                hear(_spec(trial), result)

        def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            progress.retried(_spec(trial))

        def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            text = f"the worker died {ATTEMPTS} times: killed, out of memory, or its machine was lost"
            _record_failure(ledger, _spec(trial), text)
            hear(_spec(trial), {"status": "failed", "error": text})

    return Listener()


def _spec(trial: Any) -> Spec:
    return Spec.from_json(trial.config["spec"])
