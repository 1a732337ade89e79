"""Running a sweep: train what the ledger does not hold yet, in this process or on Ray Tune, with the same records."""

from __future__ import annotations

import functools
import math
import os
import tempfile
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnnsweep import ledger as files
from rnnsweep.ledger import Ledger
from rnnsweep.progress import Progress
from rnnsweep.spec import Spec

if TYPE_CHECKING:
    from rnnsweep.data import Dataset

MAX_RETRIES = 2  # of a trial that failed, each from its last checkpoint


class SweepError(RuntimeError):
    """A sweep that cannot be run as asked; the message names the culprit and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Where and how wide a sweep runs; no part of any spec, because results must not depend on it."""

    in_process: bool = False  # one trial after another in this process, for a debugger
    address: str | None = None  # of a running Ray cluster, `auto` for one on this machine; None: a private one, here
    cpus_per_trial: float = 1.0  # cores of a trial; two trials of one core finish sooner than one trial of two
    gpus_per_trial: float = 0.0  # share of a GPU of a trial
    max_concurrent: int | None = None  # trials at a time; None: as many as the cores and GPUs hold


def cores_here() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def missing(specs: Iterable[Spec], ledger: Ledger) -> list[Spec]:
    """Return the specs, each once, that the ledger has no result of."""
    done = ledger.results()
    return list({spec.key: spec for spec in specs if spec.key not in done}.values())


def run(specs: Sequence[Spec], ledger: Ledger, dataset: Dataset, machines: Machines, progress: Progress) -> None:
    """Train the specs in this order and write their records to the ledger; a spec that fails is recorded, not raised.

    Raises `SweepError` when the cluster cannot be reached or has no room for one trial.
    """
    if not specs:
        return
    ledger.check_writable()
    (_run_in_process if machines.in_process else _run_on_ray)(specs, ledger, dataset, machines, progress)


def run_trial(
    spec: Spec,
    dataset: Dataset,
    ledger: Ledger,
    cores: float = 1,
    told: Callable[[dict[str, Any]], None] = lambda row: None,
) -> dict[str, Any]:
    """Train one spec from its checkpoint, if it has one, and write its records; returns the row of its result.

    A result that is already there is returned as it is. `told` hears each epoch's row, after it is safe in the ledger.
    """
    from rnnsweep.model import use_cores
    from rnnsweep.train import Epoch, train

    done = ledger.read_json(spec.key, files.RESULT)
    if done is not None:  # finished by an attempt whose last words were lost
        return done
    use_cores(max(1, math.ceil(cores)))
    key = spec.key
    ledger.write(key, files.SPEC, (spec.to_json() + "\n").encode())
    ledger.remove(key, files.ERROR)
    state = ledger.read_arrays(key, files.CHECKPOINT)

    def on_epoch(epoch: Epoch) -> None:
        ledger.write_arrays(key, files.CHECKPOINT, epoch.state())
        ledger.write_epochs(key, epoch.rows)
        told(epoch.rows[-1])

    result = train(spec, dataset, on_epoch, state)
    if result.predictions:
        ledger.write_arrays(key, files.PREDICTIONS, result.predictions, compress=True)
        ledger.write(key, files.BEST_WEIGHTS, result.best_weights)
        ledger.write(key, files.LAST_WEIGHTS, result.last_weights)
    ledger.write_json(key, files.RESULT, result.row)  # the last file but for the cleaning up: now the trial is done
    ledger.remove(key, files.CHECKPOINT)
    return result.row


def _run_in_process(
    specs: Sequence[Spec], ledger: Ledger, dataset: Dataset, machines: Machines, progress: Progress
) -> None:
    for spec in specs:
        progress.started(spec)
        for attempt in range(MAX_RETRIES + 1):
            try:
                told = functools.partial(progress.epoch, spec)
                row = run_trial(spec, dataset, ledger, machines.cpus_per_trial, told)
            except Exception:  # whatever it is, the other trials go on and the traceback is kept
                if attempt < MAX_RETRIES:
                    progress.retried(spec)
                    continue
                _record_failure(ledger, spec, traceback.format_exc())
                progress.failed(spec, traceback.format_exc())
            else:
                progress.finished(spec, row)
            break


