"""A file of a ledger may hold anything: it is named and left out, and all else is read, planned, trained, reported."""

import json
import os
import time
import types

import numpy as np
import pytest

from analysis import report
from rnnsweep.cli.grid import grid
from rnnsweep.ledger import Ledger, Record
from rnnsweep.run import run
from rnnsweep.spec import Spec
from rnnsweep.sweep import SpecList, missing
from tests.helpers.ledgers import IMDB, put
from tests.helpers.sweeps import HERE, Heard

GOOD, BAD = (Spec(units=(4,), epochs=2, seed=seed, **IMDB) for seed in (1, 2))
DEEP = b"[" * 10_000 + b"]" * 10_000
SETTINGS = {"goal": {"objectives": ["val_accuracy"], "max_params": None, "max_seconds": None}, "axes": {"cell": "gru"}}
SETTINGS |= {"base": json.loads(Spec(**IMDB).to_json()), "sampler": "tpe", "pruner": "none"}
SAID = {"number": 0, "state": "running", "params": {"cell": "gru"}, "known": False, "suggest_seconds": 0.1}
JSON = {
    "empty": b"",
    "nothing": b"null",
    "a list": b"[]",
    "half": b'{"status": "fin',
    "no text": b"\xff\xfe\x00",
    "nested": DEEP,
    "nested in an object": b'{"status":' + DEEP + b"}",
}
RESULTS = JSON | {
    name: json.dumps({"status": "finished", "seconds": 1.0, "val_accuracy": 0.5} | fields).encode()
    for name, fields in {
        "status of a number": {"status": 1},
        "an unknown status": {"status": "fine"},
        "a list as accuracy": {"val_accuracy": [1]},
        "a word as seconds": {"seconds": "many"},
        "a fraction as epoch": {"best_epoch": 1.5},
        "a huge count": {"params": 10**30},
        "layers that are none": {"layers": [1, 2]},
    }.items()
}
RESULTS |= {"endless status": b'{"status": 1e999}', "endless seconds": b'{"status": "finished", "seconds": 1e999}'}
LINES = JSON | {
    "epoch of a word": b'{"epoch": "one"}\n',
    "null as epoch": b'{"epoch": null}\n',
    "list as loss": b'{"epoch": 1, "loss": [0.5], "val_accuracy": 0.5}\n',
    "endless accuracy": b'{"epoch": 1, "accuracy": 1e999}\n',
}
SEARCHES = JSON | {
    "a list of a study": b'{"s": [1]}',
    "a study without number": b'{"s": {"state": "running"}}',
    "a state of a number": json.dumps({"s": SAID | {"state": 3}}).encode(),
    "a study elsewhere": json.dumps({"../../s": SAID}).encode(),
    "no state": b'{"s": {"number": 0}}',
}
STUDIES = JSON | {
    "no goal": b"{}",
    "goal of a word": json.dumps(SETTINGS | {"goal": "best"}).encode(),
    "objectives of numbers": json.dumps(SETTINGS | {"goal": {"objectives": [1]}}).encode(),
    "no objectives": json.dumps(SETTINGS | {"goal": {"objectives": []}}).encode(),
    "axes of a list": json.dumps(SETTINGS | {"axes": []}).encode(),
}


@pytest.fixture
def ledger(tmp_path):
    """Return a ledger of two finished trials, one of which a search suggested."""
    ledger = Ledger(tmp_path / "results")
    for spec in (GOOD, BAD):
        put(ledger, spec)
    ledger.write_study("s", SETTINGS)
    ledger.record(BAD.key).write_suggestion("s", SAID)
    assert ledger.load().warnings == []
    return ledger


def read_all(ledger):
    """Have all that reads a ledger read it anew; return the warnings."""
    ledger = Ledger(ledger.uri)
    contents = ledger.load()
    ledger.predictions(BAD.key)
    ledger.suggestions("s")
    ledger.specs([GOOD.key, BAD.key])
    ledger.epochs([GOOD.key, BAD.key])
    assert GOOD.key not in {spec.key for spec in missing([GOOD, BAD], ledger)}, "the other trial is done"
    assert GOOD.key in set(contents.trials["key"])
    return contents.warnings


