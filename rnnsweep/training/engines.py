"""The engines: how a network's training steps and predictions are computed, whatever the training around them does."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rnnsweep.cells import CELLS
from rnnsweep.machine.device import cores_in_use, jit_compile, keras, make_gradients_dense
from rnnsweep.network.cost import PREDICT_BATCH, pooled_width
from rnnsweep.network.keras_loss import keras_loss
from rnnsweep.network.output import Output, Sigmoids, output_of
from rnnsweep.network.packed.network import Network, supports
from rnnsweep.network.packed.noise import Draws
from rnnsweep.spec import Spec
from rnnsweep.training.optimizer import in_place, set_rate
from rnnsweep.types import Floats, Tokens

NOISE = 2  # apart from the order of the reviews, and from 1, words and outputs that are dropped


class Engine(Protocol):
    """One way to compute a Keras model and change its weights by its optimizer; made from spec, model, optimizer
    and number of classes.

    It keeps nothing between two epochs that is not a variable of the model or the optimizer, so that a checkpoint of
    those is enough to go on from. Within an epoch the variables may lag behind.
    """

    name: str  # as a result names it in the column `path`

    def start_epoch(self, epoch: int) -> None:
        """Prepare for an epoch, counted from 1, as if those before it had run in this process."""

    def set_rate(self, rate: float) -> None:
        """Take this learning rate from the next step on; until it is called, the optimizer's own counts."""

    def step(self, ids: Tokens, labels: NDArray[Any], sample_weights: Floats | None = None) -> tuple[float, float]:
        """Take one training step on int32 [batch, max_len] and classes [batch]; returns the batch's loss and accuracy.

        Both are of the weights before the step. `sample_weights` float32 [batch] multiply each review's loss, and leave
        its accuracy alone. A loss that is not finite is returned; what it does to the weights is not said.
        """

    def end_epoch(self) -> None:
        """Bring the variables of model and optimizer up to date, after an epoch's last step."""

    def predict(self, ids: Tokens) -> Floats:
        """Return the probabilities by the variables, as `Output` shapes them: int32 [reviews, max_len] -> float32."""


class KerasEngine:
    """The Keras layers, on whatever backend and device Keras runs on."""

    name = "keras"

    def __init__(
        self, spec: Spec, model: keras.Sequential, optimizer: keras.optimizers.Optimizer, classes: int | Output = 2
    ) -> None:
        self._output, self._model, self._optimizer, self._spec = output_of(classes), model, optimizer, spec
        make_gradients_dense(optimizer)
        accuracy = _all_labels_right if isinstance(self._output, Sigmoids) else "accuracy"
        loss = keras_loss(spec, self._output)
        model.compile(optimizer=optimizer, loss=loss, metrics=[accuracy], jit_compile=jit_compile())

    def start_epoch(self, epoch: int) -> None:
        """Do nothing: the dropout's random state is a variable of the model."""

    def set_rate(self, rate: float) -> None:
        """Give the optimizer the learning rate of the steps that follow."""
        set_rate(self._optimizer, self._spec, rate)

    def step(self, ids: Tokens, labels: NDArray[Any], sample_weights: Floats | None = None) -> tuple[float, float]:
        """Take one training step; returns the batch's loss and accuracy."""
        # One call per batch, without tf.data, whose autotuner can stall at the end of an epoch for seconds.
        loss, accuracy = self._model.train_on_batch(ids, labels.astype(np.float32), sample_weights)
        return float(loss), float(accuracy)

    def end_epoch(self) -> None:
        """Do nothing: Keras changes its variables at each step."""

    def predict(self, ids: Tokens) -> Floats:
        """Return the probabilities: int32 [reviews, max_len] -> float32 [reviews, ...]."""
        # In full batches, so that nothing is traced again for the last one.
        whole = -len(ids) % PREDICT_BATCH if len(ids) > PREDICT_BATCH else 0
        padded = np.pad(ids, ((0, whole), (0, 0)))
        batches = [
            self._model.predict_on_batch(padded[i : i + PREDICT_BATCH]) for i in range(0, len(padded), PREDICT_BATCH)
        ]
        columns: Floats = np.concatenate(batches)[: len(ids)].astype(np.float32)
        return columns.reshape(len(ids), *self._output.shape)


def _all_labels_right(labels: Any, probabilities: Any) -> Any:
    """Return 1 for each review of a batch all of whose labels are right, else 0: `Sigmoids.right`, for Keras."""
    said = keras.ops.cast(probabilities > Sigmoids.threshold, labels.dtype)
    return keras.ops.cast(keras.ops.all(keras.ops.equal(said, labels), axis=-1), probabilities.dtype)


