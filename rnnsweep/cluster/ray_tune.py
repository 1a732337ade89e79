"""Running a sweep: train what a queue hands out, in this process or on Ray Tune, with the same records.

A queue decides while it runs: a list of specs hands out what is missing, a search what it suggests next.
"""

from __future__ import annotations

import functools
import operator
import os
import tempfile
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from rnnsweep.cluster.connect import connect
from rnnsweep.cluster.gpu_share import packed_share, peaks
from rnnsweep.cluster.nodes import Node
from rnnsweep.cluster.room import gpu_mb, width
from rnnsweep.cluster.survey import preflight
from rnnsweep.ledger import Ledger
from rnnsweep.machine.gpu import environment
from rnnsweep.spec import Spec
from rnnsweep.sweep import ATTEMPTS, PRUNED, Machines, Progress, Queue, Trainer, pass_on, record_failure, run_trial
from rnnsweep.types import Row

if TYPE_CHECKING:
    from rnnsweep.data import Dataset


def run_on_ray(
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
    connect(machines, dataset)
    import ray
    from ray import tune

    try:
        nodes = [] if machines.address is None else preflight(ledger, dataset)
        slots = width(machines, nodes, operator.length_hint(queue) or None)
        progress.slots(slots)
        hear = functools.partial(pass_on, queue, progress)
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


def _shares(machines: Machines, ledger: Ledger, nodes: Iterable[Node]) -> Callable[[Spec], float]:
    """Return what decides a trial's share of a GPU."""
    if machines.gpus_per_trial != "auto":
        return lambda spec: float(machines.gpus_per_trial)
    total = gpu_mb(machines, nodes)
    results = ledger.results()
    known = peaks(ledger.specs(key for key, row in results.items() if row.get("peak_gpu_memory_mb")), results)
    return lambda spec: packed_share(spec, known, total)


def _resources(cpus: float, config: Row) -> Any:
    from ray import tune

    return tune.PlacementGroupFactory([{"CPU": cpus} | ({"GPU": config["gpus"]} if config["gpus"] else {})])


def _trial_name(trial: Any) -> str:
    return _spec(trial).key


def _trainable(config: Row, dataset: Dataset, ledger: Ledger, cores: float, trainer: Trainer | None) -> None:
    from ray import tune

    os.environ.update(environment(config["gpus"]))
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
            record_failure(ledger, _spec(trial), text)
            hear(_spec(trial), {"status": "failed", "error": text})

    return Listener()


def _spec(trial: Any) -> Spec:
    return Spec.from_json(trial.config["spec"])