def named(warnings, path):
    return [line for line in warnings if line.startswith(path)]


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_of_anything_is_no_result(ledger, name):
    ledger.record(BAD.key).write(Record.RESULT, RESULTS[name])
    assert named(read_all(ledger), f"{BAD.key}/{Record.RESULT}: ")
    assert missing([BAD], Ledger(ledger.uri)) == [BAD]


@pytest.mark.parametrize("name", LINES)
def test_epochs_of_anything_leave_the_result_and_are_named(ledger, name):
    ledger.record(BAD.key).write(Record.EPOCHS, LINES[name])
    assert named(read_all(ledger), f"{BAD.key}/{Record.EPOCHS}: ")
    assert missing([BAD], Ledger(ledger.uri)) == []


@pytest.mark.parametrize("name", JSON)
def test_a_spec_of_anything_leaves_its_folder_out(ledger, name):
    ledger.record(BAD.key).write(Record.SPEC, JSON[name])
    assert named(read_all(ledger), f"{BAD.key}/{Record.SPEC}: ")


@pytest.mark.parametrize("name", [name for name in SEARCHES if name != "no state"])
def test_what_a_search_cannot_have_said_is_left_out(ledger, name):
    ledger.record(BAD.key).write(Record.SEARCH, SEARCHES[name])
    assert named(read_all(ledger), f"{BAD.key}/{Record.SEARCH}: ")
    ledger.record(BAD.key).write_suggestion("s", SAID)
    assert read_all(ledger) == []


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_of_anything_is_one_whose_goal_is_not_known(ledger, name):
    ledger.write_file("studies/s.json", STUDIES[name])
    assert named(read_all(ledger), "studies/s.json: ")


def test_a_report_is_written_beside_damaged_files(ledger, tmp_path):
    kinds = [(name, left) for name in (Record.EPOCHS, Record.PREDICTIONS, Record.SEARCH) for left in (b"", DEEP, None)]
    damaged = {GOOD.replace(seed=seed): kind for seed, kind in enumerate(kinds, 3)}
    for spec, (name, left) in damaged.items():
        put(ledger, spec)
        ledger.record(spec.key).write_suggestion("s", SAID | {"number": spec.seed})
        _leave(tmp_path / "results" / spec.key / name, left)
    for number, left in enumerate((b"", DEEP, None)):
        ledger.write_study(f"study{number}", SETTINGS)
        ledger.record(GOOD.key).write_suggestion(f"study{number}", SAID)
        _leave(tmp_path / "results" / "studies" / f"study{number}.json", left)
    files = report.report(Ledger(ledger.uri).load(), ledger.predictions)
    table = files["tables/trials.csv"].decode()
    assert [spec for spec in (GOOD, BAD, *damaged) if spec.key not in table] == []


def _leave(path, left):
    path.unlink() if left is None else path.write_bytes(left)


FILES = [Record.SPEC, Record.RESULT, Record.EPOCHS, Record.SEARCH, Record.PREDICTIONS]


def a_folder(path):
    path.mkdir()


def a_full_folder(path):
    path.mkdir()
    (path / "inside").write_text("mine")


def a_link_to_itself(path):
    path.symlink_to(path.name)


def a_link_to_nowhere(path):
    path.symlink_to("nowhere")


@pytest.mark.parametrize("made", [a_folder, a_full_folder, a_link_to_itself, a_link_to_nowhere])
@pytest.mark.parametrize("name", [*FILES, "studies/s.json", "index.parquet"])
def test_a_folder_or_a_link_where_a_file_should_be_is_named_and_read_as_none(ledger, tmp_path, name, made):
    path = tmp_path / "results" / (f"{BAD.key}/{name}" if name in FILES else name)
    path.unlink(missing_ok=True)
    made(path)
    lines = read_all(ledger)
    if not path.is_symlink():  # a link is no entry of a listing; the next write of the file replaces it
        assert named(lines, path.relative_to(tmp_path / "results").as_posix())


