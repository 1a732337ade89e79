"""Every mistake that a command line, a file, a ledger or an address can hold: one line, status 2, nothing written."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnnsweep.cli.guard import STOPS
from rnnsweep.cli.main import main
from rnnsweep.cluster import connect
from tests.helpers import wrong

ROOT = Path(__file__).parents[2]
ROWS = [
    tuple(line.split("  ->  ", 1))
    for line in Path(__file__).with_name("bad_input.txt").read_text().splitlines()
    if not line.startswith("#")
]
SMALL = "--data embedded --units 4 --embedding-dim 3 --num-words 30 --max-len 12 --batch-size 16 --epochs 1"
SMALL += " --reviews 100 --cell gru"
MANY = " --depth 1 --no-baselines"  # of commands that train several
SECONDS = 10  # that a command may take to say so
LONGEST = 1500  # characters of a line, whatever the words that it names
REAL = [
    "nonsense", "grid --units 0", "grid --nonsense", "one SMALL --results ''", "search --trials 0", "predict",
    "export nonsense --out x", "compare a", "dashboard", "report --results kept --out ''", "report --results nowhere",
    "grid --data deep.json", "one SMALL --results s3:///x",
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder of things that are no good, and the port of somebody who does not answer."""
    folder = tmp_path_factory.mktemp("wrong")
    wrong.make(folder)
    with wrong.taken_port() as port:
        yield folder, port.getsockname()[1]


@pytest.fixture
def here(place, monkeypatch):
    """Work there, and put back what a command changes of this process."""
    monkeypatch.chdir(place[0])
    monkeypatch.setattr(sys, "argv", ["rnnsweep"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(connect, "WORD_SECONDS", 1)
    kept = {number: signal.getsignal(number) for number in STOPS}
    yield place
    for number, handler in kept.items():
        signal.signal(number, handler)


def words(line, port):
    """Return the words of a row's command; what it does not say is what makes it small, or only a plan."""
    command = line.partition(" ")[0]
    if command in ("grid", "one", "search") and "SMALL" not in line:
        line += " --plan" * ("--plan" not in line) + " --data embedded" * ("--data" not in line)
    values = {"SMALL": SMALL + MANY * (command != "one"), "PORT": str(port), "LONG": "x" * 300, "NINES": "9" * 5000}
    values |= {name.upper(): spec.key for name, spec in wrong.TRIALS.items()}
    return shlex.split(re.sub(rf"\b({'|'.join(values)})\b", lambda found: values[found[0]], line))


@pytest.mark.filterwarnings("default")  # of MLflow's and SQLAlchemy's own
@pytest.mark.parametrize(("line", "said"), ROWS, ids=[line for line, _ in ROWS])
def test_a_mistake_is_one_line_with_status_2_and_nothing_is_written(here, capsys, line, said):
    folder, port = here
    before, begun = wrong.snapshot(folder), time.process_time()
    with pytest.raises(SystemExit) as end:
        main(words(line, port))
    lines = capsys.readouterr().err.splitlines()
    assert end.value.code == 2
    assert len(lines) == 1, lines
    assert said in lines[0]
    assert "secret" not in lines[0]
    assert len(lines[0]) < LONGEST
    assert wrong.snapshot(folder) == before
    assert time.process_time() - begun < SECONDS


def test_a_real_process_says_the_same(place):
    folder, port = place
    before = wrong.snapshot(folder)
    told = dict(ROWS)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for line in REAL:
        command = [sys.executable, "-m", "rnnsweep", *words(line, port)]
        end = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
        assert end.returncode == 2, end.stderr
        assert len(end.stderr.splitlines()) == 1, end.stderr
        assert told[line] in end.stderr
    assert wrong.snapshot(folder) == before


def test_the_table_is_of_every_command_and_of_more_than_150_mistakes():
    assert len({line for line, _ in ROWS}) == len(ROWS) > 300
    assert {line.partition(" ")[0] for line, _ in ROWS} >= {
        "grid", "search", "one", "predict", "export", "report", "compare", "dashboard"
    }  # fmt: skip
