import dataclasses
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rnnsweep.data import DataError, Dataset, Reviews, split
from rnnsweep.data.groups import known_groups
from rnnsweep.data.split import shared_with_training
from rnnsweep.spec import Spec
from tests.helpers.properties import quick
from tests.helpers.reviews import rows_of, same


def numbered(reviews):
    """Reviews of one token, which tells them apart."""
    return Reviews(
        np.arange(10, 10 + reviews, dtype=np.int32), np.arange(reviews + 1), (np.arange(reviews) % 2).astype(np.uint8)
    )


DATASET = Dataset("mine", "", True, ("no", "yes"), numbered(20), numbered(6))


def test_validation_is_the_last_share_of_the_first_reviews():
    parts = split(Spec(reviews=10, validation=0.2, batch_size=4), DATASET)
    assert parts.train.tokens.tolist() == list(range(10, 18))
    assert parts.validation.tokens.tolist() == [18, 19]
    assert parts.validation.offsets.tolist() == [0, 1, 2]
    assert len(parts.test) == 6


def test_validation_can_be_the_first_batch_or_the_test_set():
    parts = split(Spec(validation="first_batch", batch_size=4), DATASET)
    assert (len(parts.train), parts.validation.tokens.tolist()) == (16, [10, 11, 12, 13])
    parts = split(Spec(reviews=5, validation="test", batch_size=4), DATASET)
    assert (len(parts.train), len(parts.test)) == (5, 5)
    assert same(parts.validation, parts.test)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (Spec(reviews=21), "mine has 20 training reviews, not 21; lower --reviews"),
        (Spec(batch_size=17), "leaves 16 reviews for training and 4 for validation, with batches of 17; give more"),
        (Spec(batch_size=20, validation="first_batch"), "leaves 0 reviews for training"),
    ],
)
def test_too_few_reviews_are_refused(spec, message):
    with pytest.raises(DataError, match=message):
        split(spec, DATASET)


# ---- groups, copies and classes
def texts(*tokens, labels=None):
    """Reviews of these tokens."""
    offsets = np.concatenate(([0], np.cumsum([len(text) + 1 for text in tokens]))).astype(np.int64)
    flat = np.concatenate([[1, *text] for text in tokens]).astype(np.int32)
    return Reviews(flat, offsets, np.array(np.arange(len(tokens)) % 2 if labels is None else labels, np.uint8))


def users(train, classes=("no", "yes"), **more):
    """A data set as a user's table makes one: it has words."""
    return Dataset("mine", "", True, classes, train, numbered(6), vocabulary=("a", "b"), **more)


def sides(dataset, spec):
    """Return which of the training texts are for validation, bool [texts], told by a first token that no other has."""
    parts = split(spec, dataset)
    held = {row[1] for row in rows_of(parts.validation)}
    assert len(parts.train) + len(parts.validation) == len(dataset.train)
    return np.array([row[1] in held for row in rows_of(dataset.train)])


def is_cut(groups, held):
    return bool(set(groups[held]) & set(groups[~held]))


GROUPED = Spec(validation="grouped", batch_size=1)
named = st.lists(st.integers(0, 12), min_size=30, max_size=60).filter(lambda groups: max(Counter(groups).values()) < 6)


@given(named, st.sampled_from([0.2, 0.3, 0.5]))
@quick
def test_no_group_that_the_data_name_is_cut_and_the_share_is_never_passed(groups, share):
    own = np.array(groups)
    dataset = users(texts(*([100 + row] for row in range(len(own)))), groups=own)
    held = sides(dataset, GROUPED.replace(validation_share=share))
    assert not is_cut(own, held)
    assert 0 < held.sum() <= share * len(own)