@pytest.mark.parametrize("name", [Record.SPEC, Record.RESULT, Record.EPOCHS, Record.CHECKPOINT, Record.ERROR])
def test_what_lies_in_the_way_of_a_record_fails_its_trial_alone(tmp_path, tiny, name):
    def train(spec, dataset, on_epoch, state):
        rows = [{"epoch": 1, "loss": 0.5, "accuracy": 0.5, "val_loss": 0.5, "val_accuracy": 0.5, "seconds": 0.1}]
        on_epoch(types.SimpleNamespace(rows=rows, state=lambda: {"x": np.zeros(1)}))
        row = {"status": "finished", "seconds": 0.1, "val_accuracy": 0.5, "test_accuracy": 0.5, "best_epoch": 1}
        return types.SimpleNamespace(row=row, predictions={})

    specs = [Spec(units=(4,), epochs=1, seed=seed) for seed in (1, 2)]
    (tmp_path / specs[0].key / name / "inside").mkdir(parents=True)
    progress = Heard()
    run(SpecList(specs), Ledger(tmp_path), tiny, HERE, progress, train)
    assert progress.finished_keys[-1] == specs[1].key
    if name not in (Record.ERROR,):
        assert name in progress.failed_keys[specs[0].key]


def test_a_name_that_is_no_text_and_a_folder_nobody_may_enter_are_named(ledger, tmp_path):
    (tmp_path / "results" / os.fsdecode(b"b\xff")).write_text("")
    assert [line for line in read_all(ledger) if "udcff: not a file" in line]


def test_an_index_whose_columns_are_others_is_as_none(ledger, tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"path": [1, None], "size": [None, 2], "changed": ["x", "y"], "content": ["text", None]}
    parquet.write_table(pa.table(columns), tmp_path / "results" / "index.parquet")
    assert read_all(ledger) == []
    whole = (tmp_path / "results" / "index.parquet").read_bytes()
    (tmp_path / "results" / "index.parquet").write_bytes(whole[:40] + b"\0" * 40 + whole[80:])
    assert read_all(ledger) == []


@pytest.mark.parametrize("left", [b"", b'{"epoch": 1, "loss": 1.0, "val_accuracy": 0.5}\n', None])
def test_a_finished_trial_without_all_of_its_epochs_is_named(ledger, tmp_path, left):
    path = tmp_path / "results" / BAD.key / Record.EPOCHS
    path.unlink() if left is None else path.write_bytes(left)
    (line,) = read_all(ledger)
    assert line.startswith(f"{BAD.key}/{Record.EPOCHS}: holds {1 if left else 0} of the 2 epochs of a finished trial")


def test_an_epoch_that_only_the_checkpoint_holds_is_written_again(tmp_path):
    record = Ledger(tmp_path).record(GOOD.key)
    rows = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}]
    record.epoch(rows[:1], {"x": np.zeros(1)})
    before = record.read(Record.EPOCHS)
    record.epoch(rows, {"x": np.ones(1)})
    whole = record.read(Record.EPOCHS)
    record.write(Record.EPOCHS, before)  # as if killed between the two files
    assert record.checkpoint()["x"].tolist() == [1]
    assert record.read(Record.EPOCHS) == whole


def test_what_killed_writers_left_is_gone_at_the_next_start(ledger, tmp_path, tiny):
    folder = tmp_path / "results" / GOOD.key
    unfinished = Spec(units=(5,), epochs=2)
    ledger.record(GOOD.key).write_arrays(Record.CHECKPOINT, {"x": np.zeros(1)})
    ledger.record(unfinished.key).epoch([], {"x": np.zeros(1)})
    old, new = folder / f".result.json-{'0' * 32}", folder / f".result.json-{'1' * 32}"
    probe, mine = tmp_path / "results" / f".probe-{'2' * 32}", folder / ".notes"
    for path in (old, new, probe, mine):
        path.write_text("")
    for path in (old, probe, mine):
        os.utime(path, (time.time() - 7200,) * 2)
    again = Ledger(ledger.uri)
    assert missing([GOOD], again) == []
    run(SpecList([]), again, tiny, HERE)
    assert not old.exists()
    assert not probe.exists()
    assert new.exists(), "somebody may be writing it"
    assert mine.exists()
    assert not (folder / Record.CHECKPOINT).exists()
    assert (tmp_path / "results" / unfinished.key / Record.CHECKPOINT).exists(), "the trial goes on from it"


def test_a_grid_goes_on_beside_damaged_records(ledger, capsys):
    ledger.record(BAD.key).write(Record.RESULT, b'{"status": 1e999}')
    assert grid("A grid.", ["--data", "embedded", "--preset", "demo", "--plan", "--results", ledger.uri]) == 0
    assert "24 trials" in capsys.readouterr().out
