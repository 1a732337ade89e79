"""Several drivers on one ledger: no epoch is trained twice, whichever of them dies, and whatever the clocks say."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest

from rnnsweep.ledger import Ledger, Record
from rnnsweep.machine.process import Process, started, this_process
from rnnsweep.run import run
from rnnsweep.sweep import Claims, SpecList, claims
from tests.helpers.drivers import stepwise
from tests.helpers.stepwise import SPECS, epochs_trained, trainer, values
from tests.helpers.sweeps import HERE, Heard

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "results")


@pytest.fixture
def undisturbed(tmp_path):
    there = Ledger(tmp_path / "undisturbed")
    run(SpecList(SPECS), there, None, HERE, Heard(), trainer(tmp_path / "other.log"))
    return values(there)


def other(ledger, process, *keys):
    """Write the file of another driver, with these keys; return its name."""
    name = uuid.uuid4().hex
    said = {"process": vars(process), "keys": keys, "beat": 1}
    ledger.write_driver(name, json.dumps(said).encode())
    return name


def ended_process():
    """Return a process of this machine that has ended."""
    with subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        return Process(this_process().machine, child.pid, started(child.pid) or "0")


def _environment(pid):
    import psutil

    try:
        return psutil.Process(pid).environ()
    except psutil.Error:
        return {}


def test_two_drivers_share_what_is_missing_and_both_end_with_all_of_it(ledger, tmp_path, undisturbed):
    log = tmp_path / "log"
    with stepwise(ledger.uri, log, 0.1) as first, stepwise(ledger.uri, log, 0.1) as second:
        assert first.communicate()[0] == second.communicate()[0] == "True\n"
    trained = epochs_trained(log)
    assert len(trained) == len(set(trained)) == sum(spec.epochs for spec in SPECS)
    assert values(ledger) == undisturbed
    assert not (Path(ledger.uri) / "drivers").exists()


def test_what_a_killed_driver_had_taken_goes_on_where_it_was(ledger, tmp_path, undisturbed):
    log = tmp_path / "log"
    with stepwise(ledger.uri, log, 0.3) as first:
        while not list(Path(ledger.uri).glob(f"*/{Record.EPOCHS}")):
            time.sleep(0.01)
        second = threading.Thread(
            target=run, args=(SpecList(SPECS), Ledger(ledger.uri), None, HERE, Heard(), trainer(log))
        )
        second.start()
        first.send_signal(signal.SIGKILL)
        first.wait()
    second.join()
    trained = epochs_trained(log)
    told = [each for each in trained if trained.count(each) > 1]
    assert len(set(told)) <= 1, "the epoch in progress, and no other"
    assert values(ledger) == undisturbed


def test_what_is_taken_elsewhere_is_waited_for_and_trained_here_once_it_is_left(ledger, tmp_path):
    theirs = other(ledger, Process("elsewhere", 1, "1"), SPECS[0].key)

    class Waiting(Heard):
        said = None

        def on_claimed(self, trials, who):
            super().on_claimed(trials, who)
            self.said = trials, who
            ledger.remove_driver(theirs)

    heard = Waiting()
    run(SpecList(SPECS), ledger, None, HERE, heard, trainer(tmp_path / "log"))
    assert heard.said == (1, "process 1 on elsewhere")
    assert heard.finished_keys[-1] == SPECS[0].key
    assert len(heard.finished_keys) == len(SPECS)


def test_what_another_driver_ended_is_heard_and_not_trained(ledger, tmp_path):
    theirs = other(ledger, Process("elsewhere", 1, "1"), SPECS[0].key)

    class Waiting(Heard):
        def on_claimed(self, trials, who):
            run(SpecList([]), ledger, None, HERE)  # a third that has nothing to do
            record = ledger.record(SPECS[0].key)
            record.begin(SPECS[0])
            record.finish(trainer(tmp_path / "theirs")(SPECS[0], None, lambda epoch: None, None))
            ledger.remove_driver(theirs)

    heard = Waiting()
    run(SpecList(SPECS), ledger, None, HERE, heard, trainer(tmp_path / "log"))
    assert SPECS[0].key not in {key for key, _ in epochs_trained(tmp_path / "log")}
    assert SPECS[0].key in heard.finished_keys


def test_a_driver_of_this_machine_that_has_ended_holds_nothing_and_is_forgotten(ledger):
    dead = other(ledger, ended_process(), "a" * 12)
    with Claims(ledger) as mine:
        assert mine.alone
        assert mine.take("a" * 12) is None
        assert not ledger.has_driver(dead)


def test_a_process_that_has_the_id_of_a_dead_one_is_not_taken_for_it(ledger):
    here = this_process()
    other(ledger, Process(here.machine, os.getppid(), "0"), "a" * 12)
    with Claims(ledger) as mine:
        assert mine.take("a" * 12) is None


def test_a_driver_elsewhere_is_dead_once_it_has_been_silent_long_enough_by_this_clock_alone(ledger, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(claims.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(claims.time, "time", lambda: 1e12, raising=False)  # a clock that has jumped
    process = Process("elsewhere", 1, "1")
    name = other(ledger, process, "a" * 12)
    with Claims(ledger) as mine:
        assert mine.take("a" * 12) is not None
        now[0] = claims.DEAD_SECONDS - 1
        assert mine.take("a" * 12) is not None
        ledger.write_driver(name, json.dumps({"process": vars(process), "keys": ["a" * 12], "beat": 2}).encode())
        now[0] *= 2
        assert mine.take("a" * 12) is not None, "it has been heard of"
        now[0] += claims.DEAD_SECONDS
        assert mine.take("a" * 12) is None


def test_a_driver_that_was_taken_for_dead_stops_what_another_has_taken_since(ledger, monkeypatch):
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.01)
    with Claims(ledger) as mine:
        assert mine.take("a" * 12) is None
        assert mine.take("b" * 12) is None
        theirs = other(ledger, Process("elsewhere", 1, "1"), "a" * 12)
        for path in Path(ledger.uri, "drivers").iterdir():
            if path.stem != theirs:
                path.unlink()
        while mine.keeps("a" * 12):
            time.sleep(0.01)
        assert mine.keeps("b" * 12)


def test_a_trial_whose_key_is_lost_stops_there_and_goes_on_once_it_is_left(ledger, tmp_path, monkeypatch, undisturbed):
    taken, take = [], Claims.take

    def counted(mine, key):
        taken.append(key)
        return take(mine, key)

    monkeypatch.setattr(Claims, "take", counted)
    monkeypatch.setattr(Claims, "keeps", lambda mine, key: key != SPECS[0].key or taken.count(key) > 1)
    heard = Heard()
    run(SpecList(SPECS), ledger, None, HERE, heard, trainer(tmp_path / "log"))
    assert heard.finished_keys == [spec.key for spec in (*SPECS[1:], SPECS[0])]
    assert len(epochs_trained(tmp_path / "log")) == len(set(epochs_trained(tmp_path / "log")))
    assert values(ledger) == undisturbed


@pytest.mark.parametrize("said", [b"", b"{}", b"[" * 9999, b'{"process": 3}', b'{"process": {}, "keys": [1]}'])
def test_a_damaged_file_of_a_driver_keeps_nobody_from_anything(ledger, tmp_path, said):
    ledger.write_driver("x" * 32, said)
    run(SpecList(SPECS), ledger, None, HERE, Heard(), trainer(tmp_path / "log"))
    assert ledger.load().warnings == []
    assert len(ledger.results()) == len(SPECS)


def test_what_a_killed_driver_started_is_ended_and_nothing_else(ledger):
    dead = ended_process()
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    named = {"RNNSWEEP_DRIVER": dead.mark}
    with subprocess.Popen(sleep, env=os.environ | named) as left, subprocess.Popen(sleep) as mine:
        while _environment(left.pid).get("RNNSWEEP_DRIVER") != dead.mark:  # it has become what it is to be
            time.sleep(0.01)
        other(ledger, dead, "a" * 12)
        run(SpecList([]), ledger, None, HERE)
        ended = started(left.pid) is None
        untouched = mine.poll() is None
        left.kill()
        mine.kill()
    assert ended
    assert untouched
