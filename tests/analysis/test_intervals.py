"""The intervals that the report prints, worked out by hand."""

import numpy as np
import pytest

from analysis.document import interval_text, p_value, points_interval
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


def test_an_interval_that_no_accuracy_can_have_is_never_printed():
    assert interval_text(-0.2, 1.3) == "0.0000 to 1.0000"
    assert interval_text(0.5, 0.5) == "—"  # a few equal values do not prove that all are equal
    assert interval_text(np.nan, np.nan) == points_interval(np.nan, np.nan) == "—"
    assert points_interval(-0.0123, 0.4) == "−1.23 to +40.00"


def test_a_p_value_is_never_printed_as_nothing():
    assert [p_value(value) for value in (0.04999, 0.00004, np.nan, 1.0)] == ["0.0500", "<\u202f0.0001", "—", "1.0000"]
