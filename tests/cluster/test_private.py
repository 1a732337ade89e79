"""How a private Ray is started, whatever the machine's folders are."""

import os
import shutil
import sys
from types import SimpleNamespace

import pytest

from rnnsweep.cluster import connect
from rnnsweep.ledger import Ledger
from rnnsweep.sweep import Machines, cores_here
from tests.helpers.sweeps import SPECS, Heard


@pytest.fixture
def temporary(monkeypatch):
    """Return a function that sets the temporary folder."""
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    return lambda folder: monkeypatch.setenv("TMPDIR", str(folder))


def test_a_usual_temporary_folder_is_left_to_ray(temporary):
    temporary("/tmp")
    assert connect._short_folder() is None


def test_a_long_a_missing_and_a_full_temporary_folder_are_gone_round(temporary, tmp_path, monkeypatch):
    long = tmp_path / ("x" * 60)
    long.mkdir()
    for folder in (long, "/no/such/folder"):
        temporary(folder)
        assert connect._short_folder() in {f"{each}/ray" for each in connect.SHORT_FOLDERS}
    usage = shutil.disk_usage
    monkeypatch.setattr(
        connect.shutil, "disk_usage", lambda path: SimpleNamespace(free=0) if path == "/tmp" else usage(path)
    )
    temporary("/tmp")
    assert connect._short_folder() != "/tmp/ray"


def test_where_no_folder_does_better_ray_is_left_its_own(temporary, monkeypatch):
    temporary("/no/such/folder")
    monkeypatch.setattr(connect, "SHORT_FOLDERS", ())
    assert connect._short_folder() is None


def test_the_path_of_python_is_quoted_only_where_a_shell_would_take_it_apart(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/usr/bin/python")
    assert connect._runtime_environment() is None
    monkeypatch.setattr(sys, "executable", "/a b/it's [x] & y/python")
    assert connect._runtime_environment() == {"py_executable": "'/a b/it'\"'\"'s [x] & y/python'"}


def test_a_private_ray_asks_for_a_token_that_no_file_holds_unless_the_user_chose(monkeypatch):
    monkeypatch.setattr(connect.os, "environ", {})
    connect._make_token()
    assert connect.os.environ["RAY_AUTH_MODE"] == "token"
    assert len(connect.os.environ["RAY_AUTH_TOKEN"]) == 64
    monkeypatch.setattr(connect.os, "environ", {"RAY_AUTH_MODE": "disabled"})
    connect._make_token()
    assert connect.os.environ == {"RAY_AUTH_MODE": "disabled"}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("ActorDiedError: node was terminated unexpectedly: node failure", "because its machine was lost"),
        ("Task was killed due to the node running low on memory.", "out of memory"),
        ("The actor died. Worker exit type: SYSTEM_ERROR Worker exit detail: killed by SIGKILL.", "killed"),
        ("", "killed: Ray does not say how"),
    ],
)
def test_why_a_worker_died_is_said_as_far_as_ray_knows(error, reason):
    from rnnsweep.cluster.ray_tune import reason_of

    assert reason_of(RuntimeError(error)).startswith(f"the worker died 3 times, the last time {reason}")
    assert os.linesep not in reason_of(RuntimeError(error + "\nmore"))


def test_a_trial_that_tune_begins_again_after_its_result_ends_once(tmp_path):
    from rnnsweep.cluster.ray_tune import QueueCallback

    heard, listener = [], Heard()
    callback = QueueCallback(lambda spec, row: heard.append((spec.key, row["status"])), Ledger(tmp_path), listener)
    trial = SimpleNamespace(trial_id="tune's", config={"spec": SPECS[0].to_json()})
    callback.on_trial_start(0, [], trial)
    for _ in range(2):
        callback.on_trial_result(0, [], trial, {"status": "finished"})
        callback.on_trial_recover(0, [], trial)
        callback.on_trial_start(0, [], trial)
    callback.on_trial_error(0, [], trial)
    assert heard == [(SPECS[0].key, "finished")]
    assert listener.events == [("started", SPECS[0].key)]
    assert Ledger(tmp_path).record(SPECS[0].key).error() == ""


class Asked:
    def loaded(self):
        return {"tensorflow", "numba", "ray.tune"} <= set(sys.modules)


def test_a_trial_gets_a_worker_that_ray_has_started_already_and_that_has_imported_what_trials_need(tiny, monkeypatch):
    monkeypatch.setattr(connect, "WORKER_SECONDS", 120.0)  # however busy the machine is
    with connect.connected(Machines(), tiny, trials=99):
        import ray
        from ray._private.state import workers
        from ray.tune.execution.class_cache import _ActorClassCache

        with connect.started_workers():
            actors = [_ActorClassCache().get(Asked).remote() for _ in range(cores_here())]
        assert ray.get([actor.loaded.remote() for actor in actors]) == [True] * cores_here()
        assert len(workers()) == cores_here()
    assert connect.PRELOAD not in os.environ


def test_workers_import_nothing_that_some_of_them_will_not_need_or_a_gpu_comes_before(monkeypatch):
    def preloading(trials=99, **machines):
        with connect._preloading(Machines(**machines), trials) as said:
            assert (connect.PRELOAD in os.environ) == said
        return said

    monkeypatch.setattr(connect, "installed", lambda: [])
    assert preloading()
    assert not preloading(trials=cores_here() - 1)
    assert not preloading(max_concurrent=1) or cores_here() == 1
    monkeypatch.setattr(connect, "installed", lambda: [("a GPU", 1e5)])
    assert preloading(gpus_per_trial=0)
    assert not preloading(gpus_per_trial=0.5)
    monkeypatch.setenv(connect.PRELOAD, "the_users_own")
    assert preloading(gpus_per_trial=0)
    assert os.environ[connect.PRELOAD] == "the_users_own"
