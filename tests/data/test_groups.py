import random

import igraph
import numpy as np
import pytest

from rnnsweep.data import groups as groups_module
from rnnsweep.data import load
from rnnsweep.data.copies import copies, copies_note, copies_of_words, shared_between, with_copies
from rnnsweep.data.groups import found_groups, named_groups
from rnnsweep.data.holdout import hold_out, split_rows, uncut
from rnnsweep.data.reviews import DataError, Reviews


def reviews_of(*texts, labels=None):
    """Return reviews of these tokens, a start token in front of each."""
    offsets = np.concatenate(([0], np.cumsum([len(text) + 1 for text in texts]))).astype(np.int64)
    tokens = np.concatenate([[1, *text] for text in texts]).astype(np.int32)
    return Reviews(tokens, offsets, np.array(labels if labels is not None else [0] * len(texts), np.uint8))


def of_films(films, of_each, seed=0):
    """Return shuffled reviews of 30 common words and of 5 names that only their film has, and each review's film."""
    draw = np.random.RandomState(seed)
    film = draw.permutation(np.repeat(np.arange(films), of_each))
    texts = [[*draw.randint(4, 200, 30), *(200 + 5 * one + np.arange(5))] for one in film]
    return reviews_of(*texts, labels=draw.randint(0, 2, len(film))), film


def is_cut(groups, held):
    return bool(np.isin(groups[held], groups[~held]).any())


# ---- groups that are found
def test_reviews_of_one_film_are_found_to_be_a_group():
    reviews, film = of_films(100, 8)
    found = found_groups(reviews)
    assert len(np.unique(np.stack([found, film]), axis=1).T) == len(np.unique(film)) == len(np.unique(found))


def test_groups_are_the_same_whatever_the_global_random_state_and_leave_it_alone():
    reviews, _ = of_films(30, 5)
    random.seed(1)
    before = random.getstate()
    first = found_groups(reviews)
    assert random.getstate() == before
    random.seed(2)
    assert (found_groups(reviews) == first).all()


def test_igraph_draws_from_pythons_generator_again_afterwards():
    found_groups(of_films(5, 3)[0])
    random.seed(3)
    first = igraph.Graph.Erdos_Renyi(20, 0.3).get_edgelist()
    random.seed(3)
    assert igraph.Graph.Erdos_Renyi(20, 0.3).get_edgelist() == first


def test_copies_are_of_one_group_even_without_a_rare_word():
    reviews = reviews_of(*[[4, 5, 6]] * 70, *[[4, 5, 7 + n] for n in range(70)])
    found = found_groups(reviews)
    assert len(set(found[:70])) == 1
    assert len(set(found)) == 71


def test_start_padding_and_unknown_words_link_nothing():
    assert found_groups(reviews_of([2, 4], [2, 5], [2, 6])).tolist() == [0, 1, 2]


def test_two_texts_that_share_their_only_words_are_handled():
    assert len(found_groups(reviews_of([4, 5], [5, 4]))) == 2


def test_finding_groups_changes_no_token():
    reviews = reviews_of([9, 8, 8, 7], [9, 4, 8], [5, 6, 4])
    tokens = reviews.tokens.copy()
    found_groups(reviews)
    assert (reviews.tokens == tokens).all()


def test_blocks_do_not_change_what_is_found(monkeypatch):
    reviews, _ = of_films(20, 4)
    whole = found_groups(reviews)
    monkeypatch.setattr(groups_module, "BLOCK", 100)
    assert (found_groups(reviews) == whole).all()


def test_a_text_keeps_no_more_than_its_closest_neighbours(monkeypatch):
    monkeypatch.setattr(groups_module, "NEIGHBOURS", 3)
    reviews, _ = of_films(2, 40)
    links, cosines = groups_module._links(groups_module._rare_words(reviews, np.arange(80)))
    assert 80 * 3 / 2 <= len(links) <= 80 * 3
    assert (links[:, 0] < links[:, 1]).all()
    assert ((cosines >= groups_module.LEAST) & (cosines <= 1)).all()


