"""A spec's network, on the Keras 3 API alone: embedding, recurrent layers, pooling, dropout, dense output."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from rnnsweep.machine.device import keras
from rnnsweep.network.output import output_of
from rnnsweep.spec import Spec

RECURRENT = {"simple_rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


def build(spec: Spec, classes: int = 2) -> keras.Sequential:
    """Return the untrained network: int32 [batch, max_len] -> float32 [batch, units of the output], probabilities.

    Weights depend on the spec's seed alone; layers are named as Keras names those of a program's first model.
    """
    keras.utils.set_random_seed(spec.seed)
    layers = [
        keras.Input((spec.max_len,), dtype="int32", name="tokens"),
        keras.layers.Embedding(spec.embedding_rows, spec.embedding_dim, mask_zero=spec.mask_padding, name="embedding"),
        *(_recurrent(spec, index) for index in range(spec.depth)),
    ]
    if spec.pooling == "mean":
        layers.append(keras.layers.GlobalAveragePooling1D(name="pooling"))
    elif spec.pooling == "max":
        layers.append(keras.layers.GlobalMaxPooling1D(name="pooling"))
    if spec.dropout:
        layers.append(keras.layers.Dropout(spec.dropout, seed=spec.seed, name="dropout"))
    output = output_of(classes)
    layers.append(keras.layers.Dense(output.units, activation=output.activation, name="dense"))
    return keras.Sequential(layers, name="sequential")


def _recurrent(spec: Spec, index: int) -> keras.layers.Layer:
    last = index == spec.depth - 1
    name = spec.cell if index == 0 else f"{spec.cell}_{index}"
    layer = RECURRENT[spec.cell](spec.units[index], return_sequences=not last or spec.pooling != "last", name=name)
    return keras.layers.Bidirectional(layer, name=f"bidirectional_{name}") if spec.bidirectional else layer


def summary(model: keras.Sequential) -> list[dict[str, Any]]:
    """Return name, type, output_shape (None for the batch) and params of each layer, as Keras's summary prints them."""
    return [
        {
            "name": layer.name,
            "type": type(layer).__name__,
            "output_shape": list(layer.output.shape),
            "params": layer.count_params(),
        }
        for layer in model.layers
    ]


def weights_to_bytes(model: keras.Sequential) -> bytes:
    """Return the weights as the bytes of a Keras `.weights.h5` file, which `model.load_weights` reads."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.weights.h5"
        model.save_weights(file)
        return file.read_bytes()
