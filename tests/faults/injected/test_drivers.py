"""Real drivers on a real Ray: stopped, killed, in odd folders; what they print, and what they lose: nothing."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import pytest

from rnnsweep.cluster import connect, ray_tune
from rnnsweep.ledger import Ledger, Record
from rnnsweep.machine.process import MARK, Process, this_process
from rnnsweep.machine.process import started as process_started
from rnnsweep.run import run
from rnnsweep.sweep import ATTEMPTS, Machines, SpecList
from tests.helpers.drivers import command, started, wait_for
from tests.helpers.sweeps import SPECS, Heard, numbers


def workers(process):
    """Return the ids of the driver's workers that train."""
    import psutil

    below = psutil.Process(process.pid).children(recursive=True)
    return [each.pid for each in below if any(word.startswith("ray::ImplicitFunc") for word in _words(each))]


def _words(process):
    import psutil

    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGTERM], [signal.SIGHUP], [signal.SIGINT] * 3],
    ids=["SIGTERM", "SIGHUP", "Ctrl-C three times"],
)
def test_a_stopped_driver_ends_with_the_command_to_go_on_and_without_a_traceback(tmp_path, signals):
    with started(command(tmp_path)) as process:
        wait_for(lambda: list(tmp_path.glob(f"*/{Record.CHECKPOINT}")), process)
        for number in signals:
            process.send_signal(number)
            time.sleep(0.2)
        output = process.communicate()[0]
    assert process.returncode == 130, output
    assert "interrupted; nothing finished is lost. To go on: python" in output
    assert "Traceback" not in output
    assert "SIG" not in output


def test_a_worker_that_is_killed_each_time_is_said_to_be_killed_and_nothing_of_rays_is_printed(tmp_path):
    with started(command(tmp_path)) as process:
        wait_for(lambda: list(tmp_path.glob(f"*/{Record.CHECKPOINT}")), process)
        killed = set()
        while process.poll() is None:
            for pid in set(workers(process)) - killed:
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        output = process.communicate()[0]
    assert process.returncode == 1, output
    assert "failed: the worker died 3 times, the last time killed" in output
    lines = output.splitlines()
    after = lines[next(i for i, line in enumerate(lines) if "kernel" in line) :]
    assert not [line for line in after if re.match(r"\[\d{4}-|\(raylet|\(pid|Traceback", line)], output
    assert len(killed) >= 3


@pytest.mark.parametrize("part", ["raylet", "gcs_server"])
def test_a_driver_whose_ray_is_killed_ends_in_one_line(tmp_path, part):
    import psutil

    with started(command(tmp_path)) as process:
        wait_for(lambda: list(tmp_path.glob(f"*/{Record.CHECKPOINT}")), process)
        for child in psutil.Process(process.pid).children(recursive=True):
            if any(word.endswith(f"/{part}") for word in _words(child)[:1]):
                child.kill()
        output = process.communicate()[0]
    assert process.returncode == 2, output
    assert f"Ray's {part} has ended; nothing finished is lost: give the same command again to go on" in output
    assert "Traceback" not in output


@pytest.fixture
def odd_python(tmp_path):
    """Return the Python of an environment in a folder whose name a shell would take apart."""
    folder = tmp_path / "a b [c] & 'd"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    packages = Path(sysconfig.get_path("purelib"))
    inside = folder / packages.relative_to(sys.prefix)
    inside.parent.mkdir(parents=True)
    inside.symlink_to(packages)
    shutil.copy(Path(sys.prefix, "pyvenv.cfg"), folder)
    return folder / "bin" / "python"


def test_an_odd_folder_a_long_temporary_one_and_no_home_keep_no_private_ray_from_training(tmp_path, odd_python):
    long = tmp_path / ("a-temporary-folder-as-schedulers-make-them-" + "0123456789" * 3)
    long.mkdir()
    with started(
        command(tmp_path / "results", "--epochs", "1", python=odd_python),
        HOME="/nonexistent", TMPDIR=str(long), RAY_AUTH_MODE=None, RAY_TMPDIR=None,
    ) as process:  # fmt: skip
        output = process.communicate()[0]
    assert process.returncode == 0, output
    assert "1 of 1 trials finished" in output
    assert "RAY" not in output


