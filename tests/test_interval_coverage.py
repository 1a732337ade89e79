"""The simulation behind the coverage that the documents name: its ledgers have no effect, and its rows are whole."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def coverage(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)  # as Python does for a script
    return runpy.run_path(str(BENCHMARKS / "interval_coverage.py"))


def test_pairs_that_differ_cancel_over_every_axis_that_a_claim_is_about(coverage):
    differ = next(one for one in coverage["SCENARIOS"] if one.pairs_sd)
    means = differ.means(np.random.default_rng(0)).reshape(coverage["SHAPE"])
    assert means.std() > 0.01
    for axes in ((2, 3), (1, 3), (1, 2)):
        assert means.mean(axis=axes) == pytest.approx(differ.base)


def test_a_simulated_run_has_the_accuracy_that_its_seed_drew(coverage):
    questions, places = coverage["questions_of"](3)
    ledger = coverage["Simulated"](coverage["SCENARIOS"][0], places, 3, np.random.default_rng(0))
    found = [ledger(network, coverage["BEST"]) for network in places]
    assert np.mean([one.mean for one in found]) == pytest.approx(0.86, abs=0.03)  # 1,000 reviews: 1 point of error
    assert {(one.seeds, len(one.shares)) for one in found} == {(3, 1000)}
    assert len(questions) == 7


def test_coverage_is_printed_and_written_for_each_scenario_and_number_of_seeds(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(BENCHMARKS)
    words = ["--ledgers", "2", "--seeds", "2", "3", "--scenarios", "10 % crash", "--json", str(tmp_path / "x")]
    monkeypatch.setattr(sys, "argv", ["interval_coverage.py", *words])
    runpy.run_path(str(BENCHMARKS / "interval_coverage.py"), run_name="__main__")
    rows = [json.loads(line) for line in (tmp_path / "x").read_text().splitlines()]
    assert [(row["scenario"], row["seeds"], row["ledgers"]) for row in rows] == [
        ("10 % crash", 2, 2),
        ("10 % crash", 3, 2),
    ]
    assert set(rows[0]) >= {"9 + 9", "27 + 27", "false verdict", "best set"}


def test_an_unknown_scenario_is_named_with_the_known_ones(monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(sys, "argv", ["interval_coverage.py", "--scenarios", "calm"])
    with pytest.raises(SystemExit):
        runpy.run_path(str(BENCHMARKS / "interval_coverage.py"), run_name="__main__")
    assert "give some of 'gated, pairs alike'" in capsys.readouterr().err
