import numpy as np
import pytest

from analysis.frames.errors import all_wrong, by_length, by_truncation, reviews_of, trained_networks
from analysis.frames.trials import BEST
from tests.helpers.grids import Samples, grid, network

SHORT, LONG = network(max_len=3), network(max_len=6)
RIGHT = {3: [[1, 0, 0, 0], [1, 1, 0, 0]], 6: [[1, 1, 1, 0], [1, 1, 1, 0]]}  # by max_len, a row per seed
LENGTHS = np.array([2, 3, 5, 6])


def samples(**more):
    return Samples(lambda one, measure: 0.8, right=lambda one: np.array(RIGHT[one.max_len], bool), **more)


def test_what_is_lost_by_cutting_is_on_the_cut_reviews_alone():
    first, last = by_truncation(grid(SHORT, LONG), samples(), LENGTHS).to_dict("records")
    assert (first["truncated"], first["accuracy_truncated"], first["accuracy_whole"]) == (2, 0.0, 0.75)
    assert first["lost"] == pytest.approx(0.5)  # the longer networks are right on one of these two
    assert (last["truncated"], np.isnan(last["lost"])) == (0, True)


def test_reviews_are_grouped_by_length_and_each_review_is_in_one_group():
    table = by_length(grid(SHORT, LONG), samples(), LENGTHS)
    short = table[table["max_len"] == 3]
    assert short["reviews"].sum() == 4
    assert short["accuracy"].tolist() == [1.0, 0.5, 0.0, 0.0]
    assert short["longest"].tolist() == [2, 3, 5, 6]


def test_a_review_is_wrong_in_all_if_no_seed_of_any_network_has_it():
    assert all_wrong([SHORT, LONG], samples()).tolist() == [3]
    assert reviews_of(grid(SHORT, LONG), samples()) == 4


def test_a_network_of_which_a_seed_failed_to_train_is_not_asked():
    failed = samples(val=lambda key: 0.5 if key == SHORT.keys[1] else 0.8)
    assert trained_networks(grid(SHORT, LONG), failed) == [LONG]
    assert failed(LONG, BEST).shares is not None
