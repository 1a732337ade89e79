"""Results in a bucket, over HTTP against real S3 and Google APIs on loopback, through a wire that can be cut."""

import importlib.util
import io
import itertools
import logging
import os
import pickle
import re
import socket
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from rich.console import Console

from analysis import report
from rnnsweep.cli.grid import one
from rnnsweep.ledger import Ledger, Record
from rnnsweep.ledger import bucket as buckets
from rnnsweep.run import run
from rnnsweep.spec import Spec
from rnnsweep.sweep import Machines, Progress, SpecList
from rnnsweep.training.result import Epoch, Result
from tests.helpers import stepwise
from tests.helpers.sweeps import HERE, Heard

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("moto", "boto3", "gcp_storage_emulator")),
    reason="no buckets to test against: pip install 'moto[server]' boto3 gcp-storage-emulator",
)
SPEC = Spec(cell="gru", units=(4,), embedding_dim=3, num_words=30, max_len=12, batch_size=16, epochs=3)


class Wire:
    """A TCP proxy to a port on this machine, which can be cut, as a network is, and joined again."""

    def __init__(self, port):
        self._target, self._open = port, []
        self.cut = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if self.cut.is_set():
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._target))
            self._open += [client, server]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source, target):
        try:
            while data := source.recv(65536):
                if self.cut.is_set():
                    break
                target.sendall(data)
        except OSError:
            pass
        source.close()
        target.close()

    def break_for(self, seconds):
        self.cut.set()
        while self._open:
            self._open.pop().close()
        threading.Timer(seconds, self.cut.clear).start()

    def close(self):
        self._server.close()


