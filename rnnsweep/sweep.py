"""Running a sweep: train what the ledger does not hold yet, in this process or on Ray Tune, with the same records."""

from __future__ import annotations

import functools
import math
import os
import socket
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnnsweep import ledger as files
from rnnsweep.ledger import Ledger
from rnnsweep.progress import Progress
from rnnsweep.spec import Spec

if TYPE_CHECKING:
    from rnnsweep.data import Dataset

ATTEMPTS = 3  # at a trial that fails or whose worker dies, each from its last checkpoint
ANSWER_SECONDS = 5  # that a cluster's address has to answer in


Told = Callable[[dict[str, Any]], None]


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
    spec: Spec, dataset: Dataset, ledger: Ledger, cores: float = 1, told: Told = lambda row: None
) -> dict[str, Any]:
    """Train one spec, from its checkpoint if it has one, and write its records; returns the row of its result.

    `told` hears each epoch's row, after it is safe in the ledger. A trial that raises is tried again from its
    checkpoint, after `told` heard {"attempt": n}; after the last attempt its traceback is its record, and the row has
    status `failed`. A result that is already there is returned as it is.
    """
    for attempt in range(1, ATTEMPTS + 1):
        if attempt > 1:
            told({"attempt": attempt})
        try:
            return _attempt(spec, dataset, ledger, cores, told)
        except Exception:  # whatever it is, the other trials go on
            error = traceback.format_exc()
            _record_failure(ledger, spec, error)
    return {"status": "failed", "error": error}


def _attempt(spec: Spec, dataset: Dataset, ledger: Ledger, cores: float, told: Told) -> dict[str, Any]:
    from rnnsweep.model import use_cores
    from rnnsweep.train import Epoch, train

    key = spec.key
    done = ledger.result(key)
    if done is not None:  # finished by a worker whose last words were lost
        return done
    use_cores(max(1, math.ceil(cores)))
    ledger.write(key, files.SPEC, (spec.to_json() + "\n").encode())
    ledger.remove(key, files.ERROR)

    def on_epoch(epoch: Epoch) -> None:
        ledger.write_arrays(key, files.CHECKPOINT, epoch.state())
        ledger.write_epochs(key, epoch.rows)
        told(epoch.rows[-1])

    result = train(spec, dataset, on_epoch, ledger.read_arrays(key, files.CHECKPOINT))
    if result.predictions:
        ledger.write_arrays(key, files.PREDICTIONS, result.predictions, compress=True)
        ledger.write(key, files.BEST_WEIGHTS, result.best_weights)
        ledger.write(key, files.LAST_WEIGHTS, result.last_weights)
    ledger.write_json(key, files.RESULT, result.row)  # the last file but for the cleaning up: now the trial is done
    ledger.remove(key, files.CHECKPOINT)
    return result.row


def _record_failure(ledger: Ledger, spec: Spec, text: str) -> None:
    ledger.write(spec.key, files.SPEC, (spec.to_json() + "\n").encode())
    ledger.write(spec.key, files.ERROR, text.encode())


def _run_in_process(
    specs: Sequence[Spec], ledger: Ledger, dataset: Dataset, machines: Machines, progress: Progress
) -> None:
    for spec in specs:
        progress.started(spec)
        told = functools.partial(_tell, progress, spec)
        _tell(progress, spec, run_trial(spec, dataset, ledger, machines.cpus_per_trial, told))


def _tell(progress: Progress, spec: Spec, row: Mapping[str, Any]) -> None:
    """Pass what a trial reports on to the display: an epoch's row, a new attempt, or the row of its result."""
    if "epoch" in row:
        progress.epoch(spec, row)
    elif "attempt" in row:
        progress.retried(spec)
    elif row["status"] == "failed":
        progress.failed(spec, row["error"])
    else:
        progress.finished(spec, row)


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
        _connect(machines, dataset)
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
                    failure_config=tune.FailureConfig(max_failures=ATTEMPTS - 1),
                    callbacks=[_tune_callback(ledger, progress)],
                ),
            ).fit()
    finally:
        ray.shutdown()


def _trial_name(trial: Any) -> str:
    return Spec.from_json(trial.config["spec"]).key


def _trainable(config: dict[str, Any], dataset: Dataset, ledger: Ledger, cores: float) -> None:
    from ray import tune

    tune.report(run_trial(Spec.from_json(config["spec"]), dataset, ledger, cores, tune.report))


def _connect(machines: Machines, dataset: Dataset) -> None:
    import logging

    import ray

    quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    logging.getLogger("ray").setLevel(logging.CRITICAL)  # Tune's; what matters is raised, or in the ledger
    if machines.address is None:
        # The reviews are all that lies in the object store; the default, a third of the memory, warns in containers.
        tokens = dataset.train.tokens.nbytes + dataset.test.tokens.nbytes
        store = 512 * 2**20 + 2 * tokens
        ray.init("local", num_cpus=cores_here(), include_dashboard=False, object_store_memory=store, **quiet)
        return
    try:
        host, _, port = machines.address.removeprefix("ray://").rpartition(":")
        if host:  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
        ray.init(address=machines.address, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
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

    class Listener(tune.Callback):  # type: ignore[misc]
        """Passes Tune's events on to the display, and records trials whose worker could not."""

        def __reduce__(self) -> tuple[type[object], tuple[()]]:
            return object, ()  # Tune pickles it with its own state, which nobody reads; a display cannot be

        def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            progress.started(_spec(trial))

        def on_trial_result(
            self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
        ) -> None:
            _tell(progress, _spec(trial), result)

        def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            progress.retried(_spec(trial))

        def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            text = f"the worker died {ATTEMPTS} times: killed, out of memory, or its machine was lost"
            _record_failure(ledger, _spec(trial), text)
            progress.failed(_spec(trial), text)

    return Listener()


def _spec(trial: Any) -> Spec:
    return Spec.from_json(trial.config["spec"])