@given(st.lists(st.integers(0, 15), min_size=40, max_size=60), st.integers(0, 3))
@quick
def test_copies_stand_on_one_side_whatever_the_validation_and_the_classes(copied, kind):
    ids = np.array(copied)
    classes = ("a", "b", "c") if kind == 3 else ("no", "yes")
    train = texts(*([100 + one, 7] for one in copied), labels=ids % len(classes))
    dataset = users(train, classes)
    validation = [0.2, "first_batch", "grouped", 0.3][kind]
    try:
        parts = split(Spec(validation=validation, batch_size=8), dataset)
    except DataError:
        assume(False)  # one text may be most of the file
    first, second = ({row[1] for row in rows_of(reviews)} for reviews in (parts.train, parts.validation))
    assert not first & second


def test_a_file_without_copies_is_split_as_it_always_was():
    dataset = users(numbered(20))
    parts = split(Spec(batch_size=4), dataset)
    assert parts.validation.tokens.tolist() == [26, 27, 28, 29]
    assert parts.note == ""


def test_copies_in_a_published_file_move_nothing():
    twice = Reviews(np.repeat(numbered(10).tokens, 1) * 0 + 5, np.arange(11), numbered(10).labels)
    parts = split(Spec(batch_size=4), Dataset("imdb", "", True, ("no", "yes"), twice, numbered(6)))
    assert (len(parts.train), len(parts.validation)) == (8, 2)


def test_of_three_classes_each_gives_its_share():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    dataset = users(texts(*([100 + row] for row in range(100)), labels=labels), ("a", "b", "c"))
    held = sides(dataset, Spec(batch_size=4))
    assert np.bincount(labels[held]).tolist() == [12, 6, 2]
    assert split(Spec(batch_size=4), dataset).note == "20 of 100 texts held out at random, of each class its share"


def test_rows_that_a_file_names_for_validation_are_every_networks_unless_it_asks_for_others():
    dataset = users(numbered(20), validation=numbered(5))
    parts = split(Spec(batch_size=4), dataset)
    assert (len(parts.train), len(parts.validation)) == (20, 5)
    assert parts.note == "the 5 rows that mine names for it"
    assert len(split(Spec(batch_size=4, reviews=3 + 1), dataset).validation) == 4
    assert len(split(Spec(batch_size=4, validation=0.5), dataset).validation) == 10
    assert len(split(Spec(batch_size=4, validation="test"), dataset).validation) == 6


def test_groups_that_are_found_are_kept_for_the_next_time(monkeypatch):
    # Texts of one film share its name, which stands nowhere else.
    films = np.arange(900) // 3
    train = texts(*([4, 9000 + row, 1000 + film, 2000 + film] for row, film in enumerate(films)), labels=films % 2)
    dataset = Dataset("mine", "", True, ("no", "yes"), train, numbered(6))
    first = split(GROUPED, dataset)
    assert "whole groups of 300, the largest of 3 texts" in first.note
    monkeypatch.setattr("rnnsweep.data.groups.found_groups", lambda reviews: pytest.fail("they are known"))
    again = split(GROUPED, dataclasses.replace(dataset))
    assert same(again.validation, first.validation)
    assert again.note == first.note


def test_a_cache_that_is_damaged_is_found_again(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNSWEEP_CACHE", str(tmp_path))
    train = texts(*([100 + row] for row in range(20)))
    first = known_groups(train)[0]
    (path,) = (tmp_path / "groups").iterdir()
    path.write_bytes(b"no zip")
    assert (known_groups(train)[0] == first).all()


def test_groups_too_large_for_the_share_are_refused_where_the_data_name_them():
    dataset = users(texts(*([100 + row] for row in range(20))), groups=np.arange(20) // 10)
    with pytest.raises(DataError, match="2 groups of up to 10 texts are each larger"):
        split(GROUPED, dataset)


def test_test_reviews_that_are_copies_of_training_reviews_are_found():
    train, test = texts([5], [6], [7]), texts([7], [8], [5])
    dataset = Dataset("mine", "", True, ("no", "yes"), train, test)
    assert shared_with_training(Spec(), dataset).tolist() == [True, False, True]
    assert shared_with_training(Spec(reviews=2), dataset).tolist() == [False, False]
