import pandas as pd
import pytest

from analysis.frames.failures import failures
from analysis.frames.networks import grids
from rnnsweep.spec import Spec
from tests.helpers.ledgers import IMDB, load, put


@pytest.fixture
def rows(ledger):
    """Return the rows of three LSTMs, one of which stayed at chance and one of which diverged, and of two GRUs."""
    deep = Spec(cell="lstm", units=(9, 9), **IMDB)
    put(ledger, Spec(cell="lstm", units=(9,), **IMDB), val=0.8)
    put(ledger, deep, val=0.5)
    put(ledger, deep.replace(seed=2), "diverged", val=0.8)
    for seed in (1, 2):
        put(ledger, Spec(cell="gru", units=(9,), seed=seed, **IMDB), val=0.8)
    trials, _ = load(ledger)
    frame = failures(grids(trials), trials)
    return {(row.cell, None if pd.isna(row.depth) else int(row.depth)): row for row in frame.itertuples()}


def test_runs_that_stayed_near_chance_or_diverged_are_k_of_n_of_every_cell(rows):
    assert {where: (row.failed, row.n, row.diverged) for where, row in rows.items()} == {
        ("gru", None): (0, 2, 0),
        ("gru", 1): (0, 2, 0),
        ("lstm", None): (2, 3, 1),
        ("lstm", 1): (0, 1, 0),
        ("lstm", 2): (2, 2, 1),
    }


def test_their_share_has_an_exact_interval(rows):
    # all of 2: the share whose square is .025
    row = rows["lstm", 2]
    assert (row.share, row.low, row.high) == pytest.approx((1, 0.025**0.5, 1))
    row = rows["gru", 1]
    assert (row.share, row.low, row.high) == pytest.approx((0, 0, 1 - 0.025**0.5))
