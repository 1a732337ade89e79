"""A trained network as the Keras layers that it was trained with: to predict where nothing else can, and to export."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from rnnsweep.machine.device import keras
from rnnsweep.network.cost import PREDICT_BATCH
from rnnsweep.network.model import build
from rnnsweep.network.output import Output
from rnnsweep.spec import Spec
from rnnsweep.types import Floats, Tokens
from rnnsweep.use.weights import Weights, in_keras_cells


def loaded(spec: Spec, output: Output, weights: bytes) -> keras.Model:
    """Return the network with the weights of a Keras file."""
    model = build(spec.replace(word_dropout=0.0), output)  # what leaves words out in training is no layer of Keras's
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.weights.h5"
        file.write_bytes(weights)
        model.load_weights(file)
    return model


def plain(spec: Spec, output: Output, weights: bytes, arrays: Weights) -> keras.Model:
    """Return the network in Keras's own layers alone, from its weights as a Keras file and as arrays."""
    known, others = in_keras_cells(spec, arrays)
    if known is spec:
        return loaded(spec, output, weights)
    model = build(known.replace(word_dropout=0.0), output)
    model.set_weights([array for layer in others.layers for array in layer])
    return model


def keras_bytes(model: keras.Model) -> bytes:
    """Return a network as the bytes of a `.keras` file, which Keras loads by itself."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        return file.read_bytes()


class KerasNetwork:
    """Probabilities of a Keras network, in batches of one size, so that nothing is traced again."""

    def __init__(self, spec: Spec, output: Output, weights: bytes) -> None:
        self._output, self._model = output, loaded(spec, output, weights)

    def predict(self, ids: Tokens) -> Floats:
        """Return the probabilities: int32 [texts, max_len] -> float32 [texts, ...]."""
        padded = np.pad(ids, ((0, -len(ids) % PREDICT_BATCH if len(ids) > PREDICT_BATCH else 0), (0, 0)))
        batches = [
            self._model.predict_on_batch(padded[i : i + PREDICT_BATCH]) for i in range(0, len(padded), PREDICT_BATCH)
        ]
        columns: Floats = np.concatenate(batches)[: len(ids)].astype(np.float32)
        return columns.reshape(len(ids), *self._output.shape)
