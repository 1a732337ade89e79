"""Tasks in several processes: the same results in the same order, and the same errors."""

import os
from functools import partial

import pytest

from analysis.side_by_side import beside, processes_here, side_by_side
from rnnsweep.errors import UserError

# From Python 3.12 on, of a fork beside the thread by which a worker of pytest-xdist hears.
pytestmark = pytest.mark.filterwarnings("ignore:.*is multi-threaded, use of fork:DeprecationWarning")


def refused():
    raise UserError("no such network")


def killed(parent):
    if os.getpid() != parent:
        os._exit(9)
    return "here"


def test_results_come_in_the_order_of_the_tasks():
    big = list(range(1000))
    tasks = [lambda place=place: (place, len(big)) for place in range(7)]
    assert side_by_side(tasks, 2) == side_by_side(tasks, 1) == [(place, 1000) for place in range(7)]


def test_two_tasks_are_two_processes_and_neither_is_this_one():
    assert os.getpid() not in side_by_side([os.getpid, os.getpid], 2)
    assert side_by_side([os.getpid, os.getpid], 1) == [os.getpid()] * 2


def test_an_error_of_a_task_is_raised_here():
    with pytest.raises(UserError, match="no such network"):
        side_by_side([os.getpid, refused], 2)


def test_where_a_process_is_killed_all_is_worked_out_here():
    assert side_by_side([partial(killed, os.getpid())] * 2, 2) == ["here", "here"]


def test_what_another_process_returns_while_this_one_does_something_else():
    done = []
    assert beside(os.getpid, lambda: done.append(os.getpid())) != os.getpid() == done[0]


def test_what_fails_or_is_killed_beside_this_process_is_tried_here():
    assert beside(partial(killed, os.getpid()), os.getpid) == "here"
    with pytest.raises(UserError, match="no such network"):
        beside(refused, os.getpid)


def test_beside_other_threads_nothing_is_forked(monkeypatch):
    monkeypatch.setattr("threading.active_count", lambda: 2)
    assert processes_here() == 1
