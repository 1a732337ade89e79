import itertools

import numpy as np
import pytest

from analysis.frames.axes import differences, interactions, margins
from tests.helpers.grids import Samples, grid, network

CELLS, UNITS, WORDS, LENGTHS = ("gru", "lstm"), ((100,), (100, 50)), (1000, 5000), (80, 500)
SHAPES = list(itertools.product(CELLS, UNITS, WORDS, LENGTHS))
WHOLE = grid(*(network(*shape) for shape in SHAPES))
RISING = Samples(lambda one, _: 0.7 + 0.01 * one.depth + 0.0001 * one.max_len + 0.02 * (one.cell == "lstm"))


def row(frame, **wanted):
    chosen = frame
    for name, value in wanted.items():
        chosen = chosen[chosen[name] == value]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_a_marginal_mean_is_over_all_networks_with_the_value():
    found = row(margins(WHOLE, RISING), axis="depth", value=2, by="")
    assert found["mean"] == pytest.approx(0.7 + 0.02 + 0.029 + 0.01)
    assert (found["networks"], found["of"]) == (8, 8)
    assert found["low"] < found["mean"] < found["high"]


def test_two_axes_have_a_mean_for_each_pair_of_values():
    found = margins(WHOLE, RISING)
    assert row(found, axis="cell", value="lstm", by="depth", by_value=1)["mean"] == pytest.approx(0.759)
    assert {(a, b) for a, b in zip(found["axis"], found["by"], strict=True) if b} == {
        ("cell", "depth"), ("cell", "max_len"), ("cell", "num_words"), ("num_words", "max_len"),
    }  # fmt: skip


def test_a_gap_in_the_grid_favours_no_value():
    gap = grid(*(network(*shape) for shape in SHAPES if shape != ("lstm", (100,), 1000, 500)))
    found = row(margins(gap, RISING), axis="cell", value="gru", by="")
    assert (found["networks"], found["of"]) == (7, 8)
    of_both = [row(margins(gap, RISING), axis="cell", value=cell, by="")["mean"] for cell in CELLS]
    assert of_both[1] - of_both[0] == pytest.approx(0.02)
    assert row(differences(gap, RISING), axis="cell")["pairs"] == 7


def test_networks_that_share_nothing_still_have_means():
    lone = grid(network("gru", max_len=80), network("lstm", max_len=500))
    found = margins(lone, RISING)
    assert row(found, axis="cell", value="gru", by="")["mean"] == pytest.approx(0.718)
    assert len(differences(lone, RISING)) == 0


def test_a_difference_is_that_of_matched_networks():
    found = differences(WHOLE, RISING)
    assert row(found, axis="depth")["effect"] == pytest.approx(0.01)
    assert row(found, axis="max_len")["effect"] == pytest.approx(0.042)
    longer = row(found, axis="max_len")
    assert (longer["first"], longer["second"], longer["pairs"]) == (500, 80, 8)
    assert longer["p"] < 0.001


def test_an_interaction_is_a_difference_of_differences():
    samples = Samples(lambda one, _: 0.8 - 0.1 * (one.cell == "gru") * (one.depth == 2))
    found = row(interactions(WHOLE, samples), axis="depth", by="cell")
    assert (found["by_first"], found["by_second"], found["first"], found["second"]) == ("gru", "lstm", 2, 1)
    assert found["effect"] == pytest.approx(-0.1)
    assert found["fours"] == 4
    assert row(interactions(WHOLE, RISING), axis="depth", by="cell")["effect"] == pytest.approx(0)


def test_one_seed_has_a_mean_and_no_interval():
    single = grid(*(network(*shape, seeds=1) for shape in SHAPES))
    samples = Samples(lambda *_: 0.8, sd=0)
    assert margins(single, samples)["mean"].tolist() == pytest.approx([0.8] * 24)
    assert np.isnan(margins(single, samples)["low"]).all()
    assert np.isnan(differences(single, samples)["p"]).all()
