"""Means over the grid."""

import numpy as np

from analysis.frames.grid import grid_means
from rnnsweep.spec import Spec
from tests.helpers.ledgers import IMDB, load, put


def test_the_grid_has_a_row_per_cell_and_depth_and_is_empty_where_nothing_was_trained(ledger):
    put(ledger, Spec(cell="lstm", max_len=80, **IMDB), test=0.6)
    put(ledger, Spec(cell="simple_rnn", max_len=500, **IMDB), test=0.5)
    means = grid_means(load(ledger)[0])
    assert list(means.index) == [("simple_rnn", 1), ("lstm", 1)]
    assert list(means.columns) == [(1000, 80), (1000, 500)]
    np.testing.assert_allclose(means.to_numpy(), [[np.nan, 0.51], [0.61, np.nan]])
