"""A queue on Ray Tune: Tune asks it for specs, runs each on a worker, and passes on what the workers report.

This imports Ray at its top, so only `backend` imports it, once connected.
"""

from __future__ import annotations

import functools
import operator
import os
import tempfile
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from rnnsweep.cluster.gpu_share import packed_share, peaks
from rnnsweep.cluster.nodes import Node
from rnnsweep.cluster.slots import count_slots, smallest_gpu_mb
from rnnsweep.ledger import Ledger
from rnnsweep.machine.gpu import environment
from rnnsweep.spec import Spec
from rnnsweep.sweep import ATTEMPTS, PRUNED, Listener, Machines, Queue, Trainer, pass_on, run_trial
from rnnsweep.types import Row

if TYPE_CHECKING:
    from rnnsweep.data import Dataset

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
    with tempfile.TemporaryDirectory(prefix="rnnsweep-") as scratch:
        trainable = tune.with_parameters(
            _trainable, dataset=dataset, ledger=ledger, cores=machines.cpus_per_trial, trainer=trainer
        )
        tune.Tuner(
            tune.with_resources(trainable, functools.partial(_resources, machines.cpus_per_trial)),
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


def _trainable(config: Row, dataset: Dataset, ledger: Ledger, cores: float, trainer: Trainer | None) -> None:
    os.environ.update(environment(config["gpus"]))
    # To stop a trial, Tune ends its thread within the report.
    spec = Spec.from_json(config["spec"])
    tune.report(run_trial(spec, dataset, ledger, cores, tune.report, trainer, config["gpus"]))


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

    def suggest(self, trial_id: str) -> Row | str:
        """Return the next spec as a trial's configuration, or that there is none left."""
        spec = self._queue.ask()
        if spec is None:
            return str(Searcher.FINISHED)
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
    """Hears everything but the epochs, and records trials whose worker could not."""

    def __init__(self, hear: Hear, ledger: Ledger, listener: Listener) -> None:
        """Pass on to this function what trials report, and to the listener what only Tune knows."""
        self._hear, self._ledger, self._listener = hear, ledger, listener

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Say that a trial begins."""
        self._listener.on_start(_spec(trial))

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: Row, **info: Any) -> None:
        """Pass on a new attempt, or how the trial ended."""
        if "epoch" not in result:
            self._hear(_spec(trial), result)

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Say that a trial goes on, on another worker."""
        self._listener.on_retry(_spec(trial))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Record a trial whose workers died, and pass on that it failed."""
        text = f"the worker died {ATTEMPTS} times: killed, out of memory, or its machine was lost"
        spec = _spec(trial)
        self._ledger.record(spec.key).fail(spec, text)
        self._hear(spec, {"status": "failed", "error": text})


def _spec(trial: Any) -> Spec:
    return Spec.from_json(trial.config["spec"])
