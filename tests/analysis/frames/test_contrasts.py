import numpy as np
import pytest

from analysis.frames.contrasts import (
    CONTROLLED,
    PUBLISHED,
    among_trained,
    controlled,
    estimate,
    findings,
    interim,
    matched,
    obstacle,
    published,
)
from analysis.original.claims import CLAIMS, Part
from rnnsweep.space.presets import FACTORIAL
from tests.helpers.grids import Samples, grid, network

DEPTH = Part("2 layers − 3 layers", ("a",), ("b",), "depth", (2, 3), cell="gru")
LITTLE = Part("500 − 80", ("a",), ("b",), "max_len", (500, 80), sign=0, cell="gru")
SLOPE = Part("slope", ("a", "b"), (), "cell", ("gru",), sign=-1, cell="gru")
TWO, THREE = network(units=(100, 50)), network(units=(100, 50, 25))
ALL = grid(
    *(
        network(cell, units, words, length)
        for cell in FACTORIAL["cell"]
        for units in FACTORIAL["units"]
        for words in FACTORIAL["num_words"]
        for length in FACTORIAL["max_len"]
    )
)
FLAT = Samples(lambda network, measure: 0.8)


def test_matched_networks_differ_in_one_axis_alone():
    pairs, alone = matched([TWO, THREE, network(units=(100, 50), max_len=500)], "depth", 2, 3)
    assert pairs == [(TWO, THREE)]
    assert [one.max_len for one in alone] == [500]
    assert matched([TWO, network("lstm", (100, 50, 25))], "depth", 2, 3)[0] == []


def test_networks_of_unlike_layers_are_no_pair_in_depth():
    assert matched([network(units=(64, 64)), THREE], "depth", 2, 3)[0] == []


def test_the_controlled_claims_of_the_factorial_are_over_all_of_its_matched_networks():
    counts = [[(len(d.weights), len(d.terms)) for d in (controlled(p, ALL) for p in claim.parts)] for claim in CLAIMS]
    assert counts == [
        [(18, 9)], [(27, 27)], [(18, 9)], [(18, 9), (18, 9)], [(18, 9)], [(54, 27), (54, 27)], [(18, 9)],
    ]  # fmt: skip


def test_the_weights_of_the_two_sides_are_one_over_the_number_of_pairs():
    weights = controlled(DEPTH, ALL).weights
    assert {network.depth: weight for network, weight in weights.items()} == pytest.approx({2: 1 / 9, 3: -1 / 9})


def test_a_grid_with_a_gap_uses_the_pairs_that_are_there_and_names_the_rest():
    lone = network(units=(100, 50), max_len=500)
    design = controlled(DEPTH, grid(TWO, THREE, lone))
    assert design.terms == (((TWO, 1.0), (THREE, -1.0)),)
    assert design.missing == (lone.label,)


def test_networks_may_have_different_numbers_of_seeds():
    design = controlled(DEPTH, grid(network(units=(100, 50), seeds=3), network(units=(100, 50, 25), seeds=10)))
    assert design.seeds == (3, 10)
    assert np.isfinite(estimate(design, FLAT).interval()).all()


def test_the_systems_of_a_side_share_its_weight():
    parts = CLAIMS[5].parts  # three LSTMs, three GRUs
    found = {name: network(max_len=number) for number, name in enumerate((*parts[0].first, *parts[0].second), 1)}
    assert sorted(published(parts[0], found).weights.values()) == pytest.approx([-1 / 3] * 3 + [1 / 3] * 3)


def test_a_missing_system_leaves_its_part_without_a_contrast():
    design = published(DEPTH, {"a": TWO})
    assert (design.terms, design.missing) == ((), ("b",))
    (found,) = findings(design, FLAT, 0.05)
    assert np.isnan([found.effect, found.low, found.p]).all()
    assert obstacle(found) == "no finished trial of b"


def test_controlled_is_the_best_epoch_published_the_last_and_slopes_neither():
    measures = {controlled(DEPTH, ALL).measure, published(DEPTH, {"a": TWO, "b": THREE}).measure}
    assert measures == {"test_accuracy", "last_test_accuracy"}
    assert controlled(SLOPE, ALL).measure == "slope"
    assert controlled(CLAIMS[3].parts[0], ALL).measure == "last_train_accuracy"


