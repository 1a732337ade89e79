import json
from pathlib import Path

import numpy as np
import pytest

from rnnsweep.cells import BUILT_IN
from rnnsweep.machine.device import keras
from rnnsweep.network.model import build, summary, weights_to_bytes
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec

PUBLISHED = json.loads((Path(__file__).parents[2] / "analysis" / "original" / "published.json").read_text())["systems"]
SMALL = Spec(units=(3, 2), embedding_dim=4, num_words=10, max_len=5)
IDS = np.array([[0, 0, 1, 4, 5], [1, 7, 2, 4, 9]], np.int32)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda system: system["id"])
def test_parameter_counts_are_the_published_ones_layer_by_layer(published):
    layers = summary(build(SYSTEMS[published["id"]]))
    counts = published["layer_params"]
    assert [layer["params"] for layer in layers] == [counts["embedding"], *counts["rnn"], counts["dense"]]
    assert sum(layer["params"] for layer in layers) == published["params"]


def test_output_shapes_are_those_of_the_original_summary():
    shapes = [layer["output_shape"] for layer in summary(build(SYSTEMS["gru-3x-1k"]))]
    assert shapes == [[None, 500, 32], [None, 500, 100], [None, 500, 50], [None, 25], [None, 1]]


def test_names_do_not_depend_on_what_was_built_before():
    assert [layer["name"] for layer in summary(build(SMALL))] == ["embedding", "gru", "gru_1", "dense"]
    assert [layer["name"] for layer in summary(build(SMALL))] == ["embedding", "gru", "gru_1", "dense"]


def test_weights_depend_on_the_seed_alone():
    first, again, other = (build(SMALL.replace(seed=seed)).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("cell", BUILT_IN)
@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_every_kind_of_network_gives_one_probability_per_review(cell, pooling, bidirectional):
    spec = SMALL.replace(cell=cell, pooling=pooling, bidirectional=bidirectional, dropout=0.5)
    probabilities = np.asarray(build(spec)(IDS))
    assert probabilities.shape == (2, 1)
    assert ((probabilities > 0) & (probabilities < 1)).all()


def test_masked_padding_changes_nothing_and_fed_padding_does():
    for masked in (True, False):
        model = build(SMALL.replace(mask_padding=masked))
        without = build(SMALL.replace(mask_padding=masked, max_len=3))
        same = np.allclose(model(IDS[:1]), without(IDS[:1, 2:]), atol=1e-7)
        assert same == masked


@pytest.mark.parametrize(
    "fields",
    [
        {"pooling": "last+max+mean", "bidirectional": True},
        {"segment": 2, "pooling": "max+mean", "embedding_dim": 0, "bidirectional": True, "dropout": 0.2},
        {"segment": 3, "pooling": "max", "cell": "forget"},
    ],
)
def test_a_saved_model_loads_with_keras_alone_and_predicts_the_same(fields, tmp_path):
    model = build(SMALL.replace(**fields))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(again.predict(IDS, verbose=0), model.predict(IDS, verbose=0))


def test_pieces_are_read_from_zeros_and_counted_from_the_end_of_a_text():
    model, single = (build(SMALL.replace(segment=length, pooling="max")) for length in (2, 5))
    single.set_weights(model.get_weights())
    assert not np.allclose(model(IDS[1:]), single(IDS[1:]), atol=1e-6)
    assert np.allclose(model(IDS[:1]), model(np.array([[0, 4, 5, 0, 1]], np.int32)), atol=1e-6)  # 1 and 4 5 both times


def test_a_text_without_words_pools_to_zeros():
    model = build(SMALL.replace(segment=2, pooling="max+mean"))
    pooled = keras.Model(model.inputs, model.layers[-1].input)([np.zeros((1, 5), np.int32)])
    assert not np.asarray(pooled).any()


def test_without_an_embedding_a_word_goes_into_the_gates_as_it_is():
    spec = SMALL.replace(embedding_dim=0, bidirectional=True, units=(3,))
    model = build(spec)
    assert model.trainable_variables[0].shape == (10, 2 * 3 * 3)
    assert len(model.trainable_variables) == 1 + 2 * 2 + 2
    layer = model.layers[1]
    kernels = [part.cell.kernel.numpy() for part in (layer.forward_layer, layer.backward_layer)]
    assert np.array_equal(np.concatenate(kernels, axis=1), np.eye(18))


def test_saved_weights_load_into_a_plain_keras_model(tmp_path):
    model = build(SMALL)
    (tmp_path / "a.weights.h5").write_bytes(weights_to_bytes(model))
    plain = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            keras.layers.Embedding(10, 4),
            keras.layers.GRU(3, return_sequences=True),
            keras.layers.GRU(2),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    plain.load_weights(tmp_path / "a.weights.h5")
    assert np.array_equal(plain.predict(IDS, verbose=0), model.predict(IDS, verbose=0))


def test_all_kernels_of_both_directions_and_the_table_begin_with_one_spread_and_biases_stay():
    spec = Spec(
        cell="forget", units=(40,), embedding_dim=0, num_words=100, bidirectional=True, segment=5, pooling="max"
    )
    spec = spec.replace(max_len=20)
    own, normal = build(spec), build(spec.replace(initial_std=0.05))
    for weight, before in zip(normal.trainable_weights, own.trainable_weights, strict=True):
        if weight.name == "bias":
            assert np.array_equal(weight, before)
        else:
            assert np.std(weight) == pytest.approx(0.05, rel=0.2)
    fixed = [weight for weight in normal.weights if not weight.trainable]
    assert all(np.array_equal(np.unique(weight), [0, 1]) for weight in fixed if weight.name == "kernel")
