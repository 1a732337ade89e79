import json
import os
import pickle
import stat
import threading

import fsspec
import numpy as np
import pandas as pd
import pytest
from pyarrow.fs import FSSpecHandler, PyFileSystem

from rnnsweep.ledger import CONTRACT, EPOCH_COLUMNS, Ledger, Record, StoreError
from rnnsweep.ledger.store import Store
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec

SPEC = Spec(units=(100, 50), num_words=1000, epochs=1)


@pytest.fixture(params=["folder", "bucket"])
def ledger(request, tmp_path):
    if request.param == "folder":
        return Ledger(tmp_path / "results")
    memory = fsspec.filesystem("memory", skip_instance_cache=True)
    memory.store.clear()
    return Ledger("bucket/results", PyFileSystem(FSSpecHandler(memory)))


def put(ledger, spec, status="finished", **result):
    ledger.record(spec.key).write(Record.SPEC, spec.to_json().encode())
    ledger.record(spec.key).write_epochs([{"epoch": 1, "loss": 0.5, "accuracy": 0.75, "seconds": 2.0}])
    if status:
        ledger.record(spec.key).write_json(Record.RESULT, {"status": status, "layers": [], **result})


def test_what_is_written_is_read(ledger):
    ledger.record(SPEC.key).write(Record.SPEC, b"text")
    assert ledger.record(SPEC.key).read(Record.SPEC) == b"text"
    assert ledger.record(SPEC.key).read(Record.RESULT) is None
    assert ledger.exists()


def test_a_removed_file_is_gone_and_may_be_removed_again(ledger):
    ledger.record(SPEC.key).write(Record.ERROR, b"text")
    ledger.record(SPEC.key).remove(Record.ERROR)
    assert ledger.record(SPEC.key).read(Record.ERROR) is None
    ledger.record(SPEC.key).remove(Record.ERROR)


def test_an_empty_ledger_has_the_contracts_columns_and_no_rows(ledger):
    contents = ledger.load()
    assert list(contents.trials.columns[: len(CONTRACT)]) == CONTRACT
    assert list(contents.epochs.columns) == EPOCH_COLUMNS
    assert len(contents.trials) == len(contents.epochs) == 0
    assert contents.warnings == []


def test_each_trial_is_one_row_failed_and_unfinished_ones_too(ledger):
    specs = [SPEC.replace(seed=seed) for seed in (1, 2, 3, 4)]
    put(ledger, specs[0], test_accuracy=0.875, best_epoch=1)
    put(ledger, specs[1], "diverged", error="not finite")
    put(ledger, specs[2], None)
    ledger.record(specs[2].key).write(Record.ERROR, b"Traceback\nValueError: no")
    put(ledger, specs[3], None)
    trials = ledger.load().trials.set_index("seed")
    assert trials["status"].to_dict() == {1: "finished", 2: "diverged", 3: "failed", 4: "unfinished"}
    assert trials.loc[1, "test_accuracy"] == 0.875
    assert trials.loc[3, "error"].endswith("ValueError: no")
    assert trials.loc[1, ["units", "depth"]].tolist() == ["100-50", 2]


def test_a_system_is_named_in_its_row(ledger):
    put(ledger, SYSTEMS["lstm-1x-5k"].replace(reviews=100, seed=3))
    assert ledger.load().trials["system"].tolist() == ["lstm-1x-5k"]


def test_only_trials_with_a_readable_result_are_done(ledger):
    put(ledger, SPEC)
    put(ledger, SPEC.replace(seed=2), None)
    put(ledger, SPEC.replace(seed=3))
    ledger.record(SPEC.replace(seed=3).key).write(Record.RESULT, b'{"status": "fini')
    assert set(ledger.results()) == {SPEC.key}


