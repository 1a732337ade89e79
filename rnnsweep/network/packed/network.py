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

from rnnsweep.cells import CELLS
from rnnsweep.network.packed.batch import GROUP_ROWS, Batch, Sequence, Workspace
from rnnsweep.network.packed.passes import Layer, Tape
from rnnsweep.network.packed.steps import BACKWARD, FORWARD, SAVED, beginnings, copy_outputs, pack_group, scatter_add
from rnnsweep.spec import Spec
from rnnsweep.types import Floats, Tokens


def supports(spec: Spec) -> bool:
    """Return whether `Network` computes this spec."""
    return spec.packable


class Network:
    """Loss, gradients and predictions of one spec's network, from its weights as arrays; it keeps buffers, no state.

    `weights` are those of `model.trainable_weights`: embedding [rows, dim]; per layer kernel [inputs, gates * units],
    recurrent kernel [units, gates * units] and bias; dense kernel [units, 1] and bias [1]. GRU: Cho et al. 2014 with
    `reset_after`, gates z, r, h and bias [2, 3 * units]; LSTM: Hochreiter and Schmidhuber 1997, gates i, f, c, o.
    Raises `ValueError` on a spec that `supports` refuses.
    """

    def __init__(self, spec: Spec) -> None:
        """Prepare for one spec; compiles nothing yet."""
        if not supports(spec):
            raise ValueError(
                "the packed path computes neither bidirectional networks, nor pooling other than last, nor masked "
                f"padding; train {spec.label()} with the Keras layers"
            )
        self._spec = spec
        self._gates, self._saved = CELLS[spec.cell].gates, SAVED[spec.cell]
        self._forward_steps, self._backward_steps = FORWARD[spec.cell], BACKWARD[spec.cell]
        self._buffer = Workspace()
        self._places = np.full(spec.embedding_rows, -1, np.int32)
        self._counting = np.arange(0, dtype=np.int32)
        # A second thread costs more in waiting than products this small gain, and would change the last digits.
        self._blas = ThreadpoolController()

    def loss_and_gradients(
        self, weights: list[Floats], ids: Tokens, labels: NDArray[Any], dropout_mask: Floats | None = None
    ) -> tuple[float, Floats, list[Floats]]:
        """Return mean binary cross-entropy, probabilities float32 [batch] and the gradient of each weight, dense.

        `ids` int32 [batch, steps], `labels` 0/1 [batch], `dropout_mask` float32 [batch, last units] holds the scale.
        The gradients are buffers: the next call overwrites them. Raises `IndexError` on an id beyond the embedding.
        """
        buffer = self._buffer
        logits = np.empty(len(ids), np.float32)
        truth = labels.astype(np.float32)
        gradients = [buffer.zeros(f"gradient{i}", *weight.shape) for i, weight in enumerate(weights)]
        dense, dense_bias = weights[-2:]
        with self._blas.limit(limits=1, user_api="blas"), np.errstate(all="ignore"):  # a loss of NaN says enough
            batch = self._pack(ids)
            layers = self._layers(weights, gradients)
            embedded = np.take(weights[0], batch.words, axis=0)
            table = np.matmul(embedded, weights[1], out=buffer("table", len(batch.words), layers[0].kernel.shape[1]))
            dtable = buffer.zeros("dtable", *table.shape)
            padding = self._forward(layers, table, batch.padding, None)
            dpadding = [
                tuple(buffer.zeros(f"dpadding_{name}{i}", *state.shape) for name, state in zip("hc", pair, strict=True))
                for i, pair in enumerate(padding.states)
            ]
            for group in batch.groups:
                tape = self._forward(layers, table, group, padding)
                output = tape.states[-1][0][-group.rows :]
                if dropout_mask is not None:
                    output = output * dropout_mask[group.reviews]
                logit = logits[group.reviews] = output @ dense[:, 0] + dense_bias[0]
                dlogit = (_sigmoid(logit) - truth[group.reviews]) / np.float32(len(ids))
                gradients[-2][:, 0] += dlogit @ output
                gradients[-1] += dlogit.sum()
                doutput = dlogit[:, None] * dense[:, 0]
                if dropout_mask is not None:
                    doutput *= dropout_mask[group.reviews]
                self._backward(layers, group, tape, doutput, dpadding, dtable)
            self._backward(layers, batch.padding, padding, None, dpadding, dtable)
            np.matmul(embedded.T, dtable, out=gradients[1])
            gradients[0][batch.words] = dtable @ weights[1].T
            # Keras takes the logits from below the sigmoid: keras/src/backend/tensorflow/nn.py, _get_logits.
            losses = np.maximum(logits, 0) - logits * truth + np.log1p(np.exp(-np.abs(logits)))
            return float(losses.mean()), _sigmoid(logits), gradients

    def predict(self, weights: list[Floats], ids: Tokens) -> Floats:
        """Return the probability of class 1: int32 [reviews, steps] -> float32 [reviews]."""
        logits = np.empty(len(ids), np.float32)
        if not len(ids):
            return logits
        with self._blas.limit(limits=1, user_api="blas"), np.errstate(all="ignore"):
            batch = self._pack(ids)
            layers = self._layers(weights, [])
            table = weights[0][batch.words] @ weights[1]
            padding = self._forward(layers, table, batch.padding, None)
            for group in batch.groups:
                output = self._forward(layers, table, group, padding, keep=False).states[-1][0][-group.rows :]
                logits[group.reviews] = output @ weights[-2][:, 0] + weights[-1][0]
            return _sigmoid(logits)

    def _pack(self, ids: Tokens) -> Batch:
        rows, steps = ids.shape
        if ids.min() < 0 or ids.max() >= len(self._places):
            raise IndexError(
                f"ids from {ids.min()} to {ids.max()} do not fit an embedding of {len(self._places)} rows; "
                "encode the reviews with the spec's num_words"
            )
        begins = beginnings(ids)
        order = np.argsort(begins, kind="stable")
        words = self._buffer("words", len(self._places), dtype=np.int32)
        words[0], self._places[0] = 0, 0  # padding's
        different = 1
        indices = self._buffer("index", int((steps - begins).sum()), dtype=np.int32)
        groups, pairs = [], 0
        for row in range(0, rows, GROUP_ROWS):
            reviews = order[row : row + GROUP_ROWS]
            start = int(begins[reviews[0]])
            offsets = np.empty(steps - start + 2, np.int64)
            index = indices[pairs:]
            different = pack_group(ids, reviews, begins, start, self._places, words, different, offsets, index)
            groups.append(Sequence(reviews, start, offsets, index[: offsets[-2]]))
            pairs += int(offsets[-2])
        self._places[words[:different]] = -1
        latest = int(begins.max())
        padding = Sequence(order[:0], 0, np.arange(latest + 2), np.zeros(latest, np.int32), is_padding=True)
        return Batch(groups, padding, words[:different])

    def _layers(self, weights: list[Floats], gradients: list[Floats]) -> list[Layer]:
        layers = []
        for i, n in enumerate(self._spec.units):
            kernel, recurrent, bias = weights[1 + 3 * i : 4 + 3 * i]
            recurrent_bias = bias[:0]
            if bias.ndim == 2:
                recurrent_bias = bias[1, 2 * n :]
                bias = np.concatenate([bias[0, : 2 * n] + bias[1, : 2 * n], bias[0, 2 * n :]])
            layers.append(Layer(n, kernel, recurrent, bias, recurrent_bias, gradients[1 + 3 * i : 4 + 3 * i]))
        return layers

    def _forward(
        self, layers: list[Layer], table: Floats, sequence: Sequence, padding: Tape | None, keep: bool = True
    ) -> Tape:
        """Take all layers through a sequence; the last rows of the last h are its output (all, without `keep`)."""
        buffer, offsets, kind = self._buffer, sequence.offsets, "padding " if sequence.is_padding else ""
        chunks = sequence.chunks
        pairs, rows = int(offsets[-2]), int(offsets[1])
        states = int(offsets[-1])
        if not keep:
            pairs = max(int(offsets[last] - offsets[first]) for first, last in chunks)
            states = pairs + sequence.rows
        tape = Tape([], [])
        for i, layer in enumerate(layers):
            has_c = CELLS[self._spec.cell].has_c
            pair = buffer(f"{kind}h{i}", states, layer.units), buffer(f"{kind}c{i}", states * has_c, layer.units)
            for j, state in enumerate(pair):
                if len(state):
                    state[:rows] = 0 if padding is None else padding.states[i][j][sequence.start]
            tape.states.append(pair)
            tape.saved.append(buffer(f"{kind}saved{i}", pairs * self._saved * layer.units))
        base = 0
        for first, last in chunks:
            begin, end = int(offsets[first]), int(offsets[last])
            if not keep and begin:  # go on from the last chunk's states
                for state in (state for pair in tape.states for state in pair if len(state)):
                    state[: offsets[first + 1] - begin] = state[begin - base : offsets[first + 1] - base].copy()
                base = begin
            for i, layer in enumerate(layers):
                projected, index = table, sequence.index[begin:end]
                if i:
                    inputs = self._inputs(sequence, first, last, base, tape.states[i - 1][0])
                    projected = buffer("projected", end - begin, layer.kernel.shape[1])
                    np.matmul(inputs, layer.kernel, out=projected)
                    index = self._count(end - begin)
                self._forward_steps(
                    first, last, offsets, base, sequence.start, index, projected, layer.bias, layer.recurrent_bias,
                    layer.recurrent, *(tape if padding is None else padding).states[i], *tape.states[i], tape.saved[i],
                    buffer("work", sequence.rows, layer.kernel.shape[1]),
                )  # fmt: skip
        if not keep:
            end = int(offsets[-1]) - base
            tape.states = [(h[:end], c[:end]) for h, c in tape.states]
        return tape

    def _backward(
        self,
        layers: list[Layer],
        sequence: Sequence,
        tape: Tape,
        doutput: Floats | None,
        dpadding: list[Any],
        dtable: Floats,
    ) -> None:
        """Add a sequence's gradients to those of the layers, of the padding row's states, and of the table."""
        buffer, offsets = self._buffer, sequence.offsets
        dstates = [
            (buffer.zeros(f"dh{i}", sequence.rows, layer.units), buffer.zeros(f"dc{i}", sequence.rows, layer.units))
            for i, layer in enumerate(layers)
        ]
        if doutput is not None:
            dstates[-1][0][:] = doutput
        transposed = [np.ascontiguousarray(layer.recurrent.T) for layer in layers]
        for first, last in reversed(sequence.chunks):
            begin, end = int(offsets[first]), int(offsets[last])
            dy = buffer("no dy", 0, layers[-1].units)
            for i in reversed(range(len(layers))):
                layer, (h, c) = layers[i], tape.states[i]
                drecurrent = dprojected = buffer("drecurrent", end - begin, layer.kernel.shape[1])
                if self._spec.cell == "gru":
                    dprojected = buffer("dprojected", *drecurrent.shape)
                self._backward_steps(
                    first, last, offsets, sequence.start, transposed[i], h, c, tape.saved[i], dy, *dstates[i],
                    *dpadding[i], sequence.is_padding, drecurrent, dprojected, buffer("work", *dstates[i][0].shape),
                )  # fmt: skip
                dkernel, drecurrent_kernel, dbias = layer.gradients
                self._add_product(drecurrent_kernel, h[begin:end], drecurrent)
                ones = buffer("ones", end - begin)
                ones[:] = 1
                if dbias.ndim == 2:
                    dbias[0] += ones @ dprojected
                    dbias[1] += ones @ drecurrent
                else:
                    dbias += ones @ drecurrent
                if i:
                    inputs = self._inputs(sequence, first, last, 0, tape.states[i - 1][0])
                    self._add_product(dkernel, inputs, dprojected)
                    dy = np.matmul(dprojected, layer.kernel.T, out=buffer("dy", *inputs.shape))
                else:
                    scatter_add(sequence.index[begin:end], dprojected, dtable)
        if not sequence.is_padding:
            for dpair, dstate in zip(dpadding, dstates, strict=True):
                for dstate_padding, d in zip(dpair, dstate, strict=True):
                    if len(dstate_padding):
                        dstate_padding[sequence.start] += d[: offsets[1]].sum(axis=0)

    def _inputs(self, sequence: Sequence, first: int, last: int, base: int, h: Floats) -> Floats:
        """Return the outputs of the layer below in a chunk: float32 [pairs, units]."""
        inputs = self._buffer("inputs", int(sequence.offsets[last] - sequence.offsets[first]), h.shape[1])
        copy_outputs(first, last, sequence.offsets, base, h, inputs)
        return inputs

    def _add_product(self, total: Floats, left: Floats, right: Floats) -> None:
        total += np.matmul(left.T, right, out=self._buffer("product", *total.shape))

    def _count(self, size: int) -> Tokens:
        if len(self._counting) < size:
            self._counting = np.arange(size, dtype=np.int32)
        return self._counting[:size]


def _sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(-logits)) in a form that never overflows."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))
