"""A trained network as the Keras layers that it was trained with: to predict where nothing else can, and to export."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rnnsweep.data.reviews import OUT_OF_VOCABULARY
from rnnsweep.ensemble import CERTAIN
from rnnsweep.machine.device import keras
from rnnsweep.network.cost import PREDICT_BATCH
from rnnsweep.network.layers import RECURRENT, linear_gru
from rnnsweep.network.model import build
from rnnsweep.network.output import Output
from rnnsweep.spec import Spec
from rnnsweep.types import Floats, Tokens
from rnnsweep.use.weights import Weights, in_keras_cells

DRAWN = ("word_dropout", "layer_dropout", "channel_dropout", "recurrent_dropout")


def silent(spec: Spec) -> Spec:
    """Return a spec's network without what is drawn in training alone, some of it by layers that are not Keras's."""
    return spec.replace(**dict.fromkeys(DRAWN, 0.0))


def loaded(spec: Spec, output: Output, weights: bytes) -> keras.Model:
    """Return the network with the weights of a Keras file."""
    model = build(silent(spec), output)
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
    cells = {**RECURRENT, "gru": linear_gru} if spec.cell == "mingru" else RECURRENT
    model = build(silent(known), output, cells)
    model.set_weights([array for layer in others.layers for array in layer])
    return model


def averaged(models: Sequence[keras.Model], specs: Sequence[Spec], times: Sequence[int], output: Output) -> keras.Model:
    """Return the mean of several networks' logits as one model, each counting so many times.

    Its texts are as the largest vocabulary and the longest texts of them want it: int32 [texts, max_len].
    """
    ops = keras.ops
    length = max(spec.max_len for spec in specs)
    tokens = keras.Input((length,), dtype="int32", name="tokens")
    total = None
    for at, (model, spec, share) in enumerate(zip(models, specs, np.divide(times, sum(times)).tolist(), strict=True)):
        model.name = f"member_{at}"
        last = tokens[:, length - spec.max_len :]
        known = ops.clip(model(ops.where(last < spec.num_words, last, OUT_OF_VOCABULARY)), CERTAIN, 1 - CERTAIN)
        logits = ops.log(known) if output.activation == "softmax" else ops.log(known) - ops.log(1 - known)
        total = share * logits if total is None else total + share * logits
    said = ops.softmax(total) if output.activation == "softmax" else ops.sigmoid(total)
    return keras.Model(tokens, said, name="ensemble")


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
