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

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba infers the types of the compiled functions; annotations would repeat them and be checked by nobody.

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import scipy.linalg.blas  # noqa: F401  numba's matrix products are this library's, and the limit below must find it
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from rnnsweep.spec import GATES, Spec

Floats = NDArray[np.float32]
Tokens = NDArray[np.int32]

CHUNK_PAIRS = 1024  # of these, gates and their gradients take about 1 MB, a second-level cache
GROUP_ROWS = 16  # few enough for OpenBLAS's kernels for small products, which pack nothing, at full speed

SAVED = {"simple_rnn": 0, "gru": 4, "lstm": 4}  # arrays of [pairs, units] the backward pass needs beside the states


def supports(spec: Spec) -> bool:
    """Return whether `Network` computes this spec."""
    return spec.packable


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    # Contraction to fused multiply-add is the only liberty taken: NaN and infinity must reach the loss.
    options: dict[str, Any] = {"nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}
    try:
        compiled: Callable[..., Any] = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # nowhere to write the cache: compile in each process
        compiled = numba.njit(**options)(function)
    return compiled


_ONE, _HALF = np.float32(1), np.float32(0.5)
_TANH_LIMIT = np.float32(8.01773357391357422)  # above it, tanh is 1 in float32
_P3, _P5, _P7, _P9 = map(np.float32, (1.340216100e-1, 3.520756727e-3, 2.102733560e-5, 1.394553628e-8))
_Q2, _Q4, _Q6, _Q8 = map(np.float32, (4.673548340e-1, 2.597254514e-2, 3.326951409e-4, 8.015776984e-7))


@_compiled
def _tanh(x):
    """Return tanh within 3e-7 of its value, by the rational function of Eigen's `ptanh_float`.

    Its errors are as often above as below: a bias, however small, would grow over the steps of a recurrence.
    """
    x = _TANH_LIMIT if x > _TANH_LIMIT else x  # so written, NaN stays NaN
    x = -_TANH_LIMIT if x < -_TANH_LIMIT else x
    s = x * x
    p = x * (_ONE + s * (_P3 + s * (_P5 + s * (_P7 + s * _P9))))
    return p / (_ONE + s * (_Q2 + s * (_Q4 + s * (_Q6 + s * _Q8))))


@_compiled
def _apply_tanh(x):
    for k in range(x.size):
        x[k] = _tanh(x[k])


@_compiled
def _apply_sigmoid(x):
    for k in range(x.size):
        x[k] = _HALF + _HALF * _tanh(_HALF * x[k])


# The six functions below share their arguments, so that the code around them need not know the cell. They take one
# sequence (a group of reviews, or the padding row) through the steps `first` to `last`, counted from `start_step`.
#
# offsets int64 [steps + 2]: the rows of step t are the pairs offsets[t] to offsets[t + 1].
# h, c float32 [pairs + rows, units]: the states *before* each step, beginning at pair `base`; a step's output therefore
#   lies at its successor's pairs, with room for the rows that begin there.
# padding_h, padding_c float32 [steps + 1, units]: the padding row's states before each step.
# index int32 [pairs of the chunk]: the row of `projected`, inputs @ kernel, that each pair reads.
# saved float32 [pairs * saved * units]: gates, each step's gates one after another as [rows, units].
# work float32 [rows, gates * units] forward, [rows, units] backward: scratch.
#
# Loops touch few arrays each, because LLVM vectorises a loop only where few comparisons show that none overlap, and
# run over all rows where they can, because what is left over at the end of a row is not vectorised.


@_compiled
def _begin(state, first, last, padding_state):
    """Give the rows that begin the state that padding has reached."""
    for row in range(first, last):
        for k in range(state.shape[1]):
            state[row, k] = padding_state[k]


@_compiled
def _meet_padding(dstate, rows, rows_next, dpadding, is_padding):
    """Add the gradients of rows that began after a step to padding's; in padding itself, take up what was added."""
    if is_padding:
        for k in range(dstate.shape[1]):
            dstate[0, k] += dpadding[k]
    for row in range(rows, rows_next):
        for k in range(dstate.shape[1]):
            dpadding[k] += dstate[row, k]


@_compiled
def _assemble(out, rows, units, gate, index, projected, work, bias):
    """Add up a gate's input, recurrent product and bias, from rows of all gates to [rows, units] of this one."""
    begin, end = gate * units, (gate + 1) * units
    b = bias[begin:end]
    for row in range(rows):
        o, x, w = out[row * units : (row + 1) * units], projected[index[row], begin:end], work[row, begin:end]
        for k in range(units):
            o[k] = x[k] + w[k] + b[k]


@_compiled
def _spread(gate_gradient, rows, units, gate, out):
    """Copy [rows, units] of one gate to its columns of `out` [rows, gates * units]."""
    for row in range(rows):
        o, d = out[row, gate * units : (gate + 1) * units], gate_gradient[row * units : (row + 1) * units]
        for k in range(units):
            o[k] = d[k]


@_compiled
def _add_flat(to, values):
    for k in range(to.size):
        to[k] += values[k]


@_compiled
def _simple_rnn_forward(
    first, last, offsets, base, start_step, index, projected, bias, recurrent_bias, recurrent,
    padding_h, padding_c, h, c, saved, work,
):  # fmt: skip
    units = h.shape[1]
    flat = h.reshape(-1)
    for t in range(first, last):
        here, there, at = offsets[t] - base, offsets[t + 1] - base, offsets[t] - offsets[first]
        rows = there - here
        np.dot(h[here:there], recurrent, work[:rows])
        new = flat[there * units : (there + rows) * units]
        _assemble(new, rows, units, 0, index[at : at + rows], projected, work, bias)
        _apply_tanh(new)
        if offsets[t + 2] - base > there + rows:
            _begin(h, there + rows, offsets[t + 2] - base, padding_h[start_step + t + 1])


@_compiled
def _simple_rnn_backward(
    first, last, offsets, start_step, transposed, h, c, saved, dy, dh, dc, dpadding_h, dpadding_c, is_padding,
    drecurrent, dprojected, work,
):  # fmt: skip
    units = h.shape[1]
    flat_h, flat_dh, flat_dy, flat_du = h.reshape(-1), dh.reshape(-1), dy.reshape(-1), drecurrent.reshape(-1)
    for t in range(last - 1, first - 1, -1):
        here, there, at = offsets[t], offsets[t + 1], offsets[t] - offsets[first]
        rows = there - here
        n = rows * units
        if is_padding or offsets[t + 2] - there > rows:
            _meet_padding(dh, rows, offsets[t + 2] - there, dpadding_h[start_step + t + 1], is_padding)
        d, new, du = flat_dh[:n], flat_h[there * units : there * units + n], flat_du[at * units : at * units + n]
        if dy.shape[0]:
            _add_flat(d, flat_dy[at * units : at * units + n])
        for k in range(n):
            du[k] = d[k] * (_ONE - new[k] * new[k])
        np.dot(drecurrent[at : at + rows], transposed, dh[:rows])


@_compiled
def _gru_forward(
    first, last, offsets, base, start_step, index, projected, bias, recurrent_bias, recurrent,
    padding_h, padding_c, h, c, saved, work,
):  # fmt: skip
    units = h.shape[1]
    flat = h.reshape(-1)
    for t in range(first, last):
        here, there, at = offsets[t] - base, offsets[t + 1] - base, offsets[t] - offsets[first]
        rows = there - here
        np.dot(h[here:there], recurrent, work[:rows])
        n, start = rows * units, 4 * here * units
        z, r = saved[start : start + n], saved[start + n : start + 2 * n]
        candidate, inner = saved[start + 2 * n : start + 3 * n], saved[start + 3 * n : start + 4 * n]
        rows_index = index[at : at + rows]
        _assemble(z, rows, units, 0, rows_index, projected, work, bias)
        _assemble(r, rows, units, 1, rows_index, projected, work, bias)
        _apply_sigmoid(saved[start : start + 2 * n])
        for row in range(rows):
            i, w = inner[row * units : (row + 1) * units], work[row, 2 * units :]
            for k in range(units):
                i[k] = w[k] + recurrent_bias[k]
            x, a = projected[rows_index[row], 2 * units :], candidate[row * units : (row + 1) * units]
            for k in range(units):
                a[k] = x[k] + bias[2 * units + k]
        for k in range(n):
            candidate[k] = _tanh(candidate[k] + r[k] * inner[k])
        old, new = flat[here * units : there * units], flat[there * units : (there + rows) * units]
        for k in range(n):
            new[k] = candidate[k] + z[k] * (old[k] - candidate[k])
        if offsets[t + 2] - base > there + rows:
            _begin(h, there + rows, offsets[t + 2] - base, padding_h[start_step + t + 1])


@_compiled
def _gru_backward(
    first, last, offsets, start_step, transposed, h, c, saved, dy, dh, dc, dpadding_h, dpadding_c, is_padding,
    drecurrent, dprojected, work,
):  # fmt: skip
    units = h.shape[1]
    flat_h, flat_dh, flat_dy, scratch = h.reshape(-1), dh.reshape(-1), dy.reshape(-1), work.reshape(-1)
    for t in range(last - 1, first - 1, -1):
        here, there, at = offsets[t], offsets[t + 1], offsets[t] - offsets[first]
        rows = there - here
        n, start = rows * units, 4 * here * units
        if is_padding or offsets[t + 2] - there > rows:
            _meet_padding(dh, rows, offsets[t + 2] - there, dpadding_h[start_step + t + 1], is_padding)
        z, r = saved[start : start + n], saved[start + n : start + 2 * n]
        candidate, inner = saved[start + 2 * n : start + 3 * n], saved[start + 3 * n : start + 4 * n]
        old, d, part = flat_h[here * units : there * units], flat_dh[:n], scratch[:n]
        dx, du = dprojected[at : at + rows], drecurrent[at : at + rows]
        if dy.shape[0]:
            _add_flat(d, flat_dy[at * units : at * units + n])
        for k in range(n):
            part[k] = d[k] * (old[k] - candidate[k]) * (z[k] * (_ONE - z[k]))
        _spread(part, rows, units, 0, dx)
        _spread(part, rows, units, 0, du)
        for k in range(n):
            part[k] = d[k] * (_ONE - z[k]) * (_ONE - candidate[k] * candidate[k])
        _spread(part, rows, units, 2, dx)
        for k in range(n):
            d[k] *= z[k]
        for k in range(n):
            part[k] *= r[k]
        _spread(part, rows, units, 2, du)
        for k in range(n):
            part[k] *= inner[k] * (_ONE - r[k])
        _spread(part, rows, units, 1, dx)
        _spread(part, rows, units, 1, du)
        np.dot(du, transposed, work[:rows])
        _add_flat(d, part)


@_compiled
def _lstm_forward(
    first, last, offsets, base, start_step, index, projected, bias, recurrent_bias, recurrent,
    padding_h, padding_c, h, c, saved, work,
):  # fmt: skip
    units = h.shape[1]
    flat_h, flat_c = h.reshape(-1), c.reshape(-1)
    for t in range(first, last):
        here, there, at = offsets[t] - base, offsets[t + 1] - base, offsets[t] - offsets[first]
        rows = there - here
        np.dot(h[here:there], recurrent, work[:rows])
        n, start = rows * units, 4 * here * units
        # Saved as input, forget, output, candidate, so that the three sigmoids are one loop.
        i, f = saved[start : start + n], saved[start + n : start + 2 * n]
        o, g = saved[start + 2 * n : start + 3 * n], saved[start + 3 * n : start + 4 * n]
        rows_index = index[at : at + rows]
        _assemble(i, rows, units, 0, rows_index, projected, work, bias)
        _assemble(f, rows, units, 1, rows_index, projected, work, bias)
        _assemble(g, rows, units, 2, rows_index, projected, work, bias)
        _assemble(o, rows, units, 3, rows_index, projected, work, bias)
        _apply_sigmoid(saved[start : start + 3 * n])
        _apply_tanh(g)
        old_c = flat_c[here * units : there * units]
        new_c, new_h = flat_c[there * units : (there + rows) * units], flat_h[there * units : (there + rows) * units]
        for k in range(n):
            new_c[k] = f[k] * old_c[k] + i[k] * g[k]
        for k in range(n):
            new_h[k] = o[k] * _tanh(new_c[k])
        if offsets[t + 2] - base > there + rows:
            _begin(h, there + rows, offsets[t + 2] - base, padding_h[start_step + t + 1])
            _begin(c, there + rows, offsets[t + 2] - base, padding_c[start_step + t + 1])


@_compiled
def _lstm_backward(
    first, last, offsets, start_step, transposed, h, c, saved, dy, dh, dc, dpadding_h, dpadding_c, is_padding,
    drecurrent, dprojected, work,
):  # fmt: skip
    units = h.shape[1]
    flat_c, flat_dh, flat_dc, flat_dy, scratch = (
        c.reshape(-1), dh.reshape(-1), dc.reshape(-1), dy.reshape(-1), work.reshape(-1),
    )  # fmt: skip
    for t in range(last - 1, first - 1, -1):
        here, there, at = offsets[t], offsets[t + 1], offsets[t] - offsets[first]
        rows = there - here
        n, start = rows * units, 4 * here * units
        if is_padding or offsets[t + 2] - there > rows:
            _meet_padding(dh, rows, offsets[t + 2] - there, dpadding_h[start_step + t + 1], is_padding)
            _meet_padding(dc, rows, offsets[t + 2] - there, dpadding_c[start_step + t + 1], is_padding)
        i, f = saved[start : start + n], saved[start + n : start + 2 * n]
        o, g = saved[start + 2 * n : start + 3 * n], saved[start + 3 * n : start + 4 * n]
        old_c, new_c = flat_c[here * units : there * units], flat_c[there * units : (there + rows) * units]
        d, e, part, du = flat_dh[:n], flat_dc[:n], scratch[:n], drecurrent[at : at + rows]
        if dy.shape[0]:
            _add_flat(d, flat_dy[at * units : at * units + n])
        for k in range(n):
            part[k] = _tanh(new_c[k])
        for k in range(n):
            e[k] += d[k] * o[k] * (_ONE - part[k] * part[k])
        for k in range(n):
            part[k] *= d[k] * (o[k] * (_ONE - o[k]))
        _spread(part, rows, units, 3, du)
        for k in range(n):
            part[k] = e[k] * g[k] * (i[k] * (_ONE - i[k]))
        _spread(part, rows, units, 0, du)
        for k in range(n):
            part[k] = e[k] * i[k] * (_ONE - g[k] * g[k])
        _spread(part, rows, units, 2, du)
        for k in range(n):
            e[k] *= f[k]
        for k in range(n):
            part[k] = e[k] * old_c[k] * (_ONE - f[k])
        _spread(part, rows, units, 1, du)
        np.dot(du, transposed, dh[:rows])


_FORWARD = {"simple_rnn": _simple_rnn_forward, "gru": _gru_forward, "lstm": _lstm_forward}
_BACKWARD = {"simple_rnn": _simple_rnn_backward, "gru": _gru_backward, "lstm": _lstm_backward}


@_compiled
def _outputs(first, last, offsets, base, h, out):
    """Copy the outputs of the chunk's pairs, which lie at their successors', to float32 [pairs of the chunk, units]."""
    for t in range(first, last):
        there, rows, at = offsets[t + 1] - base, offsets[t + 1] - offsets[t], offsets[t] - offsets[first]
        out[at : at + rows] = h[there : there + rows]


@_compiled
def _scatter_add(index, values, table):
    for row in range(index.size):
        to, value = table[index[row]], values[row]
        for k in range(to.size):
            to[k] += value[k]


@_compiled
def _beginnings(ids):
    """Return the step of each review's first word, at latest the last step: int32 [batch, steps] -> int64 [batch]."""
    begins = np.empty(ids.shape[0], np.int64)
    for row in range(ids.shape[0]):
        t = 0
        while t < ids.shape[1] - 1 and ids[row, t] == 0:
            t += 1
        begins[row] = t
    return begins


@_compiled
def _pack(ids, order, begins, first, places, words, different, offsets, index):
    """Fill a group's offsets and index (each pair's place in words), extend words; return how many words there are."""
    pair, begun = 0, 0
    steps = ids.shape[1] - first
    for t in range(steps):
        offsets[t] = pair
        while begun < order.size and begins[order[begun]] <= first + t:
            begun += 1
        for row in range(begun):
            word = ids[order[row], first + t]
            if places[word] < 0:
                places[word] = different
                words[different] = word
                different += 1
            index[pair] = places[word]
            pair += 1
    offsets[steps] = pair
    offsets[steps + 1] = pair + order.size
    return different


class _Workspace:
    """Named buffers that grow when needed and are never cleared: every use writes before it reads."""

    def __init__(self) -> None:
        self._buffers: dict[str, NDArray[Any]] = {}

    def __call__(self, name: str, *shape: int, dtype: type = np.float32) -> NDArray[Any]:
        size = math.prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name] = np.empty(size, dtype)
        return buffer[:size].reshape(shape)

    def zeros(self, name: str, *shape: int) -> Floats:
        buffer = self(name, *shape)
        buffer[:] = 0
        return buffer