@pytest.mark.skipif(shutil.which("unshare") is None, reason="a user without a name needs unshare, of Linux")
def test_a_user_without_a_name_or_a_home_trains(tmp_path):
    nameless = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]
    if subprocess.run([*nameless, "true"], capture_output=True).returncode:
        pytest.skip("this system lets nobody be another user")
    names = dict.fromkeys(("HOME", "USER", "LOGNAME", "LNAME", "USERNAME", "RAY_AUTH_MODE"))
    with started([*nameless, *command(tmp_path / "results", "--epochs", "1")], **names) as process:
        output = process.communicate()[0]
    assert process.returncode == 0, output
    assert "1 of 1 trials finished" in output


def test_what_a_users_file_says_to_keras_changes_no_number(tmp_path):
    said = {"floatx": "float16", "epsilon": 0.1, "backend": "tensorflow", "image_data_format": "channels_first"}
    flags = ["--epochs", "1", "--reviews", "200", "--in-process", "--pooling", "mean", "max", "last"]
    for name, fields in (("odd", said), ("usual", {})):
        (tmp_path / f"{name}-keras").mkdir()
        (tmp_path / f"{name}-keras" / "keras.json").write_text(json.dumps(fields))
        with started(command(tmp_path / name, *flags), KERAS_HOME=str(tmp_path / f"{name}-keras")) as process:
            output = process.communicate()[0]
        assert process.returncode == 0, output
    assert numbers(Ledger(tmp_path / "odd")) == numbers(Ledger(tmp_path / "usual"))


class Told(Exception):  # noqa: N818
    """Ends a sweep that would wait for ever."""


def test_that_no_worker_starts_is_said_soon_with_the_folder_of_rays_logs(tmp_path, tiny, monkeypatch):
    class Waiting(Heard):
        def on_waiting(self, seconds, logs):
            super().on_waiting(seconds, logs)
            assert Path(logs).is_dir()
            raise Told(self._console.file.getvalue())

    monkeypatch.setattr(ray_tune, "PATIENCE_SECONDS", 3.0)
    monkeypatch.setattr(connect, "_runtime_environment", lambda: {"py_executable": "/no/such/python"})
    with pytest.raises(Told, match=r"warning: no worker has started for 3\.0 s; what Ray says of it is in /"):
        run(SpecList(SPECS[:1]), Ledger(tmp_path), tiny, Machines(), Waiting())


def leftovers(mark):
    """Return the ids of processes that a driver of this mark started and that still run."""
    import psutil

    found = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if each.status() != psutil.STATUS_ZOMBIE and each.environ().get(MARK) == mark:
                found.append(each.pid)
    return found


def mark_of(process):
    return Process(this_process().machine, process.pid, process_started(process.pid)).mark


KILLS = ["at once", "as its Ray starts", "as its worker starts", "in an epoch"]


@pytest.mark.parametrize("when", KILLS)
def test_what_a_killed_driver_left_on_ray_is_ended_at_the_next_start_and_the_ledger_is_whole(tmp_path, when):
    flags = ["--epochs", "5"]
    with started(command(tmp_path / "undisturbed", *flags, "--in-process")) as process:
        process.communicate()
    assert process.returncode == 0
    with started(command(tmp_path / "results", *flags)) as process:
        mark = mark_of(process)
        if when == "as its Ray starts":
            wait_for(lambda: leftovers(mark), process)
        elif when == "as its worker starts":
            wait_for(lambda: workers(process), process)
        elif when == "in an epoch":
            wait_for(lambda: list((tmp_path / "results").glob(f"*/{Record.CHECKPOINT}")), process)
        else:
            wait_for(lambda: (tmp_path / "results" / "drivers").exists(), process)
        process.kill()
        process.communicate()
    with started(command(tmp_path / "results", *flags)) as again:
        output = again.communicate()[0]
    assert again.returncode == 0, output
    assert leftovers(mark) == []
    assert numbers(Ledger(tmp_path / "results")) == numbers(Ledger(tmp_path / "undisturbed"))


