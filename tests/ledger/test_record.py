"""A trial's record: which bytes, in which order, and that nobody else spells its file names."""

import ast
import types
from pathlib import Path

import numpy as np
import pytest

from rnnsweep.ledger import CONTRACT, Ledger, Record
from rnnsweep.spec import Spec

ROOT = Path(__file__).parents[2]
SPEC = Spec(units=(4,), epochs=2)
ROWS = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": float("inf")}]
TRAINED = types.SimpleNamespace(
    row={"status": "finished", "params": 9, "loss": float("nan")},
    best_weights=b"best",
    last_weights=b"last",
    predictions={"label": np.array([0, 1], np.uint8)},
)
DIVERGED = types.SimpleNamespace(row={"status": "diverged"}, predictions={})


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path)


@pytest.fixture
def changes(ledger, monkeypatch):
    """Return the list to which each file is added that the ledger writes or, with a minus, removes."""
    found = []
    for name, sign in (("write_file", ""), ("remove_file", "-")):
        original = getattr(ledger, name)

        def change(path, *data, original=original, sign=sign):
            assert path.startswith(f"{SPEC.key}/")
            found.append(sign + path.partition("/")[2])
            original(path, *data)

        monkeypatch.setattr(ledger, name, change)
    return found


def test_a_trial_writes_what_it_goes_on_from_before_what_says_so_and_its_result_last(ledger, changes):
    record = ledger.record(SPEC.key)
    record.begin(SPEC)
    assert changes == ["spec.json", "-error.txt"]
    changes.clear()
    record.epoch(ROWS[:1], {"x": np.zeros(1)})
    assert changes == ["checkpoint.npz", "epochs.jsonl"]
    changes.clear()
    record.finish(TRAINED)
    assert changes == [
        "predictions.npz", "best.weights.h5", "last.weights.h5", "result.json", "-checkpoint.npz",
    ]  # fmt: skip


def test_a_failure_is_recorded_with_its_spec_and_keeps_the_checkpoint(ledger, changes):
    record = ledger.record(SPEC.key)
    record.epoch(ROWS[:1], {"x": np.arange(3)})
    changes.clear()
    record.fail(SPEC, "Traceback")
    assert changes == ["spec.json", "error.txt"]
    assert record.checkpoint()["x"].tolist() == [0, 1, 2]
    assert record.result() is None


def test_a_trial_that_begins_again_forgets_how_it_failed(ledger):
    record = ledger.record(SPEC.key)
    record.fail(SPEC, "Traceback")
    record.begin(SPEC)
    assert ledger.load().trials["error"].tolist() == [""]


def test_a_result_without_predictions_has_no_weights_either(ledger, changes):
    ledger.record(SPEC.key).finish(DIVERGED)
    assert changes == ["result.json", "-checkpoint.npz"]


def test_the_bytes_of_a_record_are_those_that_other_programs_read(ledger):
    record = ledger.record(SPEC.key)
    record.begin(SPEC)
    record.epoch(ROWS, {"x": np.zeros(1)})
    record.finish(TRAINED)
    assert record.read(Record.SPEC) == SPEC.to_json().encode() + b"\n"
    assert record.read(Record.EPOCHS) == b'{"epoch": 1, "loss": 0.5}\n{"epoch": 2, "loss": null}\n'
    assert record.read(Record.RESULT) == b'{\n "loss": null,\n "params": 9,\n "status": "finished"\n}\n'
    assert record.read(Record.BEST_WEIGHTS) == b"best"
    assert record.epochs()[0] == {"key": SPEC.key, "epoch": 1, "loss": 0.5}


def test_what_one_search_says_of_a_trial_leaves_what_another_said(ledger):
    record = ledger.record(SPEC.key)
    record.write_suggestion("first", {"number": 3})
    record.write_suggestion("second", {"number": 0})
    record.write_suggestion("first", {"number": 4})
    assert ledger.suggestions("first") == {SPEC.key: {"number": 4}}
    assert ledger.suggestions("second") == {SPEC.key: {"number": 0}}


def test_no_other_module_spells_the_name_of_a_file_of_a_record():
    for path in [*ROOT.glob("rnnsweep/**/*.py"), *ROOT.glob("analysis/**/*.py"), *ROOT.glob("benchmarks/*.py")]:
        if path != ROOT / "rnnsweep" / "ledger" / "record.py":
            nodes = ast.walk(ast.parse(path.read_text()))
            assert not {node.value for node in nodes if isinstance(node, ast.Constant)} & Record.NAMES, path


def test_each_key_of_a_loaded_ledger_has_its_spec(ledger):
    for seed in (1, 2):
        spec = SPEC.replace(seed=seed)
        ledger.record(spec.key).begin(spec)
    specs = ledger.load().specs
    assert {spec.seed for spec in specs.values()} == {1, 2}
    assert all(spec.key == key for key, spec in specs.items())


def test_the_kernel_that_computed_a_result_is_a_column_and_empty_for_older_results(ledger):
    for seed, said in ((1, {}), (2, {"blas": "openblas 0.3.30 Haswell"})):
        spec = SPEC.replace(seed=seed)
        ledger.record(spec.key).begin(spec)
        ledger.record(spec.key).finish(types.SimpleNamespace(row=DIVERGED.row | said, predictions={}))
    trials = ledger.load().trials
    assert list(trials.columns[: len(CONTRACT)]) == CONTRACT
    assert "blas" in trials.columns[len(CONTRACT) :]
    assert trials.sort_values("seed")["blas"].tolist() == ["", "openblas 0.3.30 Haswell"]