def test_half_written_and_foreign_files_are_named_and_the_rest_is_read(ledger):
    put(ledger, SPEC)
    broken = SPEC.replace(seed=2)
    put(ledger, broken)
    ledger.record(broken.key).write(Record.RESULT, b'{"status"')
    ledger.record(broken.key).write(Record.EPOCHS, b'{"epoch": 1, "loss": 0.5}\n{"epo')
    ledger.record("aaaaaaaaaaaa").write(Record.RESULT, b"{}")
    ledger.record("bbbbbbbbbbbb").write(Record.SPEC, b"nonsense")
    ledger.record("cccccccccccc").write(Record.SPEC, SPEC.to_json().encode())
    ledger.write_file("notes/todo.txt", b"mine")
    contents = ledger.load()
    assert set(contents.trials["key"]) == {SPEC.key, broken.key}
    assert len(contents.epochs) == 2
    expected = [
        f"{broken.key}/result.json: half-written",
        f"{broken.key}/epochs.jsonl: line 2 is half-written",
        "aaaaaaaaaaaa/spec.json: missing",
        "bbbbbbbbbbbb/spec.json: not JSON",
        f"cccccccccccc/spec.json: its spec belongs to {SPEC.key}",
        "notes/todo.txt: not a file of a ledger",
    ]
    for text in expected:
        assert any(warning.startswith(text) for warning in contents.warnings), text
    assert len(contents.warnings) == len(expected)


def test_arrays_come_back_and_damaged_ones_count_as_missing(ledger):
    arrays = {"label": np.array([0, 1], np.uint8), "best": np.array([0.25, 0.5], np.float16)}
    ledger.record(SPEC.key).write_arrays(Record.PREDICTIONS, arrays, compress=True)
    found = ledger.predictions(SPEC.key)
    assert {name: array.tolist() for name, array in found.items()} == {"label": [0, 1], "best": [0.25, 0.5]}
    whole = ledger.record(SPEC.key).read(Record.PREDICTIONS)
    for part in (b"", whole[:20], whole[:-30], b"x" * 100):
        ledger.record(SPEC.key).write(Record.PREDICTIONS, part)
        assert ledger.predictions(SPEC.key) is None


def test_object_arrays_are_never_written(ledger):
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        ledger.record(SPEC.key).write_arrays(Record.CHECKPOINT, {"x": np.array([{}], dtype=object)})


