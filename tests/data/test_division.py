"""The test set that is made of a user's file: a fifth of it, and nothing that belongs together is cut."""

import numpy as np
import pytest

from rnnsweep.data.division import divide, held_for_test
from rnnsweep.data.reviews import SHUFFLE_SEED


def distinct(count):
    return [[f"w{i}"] for i in range(count)]


def test_two_classes_without_copies_are_divided_by_one_permutation():
    split, notes = divide(None, False, distinct(50), np.arange(50) % 2, None)
    first = np.random.RandomState(SHUFFLE_SEED).permutation(50)[:10]
    assert sorted(np.flatnonzero(np.array(split) == "test")) == sorted(first)
    assert notes == ["the test set is made here: 10 of 50 texts, at random"]


def test_a_draw_of_one_class_only_is_replaced_by_one_of_both():
    first = np.random.RandomState(SHUFFLE_SEED).permutation(20)[:4]
    labels = np.isin(np.arange(20), first).astype(np.int64)  # whom the permutation takes
    labels[np.setdiff1d(np.arange(20), first)[:6]] = 1
    rows = held_for_test(np.arange(20), labels).rows
    assert np.bincount(labels[rows]).tolist() == [2, 2]


def test_of_three_classes_each_gives_its_share():
    labels = np.array([0] * 50 + [1] * 30 + [2] * 20)
    split, notes = divide(None, False, distinct(100), labels, None)
    assert np.bincount(labels[np.array(split) == "test"]).tolist() == [10, 6, 4]
    assert notes == ["the test set is made here: 20 of 100 texts, at random, of each class its share"]


def test_what_the_data_says_stays_and_only_its_training_texts_are_divided():
    said = ["train"] * 10 + ["validation"] * 5
    labels = np.arange(15) % 2
    assert divide(said, True, distinct(15), labels, None) == (said, [])
    split, _ = divide(said, False, distinct(15), labels, None)
    assert split[10:] == ["validation"] * 5
    assert split[:10].count("test") == 2


@pytest.mark.parametrize("classes", [2, 3])
def test_neither_copies_nor_groups_are_cut(classes):
    copies, labels = np.arange(60) // 2, np.arange(60) % classes
    held = held_for_test(copies, labels).rows
    assert held.sum() == 12
    assert held[::2].tolist() == held[1::2].tolist()
    held = held_for_test(copies, labels, np.arange(60) // 3).rows  # with the copies, groups of six
    assert held.sum() == 12
    assert all(len(set(held[at : at + 6].tolist())) == 1 for at in range(0, 60, 6))


def test_how_groups_were_held_out_is_said():
    _, (note,) = divide(None, False, distinct(40), np.arange(40) % 2, np.arange(40) // 4)
    assert note.startswith("the test set is made here: 8 of 40 texts held out in 2 whole groups of 10")
