"""Denormal numbers count as zero inside the packed recurrences, and nowhere else."""

import threading

import numpy as np
import pytest

from rnnsweep.network.packed.denormals import HERE, flushed

pytestmark = pytest.mark.skipif(not HERE, reason="only x86 processors are slow with denormal numbers")

LEAST = np.float32(1.2e-38)  # the least normal number is 1.1755e-38


def halved():
    return np.full(64, LEAST) * np.float32(0.5)


def test_results_and_operands_too_small_for_a_normal_number_are_zero_within_and_stay_as_they_are_outside():
    denormal = halved()
    assert (denormal > 0).all()
    with flushed():
        assert (halved() == 0).all()
        assert (denormal * np.float32(4) == 0).all()
        assert (np.full(64, LEAST) * np.float32(1) == LEAST).all()
    assert (halved() == denormal).all()


def test_what_the_thread_did_before_comes_back_after_an_error_too():
    with pytest.raises(KeyError), flushed():
        raise KeyError
    assert (halved() > 0).all()


def test_threads_that_run_already_compute_as_ever():
    inside, found = threading.Event(), []
    other = threading.Thread(target=lambda: (inside.wait(), found.append((halved() > 0).all())))
    other.start()
    with flushed():
        inside.set()
        other.join()
    assert found == [True]
