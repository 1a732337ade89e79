"""The search as a command: plan, study, confirmation, winner, and what a killed driver leaves."""

import math
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
import sqlalchemy
from optuna.trial import TrialState

from rnnsweep.cli.flags import time_span
from rnnsweep.cli.grid import one
from rnnsweep.cli.run_search import with_interval
from rnnsweep.cli.search import search
from rnnsweep.ledger import Ledger, Record
from rnnsweep.space import Choice, Range, search_space
from rnnsweep.stats import interval, sample
from tests.helpers.searches import keys

ROOT = Path(__file__).parents[2]
FLAGS = ["--data", "embedded", "--reviews", "300", "--epochs", "2", "--units", "4", "--embedding-dim", "4"]
FLAGS += ["--max-len", "10", "20", "--num-words", "50", "100", "--batch-size", "32", "--pooling", "last"]
FLAGS += ["--no-bidirectional", "--optimizer", "adam", "--learning-rate", "0.001..0.01", "--dropout", "0"]
FLAGS += ["--cell", "simple_rnn", "gru", "lstm", "--word-dropout", "0", "--bigrams", "0"]


def test_a_search_by_the_command_confirms_its_best_and_looks_at_the_test_set_once(tmp_path, capsys):
    results = str(tmp_path / "results")
    assert search("A search.", ["--trials", "4", "--plan", "--results", results, *FLAGS]) == 0
    out = capsys.readouterr().out
    assert "learning_rate  0.001 to 0.01, by logarithm" in out
    assert "plan     4 trials: 0 done, 4 to train" in out
    assert not Path(results).exists()
    command = ["--trials", "4", "--in-process", "--confirm", "2", "--seeds", "2", "--results", results, *FLAGS]
    assert search("A search.", command) == 0
    out = capsys.readouterr().out
    assert len(re.findall(r"\d/4 .* val 0\.\d{4}", out.partition("confirm")[0])) == 4
    assert "confirm  2 specs, 4 trials with fresh seeds to train" in out
    (winner,) = [line for line in out.splitlines() if line.startswith("winner")]
    assert re.search(r"winner   \w{12}  test 0\.\d{4} \(.* to .*: 95 %, Student's t over 2 seeds", winner)
    assert winner.endswith("; 2 chosen on old seeds, the best of them by validation on fresh seeds, which report it)")
    tested = [line for line in out.splitlines() if "test 0" in line]
    assert [line.split()[0] for line in tested] == ["winner", "bar"], "no other network's test accuracy is said"
    again = re.search(r"again    python sweeps/one.py (.*)", out)[1]
    assert one("One.", [*again.split(), "--results", results, "--plan"]) == 0
    assert "1 trials: 1 done" in capsys.readouterr().out
    trials = ledger_of(results)
    assert len(trials) == 8
    assert set(trials["validation"]) == {"grouped"}
    assert sorted(trials["seed"].unique()) == [1, 2, 3]
    assert search("A search.", command) == 0
    assert "0 to train" in capsys.readouterr().out
    assert len(ledger_of(results)) == 8


def ledger_of(results):
    return Ledger(results).load().trials


def test_a_driver_killed_at_any_moment_leaves_no_orphan_and_the_same_command_goes_on(tmp_path):
    command = [sys.executable, str(ROOT / "sweeps" / "search.py"), "--trials", "8", "--results", str(tmp_path), *FLAGS]
    command += ["--epochs", "6", "--cell", "gru", "lstm"]
    chance = random.Random(1)
    for kill in (chance.randint(1, 2), chance.randint(3, 5)):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            for line in process.stdout:
                if f" {kill}/8" in line:
                    break
            process.send_signal(signal.SIGKILL)
    done = {path: path.stat().st_mtime_ns for path in tmp_path.glob(f"*/{Record.RESULT}")}
    assert done
    end = subprocess.run(command, capture_output=True, text=True)
    assert end.returncode == 0, end.stdout + end.stderr
    assert "done     8 of 8 trials" in end.stdout
    assert done == {path: path.stat().st_mtime_ns for path in done}, "finished trials are not trained again"
    url = re.search(r"study +optuna-dashboard (\S+)", end.stdout)[1]
    trials = optuna.load_study(study_name=None, storage=url).trials
    assert len(trials) == len(set(keys(trials))) == 8
    assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    with sqlalchemy.create_engine(url).connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT count(*) FROM trials WHERE state = 'RUNNING'")).scalar() == 0


