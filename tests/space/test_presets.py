import json
from pathlib import Path

import pytest

from rnnsweep.space import SYSTEMS, preset, system_of
from rnnsweep.space.presets import NOT_PART_OF_A_SYSTEM, grid
from rnnsweep.spec import Spec, SpecError

PUBLISHED = json.loads((Path(__file__).parents[2] / "analysis" / "original" / "published.json").read_text())["systems"]


def test_the_grid_is_the_product_of_its_axes_the_last_changing_fastest():
    specs = grid(Spec(), cell=("gru", "lstm"), max_len=(80, 500))
    assert [(spec.cell, spec.max_len) for spec in specs] == [("gru", 80), ("gru", 500), ("lstm", 80), ("lstm", 500)]


def test_the_factorial_has_81_cells_with_81_keys():
    specs = preset("factorial", {})
    assert len({spec.key for spec in specs}) == len(specs) == 81
    assert {(spec.epochs, spec.validation) for spec in specs} == {(5, 0.2)}
    assert {spec.units for spec in specs} == {(100,), (100, 50), (100, 50, 25)}


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda system: system["id"])
def test_each_system_is_the_published_network(published):
    spec = SYSTEMS[published["id"]]
    for name in ("cell", "embedding_dim", "num_words", "max_len", "batch_size"):
        assert getattr(spec, name) == published[name], name
    assert list(spec.units) == published["units"]
    assert spec.embedding_rows == published["vocab_size"]
    assert spec.epochs == published["epochs_planned"] == len(published["epochs"])
    assert spec.drop_remainder == published.get("drop_remainder", False)
    words = {0.2: "last 20%", "test": "the test set", "first_batch": "the first 64"}
    assert published["validation"].startswith(words[spec.validation])


def test_a_system_stays_itself_on_other_data_and_with_other_seeds():
    other = {"dataset": "mine", "data_sha256": "f", "reviews": 100, "epochs": 1, "seed": 7}
    assert set(other) == set(NOT_PART_OF_A_SYSTEM)
    for name, spec in SYSTEMS.items():
        assert system_of(spec.replace(**other)) == name
        assert system_of(spec.replace(units=(3,))) == ""


def test_flags_replace_an_axis_of_the_factorial():
    specs = preset("factorial", {"cell": ["gru"], "max_len": [80, 100], "dropout": [0.5]}, depths=[2])
    assert len(specs) == 1 * 1 * 3 * 2
    assert {(spec.cell, spec.depth, spec.dropout) for spec in specs} == {("gru", 2, 0.5)}


def test_flags_choose_among_the_systems_and_set_what_makes_no_other_network():
    specs = preset("report", {"cell": ["gru"], "epochs": [2], "seed": [1, 2]})
    assert {system_of(spec) for spec in specs} == {"gru-3x-1k", "gru-2x-10k-80", "gru-2x-10k-500"}
    assert len(specs) == 6
    assert {spec.epochs for spec in specs} == {2}


def test_the_best_network_is_one_spec_whose_fields_flags_replace():
    (spec,) = preset("best", {})
    assert preset("best", {"seed": [2, 3], "max_len": [500]}) == [
        spec.replace(seed=seed, max_len=500) for seed in (2, 3)
    ]


def test_a_flag_that_leaves_nothing_names_what_there_is():
    with pytest.raises(SpecError, match="no spec of the preset has max_len 1000; they have 80, 500"):
        preset("report", {"max_len": [1000]})
    with pytest.raises(SpecError, match="has depth 4; they have 1, 2, 3"):
        preset("factorial", {}, depths=[4])
    with pytest.raises(SpecError, match="preset is 'big'; give factorial, report, best, demo"):
        preset("big", {})


def test_the_demo_has_all_cells_and_more_than_one_value_on_every_axis():
    specs = preset("demo", {})
    assert {spec.cell for spec in specs} == {"simple_rnn", "gru", "lstm"}
    for name in ("depth", "num_words", "max_len"):
        assert len({getattr(spec, name) for spec in specs}) > 1
