"""Logs, curves and summaries of the seeds of one network."""

import pandas as pd
import pytest

from analysis.frames.training import curves, median_seed, model_summary, training_log
from analysis.frames.trials import LAST
from rnnsweep.spec import Spec
from tests.helpers.ledgers import IMDB, PUBLISHED, load, put


def test_the_median_seed_is_the_middle_one_and_the_lower_of_two():
    done = pd.DataFrame({"key": ["a", "b", "c"], LAST: [0.9, 0.7, 0.8]})
    assert median_seed(done) == "c"
    assert median_seed(done[:2]) == "b"


def test_a_log_is_the_mean_over_seeds_with_its_spread(ledger):
    for seed, val in ((1, 0.7), (2, 0.8)):
        put(ledger, Spec(seed=seed, epochs=2, **IMDB), val=val)
    trials, epochs = load(ledger)
    log = training_log(epochs, trials["key"])
    assert log["val_accuracy"].tolist() == pytest.approx([0.7, 0.75])
    assert log["val_accuracy_sd"].tolist() == pytest.approx([0.0707107] * 2)
    assert log["n"].tolist() == [2, 2]


def test_curves_hold_a_line_per_seed_their_mean_and_the_published_run(ledger):
    for seed in (1, 2):
        put(ledger, Spec(seed=seed, epochs=2, **IMDB))
    trials, epochs = load(ledger)
    points = curves(epochs, trials["key"], PUBLISHED["systems"][0]["epochs"], "accuracy")
    lines = points.groupby(["source", "part"])["line"].nunique()
    assert lines.to_dict() == {
        ("mean", "training"): 1, ("mean", "validation"): 1, ("published", "training"): 1,
        ("published", "validation"): 1, ("seed", "training"): 2, ("seed", "validation"): 2,
    }  # fmt: skip
    alone = curves(epochs, trials["key"][:1], [], "loss")
    assert set(alone["source"]) == {"mean"}


def test_a_summary_stands_beside_the_published_layers_only_where_they_match():
    layers = [{"name": str(i), "type": "x", "output_shape": [None], "params": i} for i in range(5)]
    original = PUBLISHED["systems"][0]
    assert model_summary(layers, original)["published"].tolist() == [32000, 13300, 7550, 1900, 26]
    assert model_summary(layers[:2], original)["published"].isna().all()
