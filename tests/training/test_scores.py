"""The scores are scikit-learn's, on predictions with ties, and with classes that nobody has or nobody predicts."""

import numpy as np
import pytest
from sklearn import metrics

from rnnsweep.training import scores


def close(value):
    return pytest.approx(value, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_of_two_classes_they_are_scikit_learns(seed):
    random = np.random.default_rng(seed)
    given = random.random(200) < (0.05, 0.5, 0.9, 0.3, 0.5)[seed]
    found = np.clip(random.normal(0.4 + 0.2 * given, 0.3), 0, 1).astype(np.float16)
    if seed == 4:
        found[:] = 0.5  # one threshold
    assert scores.auroc(given, found) == close(metrics.roc_auc_score(given, found))
    assert scores.average_precision(given, found) == close(metrics.average_precision_score(given, found))


@pytest.mark.parametrize("classes", [2, 6])
def test_of_classes_they_are_scikit_learns_even_where_a_class_is_missing(classes):
    random = np.random.default_rng(classes)
    given, found = random.integers(0, classes - 1, 80), random.integers(1, classes, 80)
    either, there = np.union1d(given, found), np.unique(given)
    flags = [scores.of_each(either, values) for values in (given, found)]
    assert scores.f1(*flags).mean() == close(metrics.f1_score(given, found, average="macro", zero_division=0))
    flags = [scores.of_each(there, values) for values in (given, found)]
    theirs = metrics.recall_score(given, found, labels=there, average="macro", zero_division=0)
    assert scores.recall(*flags).mean() == close(theirs)


def test_of_several_labels_they_are_scikit_learns():
    random = np.random.default_rng(0)
    given, found = random.random((60, 4)) < 0.3, random.random((60, 4)) < 0.4
    assert scores.micro_f1(given, found) == close(metrics.f1_score(given, found, average="micro"))
    assert scores.f1(given, found).mean() == close(metrics.f1_score(given, found, average="macro"))