def test_the_cosine_is_that_of_idf_weights():
    # Of 4 texts, words 4 and 5 are in two, so that both have the same weight, and 6 in one text only.
    links, cosines = groups_module._links(groups_module._rare_words(reviews_of([4, 5, 6], [4], [5], [7]), np.arange(4)))
    assert links.tolist() == [[0, 1], [0, 2]]
    assert cosines == pytest.approx([0.5**0.5] * 2)


def test_named_groups_are_equal_names_and_missing_ones_are_alone():
    assert named_groups(["a", "b", "a ", "", None, float("nan"), 3, "3"]).tolist() == [0, 1, 0, 2, 3, 4, 5, 5]


# ---- what is held out
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_no_group_is_cut_and_the_share_is_met_within_one_group(seed, share):
    draw = np.random.RandomState(seed)
    groups = np.repeat(np.arange(300), draw.randint(1, 12, 300))[draw.permutation(1500)]
    held = hold_out(groups, draw.randint(0, 3, len(groups)), share, seed).rows
    assert not is_cut(groups, held)
    largest = np.bincount(groups).max()
    assert share * len(groups) - largest < held.sum() <= share * len(groups)


def test_each_class_gives_its_share():
    draw = np.random.RandomState(1)
    groups = np.repeat(np.arange(1000), 4)
    labels = np.repeat(draw.choice(4, 1000, p=[0.1, 0.2, 0.3, 0.4]), 4)
    held = hold_out(groups, labels, 0.2, 7).rows
    assert np.bincount(labels[held]) / np.bincount(labels) == pytest.approx([0.2] * 4, abs=0.02)


@pytest.mark.parametrize("seed", range(20))
def test_a_class_that_lives_in_two_groups_keeps_one_of_them(seed):
    groups = np.concatenate([np.repeat([0, 1], 10), np.arange(2, 182)])
    labels = np.array([1] * 20 + [0] * 180)
    held = hold_out(groups, labels, 0.2, seed).rows
    assert (labels[~held] == 1).sum() >= 10
    assert held.sum() == 40


def test_a_class_of_one_text_stays_in_training():
    labels = np.array([0] * 50 + [1] * 49 + [2])
    assert not any(hold_out(np.arange(100), labels, 0.2, seed).rows[-1] for seed in range(30))


def test_holding_out_is_the_same_on_every_call_whatever_the_global_random_state():
    groups, labels = np.arange(200) // 3, np.arange(200) % 2
    first = hold_out(groups, labels, 0.2, 5).rows
    np.random.seed(1)
    random.seed(1)
    assert (hold_out(groups, labels, 0.2, 5).rows == first).all()
    assert (hold_out(groups, labels, 0.2, 6).rows != first).any()


def test_where_nothing_is_shared_it_is_a_random_split_and_the_line_says_so():
    held = hold_out(np.arange(100), np.arange(100) % 2, 0.2, 1)
    assert held.rows.sum() == 20
    assert np.bincount(np.arange(100)[held.rows] % 2).tolist() == [10, 10]
    assert held.note == "20 of 100 texts held out at random: no two texts are of one group"


