"""Validation minus test, and which network each would choose."""

import pandas as pd
import pytest

from analysis.frames.gaps import choices, gaps
from analysis.frames.networks import Samples, grids
from rnnsweep.spec import Spec
from tests.helpers.ledgers import IMDB, load, put


def test_the_difference_is_of_the_runs_that_trained_by_words_and_length(ledger):
    for words, val in ((1000, 0.70), (5000, 0.80)):
        for seed in (1, 2):
            put(ledger, Spec(num_words=words, seed=seed, **IMDB), val=val, test=0.75)
    put(ledger, Spec(num_words=5000, seed=3, **IMDB), val=0.5, test=0.75)  # has not trained
    trials, epochs = load(ledger)
    found = gaps(grids(trials), Samples(trials, epochs, ledger.predictions), trials)
    assert found[["num_words", "max_len", "networks", "runs"]].to_numpy().tolist() == [
        [1000, 500, 1, 2],
        [5000, 500, 1, 2],
    ]
    assert found["best"].tolist() == found["last"].tolist() == pytest.approx([-0.05, 0.05])
    assert set(found["validation"]) == {"0.2"}


def board(*rows):
    columns = ["rank", "network", "val_accuracy", "test_accuracy", "best"]
    return pd.DataFrame(rows, columns=columns).assign(data="imdb").astype({"rank": "Int64"})


def test_a_choice_by_validation_is_supported_where_it_may_be_the_best():
    first, second, third = (1, "a", 0.80, 0.86, True), (2, "b", 0.85, 0.85, True), (None, "c", 0.99, 0.99, False)
    (found,) = choices(board(first, second, third))  # without a rank, c is not chosen
    assert (found.chosen, found.first, found.supported) == ("b", "a", True)
    assert found.behind == pytest.approx(0.01)
    (found,) = choices(board(first, (*second[:4], False)))
    assert not found.supported
    assert choices(board(first)) == []
