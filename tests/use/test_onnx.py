"""ONNX's own operators compute what the Keras layers compute."""

import io
import sys

import h5py
import numpy as np
import pytest

from rnnsweep.data.bigrams import commonest_bigrams
from rnnsweep.network.model import build, summary, weights_to_bytes
from rnnsweep.network.output import output_of
from rnnsweep.network.tables import begin_with_bigrams
from rnnsweep.spec import Spec
from rnnsweep.use.chosen import UseError
from rnnsweep.use.keras_model import plain
from rnnsweep.use.onnx_model import INPUT, onnx_bytes, quantized
from rnnsweep.use.weights import Weights, arrays_in

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
STEPS, WORDS = 20, 50


def probabilities(model, ids):
    return onnxruntime.InferenceSession(model).run(None, {INPUT: ids})[0]


def some_ids(rows=30):
    """Return texts of 1 to all steps, padded in front."""
    random, ids = np.random.default_rng(0), np.zeros((rows, STEPS), np.int32)
    for row, length in zip(ids, random.integers(1, STEPS + 1, rows), strict=True):
        row[-length:] = random.integers(1, WORDS, length)
    return ids


def keras_modules(model):
    """Return where the layers of a model and their cells are from, as one text."""
    layers = [getattr(layer, "forward_layer", layer) for layer in model.layers]
    return " ".join(type(part).__module__ for layer in layers for part in (layer, getattr(layer, "cell", layer)))


def network(classes=2, multilabel=False, spread=1.0, **fields):
    """Return a Keras network of large random weights, its spec, its output, and its weights as arrays."""
    spec = Spec(**{"embedding_dim": 6, "units": (5, 4), "num_words": WORDS, "max_len": STEPS} | fields)
    output = output_of(classes, multilabel)
    model = build(spec, output)
    if spec.bigrams:
        begin_with_bigrams(model, commonest_bigrams(some_ids(), spec.bigrams))
    random = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(random.normal(0, spread, weight.shape))
    with h5py.File(io.BytesIO(weights_to_bytes(model))) as file:
        return model, spec, output, Weights(tuple(arrays_in(file, summary(model))))


@pytest.mark.parametrize(
    ("classes", "fields"),
    [
        (2, {"cell": "simple_rnn"}),
        (2, {"cell": "gru", "units": (5, 4, 3)}),
        (3, {"cell": "lstm"}),
        (3, {"cell": "gru", "bidirectional": True}),
        (2, {"cell": "lstm", "bidirectional": True, "pooling": "mean"}),
        (2, {"cell": "simple_rnn", "bidirectional": True, "pooling": "last+max+mean"}),
        (2, {"cell": "lstm", "bidirectional": True, "mask_padding": True}),
        (3, {"cell": "gru", "mask_padding": True, "pooling": "mean"}),
        (2, {"cell": "gru", "bidirectional": True, "segment": 8, "pooling": "max+mean"}),
        (2, {"cell": "lstm", "embedding_dim": 0}),
        (2, {"cell": "forget", "bidirectional": True}),
        (3, {"cell": "forget", "embedding_dim": 0, "pooling": "mean"}),
        (3, {"cell": "forget", "hidden": 6, "pooling": "attention"}),
        (2, {"cell": "gru", "bidirectional": True, "segment": 8, "pooling": "attention", "hidden": 5}),
        (2, {"cell": "mingru", "bidirectional": True, "segment": 8, "pooling": "max"}),
        (2, {"cell": "mingru", "embedding_dim": 0, "mask_padding": True, "pooling": "attention"}),
        (2, {"cell": "gru", "units": (5, 4), "bigrams": 60}),
        (3, {"cell": "forget", "embedding_dim": 0, "units": (5,), "segment": 8, "pooling": "max", "bigrams": 300,
             "bidirectional": True}),
    ],
)  # fmt: skip
def test_onnx_says_what_keras_says(classes, fields):
    model, spec, output, weights = network(classes, **fields)
    ids = some_ids()
    expected = np.asarray(model.predict_on_batch(ids))
    assert np.ptp(expected) > 0.02
    assert np.abs(probabilities(onnx_bytes(spec, output, weights), ids) - expected).max() < 1e-5


@pytest.mark.parametrize(("cell", "name"), [("forget", "LSTM"), ("mingru", "GRU")])
@pytest.mark.parametrize(
    "fields", [{"embedding_dim": 0, "bigrams": 90}, {"bidirectional": True, "layer_dropout": 0.5, "hidden": 4}]
)
def test_a_cell_that_keras_lacks_becomes_one_of_its_own(cell, name, fields):
    model, spec, output, weights = network(cell=cell, **fields)
    ids = some_ids()
    other = plain(spec, output, b"", weights)
    assert name in [type(getattr(layer, "forward_layer", layer)).__name__ for layer in other.layers]
    assert "rnnsweep" not in keras_modules(other)
    assert np.abs(np.asarray(other.predict_on_batch(ids)) - np.asarray(model.predict_on_batch(ids))).max() < 1e-5


def test_onnx_of_several_labels_has_a_probability_of_each():
    model, spec, output, weights = network(3, multilabel=True, cell="gru")
    ids = some_ids(5)
    found = probabilities(onnx_bytes(spec, output, weights), ids)
    assert np.abs(found - np.asarray(model.predict_on_batch(ids))).max() < 1e-5


def test_weights_of_8_bits_say_nearly_the_same_in_less_space():
    _, spec, output, weights = network(spread=0.2, cell="lstm", units=(64,), embedding_dim=32)
    whole = onnx_bytes(spec, output, weights)
    small = quantized(whole)
    assert len(small) < 0.5 * len(whole)
    assert np.abs(probabilities(small, some_ids()) - probabilities(whole, some_ids())).max() < 0.05


def test_without_onnx_one_line_says_how_to_have_it(monkeypatch):
    _, spec, output, weights = network(cell="gru", units=(3,))
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UseError, match="ONNX is not installed; `pip install onnx onnxruntime`"):
        onnx_bytes(spec, output, weights)
