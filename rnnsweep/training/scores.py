"""F1, recall, AUROC and average precision as scikit-learn defines them, without the second or two of its import."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


def f1(given: Flags, predicted: Flags) -> Values:
    """Return the F1 of each column of bool [reviews, columns]: 2 TP / (2 TP + FP + FN), 0 where nothing is counted."""
    right = (given & predicted).sum(axis=0)
    return _ratio(2 * right, given.sum(axis=0) + predicted.sum(axis=0))


def micro_f1(given: Flags, predicted: Flags) -> float:
    """Return the F1 of all cells of bool [reviews, columns] together."""
    return float(f1(given.reshape(-1, 1), predicted.reshape(-1, 1))[0])


def recall(given: Flags, predicted: Flags) -> Values:
    """Return the recall of each column of bool [reviews, columns]: TP / (TP + FN), 0 where there is none."""
    return _ratio((given & predicted).sum(axis=0), given.sum(axis=0))


def auroc(given: Flags, scores: NDArray[Any]) -> float:
    """Return the area under the ROC curve of bool and scores [reviews], by trapezoids; both classes must be there."""
    right, wrong = _counts(given, scores)
    if len(right) > 2:  # as scikit-learn: what lies on a straight line is left out, which rounds otherwise
        corners = np.concatenate([[True], (np.diff(right, 2) != 0) | (np.diff(wrong, 2) != 0), [True]])
        right, wrong = right[corners], wrong[corners]
    return float(np.trapezoid(np.append(0, right) / right[-1], np.append(0, wrong) / wrong[-1]))


def average_precision(given: Flags, scores: NDArray[Any]) -> float:
    """Return the sum over thresholds of the recall gained times the precision, of bool and scores [reviews]."""
    right, wrong = _counts(given, scores)
    return float((np.diff(np.append(0, right) / right[-1]) * (right / (right + wrong))).sum())


def of_each(classes: NDArray[Any], found: NDArray[Any]) -> Flags:
    """Return whether each of `found` [reviews] is each of the classes: bool [reviews, classes]."""
    flags: Flags = np.equal.outer(found, classes)
    return flags


def _counts(given: Flags, scores: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many are rightly, and how many wrongly, at or above each threshold, highest first."""
    order = np.argsort(-scores.astype(np.float32), kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    right = np.cumsum(given[order])[ends]
    return right, ends + 1 - right


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> Values:
    ratio: Values = above / np.maximum(below, 1)
    return ratio
