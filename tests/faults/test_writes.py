"""A sweep that is killed, or has no room left, at any of its writes; then the same command again: nothing is lost."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from rnnsweep.ledger import Ledger, StoreError
from rnnsweep.run import run
from rnnsweep.sweep import SpecList, missing
from tests.helpers.stepwise import SPECS, epochs_trained, trainer, values
from tests.helpers.sweeps import HERE

ROOT = Path(__file__).parents[2]
TWO = SPECS[:2]


def sweep(place, log):
    ledger = Ledger(place)
    run(SpecList(missing(TWO, ledger)), ledger, None, HERE, trainer=trainer(log))


@pytest.fixture
def undisturbed(tmp_path):
    sweep(tmp_path / "undisturbed", tmp_path / "undisturbed.log")
    return values(Ledger(tmp_path / "undisturbed"))


def test_a_sweep_killed_at_any_write_goes_on_to_the_same_ledger(tmp_path):
    words = [sys.executable, "-m", "tests.helpers.killed", str(tmp_path / "killed"), "1", "half"]
    found = json.loads(subprocess.run(words, capture_output=True, check=True, cwd=ROOT).stdout)
    assert found["kills"] == found["writes"] > 15
    assert found["unequal"] == found["more than one twice"] == []


def full_from(monkeypatch, number, code):
    """Have the disk refuse each file from this one on."""
    count = [0]

    def fsync(descriptor):
        count[0] += 1
        if count[0] >= number:
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr("rnnsweep.files.os.fsync", fsync)
    return count


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES], ids=["full", "read-only", "forbidden"])
def test_a_disk_that_takes_nothing_more_from_any_write_on_ends_the_sweep_and_loses_nothing(
    tmp_path, undisturbed, monkeypatch, code
):
    number, refused = 1, []
    while True:
        place, log = tmp_path / str(number), tmp_path / f"{number}.log"
        with monkeypatch.context() as patched:
            count = full_from(patched, number, code)
            try:
                sweep(place, log)
            except StoreError as error:
                refused.append(str(error).startswith(f"results {place} cannot be written: "))
        if count[0] < number:  # there was no such write
            break
        sweep(place, log)
        assert values(Ledger(place)) == undisturbed, number
        assert max(Counter(epochs_trained(log)).values()) <= 2, number
        number += 1
    assert len(refused) > 15
    assert all(refused)


def disturbed(act, log):
    """Return the trainer that does something after the second epoch of the second trial."""

    def train(spec, dataset, on_epoch, state):
        def on(epoch):
            on_epoch(epoch)
            if spec == TWO[1] and len(epoch.rows) == 2:
                act()

        return trainer(log)(spec, dataset, on, state)

    return train


def test_a_ledger_that_is_moved_while_a_sweep_runs_is_whole_where_it_was_begun(tmp_path, undisturbed):
    place = tmp_path / "results"

    moving = disturbed(lambda: place.rename(tmp_path / "moved"), tmp_path / "log")
    run(SpecList(TWO), Ledger(place), None, HERE, trainer=moving)
    assert TWO[0] in missing(TWO, Ledger(place)), "it is in the other folder"
    assert values(Ledger(tmp_path / "moved"))[TWO[0].key, "result.json"]
    sweep(place, tmp_path / "log")
    assert values(Ledger(place)) == undisturbed
    assert Ledger(place).load().warnings == []
    sweep(tmp_path / "moved", tmp_path / "log")
    assert values(Ledger(tmp_path / "moved")) == undisturbed


def test_a_ledger_that_is_deleted_while_a_sweep_runs_is_made_again_and_the_next_run_completes_it(tmp_path, undisturbed):
    place = tmp_path / "results"

    deleting = disturbed(lambda: shutil.rmtree(place), tmp_path / "log")
    run(SpecList(TWO), Ledger(place), None, HERE, trainer=deleting)
    assert missing(TWO, Ledger(place)) == [TWO[0]]
    sweep(place, tmp_path / "log")
    assert values(Ledger(place)) == undisturbed
    assert Ledger(place).load().warnings == []


def test_a_result_whose_spec_is_gone_is_none_until_it_has_it_again_and_is_not_trained_for_that(tmp_path, undisturbed):
    ledger = Ledger(tmp_path / "undisturbed")
    ledger.record(TWO[0].key).remove("spec.json")
    assert missing(TWO, ledger) == [TWO[0]]
    sweep(tmp_path / "undisturbed", tmp_path / "log")
    assert values(ledger) == undisturbed
    assert epochs_trained(tmp_path / "log") == []
