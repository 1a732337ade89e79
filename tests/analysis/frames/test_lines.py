"""The linear lines beside the networks."""

import numpy as np
import pandas as pd
import pytest

from analysis.frames.leaderboard import leaderboard
from analysis.frames.lines import bar_of, beside, lines
from analysis.frames.trials import prepared
from rnnsweep.ledger import LedgerFrames
from rnnsweep.ledger.baselines import baselines_frame
from rnnsweep.spec import Spec
from tests.helpers.grids import Samples, grid, network
from tests.helpers.ledgers import IMDB, put

DATA = "imdb, all reviews"


def line(model="nbsvm_2", num_words=1000, test=0.9, validation="0.2", **more):
    return {
        "model": model, "num_words": num_words, "max_len": 80, "val_accuracy": 0.88, "test_accuracy": test,
        "seconds": 4.0, "data_sha256": IMDB["data_sha256"], "validation": validation, "test_reviews": 1000,
    } | more  # fmt: skip


@pytest.fixture
def found(ledger):
    """Return a function that gives the lines of a ledger with two trials and these rows."""
    for seed in (1, 2):
        put(ledger, Spec(seed=seed, **IMDB))
    contents = ledger.load()

    def of(*rows):
        with_lines = LedgerFrames(**(vars(contents) | {"baselines": baselines_frame(list(rows))}))
        return lines(with_lines, prepared(contents.trials))

    return of


def test_lines_are_of_the_data_of_the_trials_the_best_first(found):
    rows = found(line(test=0.85), line("tfidf_lr_2", test=0.9), line("nbsvm_2", 5000, data_sha256="c" * 64))
    assert rows[["model", "data", "test_accuracy"]].to_numpy().tolist() == [
        ["tfidf_lr_2", DATA, 0.9], ["nbsvm_2", DATA, 0.85],
    ]  # fmt: skip
    low, high = rows.loc[0, ["low", "high"]]
    assert low < 0.9 < high
    assert high - low == pytest.approx(2 * 1.96 * (0.9 * 0.1 / 1000) ** 0.5, rel=0.01)


def test_of_one_line_with_several_validations_that_of_the_trials_is_taken(found):
    rows = found(line(validation="grouped", test=0.91), line(test=0.9))
    assert rows["validation"].tolist() == ["0.2"]


def test_a_ledger_without_lines_has_none(found):
    assert len(found()) == 0
    assert bar_of(found(), DATA) is None


def test_the_commonest_class_is_no_bar(found):
    rows = found(line("commonest", test=0.95), line(test=0.9))
    assert bar_of(rows, DATA)["model"] == "nbsvm_2"


def test_the_best_line_of_a_setting_stands_beside_the_best_network_of_it(found):
    networks = [network("gru"), network("lstm"), network("gru", num_words=5000)]
    chosen = grid(*networks)
    board = leaderboard([chosen], Samples(lambda one, _: 0.8 + 0.05 * (one.cell == "lstm"))).assign(seconds=1.0)
    rows = beside(found(line(test=0.84), line("tfidf_lr_2", test=0.83), line("nbsvm_2", 10_000)), board, [chosen])
    assert len(rows) == 1
    row = rows.iloc[0]
    assert (row["line_accuracy"], row["network"]) == (0.84, networks[1].label)
    assert row["above"] == pytest.approx(0.01)


def test_a_line_without_a_test_set_has_no_interval(found):
    rows = found(line(test=np.nan, test_reviews=0))
    assert rows[["low", "high"]].isna().all(axis=None)
    assert bar_of(rows, DATA) is None
    assert isinstance(rows, pd.DataFrame)