@pytest.mark.parametrize("pause", [0.0, 0.05, 0.3])
def test_ctrl_c_three_times_leaves_no_process_and_no_epoch_that_was_told_is_trained_again(tmp_path, pause):
    with started(command(tmp_path)) as process:
        mark = mark_of(process)
        wait_for(lambda: list(tmp_path.glob(f"*/{Record.CHECKPOINT}")), process)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(pause)
        output = process.communicate()[0]
    assert process.returncode == 130, output
    assert "Traceback" not in output
    deadline = time.monotonic() + 20
    while leftovers(mark) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert leftovers(mark) == []
    (path,) = tmp_path.glob(f"*/{Record.EPOCHS}")
    told = path.read_bytes()
    with started(command(tmp_path)) as process:
        wait_for(lambda: len(path.read_bytes()) > len(told), process)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert path.read_bytes().startswith(told), "the times of each epoch are those of its first training"


def test_a_worker_that_hangs_is_ended_with_its_stack_and_fails_after_its_attempts(tmp_path, tiny):
    def hang_for_ever(spec, dataset, on_epoch, state):
        threading.Event().wait()

    heard = Heard()
    machines = Machines(max_concurrent=1, epoch_timeout=2.0)
    run(SpecList(SPECS[:1]), Ledger(tmp_path), tiny, machines, heard, hang_for_ever)
    assert heard.failed_keys[SPECS[0].key].startswith("epoch 1 took longer than 2 s, see --epoch-timeout")
    assert "hang_for_ever" in Ledger(tmp_path).record(SPECS[0].key).error()
    assert heard.events.count(("retried", SPECS[0].key)) == ATTEMPTS - 1


def test_on_ray_what_another_driver_trains_is_waited_for_and_trained_once_it_is_left(tmp_path, tiny, monkeypatch):
    ledger = Ledger(tmp_path)
    said = {"process": {"machine": "elsewhere", "pid": 1, "started": "1"}, "keys": [SPECS[0].key]}
    ledger.write_driver("theirs", json.dumps(said).encode())
    monkeypatch.setattr(ray_tune, "PATIENCE_SECONDS", 3.0)

    class Waiting(Heard):
        def on_claimed(self, trials, who):
            super().on_claimed(trials, who)
            threading.Timer(6.0, ledger.remove_driver, ["theirs"]).start()

        def on_waiting(self, seconds, logs):
            raise Told("a worker waits, but for nothing of this machine")

    heard = Waiting()
    monkeypatch.setattr(ray_tune.QueueScheduler, "on_trial_add", _patient(ray_tune.QueueScheduler.on_trial_add))
    run(SpecList(SPECS[:1]), ledger, tiny, Machines(max_concurrent=1), heard)
    assert heard.finished_keys == [SPECS[0].key]


def _patient(original):
    """Return the method, after which a first worker may take as long as it does on a busy machine."""

    def add(self, *arguments):
        ray_tune.PATIENCE_SECONDS = 300.0
        original(self, *arguments)

    return add


@pytest.mark.skipif(shutil.which("unshare") is None, reason="a folder that nobody may write needs unshare, of Linux")
def test_a_ledger_that_becomes_read_only_ends_the_sweep_in_one_line_and_it_goes_on_later(tmp_path):
    nobody = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]
    if subprocess.run([*nobody, "true"], capture_output=True).returncode:
        pytest.skip("this system lets nobody be another user")
    results = tmp_path / "results"
    with started([*nobody, *command(results, "--in-process", "--epochs", "40")]) as process:
        (path,) = wait_for(lambda: list(results.glob(f"*/{Record.CHECKPOINT}")), process)
        path.parent.chmod(0o555)
        results.chmod(0o555)
        output = process.communicate()[0]
    path.parent.chmod(0o755)
    results.chmod(0o755)
    assert process.returncode == 2, output
    assert "Permission denied; give another place with --results" in output
    assert "Traceback" not in output
    told = path.with_name(Record.EPOCHS).read_bytes()
    with started(command(results, "--in-process", "--epochs", "40")) as process:
        output = process.communicate()[0]
    assert process.returncode == 0, output
    assert path.with_name(Record.EPOCHS).read_bytes().startswith(told)
