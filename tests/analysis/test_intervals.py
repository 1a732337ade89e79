"""The intervals that the report prints, worked out by hand."""

import numpy as np
import pytest

from rnnsweep.stats import interval


def test_an_interval_is_students_t_worked_out_by_hand():
    # mean 2, sd 1, n 3: half width t(0.975, 2) / sqrt(3) = 4.302653 / 1.732051
    found = interval([1.0, 2.0, 3.0])
    assert found == pytest.approx({"n": 3, "mean": 2, "sd": 1, "low": 2 - 2.484138, "high": 2 + 2.484138}, abs=1e-6)


def test_an_interval_leaves_out_missing_values_and_needs_two():
    found = interval([0.5, np.nan])
    assert (found["n"], found["mean"]) == (1, 0.5)
    assert np.isnan([found["sd"], found["low"], found["high"]]).all()
    assert interval([])["n"] == 0