class PackedEngine:
    """The same network with padding computed once per batch, and Keras's optimizer in place; Keras keeps the weights.

    Raises `ValueError` on a spec that the packed network does not compute.
    """

    name = "packed"

    def __init__(
        self, spec: Spec, model: keras.Sequential, optimizer: keras.optimizers.Optimizer, classes: int | Output = 2
    ) -> None:
        self._spec, self._output, self._model = spec, output_of(classes), model
        self._optimizer = in_place(spec, optimizer, model.trainable_variables)
        table = model.get_layer("embedding").embeddings
        self._fixed = [] if table.trainable else [keras.ops.convert_to_numpy(table)]  # in front of what is trained
        bigrams = keras.ops.convert_to_numpy(model.get_layer("bigrams").embeddings) if spec.bigrams else None
        self._network = Network(spec, classes, cores_in_use(), bigrams)
        self._random = np.random.default_rng()
        self._seed, self._steps = (spec.seed, 0), 0  # of the epoch; steps taken in it

    def start_epoch(self, epoch: int) -> None:
        """Take up the variables, the cores that are free now, and random numbers of this epoch and the seed alone."""
        self._network.use_threads(cores_in_use())
        self._optimizer.read()
        self._seed, self._steps = (self._spec.seed, epoch), 0
        self._random = np.random.default_rng((*self._seed, 1))

    def set_rate(self, rate: float) -> None:
        """Give the optimizer the learning rate of the steps that follow."""
        self._optimizer.set_rate(rate)

    def step(self, ids: Tokens, labels: NDArray[Any], sample_weights: Floats | None = None) -> tuple[float, float]:
        """Take one training step; returns the batch's loss and accuracy."""
        weights = [*self._fixed, *self._optimizer.weights]
        drawn = self._dropout(len(ids)), sample_weights, self._word_scale(), self._noise()
        with np.errstate(all="ignore"):  # a loss that is not finite is the caller's to see
            if self._optimizer.by_rows:
                loss, probabilities, table, gradients = self._network.loss_and_row_gradient(
                    weights, ids, labels, *drawn, self._optimizer.catch_up
                )
                if math.isfinite(loss):
                    self._optimizer.apply_rows(table.rows, table.values, gradients)
            else:
                loss, probabilities, gradients = self._network.loss_and_gradients(weights, ids, labels, *drawn)
                if math.isfinite(loss):
                    self._optimizer.apply(gradients[len(self._fixed) :])
        return loss, float(self._output.right(probabilities, labels).mean())

    def end_epoch(self) -> None:
        """Give the weights and the optimizer's state back to Keras."""
        self._optimizer.write()

    def predict(self, ids: Tokens) -> Floats:
        """Return the probabilities: int32 [reviews, max_len] -> float32 [reviews, ...]."""
        weights = [keras.ops.convert_to_numpy(variable) for variable in self._model.trainable_variables]
        return self._network.predict([*self._fixed, *weights], ids)

    def _noise(self) -> Draws | None:
        self._steps += 1
        return Draws(self._spec, (*self._seed, NOISE, self._steps)) if self._spec.noisy_steps else None

    def _word_scale(self) -> Floats | None:
        rate = self._spec.word_dropout
        if not rate:
            return None
        rows = self._spec.embedding_rows + self._spec.bigram_rows
        kept = self._random.random(rows, dtype=np.float32) >= rate
        scale = kept.astype(np.float32) / np.float32(1 - rate)
        scale[0] = 1  # padding is no word
        return scale

    def _dropout(self, reviews: int) -> Floats | None:
        rate = self._spec.dropout
        if not rate:
            return None
        kept = self._random.random((reviews, pooled_width(self._spec)), dtype=np.float32) >= rate
        return kept.astype(np.float32) / np.float32(1 - rate)


def _in_cudnn(spec: Spec) -> bool:
    """Return whether Keras has cuDNN compute this spec's steps: by its rules, with no mask and nothing dropped in them.

    Step by step PyTorch took eleven times as long on a GPU as one core does: docs/gpu.md.
    """
    return CELLS[spec.cell].cudnn and not (spec.padding_skipped or spec.recurrent_dropout or spec.adversarial)


ENGINES: dict[str, type[KerasEngine] | type[PackedEngine]] = {"packed": PackedEngine, "keras": KerasEngine}


def engine_class(name: str, spec: Spec, device: str) -> type[KerasEngine] | type[PackedEngine]:
    """Return the engine of this name; `auto` is packed where that computes the spec and no cuDNN is faster, else keras.

    So what cuDNN does not compute is packed, on the CPU, on any device, adversarial noise among it: Keras's training
    step takes one gradient. Raises `ValueError` on another name, and on keras for such noise.
    """
    if name == "auto":
        name = "packed" if supports(spec) and (device == "cpu" or not _in_cudnn(spec)) else "keras"
    if name == "keras" and spec.adversarial:
        raise ValueError(
            f"adversarial is {spec.adversarial}, which the Keras layers do not train on; give engine packed"
        )
    if name not in ENGINES:
        raise ValueError(f"engine is {name!r}; give auto, {' or '.join(ENGINES)}")
    return ENGINES[name]