def test_a_range_on_the_command_line_narrows_an_axis_and_values_replace_it():
    fields = {"learning_rate": Range(0.001, 0.01, log=True), "max_len": [80, 500], "epochs": [2]}
    space = search_space(fields, depths=[1, 2])
    assert space.axes["learning_rate"] == Range(0.001, 0.01, log=True)
    assert space.axes["max_len"] == Choice((80, 500))
    assert space.axes["depth"] == Choice((1, 2))
    assert space.base.epochs == 2


def test_the_interval_of_one_seed_is_wilsons_and_of_several_students():
    one_seed = {"mean": 0.9, "n": 1, "low": math.nan, "high": math.nan}
    *found, over = with_interval(one_seed, {"test_reviews": 1000})
    assert found == pytest.approx((0.9, 0.87986, 0.91709), abs=1e-4)  # Wilson 1927 by hand
    assert over == "Wilson's, over the test reviews of one seed; by the seed that chose it: --confirm 1"
    mean, low, high, over = with_interval(interval([0.9, 0.8, 0.85]), {})
    assert (mean, high - mean, mean - low) == pytest.approx((0.85, 4.302653 * 0.05 / 3**0.5, 4.302653 * 0.05 / 3**0.5))
    assert over == "Student's t over 3 seeds; by the seed that chose it: --confirm 1"


def test_the_interval_of_several_seeds_is_for_new_reviews_too_and_never_leaves_0_to_1():
    values, right = [0.75, 1.0, 1.0], np.array([[True, True, True, False], [True] * 4, [True] * 4])
    mean, low, high, over = with_interval(interval(values), {}, sample(values, right), confirmed=1)
    assert (mean, high) == (pytest.approx(11 / 12), 1.0)
    assert 0 < low < mean
    assert over == "Student's t over 3 seeds and the test reviews; chosen on old seeds, reported on fresh seeds"


def test_a_file_that_names_its_validation_rows_and_one_that_does_not_have_another_usual_validation(tmp_path, capsys):
    rows = [f"{'good' if n % 2 else 'bad'} text number{n},{n % 2}" for n in range(200)]
    plain, named = tmp_path / "plain.csv", tmp_path / "named.csv"
    plain.write_text("text,label\n" + "\n".join(rows))
    split = ["train"] * 140 + ["validation"] * 20 + ["test"] * 40
    named.write_text("text,label,split\n" + "\n".join(f"{row},{part}" for row, part in zip(rows, split, strict=True)))
    arguments = ["--trials", "2", "--plan", "--results", str(tmp_path / "results"), "--batch-size", "16"]
    assert search("A search.", [*arguments, "--data", str(plain)]) == 0
    assert "validate 32 of 160 texts held out" in capsys.readouterr().out
    assert search("A search.", [*arguments, "--data", str(named)]) == 0
    assert "validate the 20 rows that named names for it" in capsys.readouterr().out


def test_a_search_ends_by_its_trials_or_by_its_budget(capsys, tmp_path):
    flags = ["--plan", "--results", str(tmp_path / "results"), *FLAGS]
    for given, message in (([], "neither --trials nor --budget says when the search ends"),
                           (["--budget", "2"], "'2' is no time; give a number above 0 with h, m or s"),
                           (["--budget", "0h"], "'0h' is no time"), (["--budget", "-1h"], "")):  # fmt: skip
        with pytest.raises(SystemExit) as end:
            search("A search.", [*given, *flags])
        assert end.value.code == 2
        assert message in capsys.readouterr().err
    assert [time_span(text) for text in ("2h", "1.5m", "45s")] == [7200, 90, 45]
    assert search("A search.", ["--budget", "1s", "--trials", "3", *flags]) == 0
    assert "to train" in capsys.readouterr().out
