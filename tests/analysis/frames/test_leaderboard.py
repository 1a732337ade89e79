import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.frames.leaderboard import leaderboard, shared_reviews, told_apart
from rnnsweep.choice import common
from rnnsweep.spec import Spec
from rnnsweep.stats import sample
from tests.helpers.grids import Samples, grid, network

LENGTHS = (80, 500, 1000)


def by_length(*seeds):
    return [network(max_len=length, seeds=n) for length, n in zip(LENGTHS, seeds, strict=True)]


def rising(one, measure):
    return 0.8 + 0.0001 * one.max_len


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([3, 3, 3], 3), ([1, 1, 1, 5], 5), ([3, 5, 10], 5), ([2, 2, 5, 10], 5), ([2, 2, 2, 10], 2), ([1, 1], 0), ([], 0)],
)
def test_networks_are_ranked_by_as_many_seeds_as_half_of_those_with_two_have(counts, expected):
    assert common(counts) == expected


def test_only_networks_of_equally_many_seeds_are_ranked():
    board = leaderboard([grid(*by_length(3, 5, 10))], Samples(rising))
    assert board["network"].str.split().str[-1].tolist() == ["1000", "500", "80"]
    assert board["rank"].tolist()[:2] == [1, 2]
    assert board["used"].tolist()[:2] == [5, 5]
    assert board.loc[2, ["rank", "used", "low"]].isna().all()
    assert board["n"].tolist() == [10, 5, 3]


def test_a_network_is_judged_by_its_first_seeds_and_not_by_more():
    values = {n: np.arange(n) / 100 for n in (2, 5)}
    samples = Samples(rising)
    samples.__class__ = type("Rising", (Samples,), {"__call__": lambda self, one, measure: sample(values[one.seeds])})
    board = leaderboard([grid(*by_length(2, 2, 5))], samples)
    assert board["test_accuracy"].tolist() == pytest.approx([0.005] * 3)


def test_networks_that_chance_alone_may_have_put_behind_are_marked_too():
    close = leaderboard([grid(*by_length(5, 5, 5))], Samples(lambda one, _: 0.8 + 0.000001 * one.max_len))
    apart = leaderboard([grid(*by_length(5, 5, 5))], Samples(rising))
    assert close["best"].tolist() == [True, True, True]
    assert apart["best"].tolist() == [True, False, False]


def test_each_has_an_interval_that_no_accuracy_leaves():
    board = leaderboard([grid(*by_length(2, 2, 2))], Samples(lambda *_: 0.99, sd=0.01))
    assert board["high"].tolist() == [1, 1, 1]
    assert (board["low"] < 0.99).all()


def test_different_data_have_boards_of_their_own():
    other = grid(*by_length(2, 2, 2), data="embedded", real=False)
    board = leaderboard([other, grid(*by_length(3, 3, 3))], Samples(rising))
    assert board["data"].tolist() == ["imdb, all reviews"] * 3 + ["embedded"] * 3
    assert board["rank"].tolist() == [1, 2, 3, 1, 2, 3]


def test_without_two_seeds_nothing_is_ranked():
    board = leaderboard([grid(*by_length(1, 1, 1))], Samples(rising))
    assert board["rank"].isna().all()
    assert not board["best"].any()
    assert len(leaderboard([], Samples(rising))) == 0


def test_the_reviews_that_networks_share_are_a_covariance_worked_out_by_hand():
    one = sample([0.5, 0.5], np.array([[1, 0, 1, 0], [1, 0, 1, 0]], dtype=bool))  # shares 1, 0, 1, 0
    other = sample([0.75, 0.25], np.array([[1, 1, 1, 0], [1, 0, 0, 0]], dtype=bool))  # shares 1, .5, .5, 0
    # Variances over reviews 1 / 3 and 1 / 6, less 0 and what seeds put into it, (.5 + .5) / 4 / 2; covariance 1 / 6.
    expected = np.array([[1 / 3, 1 / 6], [1 / 6, 1 / 6 - 1 / 8]]) / 4
    assert shared_reviews([one, other]) == pytest.approx(expected)
    assert (shared_reviews([one, sample([0.5, 0.6])]) == 0).all()


def test_validation_is_of_the_same_seeds_as_the_test_accuracy():
    lost = by_length(2, 2, 5)[2].keys[4]
    samples = Samples(rising, val=lambda key: 0.1 if key == lost else 0.8)
    assert leaderboard([grid(*by_length(2, 2, 5))], samples)["val_accuracy"].tolist() == pytest.approx([0.8] * 3)


def test_networks_of_one_name_say_what_parts_them_and_no_more():
    specs = [
        Spec(),
        Spec(pooling="max", dropout=0.5),
        Spec(pooling="max", dropout=0.5, epochs=9, learning_rate=0.002),
        Spec(units=(8,)),
    ]
    trials = pd.DataFrame([dataclasses.asdict(spec) | {"key": str(place)} for place, spec in enumerate(specs)])
    board = pd.DataFrame({"data": "tiny", "network": ["A", "A", "A", "B"], "key": ["0", "1", "2", "3"]})
    assert told_apart(board, trials)["network"].tolist() == [
        "A · pooling last · epochs 5",
        "A · pooling max · epochs 5",
        "A · pooling max · epochs 9",
        "B",
    ]
