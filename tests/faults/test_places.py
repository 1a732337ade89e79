"""Places, names and numbers that no sweep can use: one line, status 2, and nothing written anywhere."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from analysis import report
from rnnsweep.cli import screen
from rnnsweep.cli.grid import grid, one
from rnnsweep.cli.search import search
from rnnsweep.data import Dataset
from rnnsweep.ledger import Ledger, StoreError
from rnnsweep.redact import without_password
from rnnsweep.run import run
from rnnsweep.spec import Spec, SpecError
from rnnsweep.sweep import Progress, SpecList
from tests.helpers.sweeps import HERE, Heard

ROOT = Path(__file__).parents[2]
SMALL = ["--data", "embedded", "--units", "4", "--embedding-dim", "3", "--num-words", "30", "--max-len", "12"]
SMALL += ["--batch-size", "16", "--epochs", "1", "--reviews", "100"]


def refused(capsys, call, *arguments):
    """Return the one line on which a command ended with status 2."""
    with pytest.raises(SystemExit) as end:
        call(*arguments)
    assert end.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Work in a folder of odd places."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    Path("loop").symlink_to("loop")
    Path("nowhere").symlink_to("no/such/folder")
    return tmp_path


PLACES = [
    "", "file", "file/x", "/dev/null", "loop", "loop/x", "x" * 300, "y/" * 3000, "s3://", "s3:///", "gs://", "file://",
    "abfs://container@account.dfs.core.windows.net/x", "http://host/x", "s3://bucket with space/\\", "://", "/proc/x",
    os.fsdecode(b"name\xff"),
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_can_hold_no_ledger_is_refused_in_one_line(places, capsys, place):
    before = sorted(places.rglob("*"))
    line = refused(capsys, one, "One trial.", [*SMALL, "--results", place])
    assert "results" in line
    assert "give" in line
    assert sorted(places.rglob("*")) == before


@pytest.mark.parametrize("place", PLACES)
def test_a_report_of_a_place_that_can_hold_no_ledger_is_refused_in_one_line(places, capsys, place):
    before = sorted(places.rglob("*"))
    refused(capsys, report.main, ["--results", place, "--out", "out"])
    assert sorted(places.rglob("*")) == before


def test_a_report_is_not_written_to_a_place_without_a_name(places, capsys):
    assert "--out" in refused(capsys, report.main, ["--results", "results", "--out", ""])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_refused(places, capsys):
    Path("mine").mkdir(mode=0)
    assert "Permission denied" in refused(capsys, one, "One trial.", [*SMALL, "--results", "mine"])


NUMBERS = {
    "--seed 4294967296": "seed is 4294967296; give at most 4294967295",
    "--learning-rate 1e39": "learning_rate is 1e+39; give 1e-37 to 3e+38",
    "--learning-rate 1e-50": "learning_rate is 1e-50; give 1e-37 to 3e+38",
    "--units 3000000": "GB of memory, and there are",
    "--num-words 100000000000": "GB of memory, and there are",
    "--embedding-dim 1000000000": "GB of memory, and there are",
    "--max-len 10000000000": "GB of memory, and there are",
    "--cpus-per-trial 1e-9": "'1e-9' is not a number from 0.01",
    "--gpus-per-trial 1e-9": "'1e-9' is neither 0 nor a share from 0.01",
    "--max-concurrent 99999999999": "is above 4,294,967,295",
}


@pytest.mark.parametrize("flags", NUMBERS)
def test_a_number_too_large_or_too_small_to_be_meant_is_refused_before_training(places, capsys, flags):
    line = refused(capsys, one, "One trial.", [*SMALL, "--results", "results", *flags.split()])
    assert NUMBERS[flags] in line
    assert not Path("results").exists()


@pytest.mark.parametrize("seeds", ["100000", "4294967295"])
def test_a_grid_of_more_trials_than_anybody_plans_is_refused_at_once(places, capsys, seeds):
    line = refused(capsys, grid, "A grid.", ["--data", "embedded", "--plan", "--results", "results", "--seeds", seeds])
    assert f"the grid has {81 * int(seeds):,} trials, {int(seeds):,} values of seed among others" in line


def test_a_search_as_deep_as_nobody_trains_is_refused_at_once(places, capsys):
    line = refused(capsys, search, "A search.", ["--data", "embedded", "--trials", "2", "--depth", "1000000"])
    assert "depth is 1,000,000; give at most 100" in line


def test_a_trial_too_large_for_its_machine_fails_at_once_with_the_number(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr("rnnsweep.sweep.trial.memory_here_mb", lambda: 100.0)
    progress, spec = Heard(), Spec(units=(4,), epochs=1, batch_size=16)
    run(SpecList([spec]), Ledger(tmp_path), tiny, HERE, progress)
    assert "GB of memory, and there are 0.1 GB; lower units" in progress.failed_keys[spec.key]
    assert ("retried", spec.key) not in progress.events


def test_a_full_disk_ends_the_sweep_in_one_line(tmp_path, tiny, monkeypatch):
    def full(descriptor):
        if os.fstat(descriptor).st_size > 5000:  # a checkpoint
            raise OSError(28, "No space left on device")

    trained = []

    def train(spec, dataset, on_epoch, state):
        import types

        trained.append(spec.key)
        on_epoch(types.SimpleNamespace(rows=[{"epoch": 1, "seconds": 0.1}], state=lambda: {"x": np.zeros(9999)}))

    monkeypatch.setattr(os, "fsync", full)
    specs = [Spec(units=(4,), seed=seed) for seed in (1, 2)]
    with pytest.raises(StoreError, match=r"cannot be written: .*/checkpoint.npz: No space left on device; give"):
        run(SpecList(specs), Ledger(tmp_path), tiny, HERE, trainer=train)
    assert trained == [specs[0].key]


ODD = ["runs [gru]", "old[/v1]", "[red]x[/red]", "back\\", "a [link=x]b", "\x1b[2J\x1b]0;title\x07 x"]


@pytest.mark.parametrize("name", ODD)
def test_brackets_of_a_name_are_no_markup_and_nothing_steers_the_terminal(tmp_path, name):
    console = Console(file=io.StringIO(), highlight=False, force_terminal=True, color_system=None)
    reviews = type("Reviews", (), {"__len__": lambda self: 3, "labels": np.zeros(3)})()
    data = Dataset(name, "0" * 64, True, ("a", "b"), reviews, reviews)
    screen.print_data(console, data)
    screen.print_warning(console, name)
    screen.print_interrupted(console, name)
    screen.print_done(console, Ledger(str(tmp_path / "x")), 1, 1)
    screen.print_failed(console, {"a" * 12: name})
    screen.print_report_command(console, name)
    out = console.file.getvalue()
    if name.isprintable():
        assert out.count(name) >= 5
    assert "\x1b" not in out
    assert "\x07" not in out


def test_a_file_gets_no_live_display_whatever_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with (tmp_path / "log").open("w") as file, Progress(Console(file=file), {"a": 1.0}) as progress:
        assert progress._live is None


PRINTS = """
import sys
from rnnsweep.cli.guard import take_every_character
from rich.console import Console
take_every_character()
Console().print(sys.argv[1], soft_wrap=True)
"""


@pytest.mark.parametrize(
    ("encoding", "name", "printed"),
    [
        ("ascii", "gru · é".encode(), b"gru ? ?"),
        ("ascii", b"a\xff", b"a\xff"),
        ("utf-8", b"a\xff \xc2\xb7", b"a\xff \xc2\xb7"),
    ],
)
def test_what_the_output_has_no_character_for_stops_nothing(encoding, name, printed):
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"}
    end = subprocess.run([sys.executable, "-c", PRINTS, name], env=environment, capture_output=True, cwd=ROOT)
    assert end.stdout.strip() == printed, end.stderr


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("postgresql://me:se:c@ret@host/db", "postgresql://me:***@host/db"),
        (
            "python x --study 'mysql://u:secret@h:3306/d' --trials 3",
            "python x --study 'mysql://u:***@h:3306/d' --trials 3",
        ),
        ("postgresql://h/d?user=me&password=secret&x=1", "postgresql://h/d?user=me&password=***&x=1"),
        ("s3://bucket/a:b", "s3://bucket/a:b"),
        ("sqlite:////a/b@c:d.db", "sqlite:////a/b@c:d.db"),
    ],
)
def test_no_password_is_shown(said, shown):
    assert without_password(said) == shown


@pytest.mark.parametrize(("field", "value"), [("seed", 2**32), ("learning_rate", 1e39), ("learning_rate", 1e-46)])
def test_what_32_bits_do_not_hold_is_no_spec(field, value):
    with pytest.raises(SpecError, match=f"{field} is .*; give"):
        Spec(**{field: value})