def _record_failure(ledger: Ledger, spec: Spec, text: str) -> None:
    ledger.write(spec.key, files.SPEC, (spec.to_json() + "\n").encode())
    ledger.write(spec.key, files.ERROR, text.encode())


def _run_on_ray(
    specs: Sequence[Spec], ledger: Ledger, dataset: Dataset, machines: Machines, progress: Progress
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
    import ray
    from ray import tune

    try:
        _connect(machines)
        slots = _slots(machines)
        progress.slots(slots)
        with tempfile.TemporaryDirectory(prefix="rnnsweep-") as scratch:
            trainable = tune.with_resources(
                tune.with_parameters(_trainable, dataset=dataset, ledger=ledger, cores=machines.cpus_per_trial),
                {"cpu": machines.cpus_per_trial, "gpu": machines.gpus_per_trial},
            )
            tune.Tuner(
                trainable,
                param_space={"spec": tune.grid_search([spec.to_json() for spec in specs])},
                tune_config=tune.TuneConfig(
                    reuse_actors=True,  # TensorFlow is imported once per worker
                    max_concurrent_trials=slots,
                    trial_name_creator=_trial_name,
                    trial_dirname_creator=_trial_name,
                ),
                run_config=tune.RunConfig(
                    name="sweep",
                    storage_path=scratch,
                    verbose=0,
                    failure_config=tune.FailureConfig(max_failures=MAX_RETRIES),
                    callbacks=[_tune_callback(ledger, progress)],
                ),
            ).fit()
    finally:
        ray.shutdown()


def _trial_name(trial: Any) -> str:
    return Spec.from_json(trial.config["spec"]).key


def _trainable(config: dict[str, Any], dataset: Dataset, ledger: Ledger, cores: float) -> None:
    from ray import tune

    row = run_trial(Spec.from_json(config["spec"]), dataset, ledger, cores, tune.report)
    tune.report({"status": row["status"]})  # Tune takes a function that reports nothing for a failure


def _connect(machines: Machines) -> None:
    import logging

    import ray

    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if machines.address is None:
        # The data is all that lies in the object store; the default, a third of the memory, warns in containers.
        store = 512 * 2**20
        ray.init("local", num_cpus=cores_here(), include_dashboard=False, object_store_memory=store, **quiet)
        return
    try:
        ray.init(address=machines.address, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        line = str(error).strip().splitlines()[0]
        raise SweepError(
            f"no Ray cluster at --address {machines.address}: {line}; start one with `ray start --head`, "
            "or leave --address out"
        ) from None


def _slots(machines: Machines) -> int:
    """Return how many trials run at a time: as many as every node's cores and GPUs hold, or fewer if asked."""
    import ray

    wanted = {"CPU": machines.cpus_per_trial, "GPU": machines.gpus_per_trial}
    room = 0
    for node in ray.nodes():
        if node["Alive"]:
            room += min(int(node["Resources"].get(name, 0) / share + 1e-9) for name, share in wanted.items() if share)
    if not room:
        raise SweepError(
            f"no node has room for a trial of {machines.cpus_per_trial:g} CPUs and {machines.gpus_per_trial:g} GPUs; "
            "lower --cpus-per-trial or --gpus-per-trial"
        )
    return min(room, machines.max_concurrent or room)


def _tune_callback(ledger: Ledger, progress: Progress) -> Any:
    from ray import tune

    class Told(tune.Callback):  # type: ignore[misc]
        """Passes Tune's events on to the display, and records trials whose worker could not."""

        def __reduce__(self) -> tuple[type[object], tuple[()]]:
            return object, ()  # Tune pickles it with its own state, which nobody reads; a display cannot be

        def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            progress.started(_spec(trial))

        def on_trial_result(
            self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
        ) -> None:
            if "epoch" in result:
                progress.epoch(_spec(trial), result)

        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            row = ledger.read_json(_spec(trial).key, files.RESULT)
            if row is None:
                progress.failed(
                    _spec(trial), f"its result is not at {ledger.uri}: is that a folder of one machine only?"
                )
            else:
                progress.finished(_spec(trial), row)

        def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            progress.retried(_spec(trial))

        def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            text = str(trial.get_error() or "the worker died")
            _record_failure(ledger, _spec(trial), text)
            progress.failed(_spec(trial), text)

    return Told()


def _spec(trial: Any) -> Spec:
    return Spec.from_json(trial.config["spec"])
