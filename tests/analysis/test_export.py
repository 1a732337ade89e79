"""A ledger in TensorBoard and in MLflow, as their own readers and a real server have it."""

import builtins
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from analysis import export
from rnnsweep.ledger import Ledger
from rnnsweep.spec import Spec
from tests.helpers.ledgers import EMBEDDED, put

SPECS = [Spec(**EMBEDDED, cell=cell, epochs=2, seed=seed) for cell in ("gru", "lstm") for seed in (1, 2)]
STATES = ("finished", "finished", "failed", "unfinished")


@pytest.fixture
def results(tmp_path):
    """Return a ledger of four trials: two finished, one failed, one that is being trained."""
    for spec, status in zip(SPECS, STATES, strict=True):
        put(Ledger(tmp_path / "results"), spec, status, test=0.7 + spec.seed / 100)
    return str(tmp_path / "results")


def finish(results):
    """Have the last trial end, and one more begin."""
    put(Ledger(results), SPECS[3])
    put(Ledger(results), Spec(**EMBEDDED, cell="simple_rnn", epochs=2), "unfinished")


def said(capsys, *arguments):
    assert export.main(arguments) == 0
    return capsys.readouterr().out


def test_tensorboards_reader_has_the_scalars_of_each_epoch_and_the_results(results, tmp_path, capsys):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder = str(tmp_path / "board")
    assert said(capsys, "--results", results, "--tensorboard", folder).startswith("4 of 4 trials written, 0 were there")
    (run,) = Path(folder).glob(f"*{SPECS[1].key}")
    read = accumulator.EventAccumulator(str(run)).Reload()
    epochs = Ledger(results).record(SPECS[1].key).epochs()
    for column, tag in (("val_accuracy", "accuracy/validation"), ("loss", "loss/train")):
        found = [(event.step, event.value) for event in read.Scalars(tag)]
        assert found == [(row["epoch"], pytest.approx(row[column])) for row in epochs]
    assert [event.wall_time for event in read.Scalars("loss/train")] == [2, 4]  # seconds of training
    assert [event.value for event in read.Scalars("result/test_accuracy")] == [pytest.approx(0.73)]


def test_tensorboards_dashboard_has_the_fields_that_differ_and_how_each_trial_ended(results, tmp_path):
    pytest.importorskip("tensorboard")
    assert export.main(["--results", results, "--tensorboard", str(tmp_path / "board")]) == 0
    experiment, groups = dashboard(tmp_path / "board")
    assert [info.name for info in experiment.hparam_infos] == ["cell", "seed"]
    assert "result/test_accuracy" in [info.name.tag for info in experiment.metric_infos]
    by_key = {group.name: group for group in groups}
    assert set(by_key) == {spec.key for spec in SPECS}
    first = by_key[SPECS[0].key]
    assert first.hparams["cell"].string_value == "gru"
    assert {value.name.tag: value.value for value in first.metric_values}["result/params"] == 111
    ended = [group.sessions[0].status for group in (by_key[spec.key] for spec in SPECS)]
    assert ended == [1, 1, 2, 0]  # success, failure, not ended


def dashboard(folder):
    """Return the experiment and its trials, as the backend of the dashboard reads them."""
    from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
    from tensorboard.context import RequestContext
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

    runs = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(folder)).Reload()
    provider = data_provider.MultiplexerDataProvider(runs, str(folder))
    context = backend_context.Context(TBContext(data_provider=provider))
    metadata = context.hparams_metadata(RequestContext(), "")
    found = context.experiment_from_metadata(RequestContext(), "", True, metadata, [])
    asked = api_pb2.ListSessionGroupsRequest(start_index=0, slice_size=100, include_metrics=True)
    asked.allowed_statuses.extend([0, 1, 2, 3])
    for info in found.metric_infos:
        asked.col_params.add(metric=info.name)
    handler = list_session_groups.Handler(RequestContext(), context, "", asked)
    return found, handler.run().session_groups


