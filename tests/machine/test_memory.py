"""The peak of this process's memory, where Linux's files are there and where they are not."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from rnnsweep.machine import memory


def test_the_peak_is_at_least_what_was_held_and_begins_anew():
    memory.reset_peak_memory()
    before = memory.peak_memory_mb()
    held = np.ones(64 * 2**20 // 8)
    assert before + 60 < memory.peak_memory_mb() < before + 80
    del held


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A system without Linux's files."""
    monkeypatch.setattr(memory, "STATUS", tmp_path / "status")
    monkeypatch.setattr(memory, "CLEAR", tmp_path / "none" / "clear_refs")


@pytest.mark.parametrize(("platform", "maximum"), [("darwin", 300 * 2**20), ("freebsd14", 300 * 2**10)])
def test_the_peak_is_in_mb_whatever_unit_a_unix_counts_in(elsewhere, monkeypatch, platform, maximum):
    usage = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda who: SimpleNamespace(ru_maxrss=maximum))
    monkeypatch.setitem(sys.modules, "resource", usage)
    monkeypatch.setattr(sys, "platform", platform)
    memory.reset_peak_memory()
    assert memory.peak_memory_mb() == 300.0


def test_the_peak_is_known_where_there_is_no_unix(elsewhere, monkeypatch):
    process = SimpleNamespace(memory_info=lambda: SimpleNamespace(peak_wset=7 * 2**20))
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setitem(sys.modules, "psutil", SimpleNamespace(Process=lambda: process))
    assert memory.peak_memory_mb() == 7.0
