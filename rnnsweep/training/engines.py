"""TODO docstring of rnnsweep/training/engines.py."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rnnsweep.machine.device import keras
from rnnsweep.network.cost import PREDICT_BATCH
from rnnsweep.network.packed.network import Network
from rnnsweep.spec import Spec
from rnnsweep.types import Floats, Tokens


class Engine(Protocol):
    """One way to compute a network: a training step, and the probabilities of many reviews."""

    name: str

    def start_epoch(self, epoch: int) -> None: ...

    def step(self, ids: Tokens, labels: NDArray[np.uint8]) -> tuple[float, float]: ...

    def predict(self, ids: Tokens) -> Floats: ...


class KerasEngine:
    """The Keras layers, on whatever backend and device Keras runs on."""

    name = "keras"

    def __init__(self, model: keras.Sequential, optimizer: keras.optimizers.Optimizer) -> None:
        # XLA makes recurrences several times slower on a CPU and hides cuDNN's on a GPU; JAX has nothing else.
        jit = False if keras.backend.backend() == "tensorflow" else "auto"
        _make_gradients_dense(optimizer)
        model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"], jit_compile=jit)
        self._model = model

    def start_epoch(self, epoch: int) -> None:
        """Nothing: the dropout's random state is a variable of the model."""

    def step(self, ids: Tokens, labels: NDArray[np.uint8]) -> tuple[float, float]:
        # One call per batch, without tf.data, whose autotuner can stall at the end of an epoch for seconds.
        loss, accuracy = self._model.train_on_batch(ids, labels.astype(np.float32))
        return float(loss), float(accuracy)

    def predict(self, ids: Tokens) -> Floats:
        # In full batches, so that nothing is traced again for the last one.
        whole = -len(ids) % PREDICT_BATCH if len(ids) > PREDICT_BATCH else 0
        padded = np.pad(ids, ((0, whole), (0, 0)))
        batches = [
            self._model.predict_on_batch(padded[i : i + PREDICT_BATCH]) for i in range(0, len(padded), PREDICT_BATCH)
        ]
        return np.concatenate(batches)[: len(ids), 0].astype(np.float32)


def _make_gradients_dense(optimizer: keras.optimizers.Optimizer) -> None:
    """Have the optimizer add up an embedding's gradient per row, as other backends and the packed path do.

    On TensorFlow, Keras 3 squares the pieces of a sparse gradient before it adds them up, so that a word that stands
    in a batch twice changes Adam's second moment in another way: docs/decisions/embedding-gradient.md.
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    apply = optimizer.apply
    optimizer.apply = lambda gradients, variables=None: apply(
        [tf.convert_to_tensor(gradient) for gradient in gradients], variables
    )


def _compiled(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the function as one TensorFlow graph: the many small operations of an optimizer's step, without Python."""
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    compiled: Callable[[Any], Any] = tf.function(function)
    return compiled


class PackedEngine:
    """The same network with padding computed once per batch; Keras keeps the weights and takes the optimizer's step."""

    name = "packed"

    def __init__(self, spec: Spec, model: keras.Sequential, optimizer: keras.optimizers.Optimizer) -> None:
        self._spec, self._model = spec, model
        self._apply = _compiled(lambda gradients: optimizer.apply(gradients, model.trainable_variables))
        self._network = Network(spec)
        self._random = np.random.default_rng()

    def start_epoch(self, epoch: int) -> None:
        self._random = np.random.default_rng((self._spec.seed, epoch, 1))

    def step(self, ids: Tokens, labels: NDArray[np.uint8]) -> tuple[float, float]:
        with np.errstate(all="ignore"):  # a loss that is not finite is the caller's to see
            loss, probabilities, gradients = self._network.loss_and_gradients(
                self._weights(), ids, labels, self._dropout(len(ids))
            )
        if math.isfinite(loss):
            self._apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients])
        return float(loss), float(((probabilities > 0.5) == (labels == 1)).mean())

    def predict(self, ids: Tokens) -> Floats:
        return self._network.predict(self._weights(), ids)

    def _weights(self) -> list[Floats]:
        return [keras.ops.convert_to_numpy(variable) for variable in self._model.trainable_variables]

    def _dropout(self, reviews: int) -> Floats | None:
        rate = self._spec.dropout
        if not rate:
            return None
        kept = self._random.random((reviews, self._spec.units[-1]), dtype=np.float32) >= rate
        return kept.astype(np.float32) / np.float32(1 - rate)
