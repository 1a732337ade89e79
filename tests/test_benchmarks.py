"""The benchmarks still run, each at its smallest; what they measure is nobody's business here."""

import json
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = ("environment", "epoch", "opponents", "shared")
BENCHMARKS = sorted(path for path in (ROOT / "benchmarks").glob("*.py") if path.stem not in SHARED)


def run(monkeypatch, name, *arguments):
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    monkeypatch.syspath_prepend(ROOT / "benchmarks")  # as Python does for a script
    runpy.run_path(str(ROOT / "benchmarks" / name), run_name="__main__")


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_every_benchmark_says_what_it_takes(path, monkeypatch, capsys):
    with pytest.raises(SystemExit) as end:
        run(monkeypatch, path.name, "--help")
    assert end.value.code == 0
    assert "usage" in capsys.readouterr().out


def test_overhead_is_that_of_the_trials_after_each_slots_first(monkeypatch, tmp_path):
    run(
        monkeypatch,
        "overhead.py",
        "--trials",
        2,
        "--seconds",
        0.01,
        "--runners",
        "in process",
        "--json",
        tmp_path / "x",
    )
    row = json.loads((tmp_path / "x").read_text())
    assert (row["runner"], row["trials"], row["slots"]) == ("in process", 3, 1)
    assert row["overhead_per_trial"] > 0


def test_an_epoch_on_two_cores_has_the_bits_of_one(monkeypatch, tmp_path):
    sizes = ["--reviews", 128, "--repeats", 1, "--most", 2]
    run(monkeypatch, "cores.py", "--data", "embedded", "--systems", "gru-2x-10k-80", *sizes, "--json", tmp_path / "x")
    rows = [json.loads(line) for line in (tmp_path / "x").read_text().splitlines()]
    assert [(row["cores"], row["bits"]) for row in rows] == [(1, "the same"), (2, "the same")]


def test_searches_of_a_table_arrive(monkeypatch, tmp_path):
    run(monkeypatch, "search.py", "--seeds", 2, "--points", 2, "--ways", "rnnsweep", "random", "--json", tmp_path / "x")
    rows = [json.loads(line) for line in (tmp_path / "x").read_text().splitlines()]
    assert [row["way"] for row in rows] == ["rnnsweep", "random"] * 2
    assert all(1 <= row["needed"] <= 81 for row in rows if row["way"] == "rnnsweep")


def test_a_ledger_is_opened_both_ways_in_a_folder_and_a_bucket(monkeypatch, tmp_path):
    monkeypatch.setattr("rnnsweep.ledger.ledger.INDEX_FROM", 10)
    run(monkeypatch, "opening.py", "--trials", 4, "--bucket", "--json", tmp_path / "x")
    rows = [json.loads(line) for line in (tmp_path / "x").read_text().splitlines()]
    assert [(row["where"], row["what"]) for row in rows] == [
        ("s3", "results"),
        ("s3", "load"),
        ("folder", "results"),
        ("folder", "load"),
    ]


def test_pieces_and_whole_texts_are_measured_side_by_side(monkeypatch, tmp_path):
    run(monkeypatch, "segments.py", "--reviews", 64, "--segment", 20, "--repeats", 1, "--json", tmp_path / "x")
    rows = [json.loads(line) for line in (tmp_path / "x").read_text().splitlines()]
    assert len({row["network"] for row in rows}) == 4
    for row in rows:
        assert row["whole_over_pieces"] == pytest.approx(row["whole_cpu_seconds"] / row["pieces_cpu_seconds"])
