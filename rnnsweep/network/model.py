"""A spec's network, on the Keras 3 API alone: embedding, recurrent layers, pooling, dropout, dense output."""

from __future__ import annotations

import inspect
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnsweep.cells import CELLS, OWN
from rnnsweep.machine.device import keras
from rnnsweep.network.layers import RECURRENT, Recurrent, naming_own, own
from rnnsweep.network.output import Output, output_of
from rnnsweep.network.tables import embedding, seed_of, with_bigrams
from rnnsweep.spec import Spec

BELOW_ALL = -1e9  # below every output of a cell: what masked steps are to a maximum


@naming_own
def build(spec: Spec, classes: int | Output = 2, cells: Mapping[str, Recurrent] = RECURRENT) -> keras.Model:
    """Return the untrained network: int32 [batch, max_len] -> float32 [batch, units of the output], probabilities.

    Weights depend on the spec's seed alone; layers are named as Keras names those of a program's first model. All
    layers are Keras's own but for cells that it has not (`layers.py`), so that a saved model loads wherever Keras is.
    `cells` are what makes a recurrent layer, by the name of its cell.
    """
    keras.utils.set_random_seed(spec.seed)
    tokens = keras.Input((spec.max_len,), dtype="int32", name="tokens")
    layers = [embedding(spec), *_channel_dropout(spec)]
    make = own(spec) if spec.cell == OWN else cells[spec.cell]
    for index in range(spec.depth):
        layers += [*_layer_dropout(spec, index), _recurrent(spec, index, make)]
    # Else words, steps or poolings branch.
    in_turn = spec.segment is None and spec.pooling in ("last", "mean", "max") and not spec.bigrams
    pooling = [_pooling(spec.pooling)] if in_turn and spec.pooling != "last" else []
    head = [keras.layers.Dropout(spec.dropout, seed=spec.seed, name="dropout")] if spec.dropout else []
    if spec.hidden:
        head.append(keras.layers.Dense(spec.hidden, activation="relu", name="hidden"))
    output = output_of(classes)
    head.append(keras.layers.Dense(output.units, activation=output.activation, name="dense"))
    if in_turn:
        model = keras.Sequential([tokens, *layers, *pooling, *head], name="sequential")
    else:
        pooled = _pooled(spec, tokens, layers)
        model = keras.Model(tokens, _through(head, pooled), name="functional")
    if not spec.embedding_dim:
        _pass_on(layers[1], spec)
    if spec.initial_std:
        _begin_normal(model, spec)
    if spec.bigrams:  # what a pair adds to its words is nothing before it is learned
        table = model.get_layer("bigram_vectors").embeddings
        table.assign(keras.ops.zeros_like(table))
    return model


def _begin_normal(model: keras.Model, spec: Spec) -> None:
    """Begin every kernel and the table with a normal of one spread, as Johnson and Zhang (2016) do; biases stay.

    Keras's orthogonal start of the recurrent kernel and uniform one of the dense layer are so large that plain SGD at
    their learning rate diverges.
    """
    random = np.random.default_rng(spec.seed)
    for weight in model.trainable_weights:
        if weight.name != "bias":
            weight.assign(random.normal(0, spec.initial_std, weight.shape).astype(np.float32))


def _recurrent(spec: Spec, index: int, make: Recurrent) -> keras.layers.Layer:
    last = index == spec.depth - 1
    name = spec.cell if index == 0 else f"{spec.cell}_{index}"
    sequences, rate = not last or spec.pooling != "last", spec.recurrent_dropout
    noise = [{"recurrent_dropout": rate, "seed": seed_of(spec, 2 * index + i)} if rate else {} for i in range(2)]
    layer = make(spec.units[index], return_sequences=sequences, name=name, **noise[0])
    if not spec.bidirectional:
        return layer
    # Keras's own copy would draw as the layer itself does.
    back = {"name": f"backward_{name}", "return_sequences": sequences, "go_backwards": True, **noise[1]}
    both = {"backward_layer": make(spec.units[index], **back)} if rate else {}
    return keras.layers.Bidirectional(layer, name=f"bidirectional_{name}", **both)


def _channel_dropout(spec: Spec) -> list[keras.layers.Layer]:
    rate, seed = spec.channel_dropout, seed_of(spec, 2 * spec.depth)
    return [keras.layers.SpatialDropout1D(rate, seed=seed, name="channel_dropout")] if rate else []


def _layer_dropout(spec: Spec, index: int) -> list[keras.layers.Layer]:
    if not index or not spec.layer_dropout:
        return []
    name = "layer_dropout" if index == 1 else f"layer_dropout_{index - 1}"
    return [keras.layers.Dropout(spec.layer_dropout, seed=seed_of(spec, 2 * spec.depth + index), name=name)]


def _pooling(kind: str) -> keras.layers.Layer:
    kinds = {"mean": keras.layers.GlobalAveragePooling1D, "max": keras.layers.GlobalMaxPooling1D}
    return kinds[kind](name="pooling")


