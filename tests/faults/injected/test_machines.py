"""Machines that are lost and memory that runs out while trials run, for real: said as far as known, nothing lost."""

import os
from collections import Counter
from pathlib import Path

import pytest

from rnnsweep.cluster import backend
from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.sweep import ATTEMPTS, Machines, SpecList, missing
from tests.helpers.drivers import command, started
from tests.helpers.stepwise import SPECS, epochs_trained, trainer, values
from tests.helpers.sweeps import HERE, Heard, numbers

GROUPS = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")  # of memory: the older kind, and the one of today
LIMITS = "memory.limit_in_bytes", "memory.max"
ROOM = 64 * 2**20  # bytes of a group, beside what its processes had before


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run(SpecList(SPECS), Ledger(folder), None, HERE, trainer=trainer(folder / "log"))
    return values(Ledger(folder))


class Losing(Heard):
    """A display that takes away the machine of the first trial whose second epoch it hears, like a pulled plug."""

    lost = None

    def __init__(self, cluster, nodes):
        super().__init__()
        self._cluster, self._nodes = cluster, nodes

    def on_epoch(self, spec, row):
        import psutil

        super().on_epoch(spec, row)
        if self.lost is None and row["epoch"] == 2:
            self.lost = spec.key
            above = {each.pid for each in psutil.Process(row["pid"]).parents()}
            node = next(n for n in self._nodes if n.all_processes["raylet"][0].process.pid in above)
            self._cluster.remove_node(node, allow_graceful=False)


def test_trials_of_a_lost_machine_move_to_another_and_the_ledger_is_equal(tmp_path, tiny, undisturbed, monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setattr(backend, "preflight", lambda ledger, dataset: [])
    log, ledger = tmp_path / "log", Ledger(tmp_path / "results")
    cluster = Cluster(True, head_node_args={"num_cpus": 0, "num_gpus": 0, "include_dashboard": False})
    try:
        nodes = [cluster.add_node(num_cpus=1, num_gpus=0) for _ in range(2)]
        heard = Losing(cluster, nodes)
        run(SpecList(SPECS), ledger, tiny, Machines(address=cluster.address), heard, trainer(log, seconds=0.5))
    finally:
        cluster.shutdown()
    assert heard.lost
    assert ("retried", heard.lost) in heard.events
    assert sorted(heard.finished_keys) == sorted(spec.key for spec in SPECS)
    assert values(ledger) == undisturbed
    assert heard.epochs_of(heard.lost) == [1, 2, 3], "what was told is never trained again"
    again = {epoch: times for epoch, times in Counter(epochs_trained(log)).items() if times > 1}
    assert len(again) <= 2, "an epoch in progress of each trial there, at most"


@pytest.fixture
def narrow():
    """Return the file that takes the ids of processes that the kernel is to give little memory."""
    kind = next((i for i, (root, limit) in enumerate(zip(GROUPS, LIMITS, strict=True)) if _has(root, limit)), None)
    if kind is None:
        pytest.skip("no control group of memory that this user may set")
    group = GROUPS[kind] / f"rnnsweep-{os.getpid()}"
    group.mkdir()
    (group / LIMITS[kind]).write_text(str(ROOM))
    yield group / "cgroup.procs"
    group.rmdir()


def _has(root, limit):
    """Return whether a group with this limit can be made there."""
    probe = root / f"rnnsweep-probe-{os.getpid()}"
    try:
        probe.mkdir()
        found = (probe / limit).exists()
        probe.rmdir()
    except OSError:
        return False
    return found


def greedy(log, narrow, marks, times):
    """Return the stand-in for training, which after an epoch takes more memory than the kernel gives, so many times."""

    def train(spec, dataset, on_epoch, state):
        def on(epoch):
            on_epoch(epoch)
            if spec == SPECS[0] and len(list(marks.iterdir())) < times:
                (marks / str(os.getpid())).touch()
                narrow.write_text(str(os.getpid()))
                b"x" * (4 * ROOM)

        return trainer(log)(spec, dataset, on, state)

    return train


def sweep(ledger, dataset, train):
    heard = Heard()
    run(SpecList(missing(SPECS, ledger)), ledger, dataset, Machines(max_concurrent=1), heard, train)
    return heard


def test_a_worker_that_the_kernel_ends_for_its_memory_goes_on_where_it_was(tmp_path, tiny, undisturbed, narrow):
    (tmp_path / "marks").mkdir()
    ledger, log = Ledger(tmp_path / "results"), tmp_path / "log"
    heard = sweep(ledger, tiny, greedy(log, narrow, tmp_path / "marks", ATTEMPTS - 1))
    assert heard.events.count(("retried", SPECS[0].key)) == ATTEMPTS - 1
    assert values(ledger) == undisturbed
    assert len(epochs_trained(log)) == len(set(epochs_trained(log)))


def test_one_that_is_ended_so_each_time_fails_alone_says_so_and_goes_on_later(tmp_path, tiny, undisturbed, narrow):
    (tmp_path / "marks").mkdir()
    ledger, log = Ledger(tmp_path / "results"), tmp_path / "log"
    many = SPECS[0].epochs  # an epoch each time; the last one's end is in time
    heard = sweep(ledger, tiny, greedy(log, narrow, tmp_path / "marks", many))
    print(heard.failed_keys)
    assert list(heard.failed_keys) == [SPECS[0].key]
    assert f"the worker died {ATTEMPTS} times, the last time killed" in heard.failed_keys[SPECS[0].key]
    assert len(heard.finished_keys) == len(SPECS) - 1
    assert sweep(ledger, tiny, trainer(log)).finished_keys == [SPECS[0].key]
    assert values(ledger) == undisturbed
    assert len(epochs_trained(log)) == len(set(epochs_trained(log)))


def test_workers_that_rays_memory_monitor_ends_are_said_to_be_out_of_memory_and_the_ledger_is_equal(tmp_path):
    flags = ["--epochs", "3"]
    little = {"RAY_memory_usage_threshold": "0.01", "RAY_memory_monitor_refresh_ms": "100"}
    with started(command(tmp_path / "results", *flags), **little) as process:
        output = process.communicate()[0]
    assert process.returncode == 1, output
    assert f"the worker died {ATTEMPTS} times, the last time out of memory" in output
    assert "Traceback" not in output
    for place in ("results", "undisturbed"):
        with started(command(tmp_path / place, *flags, "--in-process")) as process:
            output = process.communicate()[0]
        assert process.returncode == 0, output
    assert numbers(Ledger(tmp_path / "results")) == numbers(Ledger(tmp_path / "undisturbed"))
