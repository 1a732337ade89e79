"""A ledger in MLflow: a run per trial in one experiment, found again by the trial's key, so that none is doubled."""

from __future__ import annotations

import os
from collections.abc import Iterator

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # a server that is not there is said so in seconds
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # two lines a run

import mlflow
import sqlalchemy
from mlflow.entities import Metric, Param, RunTag
from mlflow.entities import Run as Stored
from mlflow.exceptions import MlflowException
from mlflow.store.db.db_types import DATABASE_ENGINES
from rich.console import Console
from rich.progress import track
from sqlalchemy.exc import SQLAlchemyError

from analysis.trackers.runs import Run, TrackerError
from rnnsweep.redact import without_password

KEY, STATE = "rnnsweep.key", "rnnsweep.state"  # tags: whose run it is, and how much of it is written
KIND = {"mlflow.experimentKind": "custom_model_development"}  # else its page shows language models' traces first
PAGE, BATCH = 1000, 500  # runs of an answer, and metrics of a request
STATUS = {"finished": "FINISHED", "pruned": "KILLED", "diverged": "FAILED", "failed": "FAILED"}


def write(runs: list[Run], uri: str, experiment: str) -> int:
    """Write what is not there yet; return how many trials that were. Raises `TrackerError` where it cannot be."""
    try:
        _check_database(uri)
        client = mlflow.MlflowClient(tracking_uri=uri)
        number = _experiment(client, experiment)
        there = {stored.data.tags[KEY]: stored for stored in _stored(client, number)}
        new = [run for run in runs if run.key not in there or there[run.key].data.tags.get(STATE) != _state(run)]
        console = Console(stderr=True)
        for run in track(new, "MLflow", console=console, transient=True, disable=not console.is_terminal):
            _write(client, number, run, there.get(run.key))
    except (MlflowException, SQLAlchemyError, ImportError) as error:  # the last two of a database's address
        first = (str(error).strip().splitlines() or ["no reason given"])[0]
        reason = first.partition(" with exception")[0]
        raise TrackerError(
            f"--mlflow {without_password(uri)} cannot be written: {without_password(reason)[:200]}; give the address "
            "of a running server, such as http://localhost:5000 (mlflow server), or sqlite:///FILE"
        ) from None
    return len(new)


def _check_database(uri: str) -> None:
    """Raise SQLAlchemy's error, or ImportError, on a database that cannot be opened: MLflow tries for minutes."""
    if uri.partition(":")[0].partition("+")[0] in DATABASE_ENGINES:
        engine = sqlalchemy.create_engine(uri)
        engine.connect().close()
        engine.dispose()


def _experiment(client: mlflow.MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name, tags=KIND))
    if found.lifecycle_stage == "deleted":
        raise TrackerError(f"the experiment {name} is deleted in MLflow; restore it, or give another --experiment")
    return str(found.experiment_id)


def _stored(client: mlflow.MlflowClient, experiment: str) -> Iterator[Stored]:
    """Yield the runs of the experiment that are a ledger's trials."""
    token = None
    while True:
        page = client.search_runs([experiment], f"tags.`{KEY}` LIKE '%'", max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _write(client: mlflow.MlflowClient, experiment: str, run: Run, stored: Stored | None) -> None:
    """Write a trial; what an earlier call has written of it is written again, which adds nothing.

    Its state comes last, so that a call that was cut off is made up for by the next one.
    """
    if stored is None:
        stored = client.create_run(experiment, tags={KEY: run.key}, run_name=run.name)
    number, begun = stored.info.run_id, stored.info.start_time
    if run.ended:
        client.set_terminated(number, STATUS[run.status], end_time=begun + _milliseconds(run))
    metrics = list(_metrics(run, begun))
    for start in range(BATCH, len(metrics), BATCH):
        client.log_batch(number, metrics=metrics[start : start + BATCH])
    params = [Param(name, str(value)) for name, value in run.fields.items()]
    tags = [RunTag("rnnsweep.status", run.status), RunTag(STATE, _state(run))]
    client.log_batch(number, metrics=metrics[:BATCH], params=params, tags=tags)


def _metrics(run: Run, begun: int) -> Iterator[Metric]:
    for row in run.epochs:
        names = [name for name in row if name not in ("epoch", "at")]
        yield from (Metric(name, row[name], begun + int(1000 * row["at"]), int(row["epoch"])) for name in names)
    step = int(run.epochs[-1]["epoch"]) if run.epochs else 0
    if run.ended:
        yield from (Metric(name, value, begun + _milliseconds(run), step) for name, value in run.results.items())


def _milliseconds(run: Run) -> int:
    return int(1000 * run.epochs[-1]["at"]) if run.epochs else 0


def _state(run: Run) -> str:
    return f"{run.status} {len(run.epochs)}"
