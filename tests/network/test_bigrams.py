"""Pairs of words with vectors of their own: the packed network computes what the Keras layers compute."""

from __future__ import annotations

import numpy as np
import pytest

from rnnsweep.data.bigrams import commonest_bigrams
from rnnsweep.machine.device import keras
from rnnsweep.network.cost import parameters, pooled_width
from rnnsweep.network.model import build
from rnnsweep.network.packed.network import Network
from rnnsweep.network.tables import begin_with_bigrams
from rnnsweep.spec import Spec
from tests.helpers.packed import STEPS, WORDS, assert_equal, by_keras, reviews, weights_of

pytest.importorskip("tensorflow")
LENGTHS = [3, 14, 0, 1, 9, 9, 14, 2, 13]


@pytest.fixture(autouse=True)
def _few_texts_at_a_time(monkeypatch):
    monkeypatch.setattr("rnnsweep.network.packed.bigrams.AT_ONCE", 4)


def spec(**fields) -> Spec:
    return Spec(**{"units": (5,), "embedding_dim": 6, "num_words": WORDS, "max_len": STEPS, "bigrams": 40} | fields)


def with_pairs(small, ids, count=40):
    """Return a spec's Keras network that knows the commonest pairs of ids, and its packed one."""
    model = build(small)
    begin_with_bigrams(model, commonest_bigrams(ids, count))
    return model, Network(small, threads=2, bigrams=np.array(model.get_layer("bigrams").embeddings))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"mask_padding": True, "bidirectional": True, "units": (5, 4)},
        {"segment": 5, "pooling": "max+mean", "bidirectional": True, "embedding_dim": 0, "cell": "forget"},
        {"segment": 30, "pooling": "mean", "hidden": 3},
        {"mask_padding": True, "pooling": "mean", "units": (5, 4), "cell": "lstm"},
        {"vocab_size": WORDS + 9, "pooling": "last+max+mean", "cell": "mingru"},
    ],
)
@pytest.mark.parametrize("count", [40, 7])
def test_a_network_that_knows_pairs_gives_the_result_of_the_keras_layers(fields, count):
    ids, labels = reviews(LENGTHS)
    small = spec(**fields)
    model, network = with_pairs(small, ids, count)
    weights = weights_of(model)
    mask = (np.random.default_rng(2).random((len(ids), pooled_width(small))) > 0.4).astype(np.float32) / 0.6
    for dropped in (None, mask.astype(np.float32)):
        assert_equal(network.loss_and_gradients(weights, ids, labels, dropped), by_keras(model, ids, labels, dropped))
    np.testing.assert_allclose(network.predict(weights, ids), model.predict_on_batch(ids)[:, 0], rtol=1e-5)
    assert parameters(small) == sum(variable.shape.num_elements() for variable in model.trainable_variables)


def test_rows_that_are_left_out_of_both_tables_are_scaled_in_both_ways():
    ids, labels = reviews(LENGTHS)
    small = spec(segment=5, pooling="max", embedding_dim=0, cell="forget")
    model, network = with_pairs(small, ids)
    weights, words = weights_of(model), small.embedding_rows
    scale = np.random.default_rng(3).choice(np.float32([0, 2]), words + small.bigram_rows)
    scaled = [weights[0] * scale[words:, None], weights[1] * scale[:words, None], *weights[2:]]
    loss, _, gradients = network.loss_and_gradients(weights, ids, labels, word_scale=scale)
    gradients = [gradient.copy() for gradient in gradients]
    same_loss, _, same = network.loss_and_gradients(scaled, ids, labels)
    assert loss == same_loss
    np.testing.assert_array_equal(gradients[0], same[0] * scale[words:, None])
    np.testing.assert_array_equal(gradients[1], same[1] * scale[:words, None])


def test_pairs_change_nothing_before_they_are_learned():
    ids, _ = reviews(LENGTHS)
    for small in (spec(), spec(initial_std=0.05, embedding_dim=0, cell="forget", segment=5, pooling="max")):
        model, network = with_pairs(small, ids)
        weights = [np.array(variable) for variable in model.trainable_variables]
        alone = Network(small.replace(bigrams=0))
        np.testing.assert_array_equal(network.predict(weights, ids), alone.predict(weights[1:], ids))


def test_a_pair_is_seen_wherever_it_stands_in_one_piece_and_nowhere_else():
    small = spec(segment=4, pooling="mean", max_len=10, bigrams=1)
    model = build(small)
    begin_with_bigrams(model, np.array([[5, 6]]))
    weights = weights_of(model)
    pairs = np.array(model.get_layer("bigrams").embeddings)
    alone = Network(small.replace(bigrams=0)).predict
    for at in range(9):
        ids = np.full((1, 10), 7, np.int32)
        ids[0, at : at + 2] = 5, 6
        seen = Network(small, bigrams=pairs).predict(weights, ids) != alone(weights[1:], ids)
        assert seen.item() == (at not in (1, 5)), "pieces end behind steps 1 and 5"


def test_the_commonest_pairs_are_of_words_alone_and_ascending():
    ids = np.array([[0, 0, 1, 9, 4, 9, 4], [1, 2, 9, 4, 2, 5, 4], [1, 5, 4, 0, 0, 4, 9]], np.int32)
    assert commonest_bigrams(ids, 2).tolist() == [[4, 9], [9, 4]], "of equals the lower"
    assert commonest_bigrams(ids, 9).tolist() == [[4, 9], [5, 4], [9, 4]]
    assert commonest_bigrams(np.zeros((2, 5), np.int32), 3).shape == (0, 2)


def test_pairs_counted_a_part_at_a_time_are_the_same(monkeypatch):
    ids = np.random.default_rng(0).integers(0, 9, (50, 12)).astype(np.int32)
    whole = commonest_bigrams(ids, 11)
    monkeypatch.setattr("rnnsweep.data.bigrams.AT_ONCE", 7)
    np.testing.assert_array_equal(commonest_bigrams(ids, 11), whole)


def test_ids_beyond_the_words_are_refused_though_there_are_rows_of_pairs_behind_them():
    ids, labels = reviews(LENGTHS)
    _, network = with_pairs(spec(), ids)
    weights = [keras.ops.convert_to_numpy(variable) for variable in build(spec()).trainable_variables]
    ids[0, -1] = WORDS
    with pytest.raises(IndexError, match=f"do not fit an embedding of {WORDS} rows"):
        network.loss_and_gradients(weights, ids, labels)
