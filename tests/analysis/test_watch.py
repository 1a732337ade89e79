"""A report that follows a sweep: written when the ledger has changed, and for the last time when all is in."""

import pytest

from analysis.report import main
from analysis.watch import AGAIN, PAUSE, QUIET, SHARE, complete, watch
from rnnsweep.spec import Spec
from tests.helpers.ledgers import IMDB, put

SPECS = [Spec(seed=seed, **IMDB) for seed in (1, 2, 3)]


def test_it_is_written_at_each_change_and_last_when_all_is_in(ledger):
    put(ledger, SPECS[0], "unfinished")
    written, pauses = [], []
    changes = {1: lambda: put(ledger, SPECS[0]), 4: lambda: put(ledger, SPECS[1])}

    def pause(seconds):
        pauses.append(seconds)
        changes.get(len(pauses), lambda: None)()

    watch(ledger, lambda contents, again: written.append((len(contents.trials), again)), pause, lambda: 0.0)
    assert written == [(1, AGAIN), (1, AGAIN), (2, AGAIN), (2, 0)]
    assert len(pauses) == 4 + QUIET
    assert set(pauses) == {PAUSE}


def test_a_long_writing_leaves_the_processor_to_the_sweep(ledger):
    put(ledger, SPECS[0])
    times, pauses = iter((0.0, 7.0)), []
    watch(ledger, lambda *_: None, pauses.append, lambda: next(times))
    assert pauses[0] == 7 * SHARE


def test_a_ledger_is_complete_when_nothing_is_unfinished_and_the_planned_seeds_are_in(ledger):
    ledger.plan({"gru": 2})
    assert not complete(ledger.load())
    put(ledger, SPECS[0])
    assert not complete(ledger.load())
    put(ledger, SPECS[1], "failed")
    assert complete(ledger.load())
    put(ledger, SPECS[2], "unfinished")
    assert not complete(ledger.load())


def test_interrupted_it_ends_with_130_and_leaves_a_page_that_loads_itself_again(ledger, tmp_path, monkeypatch):
    put(ledger, SPECS[0])

    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    monkeypatch.setattr("analysis.watch.watch.__defaults__", (interrupted, *watch.__defaults__[1:]))
    assert main(["--results", ledger.uri, "--out", str(tmp_path / "out"), "--watch"]) == 130
    assert f'<body data-again="{AGAIN}">' in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("flags", [[], ["--pdf"]])
def test_a_pdf_is_written_where_it_is_asked_for(ledger, tmp_path, flags, capsys):
    put(ledger, SPECS[0])
    assert main(["--results", ledger.uri, "--out", str(tmp_path / "out"), *flags]) == 0
    assert (tmp_path / "out" / "report.pdf").exists() == bool(flags)
    assert ("report.pdf" in capsys.readouterr().out) == bool(flags)
    assert "data-again" not in (tmp_path / "out" / "report.html").read_text()
