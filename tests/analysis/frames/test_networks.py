import numpy as np
import pandas as pd
import pytest

from analysis.frames.networks import SLOPE, TRAINING, Samples, grids, second_half_slopes, studied, systems
from analysis.frames.trials import BEST, LAST
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec
from tests.helpers.ledgers import EMBEDDED, IMDB, load, put

GRU = Spec(cell="gru", **IMDB)


def found(ledger):
    return grids(load(ledger)[0])


def test_seeds_of_one_network_are_together_in_their_order(ledger):
    for seed in (3, 1, 2):
        put(ledger, GRU.replace(seed=seed))
    (grid,) = found(ledger)
    (network,) = grid.networks
    assert network.keys == tuple(GRU.replace(seed=seed).key for seed in (1, 2, 3))
    assert (network.cell, network.depth, network.units, network.num_words, network.max_len) == (
        "gru", 1, (100,), 1000, 500,
    )  # fmt: skip


@pytest.mark.parametrize(
    "other", [{"epochs": 6}, {"dropout": 0.5}, {"reviews": 100}, {"data_sha256": "c" * 64}, {"vocab_size": 1100}]
)
def test_networks_that_differ_in_more_than_the_axes_are_never_in_one_grid(ledger, other):
    put(ledger, GRU)
    put(ledger, GRU.replace(cell="lstm", units=(100, 50), num_words=5000, max_len=80))
    put(ledger, GRU.replace(**other))
    assert sorted(len(grid.networks) for grid in found(ledger)) == [1, 2]


def test_real_data_comes_before_generated_and_all_reviews_before_fewer(ledger):
    put(ledger, Spec(**EMBEDDED), real=False)
    put(ledger, GRU.replace(reviews=100))
    put(ledger, GRU)
    assert [(grid.real, grid.reviews_used) for grid in found(ledger)] == [(True, 0), (True, 100), (False, 0)]


def test_what_was_validated_on_the_test_set_is_in_no_grid(ledger):
    put(ledger, GRU.replace(validation="test"))
    assert found(ledger) == []


def test_a_diverged_trial_ended_but_is_no_seed_of_a_mean(ledger):
    put(ledger, GRU)
    put(ledger, GRU.replace(seed=2), "diverged")
    put(ledger, GRU.replace(seed=3), "failed")
    (grid,) = found(ledger)
    assert (grid.trials, len(grid.ended)) == (1, 2)


def test_trials_that_a_search_suggested_first_stay_out():
    trials = pd.DataFrame({"key": ["a", "b", "c"]})
    suggestions = pd.DataFrame({"key": ["a", "b"], "known": [False, True]})
    assert studied(trials, suggestions)["key"].tolist() == ["b", "c"]


def test_systems_are_named_and_keep_their_seeds(ledger):
    for seed in (1, 2):
        put(ledger, SYSTEMS["gru-2x-10k-80"].replace(seed=seed, **IMDB))
    (name, network) = next(iter(systems(load(ledger)[0]).items()))
    assert (name, network.label, network.seeds) == ("gru-2x-10k-80", "gru-2x-10k-80", 2)


def sampled(ledger, measure, predictions=None):
    trials, epochs = load(ledger)
    samples = Samples(trials, epochs, predictions or ledger.predictions)
    return samples(grids(trials)[0].networks[0], measure)


def test_a_sample_has_the_stored_accuracy_of_the_epoch_it_is_asked_for(ledger):
    put(ledger, GRU, test=0.7, train=0.9)
    put(ledger, GRU.replace(seed=2), test=0.8, train=0.95)
    assert sampled(ledger, BEST).values.tolist() == pytest.approx([0.71, 0.81])
    assert sampled(ledger, LAST).values.tolist() == pytest.approx([0.7, 0.8])
    assert sampled(ledger, TRAINING).values.tolist() == pytest.approx([0.9, 0.95])


def test_a_sample_has_the_share_of_seeds_that_are_right_on_each_review(ledger):
    put(ledger, GRU)
    put(ledger, GRU.replace(seed=2))
    label = np.array([0, 0, 1, 1, 1])
    stored = {
        GRU.key: {"label": label, "best": np.array([0.1, 0.9, 0.9, 0.1, 0.6])},
        GRU.replace(seed=2).key: {"label": label, "best": np.array([0.1, 0.1, 0.9, 0.1, 0.5])},
    }
    sample = sampled(ledger, BEST, stored.get)
    assert sample.shares.tolist() == [1, 0.5, 1, 0, 0.5]
    assert sample.noise == pytest.approx(2 * 0.25 * 2 / 5)


def test_training_and_slopes_have_no_reviews(ledger):
    put(ledger, GRU)
    assert sampled(ledger, TRAINING).shares is None
    assert sampled(ledger, SLOPE).shares is None


def test_without_all_predictions_the_reviews_are_not_known(ledger):
    put(ledger, GRU)
    put(ledger, GRU.replace(seed=2))
    assert sampled(ledger, BEST).shares is not None
    assert sampled(ledger, BEST, {GRU.key: ledger.predictions(GRU.key)}.get).shares is None
    assert sampled(ledger, BEST, lambda key: None).shares is None


def test_predictions_are_read_once(ledger):
    put(ledger, GRU)
    trials, epochs = load(ledger)
    read = []
    samples = Samples(trials, epochs, lambda key: read.append(key) or ledger.predictions(key))
    network = grids(trials)[0].networks[0]
    assert samples(network, BEST).shares is not None
    assert samples(network, LAST).shares is not None
    assert read == [GRU.key]


def test_a_run_trained_if_its_best_validation_accuracy_is_at_least_60_percent(ledger):
    put(ledger, GRU, val=0.589)  # `put` adds .01 in the best epoch
    put(ledger, GRU.replace(seed=2), val=0.5901)
    trials, epochs = load(ledger)
    assert Samples(trials, epochs, ledger.predictions).trained(grids(trials)[0].networks[0]) == (False, True)


def test_a_slope_is_of_the_second_half_of_the_epochs():
    values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.9, 0.8, 0.7, 0.6, 0.5]
    log = pd.DataFrame({"key": "a", "epoch": range(1, 11), "val_accuracy": values})
    assert second_half_slopes(log) == pytest.approx({"a": -0.1})


def test_a_network_that_reads_both_ways_says_so(ledger):
    put(ledger, GRU.replace(bidirectional=True))
    assert grids(load(ledger)[0])[0].networks[0].label.startswith("bidirectional ")