class Requests(logging.Handler):
    """Keeps the first words of each request that the store answered."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(" ".join(word.strip('"\x1b[0123456789;m') for word in record.getMessage().split()[5:7]))

    def of(self, method):
        return [line for line in self.lines if method in line]


@pytest.fixture(scope="module")
def store():
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def wire(store, monkeypatch):
    """Return a wire to a store with one empty bucket, `bucket`, which the environment leads to."""
    import boto3

    values = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    wire = Wire(store)
    post(store, "reset")
    direct = f"http://127.0.0.1:{store}"
    boto3.client("s3", endpoint_url=direct, region_name="us-east-1").create_bucket(Bucket="bucket")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{wire.port}")
    yield wire
    wire.close()


@pytest.fixture
def requests(wire):
    log, heard = logging.getLogger("werkzeug"), Requests()
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(heard)
    yield heard
    log.removeHandler(heard)
    log.setLevel(level)


@pytest.fixture(scope="module")
def google_store():
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", 0, in_memory=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def google_wire(google_store, monkeypatch):
    """Return a wire to a Google store with one empty bucket, `bucket`, which the environment leads to."""
    google_store.wipe()
    wire = Wire(google_store._api._httpd.server_address[1])
    body = urllib.request.Request(
        f"http://127.0.0.1:{wire.port}/storage/v1/b", b'{"name": "bucket"}', {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(body, timeout=10).close()
    monkeypatch.setenv("CLOUD_STORAGE_EMULATOR_ENDPOINT", f"http://127.0.0.1:{wire.port}")
    yield wire
    wire.close()


@pytest.fixture(params=["s3://", "gs://anonymous@"])
def place(request):
    """Return the address of empty results in a bucket of each kind, and the wire to it."""
    return f"{request.param}bucket/results", request.getfixturevalue(
        "wire" if request.param == "s3://" else "google_wire"
    )


def post(port, path, data=b""):
    headers = {"Content-Type": "text/plain"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/moto-api/{path}", data, headers, method="POST")
    urllib.request.urlopen(request, timeout=10).close()


def trainer(each=lambda epoch: None, megabytes=0.0):
    """Return a stand-in for `train.train` that learns nothing but goes on from its checkpoint as that does."""

    def train(spec, dataset, on_epoch, state):
        rows = [] if state is None else [{"epoch": int(n)} | LOSSES for n in state["epochs"]]
        while len(rows) < spec.epochs:
            rows.append({"epoch": len(rows) + 1} | LOSSES)
            each(len(rows))
            arrays = {"epochs": np.arange(1, len(rows) + 1), "pad": np.zeros(int(megabytes * 2**18), np.float32)}
            on_epoch(Epoch(rows, lambda arrays=arrays: arrays))
        half = np.zeros(2, np.float16)
        return Result(RESULT, b"best", b"last", {"label": np.zeros(2, np.uint8), "best": half, "last": half})

    return train


RESULT = {"status": "finished", "seconds": 0.1, "best_epoch": 1, "params": 9, "layers": [], "real_data": False}
RESULT |= {f"{name}_accuracy": 0.5 for name in ("train", "val", "test", "last_train", "last_val", "last_test")}
LOSSES = {"loss": 0.5, "accuracy": 0.5, "val_loss": 0.5, "val_accuracy": 0.5, "seconds": 0.1}


def sweep(ledger, dataset, **more):
    progress = Progress(Console(file=io.StringIO()), {})
    run(SpecList([SPEC]), ledger, dataset, Machines(backend="in-process"), progress, trainer(**more))
    return progress


def test_what_is_written_is_read_and_only_a_whole_file_is_ever_there(place):
    bucket = Ledger(place[0])
    assert not bucket.exists()
    bucket.check_writable()
    data = os.urandom(12 * 2**20)  # more than one request takes
    for text in (b"", b"text", data):
        bucket.record(SPEC.key).write(Record.CHECKPOINT, text)
        assert pickle.loads(pickle.dumps(bucket)).record(SPEC.key).read(Record.CHECKPOINT) == text
    assert bucket.exists()
    bucket.record(SPEC.key).remove(Record.CHECKPOINT)
    bucket.record(SPEC.key).remove(Record.CHECKPOINT)
    assert bucket.record(SPEC.key).read(Record.CHECKPOINT) is None


def test_an_epoch_costs_two_requests_and_a_trial_lists_only_the_drivers(wire, requests, tiny):
    bucket = Ledger("s3://bucket/results")
    requests.lines.clear()
    marks = []
    sweep(bucket, tiny, each=lambda epoch: marks.append(len(requests.lines)))
    assert [after - before for before, after in itertools.pairwise(marks)] == [2] * (SPEC.epochs - 1)
    assert ["drivers" in line for line in requests.of("list-type")] == [True, True]  # a sweep's start, and its trial
    requests.lines.clear()
    assert requests.of("uploads") == []
    assert bucket.load().trials["status"].tolist() == ["finished"]
    assert len(requests.of("list-type")) == 1


def test_two_sweeps_of_one_bucket_train_nothing_twice_and_both_end_with_all_of_it(place, tmp_path):
    heard = [Heard(), Heard()]

    def go(listener):
        run(SpecList(stepwise.SPECS), Ledger(place[0]), None, HERE, listener, stepwise.trainer(tmp_path / "log", 0.05))

    with ThreadPoolExecutor() as pool:
        list(pool.map(go, heard))
    trained = stepwise.epochs_trained(tmp_path / "log")
    assert len(trained) == len(set(trained)) == sum(spec.epochs for spec in stepwise.SPECS)
    keys = sorted(spec.key for spec in stepwise.SPECS)
    assert [sorted(each.finished_keys) for each in heard] == [keys, keys]
    assert Ledger(place[0]).load().warnings == []


def test_a_cut_network_loses_nothing(place, tiny):
    bucket, wire = Ledger(place[0]), place[1]
    trained = []

    def each(epoch):
        trained.append(epoch)
        if epoch == 2:
            wire.break_for(2)

    progress = sweep(bucket, tiny, each=each, megabytes=1)
    assert progress.finished_keys == [SPEC.key]
    assert trained == [1, 2, 3]
    assert bucket.load().epochs["epoch"].tolist() == [1, 2, 3]


def test_after_a_cut_longer_than_its_patience_a_trial_goes_on_from_its_checkpoint(wire, tiny, monkeypatch):
    monkeypatch.setattr(buckets, "PATIENCE", 0.0)
    monkeypatch.setattr(buckets, "PAUSES", (0.1, 0.1))
    bucket = Ledger("s3://bucket/results")
    trained, recorded = [], []
    write = bucket.write_file

    def patient(path, data):
        if path.endswith(Record.ERROR):  # the record of the failure finds the bucket again
            monkeypatch.setattr(buckets, "PATIENCE", 60.0)
            recorded.append(data)
        write(path, data)

    monkeypatch.setattr(bucket, "write_file", patient)

    def each(epoch):
        trained.append(epoch)
        if epoch == 2 and len(trained) == 2:
            wire.break_for(8)  # the library beneath tries for six seconds by itself

    assert sweep(bucket, tiny, each=each).finished_keys == [SPEC.key]
    assert trained == [1, 2, 2, 3]
    assert b"NETWORK_CONNECTION" in recorded[0]


def test_the_report_is_written_from_a_bucket(place, tiny, tmp_path):
    sweep(Ledger(place[0]), tiny)
    assert report.main(["--results", place[0], "--out", str(tmp_path)]) == 0
    assert SPEC.key in (tmp_path / report.TRIALS).read_text()
    assert (tmp_path / report.HTML).exists()


def mistake(capsys, uri):
    with pytest.raises(SystemExit) as exit_:
        one("One trial.", ["--data", "embedded", "--results", uri, "--epochs", "1", "--reviews", "200"])
    assert exit_.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_bucket_that_is_not_there_is_one_line_with_the_remedy(place, capsys):
    uri = place[0].replace("bucket", "nowhere")
    line = mistake(capsys, uri)
    assert f"results {uri}: " in line
    assert re.search("bucket does not exist|NOT_FOUND", line)
    assert "make the bucket, or name another with --results" in line


def test_credentials_that_the_bucket_refuses_are_one_line_with_the_remedy(wire, store, capsys):
    post(store, "reset-auth", b"0")  # from now on the store asks who is there
    try:
        line = mistake(capsys, "s3://bucket/results")
    finally:
        post(store, "reset-auth", b"inf")
    assert "give credentials that may read and write it: for s3 in AWS_ACCESS_KEY_ID" in line


def test_a_store_that_does_not_answer_is_one_line_with_the_remedy(wire, capsys, monkeypatch):
    monkeypatch.setattr(buckets, "FIRST_PATIENCE", 0.0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    line = mistake(capsys, "s3://bucket/results")
    assert "NETWORK_CONNECTION" in line
    assert "see to the network (for another store than Amazon's: AWS_ENDPOINT_URL)" in line


def test_a_google_bucket_that_nobody_gave_credentials_for_is_one_line_soon(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(buckets, "FIRST_PATIENCE", 0.0)
    monkeypatch.setitem(buckets.OPTIONS, "gs", "retry_limit_seconds=1")
    monkeypatch.setenv("HOME", str(tmp_path))  # no one is logged in
    monkeypatch.setenv("GCE_METADATA_ROOT", "127.0.0.1:1")  # not on Google's own machine either
    line = mistake(capsys, "gs://bucket/results")
    assert "Could not create a OAuth2 access token" in line
    assert "for gs by `gcloud auth application-default login`" in line
    assert "error_info" not in line


def test_an_option_that_the_user_gave_is_left_as_it_is():
    assert buckets.with_options("gs://b/r") == "gs://b/r?retry_limit_seconds=5"
    assert buckets.with_options("gs://b/r?retry_limit_seconds=60") == "gs://b/r?retry_limit_seconds=60"
    assert buckets.with_options("s3://b/r?region=x") == "s3://b/r?region=x&allow_delayed_open=true"
    assert buckets.with_options("file:///r") == "file:///r"
