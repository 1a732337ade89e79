"""`--json`: one object on standard output, and what a person reads on standard error."""

import json
import re
from pathlib import Path

import pytest

from rnnsweep.cli import facts
from rnnsweep.cli.grid import grid
from rnnsweep.cli.search import search
from rnnsweep.ledger import Ledger

FLAGS = ["--data", "embedded", "--json", "--in-process", "--no-baselines"]
FLAGS += ["--embedding-dim", "3", "--num-words", "30", "--max-len", "12", "--batch-size", "16", "--epochs", "1"]
FLAGS += ["--cell", "gru", "--reviews", "100"]


@pytest.fixture
def said(tmp_path, capsys):
    """Return what a command prints with `--json`: the object, and the text beside it."""

    def run(command, *arguments):
        assert command("A command.", [*FLAGS, "--results", str(tmp_path / "results"), *arguments]) == 0
        out, err = capsys.readouterr()
        return json.loads(out), err

    return run


def test_plan_and_summary_of_a_grid_are_one_object_and_all_else_goes_to_stderr(said, tmp_path):
    planned, err = said(grid, "--units", "4", "--plan")
    assert planned["data"]["name"] == "embedded"
    assert not planned["data"]["real"]
    assert (planned["plan"]["trials"], planned["plan"]["done"], planned["plan"]["to_train"]) == (1, 0, 1)
    assert planned["plan"]["seconds"] > 0
    assert "summary" not in planned
    assert "1 trials: 0 done, 1 to train" in err
    done, err = said(grid, "--units", "4")
    (key,) = planned["plan"]["keys"]
    row = Ledger(tmp_path / "results").record(key).result()
    assert done["summary"]["finished"] == 1
    assert done["summary"]["failed"] == {}
    assert done["summary"]["trials"][key]["test_accuracy"] == row["test_accuracy"]
    assert "report   python analysis/report.py" in err


def test_a_search_says_its_study_states_and_winner(said):
    searched = ["--trials", "1", "--units", "4", "--learning-rate", "0.001..0.01", "--validation", "0.2"]
    planned, _ = said(search, *searched, "--plan")
    assert planned["plan"]["to_train"] == 1
    done, _ = said(search, *searched)
    assert done["plan"]["study"] == planned["plan"]["study"]
    assert done["summary"]["states"]["finished"] == 1
    assert done["summary"]["winner"]["key"] == done["summary"]["ranked"][0]["key"]


def test_a_mistake_leaves_standard_output_empty(capsys):
    for more in (["--units", "0"], ["--look"]):
        with pytest.raises(SystemExit) as end:
            grid("A grid.", [*FLAGS, *more])
        assert end.value.code == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1


def test_a_number_that_is_none_becomes_null():
    assert facts.without_nan({"a": [float("nan"), 1.5], "b": float("inf")}) == {"a": [None, 1.5], "b": None}


def test_each_field_is_documented(said):
    page = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    documented = set(re.findall(r"`((?:data|plan|summary)\.\w+)`", page))
    planned, _ = said(grid, "--units", "4", "--plan")
    assert {f"{part}.{name}" for part in ("data", "plan") for name in planned[part]} <= documented
