"""The original's conclusions as hypotheses, and what its own logs say of them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.original.claims import CLAIMS, published_difference
from tests.helpers.ledgers import PUBLISHED

DEPTH_RNN, EPOCHS_RNN, WORDS_RNN, DEPTH_GRU, LENGTH_GRU, BEST_LSTM, DEPTH_LSTM = CLAIMS


def test_each_published_claim_is_a_hypothesis_exactly_once():
    expected = [(name, i) for name, table in PUBLISHED["conclusions"].items() for i in range(len(table["claims"]))]
    assert [(claim.table, claim.index) for claim in CLAIMS] == expected
    assert all(claim.chinese and claim.caveat and claim.parts for claim in CLAIMS)


def test_the_published_differences_are_those_of_the_logs():
    assert published_difference(DEPTH_RNN.parts[0], PUBLISHED) == pytest.approx(0.8291 - 0.7052)
    assert published_difference(DEPTH_GRU.parts[0], PUBLISHED) == pytest.approx(0.9618 - 0.8918)
    assert published_difference(LENGTH_GRU.parts[0], PUBLISHED) == pytest.approx(0.8650 - 0.8099)
    slopes = [
        stats.linregress(np.arange(5), pd.DataFrame(PUBLISHED["systems"][i]["epochs"])["val_accuracy"][5:]).slope
        for i in (0, 1)
    ]
    assert published_difference(EPOCHS_RNN.parts[0], PUBLISHED) == pytest.approx(np.mean(slopes))