@dataclass
class _Sequence:
    """A group of reviews that are computed together from `start` on, or the padding row."""

    reviews: NDArray[np.int64]  # [rows]: which reviews of the batch
    start: int  # step at which the first of them begins
    offsets: NDArray[np.int64]  # [steps + 2]: where each step's pairs begin
    index: Tokens  # [pairs]: place of the pair's word in the batch's words
    is_padding: bool = False

    @property
    def rows(self) -> int:
        return int(self.offsets[-1] - self.offsets[-2])

    @property
    def chunks(self) -> list[tuple[int, int]]:
        """First step, and one past the last, of each chunk."""
        chunks, first, steps = [], 0, len(self.offsets) - 2
        while first < steps:
            last = int(np.searchsorted(self.offsets[:-1], self.offsets[first] + CHUNK_PAIRS, side="right")) - 1
            chunks.append((first, max(first + 1, last)))
            first = chunks[-1][1]
        return chunks


@dataclass
class _Batch:
    """Reviews sorted by length and grouped, their padding, and their different words."""

    groups: list[_Sequence]
    padding: _Sequence
    words: Tokens  # [different words]


@dataclass
class _Layer:
    """One recurrent layer's weights, and its gradients where there are any."""

    units: int
    kernel: Floats
    recurrent: Floats
    bias: Floats  # [gates * units]: all that is simply added
    recurrent_bias: Floats  # [units]: GRU's bias inside the reset gate's reach
    gradients: list[Floats]


