"""Linear lines and the plan in a ledger: what is written is read back, and what is damaged is named."""

import json

import pandas as pd
import pytest

from rnnsweep.ledger import BASELINE_COLUMNS, Ledger

KEY = "0123456789ab"
ROW = {"model": "nbsvm_2", "num_words": 1000, "max_len": 80, "val_accuracy": 0.8, "test_accuracy": 0.81, "seconds": 2.5,
       "C": 0.01, "dataset": "imdb", "data_sha256": "a" * 64, "reviews": None, "validation": 0.2,
       "classes": 2}  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "results")


def test_a_ledger_without_lines_has_an_empty_frame_of_all_columns(ledger):
    frames = ledger.load()
    assert list(frames.baselines) == BASELINE_COLUMNS
    assert (len(frames.baselines), frames.planned) == (0, {})


def test_lines_are_read_back_and_are_no_foreign_files(ledger):
    ledger.write_baselines(KEY, json.dumps([ROW, ROW | {"model": "commonest", "C": None}]).encode(), b"npz")
    frames = ledger.load()
    assert frames.warnings == []
    assert frames.baselines["model"].tolist() == ["commonest", "nbsvm_2"]
    row = frames.baselines.iloc[1]
    assert (row["c"], row["validation"], row["key"], row["num_words"]) == (0.01, "0.2", KEY, 1000)
    assert row["reviews"] is pd.NA
    assert ledger.baseline_keys() == {KEY}
    assert ledger.read_baselines(KEY)[1] == b"npz"
    assert ledger.read_baselines("0" * 12) is None


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b'["x"]', b'[{"model": 3}]', b"\xff", b"[" * 100_000])
def test_damaged_lines_are_a_named_warning(ledger, data):
    ledger.write_baselines(KEY, data, b"")
    frames = ledger.load()
    assert frames.warnings == [
        f"baselines/{KEY}.json: half-written or damaged; delete it, and the next sweep computes its lines again"
    ]
    assert not len(frames.baselines)


def test_a_foreign_file_among_the_lines_is_named(ledger):
    ledger.write_file("baselines/notes.txt", b"")
    assert ledger.load().warnings == ["baselines/notes.txt: not a file of a ledger; left out"]


def test_a_plan_is_only_ever_raised(ledger):
    ledger.plan({"gru": 3, "lstm": 5})
    ledger.plan({"gru": 5, "lstm": 2, "system": 3})
    ledger.plan({})
    frames = ledger.load()
    assert frames.planned == {"gru": 5, "lstm": 5, "system": 3}
    assert frames.warnings == []


def test_no_plan_leaves_no_file(ledger):
    ledger.plan({})
    assert not ledger.exists()


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"gru": 0}', b'{"gru": true}', b'{"rnn": 3}', b'{"gru": "3"}'])
def test_a_damaged_plan_is_a_named_warning(ledger, data):
    ledger.write_file("plan.json", data)
    frames = ledger.load()
    assert frames.planned == {}
    assert frames.warnings == ["plan.json: half-written or damaged; how many seeds were planned is not known"]
