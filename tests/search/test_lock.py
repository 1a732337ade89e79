"""One driver per study, and no longer than it lives."""

import subprocess
import sys

import pytest

from rnnsweep.ledger import Ledger
from rnnsweep.search import Goal, SearchError
from rnnsweep.search.search import Search
from rnnsweep.space import search_space
from tests.helpers.searches import FIELDS

FINITE = search_space(FIELDS | {"cell": ["gru", "lstm"]})


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "results")


def test_a_second_driver_on_the_same_study_is_refused_and_one_on_another_is_not(ledger):
    with Search(FINITE, Goal(), 3, ledger):
        with pytest.raises(SearchError, match=r"is in use by process \d+ on .*; wait for it, or .* --name"):
            Search(FINITE, Goal(), 3, ledger).__enter__()
        with Search(FINITE, Goal(), 3, ledger, name="other"):
            pass
    with Search(FINITE, Goal(), 3, ledger):
        pass


def test_a_killed_driver_leaves_no_lock(ledger):
    code = f"""
import os, signal
from rnnsweep.ledger import Ledger
from rnnsweep.search import Goal
from rnnsweep.search.search import Search
from rnnsweep.space import search_space
Search(search_space({FIELDS!r}), Goal(), 3, Ledger({ledger.uri!r}), name="mine").__enter__()
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert "process" in (ledger.studies_folder() / "optuna.db.mine.driver").read_text()
    with Search(search_space(FIELDS), Goal(), 3, ledger, name="mine"):
        pass