def test_the_same_export_again_writes_what_is_new_and_nothing_else(results, tmp_path, capsys):
    pytest.importorskip("tensorboard")
    board = tmp_path / "board"
    command = ["--results", results, "--tensorboard", str(board)]
    said(capsys, *command)
    before = {path: path.read_bytes() for path in board.rglob("*events*")}
    assert "0 of 4 trials written, 4 were there" in said(capsys, *command)
    assert {path: path.read_bytes() for path in board.rglob("*events*")} == before
    finish(results)
    assert "2 of 5 trials written, 3 were there" in said(capsys, *command)
    assert len(list(board.rglob("*events*"))) == 6


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Return the address of a real MLflow server on this machine."""
    pytest.importorskip("mlflow.server", reason="mlflow is not installed")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/store.db", "--default-artifact-root", str(folder)]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def wait_for(address, process):
    for _ in range(1200):
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            assert process.poll() is None, "the server ended"
            time.sleep(0.1)
    pytest.fail("the server did not answer")


def test_a_server_of_mlflow_has_each_trial_once_however_often_it_is_written(server, results, capsys):
    from mlflow import MlflowClient

    command = ["--results", results, "--mlflow", server]
    assert said(capsys, *command).startswith("4 of 4 trials written, 0 were there")
    assert said(capsys, *command).startswith("0 of 4 trials written, 4 were there")
    finish(results)
    assert said(capsys, *command).startswith("2 of 5 trials written, 3 were there")
    client = MlflowClient(server)
    runs = {run.data.tags["rnnsweep.key"]: run for run in client.search_runs([experiment(client)])}
    assert len(client.search_runs([experiment(client)])) == len(runs) == 5
    ended = [runs[spec.key].info.status for spec in SPECS]
    assert ended == ["FINISHED", "FINISHED", "FAILED", "FINISHED"]
    one = runs[SPECS[3].key]
    assert one.data.params["cell"] == "lstm"
    assert one.data.metrics["result/test_accuracy"] == pytest.approx(0.76)
    history = client.get_metric_history(one.info.run_id, "accuracy/validation")
    assert [(metric.step, metric.value) for metric in history] == [
        (row["epoch"], pytest.approx(row["val_accuracy"])) for row in Ledger(results).record(SPECS[3].key).epochs()
    ]


def experiment(client):
    return client.get_experiment_by_name(export.EXPERIMENT).experiment_id


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tensorboard", "{blocked}"], "blocked: Not a directory; give another folder with --tensorboard"),
        (["--mlflow", "http://127.0.0.1:9"], "--mlflow http://127.0.0.1:9 cannot be written: API request to"),
        (["--mlflow", "nonsense://x"], "--mlflow nonsense://x cannot be written"),
        ([], "one of the arguments --tensorboard --mlflow is required"),
        (["--tensorboard", "x", "--results", "nowhere"], "there are no results at nowhere; make them"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(arguments, message, results, tmp_path, capsys):
    pytest.importorskip("mlflow")
    (tmp_path / "blocked").write_text("")
    words = [word.format(blocked=tmp_path / "blocked") for word in arguments]
    with pytest.raises(SystemExit) as end:
        export.main(["--results", results, *words])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.mark.parametrize("library", ["tensorboard", "mlflow"])
def test_where_the_extra_is_missing_one_line_says_how_to_get_it(library, results, capsys, monkeypatch):
    usual = builtins.__import__

    def without(name, *rest, **named):
        if name.split(".")[0] == library:
            raise ModuleNotFoundError(f"No module named {library!r}", name=library)
        return usual(name, *rest, **named)

    monkeypatch.delitem(sys.modules, f"analysis.trackers.{library}", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SystemExit) as end:
        export.main(["--results", results, f"--{library}", "x"])
    assert end.value.code == 2
    line = capsys.readouterr().err
    assert line == f'analysis/export.py: {library} is not installed; pip install "rnnsweep[{library}]"\n'
