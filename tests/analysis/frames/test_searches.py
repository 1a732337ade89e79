"""What the report says of searches, by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest

from analysis.frames import searches


def frame(**columns):
    count = len(next(iter(columns.values())))
    usual = {"state": ["finished"] * count, "known": [False] * count, "spent": [1.0] * count, "number": range(count)}
    return pd.DataFrame(usual | columns)


def test_progress_counts_trainings_and_seconds_and_leaves_out_what_the_ledger_answered():
    found = searches.progress(
        frame(
            reached=[0.7, 0.9, 0.8, 0.85],
            state=["finished", "pruned", "finished", "finished"],
            known=[False, False, True, False],
            spent=[10.0, 4.0, 0.0, 8.0],
        )
    )
    assert found["trainings"].tolist() == [1, 2, 2, 3]
    assert found["seconds"].tolist() == [10.0, 14.0, 14.0, 22.0]
    assert found["best"].tolist() == [0.7, 0.7, 0.8, 0.85], "a pruned trial is not the best"


def test_a_grid_in_random_order_reaches_the_mean_of_the_best_of_all_orders():
    values = [0.5, 0.9, 0.6, 0.8]
    orders = [np.maximum.accumulate(order) for order in itertools.permutations(values)]
    found = searches.random_order(pd.DataFrame({"val_accuracy": values, "seconds": [1.0, 2.0, 3.0, 4.0]}))
    assert found["best"].to_numpy() == pytest.approx(np.mean(orders, axis=0))
    assert found["seconds"].tolist() == [2.5, 5.0, 7.5, 10.0]


def test_the_front_holds_what_nothing_beats_in_every_objective():
    points = frame(val_accuracy=[0.9, 0.8, 0.7, 0.85], params=[100, 50, 60, 200])
    assert searches.front(points, ["val_accuracy", "params"], ["params"]).index.tolist() == [0, 1]


def test_importance_is_that_of_the_axis_that_matters():
    random = np.random.default_rng(0)
    count = 40
    rate, units = random.uniform(0.001, 0.1, count), random.integers(8, 64, count)
    trials = frame(learning_rate=rate, units_1=units, cell=["gru"] * count, reached=10 * rate + units * 1e-5)
    found = searches.importance(trials, ["cell", "learning_rate", "units"])
    assert found["axis"].iloc[0] == "learning_rate"
    assert found["share"].iloc[0] > 0.9
    assert "cell" not in set(found["axis"]), "it took one value only"
    assert not len(searches.importance(trials.head(searches.ENOUGH - 1), ["learning_rate"]))