def test_an_effect_is_the_mean_difference_of_the_pairs():
    samples = Samples(lambda network, measure: 0.9 - 0.01 * network.depth * (2 if network.max_len == 80 else 1))
    pairs = [network(units=(100, 50, 25)[:depth], max_len=length) for depth in (2, 3) for length in (80, 500)]
    (found,) = findings(controlled(DEPTH, grid(*pairs)), samples, 0.05)
    assert found.effect == pytest.approx(0.015)
    assert found.holds < 0.001
    assert found.p == pytest.approx(2 * found.holds)


def test_effects_that_cancel_are_no_little_difference():
    samples = Samples(lambda network, measure: 0.8 + 0.05 * (network.max_len == 500) * (-1) ** network.depth)
    pairs = [network(units=(100, 50)[:depth], max_len=length, seeds=5) for depth in (1, 2) for length in (80, 500)]
    mean, root = findings(controlled(LITTLE, grid(*pairs)), samples, 0.05)
    assert mean.effect == pytest.approx(0)
    assert mean.holds < 0.001
    assert root.effect == pytest.approx(0.05, abs=0.001)
    assert root.holds > 0.99
    assert root.fails < 0.001


def test_a_published_little_difference_is_one_pair_and_has_no_root_mean_square():
    assert len(findings(published(LITTLE, {"a": TWO, "b": THREE}), FLAT, 0.05)) == 1


def test_where_predictions_are_stored_the_reviews_are_random_too():
    right = np.random.default_rng(0).random((2, 50)) < 0.8
    known = findings(controlled(DEPTH, ALL), Samples(lambda *_: 0.8, right=lambda network: right), 0.05)[0]
    unknown = findings(controlled(DEPTH, ALL), FLAT, 0.05)[0]
    assert (known.reviews, unknown.reviews) == (50, 0)


@pytest.mark.parametrize(
    ("cell", "seeds", "pairs", "expected"),
    [
        ("gru", 1, 2, "one seed of gru 100-50 1000 80"),
        ("gru", 2, 1, ""),
        ("simple_rnn", 4, 2, "4 seeds of simple_rnn 100-50 1000 80; a verdict on SimpleRNN takes 5"),
        ("simple_rnn", 5, 2, ""),
        ("simple_rnn", 5, 1, "one pair of networks of a cell that may fail to train decides nothing"),
    ],
)
def test_what_keeps_a_part_from_a_verdict_is_said(cell, seeds, pairs, expected):
    part = Part("x", ("a",), ("b",), "depth", (2, 3))
    networks = [
        network(cell, units, max_len=length, seeds=seeds)
        for units in ((100, 50), (100, 50, 25))
        for length in (80, 500)[:pairs]
    ]
    (found,) = findings(controlled(part, grid(*networks)), FLAT, 0.05)
    assert obstacle(found) == expected


def test_seeds_that_do_not_vary_are_no_verdict():
    (found,) = findings(controlled(DEPTH, grid(TWO, THREE)), Samples(lambda *_: 0.8, sd=0), 0.05)
    assert obstacle(found) == "no variance between 2 seeds"


def test_nothing_to_match_is_no_verdict():
    (found,) = findings(controlled(DEPTH, grid(TWO)), FLAT, 0.05)
    assert obstacle(found) == "no matched pair"


def test_before_the_planned_seeds_a_verdict_is_interim():
    design = controlled(DEPTH, grid(network(units=(100, 50), seeds=5), network(units=(100, 50, 25), seeds=4)))
    assert interim(design, {"gru": 5})
    assert not interim(design, {"gru": 4})
    of_systems = published(DEPTH, {"a": TWO, "b": THREE})
    assert (design.family, of_systems.family) == (CONTROLLED, PUBLISHED)
    assert interim(of_systems, {"gru": 2, "system": 5})


def test_among_the_runs_that_trained_a_pair_needs_two_of_each():
    long = network(units=(100, 50), max_len=500)
    others = [long, network(units=(100, 50, 25), max_len=500)]
    lost = Samples(lambda *_: 0.8, val=lambda key: 0.5 if key == long.keys[0] else 0.8)
    kept = among_trained(controlled(DEPTH, grid(TWO, THREE, *others)), lost)
    assert kept.terms == (((TWO, 1.0), (THREE, -1.0)),)