def _pass_on(layer: keras.layers.Layer, spec: Spec) -> None:
    """Have the first recurrent layer take its part of the table's columns as they are: its kernel is fixed at 1."""
    both = spec.bidirectional
    parts = [layer.forward_layer, layer.backward_layer] if both else [layer]
    columns = CELLS[spec.cell].gates * spec.units[0]
    for i, part in enumerate(parts):
        part.cell.kernel.assign(np.eye(len(parts) * columns, columns, -i * columns, dtype=np.float32))
        part.cell.kernel.trainable = False


def _through(layers: list[keras.layers.Layer], values: Any) -> Any:
    for layer in layers:
        values = layer(values)
    return values


def _steps(spec: Spec, layers: list[keras.layers.Layer], tokens: Any) -> Any:
    """Return the outputs of all steps of int [rows, steps]."""
    if not spec.bigrams:
        return _through(layers, tokens)
    values, words = with_bigrams(spec, layers[0], tokens), keras.ops.not_equal(tokens, 0)
    for layer in layers[1:]:  # the mask is lost where vectors are added
        masked = spec.padding_skipped and "mask" in inspect.signature(layer.call).parameters
        values = layer(values, **({"mask": words} if masked else {}))
    return values


def _pooled(spec: Spec, tokens: Any, layers: list[keras.layers.Layer]) -> Any:
    """Return what the dense layer sees: [batch, width], a block per kind of pooling."""
    if spec.segment is None:
        outputs, words = _steps(spec, layers, tokens), None
        if spec.pooling == "last":  # the layers themselves return no more
            return outputs
        if spec.mask_padding:
            words = keras.ops.expand_dims(keras.ops.cast(keras.ops.not_equal(tokens, 0), "float32"), -1)
    else:
        outputs, words = _segments(spec, tokens, layers)
    return keras.ops.concatenate([_pooled_as(kind, outputs, words, spec) for kind in spec.pooling.split("+")], axis=-1)


def _segments(spec: Spec, tokens: Any, layers: list[keras.layers.Layer]) -> tuple[Any, Any]:
    """Return the outputs of all steps of all pieces [batch, steps, width], and which are words: 0/1 [batch, steps, 1].

    Pieces are counted from the end, where texts end, so that all but a text's first are whole.
    """
    length = min(spec.segment or spec.max_len, spec.max_len)
    missing = -spec.max_len % length
    tokens = keras.ops.pad(tokens, ((0, 0), (missing, 0)))
    steps = spec.max_len + missing
    outputs = _steps(spec, layers, keras.ops.reshape(tokens, (-1, length)))
    outputs = keras.ops.reshape(outputs, (-1, steps, outputs.shape[-1]))
    words = keras.ops.cast(keras.ops.not_equal(tokens, 0), "float32")
    return outputs, keras.ops.reshape(words, (-1, steps, 1))


def _pooled_as(kind: str, outputs: Any, words: Any, spec: Spec) -> Any:
    """Return [batch, width] over the steps that are words, or over all without `words`; a text without any is zeros."""
    ops = keras.ops
    if kind == "last":
        ends = [ops.take(outputs, spec.max_len - 1, axis=1), ops.take(outputs, 0, axis=1)]
        if not spec.bidirectional:
            return ends[0]
        return ops.concatenate([ops.split(end, 2, axis=-1)[i] for i, end in enumerate(ends)], axis=-1)
    if kind == "attention":
        return _attended(outputs, words)
    if words is None:
        return (ops.mean if kind == "mean" else ops.max)(outputs, axis=1)
    if kind == "mean":
        return ops.sum(outputs * words, axis=1) / ops.maximum(ops.sum(words, axis=1), 1.0)
    return ops.max(outputs * words + (1.0 - words) * BELOW_ALL, axis=1) * ops.max(words, axis=1)


def _attended(outputs: Any, words: Any) -> Any:
    """Return the mean of the steps by shares, the softmax of their products with one query that is learned.

    Yang and others 2016, whose query meets a further layer of each step's output.
    """
    ops = keras.ops
    scores = keras.layers.Dense(1, use_bias=False, name="query")(outputs)
    if words is None:
        return ops.sum(ops.softmax(scores, axis=1) * outputs, axis=1)
    shares = ops.softmax(scores + (1.0 - words) * BELOW_ALL, axis=1)
    return ops.sum(shares * outputs, axis=1) * ops.max(words, axis=1)


def summary(model: keras.Model) -> list[dict[str, Any]]:
    """Return name, type, output_shape (None for the batch) and params of each layer, as Keras's summary prints them.

    Params are those that are trained, and a table's that stays as it begins; what holds none and changes no shape of
    its own, as the input, is left out.
    """
    return [
        {
            "name": layer.name,
            "type": type(layer).__name__,
            "output_shape": list(layer.output.shape),
            "params": sum(math.prod(weight.shape) for weight in layer.trainable_weights or layer.weights),
        }
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    ]


def weights_to_bytes(model: keras.Model) -> bytes:
    """Return the weights as the bytes of a Keras `.weights.h5` file, which `model.load_weights` reads."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.weights.h5"
        model.save_weights(file)
        return file.read_bytes()