@dataclass
class _Tape:
    """States h and c of each layer, and what else its backward pass needs."""

    states: list[tuple[Floats, Floats]]
    saved: list[Floats]


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
        self._gates, self._saved = GATES[spec.cell], SAVED[spec.cell]
        self._forward_steps, self._backward_steps = _FORWARD[spec.cell], _BACKWARD[spec.cell]
        self._buffer = _Workspace()
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

    def _pack(self, ids: Tokens) -> _Batch:
        rows, steps = ids.shape
        if ids.min() < 0 or ids.max() >= len(self._places):
            raise IndexError(
                f"ids from {ids.min()} to {ids.max()} do not fit an embedding of {len(self._places)} rows; "
                "encode the reviews with the spec's num_words"
            )
        begins = _beginnings(ids)
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
            different = _pack(ids, reviews, begins, start, self._places, words, different, offsets, index)
            groups.append(_Sequence(reviews, start, offsets, index[: offsets[-2]]))
            pairs += int(offsets[-2])
        self._places[words[:different]] = -1
        latest = int(begins.max())
        padding = _Sequence(order[:0], 0, np.arange(latest + 2), np.zeros(latest, np.int32), is_padding=True)
        return _Batch(groups, padding, words[:different])

    def _layers(self, weights: list[Floats], gradients: list[Floats]) -> list[_Layer]:
        layers = []
        for i, n in enumerate(self._spec.units):
            kernel, recurrent, bias = weights[1 + 3 * i : 4 + 3 * i]
            recurrent_bias = bias[:0]
            if bias.ndim == 2:
                recurrent_bias = bias[1, 2 * n :]
                bias = np.concatenate([bias[0, : 2 * n] + bias[1, : 2 * n], bias[0, 2 * n :]])
            layers.append(_Layer(n, kernel, recurrent, bias, recurrent_bias, gradients[1 + 3 * i : 4 + 3 * i]))
        return layers

    def _forward(
        self, layers: list[_Layer], table: Floats, sequence: _Sequence, padding: _Tape | None, keep: bool = True
    ) -> _Tape:
        """Take all layers through a sequence; the last rows of the last h are its output (all, without `keep`)."""
        buffer, offsets, kind = self._buffer, sequence.offsets, "padding " if sequence.is_padding else ""
        chunks = sequence.chunks
        pairs, rows = int(offsets[-2]), int(offsets[1])
        states = int(offsets[-1])
        if not keep:
            pairs = max(int(offsets[last] - offsets[first]) for first, last in chunks)
            states = pairs + sequence.rows
        tape = _Tape([], [])
        for i, layer in enumerate(layers):
            has_c = self._spec.cell == "lstm"
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
        layers: list[_Layer],
        sequence: _Sequence,
        tape: _Tape,
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
                    _scatter_add(sequence.index[begin:end], dprojected, dtable)
        if not sequence.is_padding:
            for dpair, dstate in zip(dpadding, dstates, strict=True):
                for dstate_padding, d in zip(dpair, dstate, strict=True):
                    if len(dstate_padding):
                        dstate_padding[sequence.start] += d[: offsets[1]].sum(axis=0)

    def _inputs(self, sequence: _Sequence, first: int, last: int, base: int, h: Floats) -> Floats:
        """Return the outputs of the layer below in a chunk: float32 [pairs, units]."""
        inputs = self._buffer("inputs", int(sequence.offsets[last] - sequence.offsets[first]), h.shape[1])
        _outputs(first, last, sequence.offsets, base, h, inputs)
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