def test_numbers_that_are_not_finite_are_null_in_json(ledger):
    ledger.record(SPEC.key).write_json(Record.RESULT, {"status": "diverged", "loss": float("nan")})
    assert json.loads(ledger.record(SPEC.key).read(Record.RESULT)) == {"status": "diverged", "loss": None}


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path)
    ledger.record(SPEC.key).write(Record.RESULT, b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        ledger.record(SPEC.key).write(Record.RESULT, b"new")
    assert ledger.record(SPEC.key).read(Record.RESULT) == b"old"
    assert [path.name for path in (tmp_path / SPEC.key).iterdir()] == [Record.RESULT]


def test_a_place_that_cannot_be_written_is_named_with_the_remedy(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(StoreError, match=r"file/x cannot be written: .*; give another place with --results"):
        Ledger(file / "x").check_writable()
    assert stat.S_ISREG(file.stat().st_mode)


def test_checking_that_a_place_can_be_written_leaves_nothing_in_it(tmp_path):
    Ledger(tmp_path / "new").check_writable()
    assert list((tmp_path / "new").iterdir()) == []


def test_an_unknown_scheme_is_refused():
    with pytest.raises(StoreError, match=r"results nowhere://x: .*give a folder, or s3://BUCKET/PATH"):
        Ledger("nowhere://x")


def counted(ledger, monkeypatch):
    """Return the list to which each file is added that the ledger reads from now on."""
    read, paths = ledger.read_file, []

    def reading(path):
        paths.append(path)
        return read(path)

    monkeypatch.setattr(ledger, "read_file", reading)
    return paths


@pytest.fixture
def indexed(tmp_path, monkeypatch):
    """Return the place of 20 finished trials with an index, and one that is not finished."""
    monkeypatch.setattr("rnnsweep.ledger.ledger.INDEX_FROM", 30)
    ledger = Ledger(tmp_path / "results")
    for seed in range(20):
        put(ledger, SPEC.replace(seed=seed), test_accuracy=0.5)
    put(ledger, SPEC.replace(seed=20), None)
    ledger.results()
    ledger.index()
    return tmp_path / "results"


def test_what_was_read_is_read_again_only_when_it_was_changed(indexed, monkeypatch):
    (indexed / "index.parquet").unlink()
    ledger = Ledger(indexed)
    ledger.load()
    read = counted(ledger, monkeypatch)
    assert len(ledger.load().trials) == 21
    assert read == []
    changed = ledger.record(SPEC.replace(seed=3).key)
    changed.write_json(Record.RESULT, {"status": "diverged", "layers": [], "params": 12345})
    assert ledger.results()[changed.key]["params"] == 12345
    assert read == [changed.path(Record.RESULT)]


def test_an_indexed_ledger_is_opened_by_one_reading_and_says_the_same(indexed, monkeypatch):
    ledger = Ledger(indexed)
    read = counted(ledger, monkeypatch)
    found = ledger.load()
    unfinished = SPEC.replace(seed=20).key
    assert sorted(read) == sorted([f"{unfinished}/{Record.SPEC}", f"{unfinished}/{Record.EPOCHS}", "index.parquet"])
    assert set(ledger.results()) == {SPEC.replace(seed=seed).key for seed in range(20)}
    assert len(read) == 3
    (indexed / "index.parquet").unlink()
    plain = Ledger(indexed).load()
    assert found.trials.equals(plain.trials)
    assert found.epochs.equals(plain.epochs)
    assert found.warnings == plain.warnings == []


def test_an_index_never_brings_back_what_was_changed_or_removed(indexed):
    changed, removed, damaged = (SPEC.replace(seed=seed).key for seed in (3, 4, 5))
    Ledger(indexed).record(changed).write_json(
        Record.RESULT, {"status": "finished", "layers": [], "test_accuracy": 0.75}
    )
    (indexed / damaged / Record.RESULT).write_text('{"status"')
    for path in (indexed / removed).iterdir():
        path.unlink()
    results = Ledger(indexed).results()
    assert results[changed]["test_accuracy"] == 0.75
    assert not {removed, damaged} & set(results)
    assert len(Ledger(indexed).load().trials) == 20


def test_a_damaged_index_is_as_none(indexed):
    (indexed / "index.parquet").write_bytes(b"PAR1 nonsense")
    assert len(Ledger(indexed).results()) == 20


def test_an_index_is_written_again_only_when_much_is_new(indexed):
    before = (indexed / "index.parquet").stat().st_mtime_ns
    ledger = Ledger(indexed)
    for seed in (20, 21):
        put(ledger, SPEC.replace(seed=seed))
        ledger.results()
        ledger.index()
    assert (indexed / "index.parquet").stat().st_mtime_ns == before
    for seed in range(22, 32):
        put(ledger, SPEC.replace(seed=seed))
    ledger.results()
    ledger.index()
    assert len(pd.read_parquet(indexed / "index.parquet")) == 3 * 32


def test_a_small_ledger_has_no_index(ledger):
    put(ledger, SPEC)
    ledger.results()
    ledger.index()
    assert ledger.read_file("index.parquet") is None


def test_a_ledger_travels_without_what_was_read(indexed):
    ledger = Ledger(indexed)
    size = len(pickle.dumps(ledger))
    ledger.load()
    assert len(pickle.dumps(ledger)) == size
    assert len(pickle.loads(pickle.dumps(ledger)).results()) == 20


@pytest.mark.parametrize(("near", "many"), [(1e9, False), (0.0, True)])
def test_a_near_disk_is_read_by_one_thread_and_a_slow_folder_by_many(near, many, tmp_path, monkeypatch):
    monkeypatch.setattr("rnnsweep.ledger.store.NEAR_SECONDS", near)
    store, names = Store(tmp_path), [f"{number}.json" for number in range(120)]
    for name in names[::2]:
        (tmp_path / name).write_text(name)
    threads, read = set(), store.read_file
    monkeypatch.setattr(store, "read_file", lambda name: threads.add(threading.get_ident()) or read(name))
    assert store.read_files(names) == {name: name.encode() for name in names[::2]}
    assert (threads != {threading.get_ident()}) == many
