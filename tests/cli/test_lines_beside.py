"""Linear lines in a process of their own: the same ones, whatever becomes of it, and it does not outlive this one."""

import contextlib

import numpy as np
import psutil
import pytest

from rnnsweep.baselines import BaselineSettings
from rnnsweep.cli.lines_beside import answered, beside
from rnnsweep.data import split
from rnnsweep.spec import Spec

SMALL = Spec(num_words=30, max_len=12, batch_size=16, dataset="tiny", data_sha256="0" * 64)


@pytest.fixture
def asked(tiny):
    specs = [SMALL, SMALL.replace(num_words=20)]
    return [(split(spec, tiny), BaselineSettings.of(spec)) for spec in specs]


@pytest.fixture
def taken():
    return {}


def children():
    """Return the processes that compute lines for this one."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            found += [child] * any("lines_beside" in word for word in child.cmdline())
    return found


def accuracies(answers):
    return {place: [line.row["test_accuracy"] for line in answer] for place, answer in sorted(answers.items())}


def test_another_process_answers_as_this_one_does(asked, taken):
    with beside(asked, taken.__setitem__, contextlib.nullcontext):
        (child,) = children()
    assert not child.is_running()
    assert len(taken) == 2
    here = [answered(*one) for one in asked]
    assert accuracies(taken) == accuracies(dict(enumerate(here)))
    for place, lines in enumerate(here):
        for there, line in zip(taken[place], lines, strict=True):
            np.testing.assert_array_equal(there.predicted, line.predicted)
            np.testing.assert_array_equal(there.scores, line.scores)


def test_what_processes_that_are_killed_have_not_answered_is_answered_here(asked, taken):
    with beside(asked, taken.__setitem__, contextlib.nullcontext, 2):
        assert len(children()) == 2
        for child in children():
            child.kill()
    assert sorted(taken) == [0, 1]


def test_an_interruption_waits_for_nothing_and_leaves_no_process_behind(asked, taken):
    def interrupted():
        with beside(asked, taken.__setitem__, contextlib.nullcontext):
            begun.extend(children())
            raise KeyboardInterrupt

    begun = []
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(begun) == 1
    assert not children()
    assert not taken


def test_an_answer_that_cannot_be_written_is_an_error_at_the_end(asked):
    def full(place, answer):
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"), beside(asked, full, contextlib.nullcontext):
        pass
    assert not children()


def test_what_a_process_has_no_time_to_answer_is_answered_here(asked, taken):
    with beside(asked, taken.__setitem__, contextlib.nullcontext, patience=0.0):
        for child in children():
            child.suspend()
    assert sorted(taken) == [0, 1]
    assert not children()
