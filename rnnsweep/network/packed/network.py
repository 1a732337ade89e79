"""The exact fast path on a CPU: loss, gradients and predictions of a spec's network, padding computed once per batch.

The same mathematics as the Keras layers' (`keras/src/layers/rnn`), ordered otherwise:

* Every review's padding in front is the same, so it is computed once, as one more row, up to the latest beginning. A
  review copies that row's state where it begins, and on the way back its gradient flows into the padding row. The
  work grows with the words in a batch, not with `max_len`.
* Reviews are sorted by length and taken a few at a time, forward and backward, so that what the backward pass needs
  still lies in the processor's cache. Within such a group the rows of one step, and the steps one after another, are
  contiguous (packed): a **pair** is one (step, row) that is computed.
* The embedding is multiplied by the first kernel once per different word, then rows are gathered.
* Time is cut into chunks, and all layers are taken through one chunk before the next, so that what passes between
  them is still in the cache. The gradient of each weight is one matrix product per layer and chunk.
* The loops over steps are compiled by numba and call BLAS; everything around them is NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from rnnsweep.network.output import output_of
from rnnsweep.network.packed.batch import Batch, Packer, Sequence, Workspace
from rnnsweep.network.packed.denormals import flushed
from rnnsweep.network.packed.passes import Layer, Passes
from rnnsweep.network.packed.steps import STEPS
from rnnsweep.spec import Spec
from rnnsweep.types import Floats, Tokens


def supports(spec: Spec) -> bool:
    """Return whether `Network` computes this spec."""
    return spec.packable and spec.cell in STEPS


class Network:
    """Loss, gradients and predictions of one spec's network, from its weights as arrays; it keeps buffers, no state.

    `weights` are those of `model.trainable_weights`: embedding [rows, dim]; per layer kernel [inputs, gates * units],
    recurrent kernel [units, gates * units] and bias; dense kernel [units, outputs] and bias [outputs]. GRU: Cho et al.
    2014 with `reset_after`, gates z, r, h and bias [2, 3 * units]; LSTM: Hochreiter and Schmidhuber 1997, gates i, f,
    c, o. Raises `ValueError` on a spec that `supports` refuses.
    """

    def __init__(self, spec: Spec, classes: int = 2) -> None:
        """Prepare for one spec and so many classes; compiles nothing yet."""
        if not supports(spec):
            raise ValueError(
                f"the packed engine computes {', '.join(STEPS)}, and neither bidirectional networks, nor pooling other "
                f"than last, nor masked padding; train {spec.label()} with the Keras layers"
            )
        self._spec, self._output = spec, output_of(classes)
        self._packer, self._buffer = Packer(spec.embedding_rows), Workspace()
        # A second thread costs more in waiting than products this small gain, and would change the last digits.
        self._blas = ThreadpoolController()

    def loss_and_gradients(
        self,
        weights: list[Floats],
        ids: Tokens,
        labels: NDArray[Any],
        dropout_mask: Floats | None = None,
        sample_weights: Floats | None = None,
    ) -> tuple[float, Floats, list[Floats]]:
        """Return the mean loss, probabilities, as `Output` shapes them, and the gradient of each weight, dense.

        `ids` int32 [batch, steps], `labels` classes [batch], `dropout_mask` float32 [batch, last units] holds the
        scale, `sample_weights` float32 [batch] multiply each review's loss. The gradients are buffers: the next call
        overwrites them. Raises `IndexError` on an id beyond the embedding.
        """
        gradients = [self._buffer.zeros(f"gradient{i}", *weight.shape) for i, weight in enumerate(weights)]
        # A loss of NaN says enough.
        with self._blas.limit(limits=1, user_api="blas"), np.errstate(all="ignore"), flushed():
            batch = self._packer.pack(ids)
            embedded = np.take(weights[0], batch.words, axis=0)
            table = self._buffer("table", len(batch.words), weights[1].shape[1])
            passes = self._passes(weights, gradients, np.matmul(embedded, weights[1], out=table))
            losses, logits = self._through(passes, batch, weights, gradients, labels, dropout_mask, sample_weights)
            np.matmul(embedded.T, passes.dtable, out=gradients[1])
            gradients[0][batch.words] = passes.dtable @ weights[1].T
            return float(losses.mean()), self._output.probabilities(logits), gradients

    def predict(self, weights: list[Floats], ids: Tokens) -> Floats:
        """Return the probabilities, as `Output` shapes them: int32 [reviews, steps] -> float32 [reviews, ...]."""
        logits = np.empty((len(ids), self._output.units), np.float32)
        if not len(ids):
            return self._output.probabilities(logits)
        with self._blas.limit(limits=1, user_api="blas"), np.errstate(all="ignore"), flushed():
            batch = self._packer.pack(ids)
            passes = self._passes(weights, [], weights[0][batch.words] @ weights[1])
            passes.pad(batch.padding)
            for group in batch.groups:
                logits[group.reviews] = _dense(passes.forward(group, keep=False).output(group.rows), weights)
            return self._output.probabilities(logits)

    def _passes(self, weights: list[Floats], gradients: list[Floats], table: Floats) -> Passes:
        layers = [
            _layer(units, weights[1 + 3 * i : 4 + 3 * i], gradients[1 + 3 * i : 4 + 3 * i])
            for i, units in enumerate(self._spec.units)
        ]
        return Passes(self._spec.cell, layers, table, self._buffer)

    def _through(
        self,
        passes: Passes,
        batch: Batch,
        weights: list[Floats],
        gradients: list[Floats],
        labels: NDArray[Any],
        dropout_mask: Floats | None,
        sample_weights: Floats | None,
    ) -> tuple[Floats, Floats]:
        """Take a batch forward and back; returns each review's loss and logits."""
        losses = np.empty(len(labels), np.float32)
        logits = np.empty((len(labels), self._output.units), np.float32)
        padding = passes.pad(batch.padding)
        passes.start_gradients()
        for group in batch.groups:
            tape = passes.forward(group)
            output, mask = tape.output(group.rows), _rows(dropout_mask, group)
            if mask is not None:
                output = output * mask
            logit = logits[group.reviews] = _dense(output, weights)
            loss, dlogit = self._output.loss_and_gradient(logit, labels[group.reviews])
            if (scale := _rows(sample_weights, group)) is not None:
                loss, dlogit = loss * scale, dlogit * scale[:, None]
            losses[group.reviews] = loss
            dlogit /= np.float32(len(labels))
            gradients[-2] += output.T @ dlogit
            gradients[-1] += dlogit.sum(axis=0)
            doutput = dlogit @ weights[-2].T
            passes.backward(group, tape, doutput if mask is None else doutput * mask)
        passes.backward(batch.padding, padding)
        return losses, logits


def _layer(units: int, weights: list[Floats], gradients: list[Floats]) -> Layer:
    kernel, recurrent, bias = weights
    recurrent_bias = bias[:0]
    if bias.ndim == 2:  # the state's bias of the last gate is scaled with what the state gives it
        recurrent_bias = bias[1, -units:]
        bias = np.concatenate([bias[0, :-units] + bias[1, :-units], bias[0, -units:]])
    return Layer(units, kernel, recurrent, bias, recurrent_bias, gradients)


def _dense(output: Floats, weights: list[Floats]) -> Floats:
    return output @ weights[-2] + weights[-1]


def _rows(array: Floats | None, group: Sequence) -> Floats | None:
    return None if array is None else array[group.reviews]
