"""Calibration worked out by hand, of two classes and of three."""

import numpy as np
import pytest

from analysis.frames.reliability import binned, reliability


def test_the_calibration_error_and_brier_score_of_four_predictions():
    bins = binned(np.array([1, 0, 1, 0], np.uint8), np.array([0.9, 0.9, 0.3, 0.3], np.float32))
    assert bins.ece == pytest.approx((2 * 0.4 + 2 * 0.2) / 4)  # of 0.9 half are true, and of 0.3 half
    assert bins.brier == pytest.approx((0.01 + 0.81 + 0.49 + 0.09) / 4)
    assert bins.overconfidence == pytest.approx((0.9 + 0.9 + 0.7 + 0.7) / 4 - 0.5)


def test_three_classes_are_judged_by_the_class_named():
    bins = binned(np.array([0, 2]), np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1]], np.float32))
    assert bins.ece == pytest.approx((0.2 + 0.6) / 2)
    assert bins.brier == pytest.approx((0.04 + 0.01 + 0.01 + 0.36 + 0.09 + 0.81) / 2)
    assert bins.overconfidence == pytest.approx(0.7 - 0.5)


def test_bins_of_several_seeds_are_counted_together_and_1_is_in_the_last():
    bins = binned(np.array([1, 1], np.uint8), np.array([1.0, 0.0], np.float16))
    table = reliability([bins, bins])
    assert table.to_numpy().tolist() == [[0.0, 1.0, 2.0], [1.0, 1.0, 2.0]]


def test_several_labels_a_review_and_what_is_not_finite_have_no_bins():
    assert binned(np.eye(2), np.eye(2)) is None
    assert binned(np.array([0, 1]), np.array([0.5, np.nan])) is None
