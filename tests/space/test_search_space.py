"""Axes of a search that depend on each other: what is drawn together, and what a space holds."""

import random

import pytest

from rnnsweep.space import Range, search_space
from rnnsweep.spec import Spec, SpecError

FIXED = {"cell": ["gru"], "num_words": [100], "max_len": [10], "embedding_dim": [4], "units": [(4,)], "dropout": [0.0],
         "batch_size": [32], "bidirectional": [False], "bigrams": [0]}  # fmt: skip


def sampled(fields, count=200):
    return search_space(fields).sample(random.Random(1), count)


def test_momentum_and_a_learning_rate_of_its_own_are_drawn_with_sgd_alone():
    specs = sampled({"optimizer": ["adam", "sgd"], "momentum": Range(0.8, 0.95)})
    for spec in specs:
        if spec.optimizer == "sgd":
            assert 0.8 <= spec.momentum <= 0.95
            assert 5e-3 <= spec.learning_rate <= 0.1
        else:
            assert spec.momentum == 0
            assert 3e-4 <= spec.learning_rate <= 1e-2
    assert {spec.optimizer for spec in specs} == {"adam", "sgd"}


def test_one_momentum_beside_several_optimizers_is_that_of_sgd():
    specs = sampled({"optimizer": ["adam", "sgd"], "momentum": [0.9], "learning_rate": [0.01]})
    assert {(spec.optimizer, spec.momentum, spec.learning_rate) for spec in specs} == {
        ("adam", 0, 0.01),
        ("sgd", 0.9, 0.01),
    }


def test_pieces_are_never_drawn_with_a_pooling_that_they_cannot_have():
    specs = sampled({"segment": [0, 5], "pooling": ["last", "max"]})
    assert {(spec.segment, spec.pooling) for spec in specs} == {(None, "last"), (None, "max"), (5, "max")}
    assert {spec.segment for spec in sampled({"segment": [5]})} == {5}


def test_a_finite_space_holds_each_valid_combination_once():
    space = search_space(FIXED | {"optimizer": ["adam", "sgd"], "momentum": [0.0, 0.9], "segment": [0, 5],
                                  "pooling": ["last", "max"], "learning_rate": [0.01]})  # fmt: skip
    specs = [space.draw(lambda name, axis, cell=cell: cell[name]) for cell in space.cells()]
    assert len({spec.key for spec in specs}) == len(specs) == 3 * 3
    assert space.size >= len(specs)
    assert [space.params_of(spec) for spec in specs] == list(space.cells())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"segment": [5], "pooling": ["last"]}, "segment is 5, but pooling is last"),
        ({"momentum": [0.9], "optimizer": ["adam"]}, "momentum is 0.9, but optimizer is adam"),
        ({"momentum": [0.9, 1.5], "optimizer": ["sgd"]}, "momentum is 1.5"),
        ({"epochs": [2, 3]}, "epochs is no axis of the search, so it takes one value, not 2, 3"),
        ({"loss": ["square", "other"]}, "loss is 'other'"),
    ],
)
def test_a_space_without_a_valid_spec_is_one_clear_error(fields, message):
    with pytest.raises(SpecError, match=message):
        search_space(fields)


def test_any_field_of_the_network_becomes_an_axis_where_several_values_are_given():
    space = search_space(FIXED | {"loss": ["cross_entropy", "square"], "word_dropout": Range(0.0, 0.5)})
    assert {"loss", "word_dropout"} <= set(space.axes)
    assert {spec.loss for spec in space.sample(random.Random(1), 50)} == {"cross_entropy", "square"}
    assert space.base.replace(seed=1) == Spec().replace(**{name: values[0] for name, values in FIXED.items()})


def test_words_go_straight_into_the_gates_with_sgd_alone_unless_columns_are_given():
    for spec in sampled({}):
        assert (spec.embedding_dim == 0) == (spec.optimizer == "sgd") == (spec.momentum == 0.9)
        assert spec.segment is None or "last" not in spec.pooling
    assert {spec.embedding_dim for spec in sampled({"optimizer": ["adam", "sgd"], "embedding_dim": [4]})} == {4}
    alone = search_space({"optimizer": ["sgd"]})
    assert "embedding_dim" not in alone.axes
    assert {(spec.embedding_dim, spec.learning_rate >= 5e-3) for spec in alone.sample(random.Random(1), 50)} == {
        (0, True)
    }


def test_the_choices_of_any_spec_of_the_space_make_it_again():
    space = search_space({})
    for spec in space.sample(random.Random(2), 100):
        params = space.params_of(spec.replace(seed=9))
        assert space.draw(lambda name, axis, params=params: params[name]) == spec


def test_what_another_field_leaves_nothing_to_do_is_drawn_where_it_does_something():
    fields = {name: values for name, values in FIXED.items() if name != "units"}
    fields |= {
        "layer_dropout": [0.3],
        "embedding_optimizer": ["adam"],
        "optimizer": ["adam", "sgd"],
        "units": Range(2, 9),
    }
    space = search_space(fields, depths=[1, 2])
    specs = space.sample(random.Random(1), 60)
    assert {(spec.depth, spec.layer_dropout) for spec in specs} == {(1, 0.0), (2, 0.3)}
    assert {(spec.optimizer, spec.embedding_optimizer) for spec in specs} == {("adam", "same"), ("sgd", "adam")}
    for spec in specs:
        params = space.params_of(spec)
        assert space.draw(lambda name, axis, params=params: params[name]) == spec
