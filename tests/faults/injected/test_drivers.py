"""Real drivers on a real Ray: stopped, killed, in odd folders; what they print, and what they lose: nothing."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from rnnsweep.cluster import connect, ray_tune
from rnnsweep.ledger import Ledger, Record
from rnnsweep.run import run
from rnnsweep.sweep import Machines, SpecList
from tests.helpers.sweeps import SPECS, Heard, numbers

ROOT = Path(__file__).parents[3]
FLAGS = ["--preset", "demo", "--data", "embedded", "--cell", "gru", "--units", "16", "--num-words", "200"]
FLAGS += ["--max-len", "200", "--epochs", "40", "--no-baselines", "--max-concurrent", "1"]


def command(results, *more, python=sys.executable):
    return [str(python), str(ROOT / "sweeps" / "grid.py"), *FLAGS, "--results", str(results), *more]


def started(words, **environment):
    """Return a driver that begins in an environment with these values, without those that are None."""
    values = {name: value for name, value in (os.environ | environment).items() if value is not None}
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=values, cwd=ROOT)


def wait_for(found, process):
    """Wait until there is something; the test's time limit ends it."""
    while not (there := found()):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    return there


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


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT] * 3], ids=["SIGTERM", "Ctrl-C three times"])
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
    assert "SIGTERM" not in output


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
