"""A trial that hangs, has no memory, whose clock jumps or whose data changed: it fails alone, or is another one."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from rnnsweep.ledger import Ledger, Record
from rnnsweep.run import run
from rnnsweep.sweep import Claims, SpecList, epoch_limit, missing
from tests.helpers.stepwise import SPECS, epochs_trained, trainer, values
from tests.helpers.sweeps import HERE, Heard

ROOT = Path(__file__).parents[2]
HANGS = """
import dataclasses, sys, threading, time
from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.sweep import SpecList
from tests.helpers.stepwise import SPECS, trainer
from tests.helpers.sweeps import HERE

def hang_for_ever():
    threading.Event().wait()

def hanging(spec, dataset, on_epoch, state):
    def on(epoch):
        on_epoch(epoch)
        if spec == SPECS[1] and len(epoch.rows) == 2:
            hang_for_ever()
    return trainer(sys.argv[2])(spec, dataset, on, state)

run(SpecList(SPECS), Ledger(sys.argv[1]), None, dataclasses.replace(HERE, epoch_timeout=1.0), trainer=hanging)
"""

SILENT = """
import threading
from rnnsweep.ledger import store
from rnnsweep.sweep import watchdog
watchdog.GRACE_SECONDS = 3.0
whole = store.write_whole

def never_answers(path, data, **more):
    if path.name == "error.txt":
        threading.Event().wait()
    whole(path, data, **more)

store.write_whole = never_answers
"""


def sweep(ledger, log, train=None):
    heard = Heard()
    run(SpecList(missing(SPECS, ledger)), ledger, None, HERE, heard, train or trainer(log))
    return heard


def test_a_trial_that_hangs_is_ended_with_its_stack_in_the_record_and_goes_on_the_next_time(tmp_path):
    sweep(Ledger(tmp_path / "undisturbed"), tmp_path / "log")
    ledger, log, key = Ledger(tmp_path / "results"), tmp_path / "hung.log", SPECS[1].key
    words = [sys.executable, "-c", HANGS, ledger.uri, str(log)]
    end = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    reason = "epoch 3 took longer than 1 s, see --epoch-timeout; where it hung: the stack above"
    assert end.returncode == 1
    assert end.stderr == f"{key}: {reason}, in {key}/{Record.ERROR}\n"
    said = ledger.load().trials.set_index("key").loc[key]
    assert said["status"] == "failed"
    assert "hang_for_ever" in said["error"]
    assert said["error"].splitlines()[-1] == reason
    assert len(sweep(ledger, log).finished_keys) == len(SPECS) - 1
    assert values(ledger) == values(Ledger(tmp_path / "undisturbed"))
    assert len(epochs_trained(log)) == len(set(epochs_trained(log)))


def test_a_folder_that_never_answers_does_not_keep_a_trial_for_ever_and_it_goes_on_later(tmp_path):
    ledger, log = Ledger(tmp_path / "results"), tmp_path / "hung.log"
    end = subprocess.run([sys.executable, "-c", SILENT + HANGS, ledger.uri, str(log)], stderr=subprocess.PIPE, cwd=ROOT)
    assert end.returncode == 1
    assert b"never_answers" in end.stderr
    sweep(ledger, log)
    sweep(Ledger(tmp_path / "undisturbed"), tmp_path / "log")
    assert values(ledger) == values(Ledger(tmp_path / "undisturbed"))


def test_a_trial_hangs_only_after_many_times_what_its_epoch_should_take(tiny):
    short = SPECS[0].replace(batch_size=16)
    long = short.replace(units=(2000, 2000, 2000), embedding_dim=2000, num_words=10**7)
    assert epoch_limit(short, tiny) == 1800
    assert epoch_limit(long, tiny) > 1800


def test_a_trial_without_memory_fails_alone_and_is_trained_the_next_time(tmp_path):
    def greedy(spec, dataset, on_epoch, state):
        if spec == SPECS[1]:
            np.ones(2**50)
        return trainer(tmp_path / "log")(spec, dataset, on_epoch, state)

    ledger = Ledger(tmp_path / "results")
    heard = sweep(ledger, None, greedy)
    assert "Unable to allocate" in heard.failed_keys[SPECS[1].key]
    assert len(heard.finished_keys) == len(SPECS) - 1
    sweep(ledger, tmp_path / "log")
    sweep(Ledger(tmp_path / "undisturbed"), tmp_path / "other")
    assert values(ledger) == values(Ledger(tmp_path / "undisturbed"))


def test_a_clock_that_jumps_ahead_takes_no_file_from_another_driver_that_writes_it(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path)
    half = tmp_path / SPECS[0].key / f".{Record.SPEC}-{'0' * 32}"
    with Claims(ledger):
        half.parent.mkdir()
        half.write_bytes(b"half")
        monkeypatch.setattr("rnnsweep.ledger.store.time.time", lambda: time.monotonic() + 4e9)
        missing(SPECS, ledger)
        run(SpecList([]), ledger, None, HERE)
        assert half.exists()
    missing(SPECS, ledger)
    run(SpecList([]), ledger, None, HERE)
    assert not half.exists(), "nobody else is there"


def test_a_clock_that_jumps_back_between_two_runs_loses_and_repeats_nothing(tmp_path):
    ledger, log = Ledger(tmp_path / "results"), tmp_path / "log"
    sweep(ledger, log)
    before = values(ledger)
    for path in Path(ledger.uri).rglob("*"):
        os.utime(path, (4e9, 4e9))  # as of a time to come
    assert missing(SPECS, Ledger(ledger.uri)) == []
    Ledger(ledger.uri).record(SPECS[0].key).remove(Record.RESULT)
    again = Ledger(ledger.uri)
    assert missing(SPECS, again) == [SPECS[0]]
    sweep(again, log)
    assert values(ledger) == before


def test_data_that_changed_between_two_runs_makes_other_trials_and_leaves_the_old_ones(tmp_path):
    ledger = Ledger(tmp_path)
    old, new = ([spec.replace(data_sha256=digit * 64) for spec in SPECS] for digit in "ab")
    run(SpecList(old), ledger, None, HERE, trainer=trainer(tmp_path / "log"))
    assert missing(new, ledger) == new
    assert missing(old, ledger) == []


def test_a_layer_that_ends_its_process_fails_its_own_trial_and_says_so_and_the_others_go_on(tmp_path):
    def ending(spec, dataset, on_epoch, state):
        if spec == SPECS[1]:
            sys.exit("I end here")
        return trainer(tmp_path / "log")(spec, dataset, on_epoch, state)

    ledger = Ledger(tmp_path / "ledger")
    heard = sweep(ledger, tmp_path / "log", ending)
    assert heard.failed_keys == {SPECS[1].key: "SystemExit: I end here"}
    assert missing(SPECS, ledger) == [SPECS[1]]
    assert "SystemExit: I end here" in ledger.record(SPECS[1].key).error()
