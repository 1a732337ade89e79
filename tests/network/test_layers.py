"""Layers that a spec may add: the packed network computes what the Keras layers compute, loss and every gradient."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from rnnsweep.machine.device import keras
from rnnsweep.network.cost import parameters, pooled_width
from rnnsweep.network.model import build, weights_to_bytes
from rnnsweep.network.output import output_of
from rnnsweep.network.packed.batch import Packer
from rnnsweep.network.packed.network import Network
from rnnsweep.network.packed.noise import Draws
from rnnsweep.spec import Spec
from rnnsweep.use.keras_model import loaded
from tests.helpers.packed import STEPS, WORDS, assert_equal, by_keras, reviews, weights_of

pytest.importorskip("tensorflow")
LENGTHS = [3, 14, 1, 9, 9, 14, 2, 13]


def spec(**fields) -> Spec:
    return Spec(**{"units": (5,), "embedding_dim": 6, "num_words": WORDS, "max_len": STEPS} | fields)


@pytest.fixture(autouse=True)
def _small_groups_and_chunks(monkeypatch):
    monkeypatch.setattr("rnnsweep.network.packed.batch.GROUP_ROWS", 4)
    monkeypatch.setattr("rnnsweep.network.packed.batch.CHUNK_PAIRS", 20)


@pytest.mark.parametrize(
    ("fields", "classes"),
    [
        ({"hidden": 7}, 2),
        ({"hidden": 4, "cell": "lstm", "units": (5, 3), "bidirectional": True, "pooling": "max+mean", "segment": 5}, 3),
        ({"pooling": "attention"}, 2),
        ({"pooling": "attention", "hidden": 3, "bidirectional": True, "units": (5, 3), "segment": 5}, 3),
        ({"pooling": "attention", "mask_padding": True, "cell": "forget", "bidirectional": True}, 2),
        ({"cell": "mingru"}, 2),
        ({"cell": "mingru", "embedding_dim": 0, "pooling": "mean", "mask_padding": True, "bidirectional": True}, 3),
        ({"cell": "mingru", "units": (5, 3), "bidirectional": True, "segment": 5, "pooling": "max+mean"}, 2),
        ({"cell": "mingru", "units": (5, 3, 4), "pooling": "last+max+mean", "hidden": 6}, 2),
    ],
)
def test_a_network_with_more_layers_gives_the_result_of_the_keras_layers(fields, classes):
    small = spec(**fields)
    model = build(small, classes)
    weights = weights_of(model)
    ids, labels = reviews(LENGTHS, classes=classes)
    mask = (np.random.default_rng(2).random((len(ids), pooled_width(small))) > 0.4).astype(np.float32) / 0.6
    network = Network(small, classes)
    for dropped in (None, mask.astype(np.float32)):
        assert_equal(network.loss_and_gradients(weights, ids, labels, dropped), by_keras(model, ids, labels, dropped))
    predicted = network.predict(weights, ids)
    np.testing.assert_allclose(predicted.reshape(len(ids), -1), model.predict_on_batch(ids), rtol=1e-5)
    assert parameters(small, classes) == sum(variable.shape.num_elements() for variable in model.trainable_variables)


class Drawn:
    """Noise as a test knows it: a mask of a word, or of a text or piece by its last word; each word stands once."""

    def __init__(self, spec, ids):
        self.spec, self.batch, self.random = spec, Packer(spec).pack(ids), np.random.default_rng(3)
        self.masks, self.one_at_a_time = {}, threading.Lock()  # groups of a batch ask side by side

    def mask(self, *name, shape):
        with self.one_at_a_time:
            if name not in self.masks:
                kept = self.random.random((self.spec.num_words, *shape)) > 0.4
                self.masks[name] = kept.astype(np.float32) / np.float32(0.6)
            return self.masks[name]

    def words(self, sequence, last=False):
        pairs = slice(sequence.offsets[-3] if last else 0, None)
        return self.batch.words[sequence.index[pairs]]

    def between(self, sequence, depth, columns):
        if not depth or not self.spec.layer_dropout:
            return None
        return self.mask("between", depth, shape=(columns,))[self.words(sequence)]

    def channels(self, sequence, columns):
        if not self.spec.channel_dropout:
            return None
        return self.mask("channels", shape=(columns,))[self.words(sequence, last=True)]

    def recurrent(self, sequence, layer, gates, units):
        if not self.spec.recurrent_dropout:
            return None
        masks = self.mask("recurrent", layer, shape=(gates, units))[self.words(sequence, last=True)]
        return np.ascontiguousarray(masks.transpose(1, 0, 2))

    def into(self, model, ids):
        """Have the Keras layers drop what this drops; to be called once all masks are drawn."""
        if self.spec.segment:
            ids = np.pad(ids, ((0, 0), (-ids.shape[1] % self.spec.segment, 0))).reshape(-1, self.spec.segment)
        for (kind, *where), mask in self.masks.items():
            if kind == "between":
                layer = model.get_layer("layer_dropout" if where == [1] else f"layer_dropout_{where[0] - 1}")
                layer.call = lambda inputs, training=False, mask=mask: inputs * mask[ids]
            elif kind == "channels":
                layer = model.get_layer("channel_dropout")
                layer.call = lambda inputs, training=False, mask=mask: inputs * mask[ids[:, -1]][:, None]
            else:
                layers = [layer for layer in model.layers if self.spec.cell in layer.name]
                sides = [side for layer in layers for side in directions(layer)]
                gates = list(mask[ids[:, -1]].transpose(1, 0, 2))
                gates = gates[0] if len(gates) == 1 else gates
                sides[where[0]].cell.get_recurrent_dropout_mask = lambda h, gates=gates: gates


def directions(layer):
    return [layer.forward_layer, layer.backward_layer] if hasattr(layer, "forward_layer") else [layer]


BOTH = {"bidirectional": True, "units": (5, 3)}
SEGMENTS = {"segment": 5, "pooling": "max+mean"}


@pytest.mark.parametrize(
    "fields",
    [
        {"layer_dropout": 0.4, "units": (5, 3, 4)},
        {"layer_dropout": 0.4, "cell": "lstm", **BOTH, **SEGMENTS},
        {"channel_dropout": 0.4},
        {"channel_dropout": 0.4, "layer_dropout": 0.4, **BOTH, "mask_padding": True},
        {"channel_dropout": 0.4, "cell": "forget", **BOTH, **SEGMENTS},
        {"recurrent_dropout": 0.4, "cell": "simple_rnn", "units": (5, 3)},
        {"recurrent_dropout": 0.4, "cell": "gru", "embedding_dim": 0, "pooling": "mean", **BOTH},
        {"recurrent_dropout": 0.4, "cell": "lstm", "mask_padding": True},
        {"recurrent_dropout": 0.4, "channel_dropout": 0.4, "cell": "forget", **BOTH, **SEGMENTS},
    ],
    ids=str,
)
def test_what_is_dropped_within_the_layers_is_dropped_in_the_keras_layers_alike(fields):
    small = spec(**fields, num_words=200)
    model = build(small)
    weights = weights_of(model)
    ids, labels = reviews(LENGTHS)
    ids[ids > 0] = 1 + np.arange((ids > 0).sum())
    noise = Drawn(small, ids)
    ours = Network(small, threads=2).loss_and_gradients(weights, ids, labels, noise=noise)
    noise.into(model, ids)
    assert noise.masks
    assert_equal(ours, by_keras(model, ids, labels, training=True))
    predicted = Network(small).predict(weights, ids)
    np.testing.assert_allclose(predicted, build_again(small, weights).predict_on_batch(ids)[:, 0], rtol=1e-5)


def build_again(spec, weights):
    model = build(spec)
    for variable, weight in zip(model.trainable_variables, weights, strict=True):
        variable.assign(weight)
    return model


def test_noise_depends_on_the_step_and_no_thread_and_keeps_its_share():
    small = spec(units=(50, 50), layer_dropout=0.25, channel_dropout=0.5, recurrent_dropout=0.5, embedding_dim=40)
    weights, (ids, labels) = weights_of(build(small)), reviews(LENGTHS)
    found = [
        [float(Network(small, threads=threads).loss_and_gradients(weights, ids, labels, noise=Draws(small, seed))[0])]
        for seed in ((1, 1), (1, 2))
        for threads in (1, 3)
    ]
    assert found[0] == found[1] != found[2] == found[3]
    group, draws = Packer(small).pack(ids).groups[1], Draws(small, (1, 1))
    assert set(np.unique(draws.between(group, 1, 50)).round(4)) == {0, np.float32(1 / 0.75).round(4)}
    assert draws.recurrent(group, 1, 3, 50).mean() == pytest.approx(1, abs=0.15)
    assert not np.array_equal(draws.recurrent(group, 1, 3, 50), draws.recurrent(group, 0, 3, 50))
    assert draws.between(group, 0, 40) is None


def with_adversarial_noise(model, ids, labels, length):
    """Return loss, probabilities and gradients by Keras, with and without noise of this length along the gradient."""
    import tensorflow as tf

    layer = model.get_layer("embedding")
    vectors, seen = layer.call, []
    layer.call = lambda inputs: seen.append(vectors(inputs)) or seen[-1]
    with tf.GradientTape() as tape:
        found = model(ids)
        loss = keras.losses.BinaryCrossentropy()(labels[:, None].astype(np.float32), found)
    gradient = tape.gradient(loss, seen[0])
    of_texts = tf.reshape(gradient, (len(ids), -1))
    away = tf.reshape(length * of_texts / tf.norm(of_texts, axis=1, keepdims=True), gradient.shape)
    layer.call = lambda inputs: vectors(inputs) + away
    noisy = by_keras(model, ids, labels)
    layer.call = vectors
    clean = by_keras(model, ids, labels)
    return clean[0] + noisy[0], clean[1], [one + other for one, other in zip(clean[2], noisy[2], strict=True)]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"cell": "lstm", "units": (5, 3), "bidirectional": True, "segment": 5, "pooling": "max+mean", "hidden": 4},
        {"cell": "mingru", "mask_padding": True, "pooling": "attention"},
    ],
    ids=str,
)
def test_adversarial_noise_is_the_gradient_of_each_texts_vectors_and_is_trained_on(fields):
    small = spec(adversarial=0.7, **fields)
    model = build(small)
    weights = weights_of(model)
    ids, labels = reviews(LENGTHS)
    ours = Network(small, threads=2).loss_and_gradients(weights, ids, labels)
    assert_equal(ours, with_adversarial_noise(model, ids, labels, 0.7))


def test_a_network_whose_layers_drop_something_has_the_weights_of_one_whose_layers_drop_nothing():
    noisy = spec(cell="forget", bidirectional=True, units=(5, 3), recurrent_dropout=0.3, layer_dropout=0.3)
    noisy = noisy.replace(channel_dropout=0.3)
    model = build(noisy)
    ids, _ = reviews(LENGTHS)
    found = loaded(noisy, output_of(2), weights_to_bytes(model)).predict_on_batch(ids)
    np.testing.assert_array_equal(found, model.predict_on_batch(ids))