def test_the_line_says_how_many_groups_are_held_out():
    held = hold_out(np.arange(100) // 2, np.zeros(100, int), 0.2, 1)
    assert held.note == "20 of 100 texts held out in 10 whole groups of 50, the largest of 2 texts"


def test_a_group_larger_than_the_share_stays_in_training_whole():
    groups = np.array([0] * 30 + list(range(1, 71)))
    held = hold_out(groups, np.zeros(100, int), 0.2, 1)
    assert not held.rows[:30].any()
    assert held.rows.sum() == 20
    assert (
        held.note == "one group of 30 texts is larger than the 20 of 100 texts to hold out and stays in training whole"
    )


def test_where_boilerplate_leaves_too_few_others_its_group_is_divided_and_copies_stay_together():
    groups = np.array([0] * 90 + list(range(1, 11)))
    copy_ids = np.arange(100) // 2
    held = hold_out(groups, np.zeros(100, int), 0.2, 1, copy_ids)
    assert held.rows.sum() in (19, 20)
    assert held.rows[:90].any()
    assert not is_cut(copy_ids[:90], held.rows[:90])
    assert held.note == (
        "one group of 90 texts is larger than the 20 of 100 texts to hold out, and the other groups hold only 10: "
        "divided at random"
    )


def test_a_named_group_larger_than_the_share_is_refused_instead_of_divided():
    with pytest.raises(DataError, match=r"2 groups of up to 50 texts are each larger .* name a column with more"):
        hold_out(np.arange(100) // 50, np.zeros(100, int), 0.2, 1, divide=False)


def test_nothing_to_hold_out_is_an_error_that_names_the_remedy():
    with pytest.raises(DataError, match=r"no group of texts fits into 0.2 of 4 texts; give more texts"):
        hold_out(np.arange(4), np.zeros(4, int), 0.2, 1)


# ---- copies
def test_copies_have_equal_tokens_and_are_numbered_by_first_appearance():
    assert copies(reviews_of([4, 5], [4], [4, 5], [5, 4], [4])).tolist() == [0, 1, 0, 2, 1]
    assert copies_of_words([["a", "b"], ["ab"], ["a", "b"]]).tolist() == [0, 1, 0]


def test_texts_with_one_hash_are_told_apart_by_their_content(monkeypatch):
    class Same:
        def digest(self):
            return b""

    monkeypatch.setattr("hashlib.blake2b", lambda *_, **__: Same())
    assert copies_of_words([["a"], ["b"], ["a"], ["b"], ["c"]]).tolist() == [0, 1, 0, 1, 2]


def test_the_line_about_copies_counts_texts_and_labels():
    assert copies_note(np.array([0, 1, 0, 0, 2]), np.array([0, 1, 1, 0, 1])) == (
        "2 of 5 texts are copies of another one, and 1 text has more than one label"
    )
    assert copies_note(np.array([0, 0, 1]), np.array([1, 1, 0])) == "1 of 3 texts are copies of another one"
    assert copies_note(np.array([0, 1]), np.array([0, 0])) == "no text is a copy of another one"


def test_test_reviews_that_stand_in_training_too_are_found():
    train, test = reviews_of([4, 5], [6]), reviews_of([6], [4], [4, 5], [6])
    assert shared_between(train, test).tolist() == [True, False, True, True]


def test_groups_and_copies_are_joined_to_groups_that_cut_neither():
    assert with_copies(np.array([7, 7, 8, 9, 9]), np.array([0, 1, 1, 2, 3])).tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("seed", range(5))
def test_copies_stand_on_one_side_of_the_test_set(seed):
    ids = np.random.RandomState(seed).randint(0, 120, 300)
    labels = ids % 2
    held = split_rows(ids, labels, 0.2, seed)
    assert not is_cut(ids, held)
    assert 60 - np.bincount(ids).max() < held.sum() <= 60
    assert held[labels == 1].mean() == pytest.approx(0.2, abs=0.05)


def test_a_file_without_copies_is_split_as_it_always_was():
    order = np.random.RandomState(113).permutation(50)
    held = split_rows(np.arange(50), np.zeros(50, int), 0.2, 113)
    assert set(np.flatnonzero(held)) == set(order[:10])


def test_a_split_that_cuts_no_copies_stays_as_it_is():
    last = np.arange(10) >= 8
    assert (uncut(last, np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 7]), np.arange(10) % 2, 0.2, 1) == last).all()
    changed = uncut(last, np.array([7, 0, 1, 2, 3, 4, 5, 6, 7, 8]), np.arange(10) % 2, 0.2, 1)
    assert changed[0] == changed[8]


# ---- real reviews
def test_real_reviews_are_grouped_and_held_out_whole(real_imdb):
    reviews = load(str(real_imdb)).train.first(4000)
    groups = found_groups(reviews)
    assert 300 < groups.max() + 1 < 3000
    assert np.bincount(groups).max() < 100
    held = hold_out(groups, reviews.labels, 0.2, 1)
    assert held.rows.sum() == 800
    assert not is_cut(groups, held.rows)
    assert reviews.labels[held.rows].mean() == pytest.approx(reviews.labels.mean(), abs=0.01)
