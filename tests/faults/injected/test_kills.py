"""A real SIGKILL at each write of a sweep, in a folder and in a bucket, and training that ends at each of its own."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from rnnsweep.ledger import Ledger, store
from rnnsweep.run import run
from rnnsweep.sweep import SpecList, missing
from tests.helpers.drivers import stepwise
from tests.helpers.stepwise import SPECS as STEPS
from tests.helpers.stepwise import epochs_trained, trainer, values
from tests.helpers.sweeps import HERE, SPECS, Heard, numbers

ROOT = Path(__file__).parents[3]


def killed_at_each_write(place, trials, *stages):
    words = [sys.executable, "-m", "tests.helpers.killed", str(place), str(trials), *stages]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, cwd=ROOT)
    found = json.loads(done.stdout)
    print(found)
    assert found["kills"] == found["writes"] * len(stages)
    assert found["unequal"] == found["more than one twice"] == []


def test_a_sweep_in_a_folder_killed_at_each_write_before_within_and_after_goes_on_to_the_same_ledger(tmp_path):
    killed_at_each_write(tmp_path, 2, "before", "half", "after")


@pytest.fixture
def bucket(monkeypatch):
    """Return the address of a place in a bucket of a server on this machine, which the environment leads to."""
    if any(importlib.util.find_spec(name) is None for name in ("moto", "boto3")):
        pytest.skip("no bucket to test against: pip install 'moto[server]' boto3")
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    names = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in (names | {"AWS_ENDPOINT_URL": url}).items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", endpoint_url=url).create_bucket(Bucket="bucket")
    yield "s3://bucket/results"
    server.stop()


def test_a_sweep_in_a_bucket_killed_at_each_write_before_and_after_goes_on_to_the_same_ledger(bucket):
    killed_at_each_write(bucket, 1, "before", "after")


def test_two_drivers_in_a_bucket_share_what_is_missing_and_train_nothing_twice(bucket, tmp_path):
    log = tmp_path / "log"
    with stepwise(bucket, log, 0.1) as first, stepwise(bucket, log, 0.1) as second:
        assert first.communicate()[0] == second.communicate()[0] == "True\n"
    trained = epochs_trained(log)
    assert len(trained) == len(set(trained)) == sum(spec.epochs for spec in STEPS)
    there = Ledger(tmp_path / "undisturbed")
    run(SpecList(STEPS), there, None, HERE, Heard(), trainer(tmp_path / "other.log"))
    assert values(Ledger(bucket)) == values(there)


class Killed(BaseException):
    """As if the process ended here."""


def test_training_killed_at_each_write_goes_on_to_the_same_numbers(tmp_path, tiny, monkeypatch):
    def sweep(place):
        ledger = Ledger(place)
        run(SpecList(missing(SPECS[:1], ledger)), ledger, tiny, HERE, Heard())
        return ledger

    undisturbed = numbers(sweep(tmp_path / "undisturbed"))
    write, fatal, count = store.write_whole, 0, 0

    def counted(path, data, **more):
        nonlocal count
        count += 1
        if count == fatal:
            raise Killed
        write(path, data, **more)

    monkeypatch.setattr(store, "write_whole", counted)
    while count >= fatal:
        fatal, count = fatal + 1, 0
        try:
            sweep(tmp_path / str(fatal))
        except Killed:
            assert numbers(sweep(tmp_path / str(fatal))) == undisturbed
    assert fatal > 10
