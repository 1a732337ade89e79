"""Records of an older format are read, those of a newer one refused: what an old program made of them is unknown."""

import json

import numpy as np
import pytest

from analysis import report
from rnnsweep.cli.grid import grid
from rnnsweep.ledger import Ledger, Record, StoreError
from rnnsweep.run import run
from rnnsweep.sweep import SpecList, missing
from rnnsweep.types import FORMAT
from tests.helpers.ledgers import put
from tests.helpers.stepwise import SPECS, trainer
from tests.helpers.sweeps import HERE, Heard

NEWER = f"is of format {FORMAT + 1}, and this rnnsweep reads formats up to {FORMAT}; use the rnnsweep that wrote it"


def test_a_result_without_a_format_or_of_this_one_is_read(tmp_path):
    ledger = Ledger(tmp_path)
    put(ledger, SPECS[0])
    put(ledger, SPECS[1], format=FORMAT)
    assert missing(SPECS[:2], ledger) == []
    assert ledger.load().warnings == []


@pytest.mark.parametrize("status", ["finished", "a status of a later version"])
def test_a_result_of_a_newer_format_is_refused_by_whatever_reads_it_in_one_line(tmp_path, capsys, status):
    ledger = Ledger(tmp_path / "results")
    put(ledger, SPECS[0], format=FORMAT + 1)
    row = json.loads(ledger.record(SPECS[0].key).read(Record.RESULT))
    ledger.record(SPECS[0].key).write_json(Record.RESULT, row | {"status": status})
    for command in (
        lambda: report.main(["--results", ledger.uri, "--out", str(tmp_path / "out")]),
        lambda: grid("A grid.", ["--data", "embedded", "--preset", "demo", "--plan", "--results", ledger.uri]),
    ):
        with pytest.raises(SystemExit) as end:
            command()
        assert end.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert NEWER in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("number", ["2", 1e999, [], 10**30, True, -1])
def test_a_format_that_is_no_number_is_damage_and_nothing_newer(tmp_path, number):
    ledger = Ledger(tmp_path)
    put(ledger, SPECS[0])
    row = json.loads(ledger.record(SPECS[0].key).read(Record.RESULT))
    ledger.record(SPECS[0].key).write(Record.RESULT, json.dumps(row | {"format": number}).encode())
    ledger.load()


def test_a_checkpoint_has_its_format_and_one_of_a_newer_is_not_gone_on_from(tmp_path):
    ledger, heard = Ledger(tmp_path), Heard()
    record = ledger.record(SPECS[0].key)
    record.epoch([], {"values": np.zeros(1)})
    assert record.read_arrays(Record.CHECKPOINT)["format"] == FORMAT
    assert list(record.checkpoint()) == ["values"]
    record.write_arrays(Record.CHECKPOINT, {"values": np.zeros(1), "format": np.array(FORMAT + 1)})
    with pytest.raises(StoreError, match=NEWER):
        record.checkpoint()
    run(SpecList(SPECS[:1]), ledger, None, HERE, heard, trainer(tmp_path / "log"))
    assert NEWER in heard.failed_keys[SPECS[0].key]
