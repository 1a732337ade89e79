"""All compiled loops of the packed recurrences.

They stay in one file, because numba's cache does not notice a change in a function imported from another file
(numba#1833). They call BLAS; everything around them is NumPy.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba infers the types of the compiled functions; annotations would repeat them and be checked by nobody.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numba import types

from rnnsweep.network.packed.compiled import compiled

# Contraction to fused multiply-add is the only liberty taken: NaN and infinity must reach the loss.
_compiled = partial(compiled, fastmath={"contract"})


_ZERO, _ONE, _HALF = np.float32(0), np.float32(1), np.float32(0.5)
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
# dbegin_h, dbegin_c float32 [rows, units]: room for the gradient of the state that each row begins with; of padding
#   [steps + 1, units], what rows that begin at each step gave.
# index int32 [pairs of the chunk]: the row of `projected`, inputs @ kernel, that each pair reads.
# saved float32 [pairs * saved * units]: gates, each step's gates one after another as [rows, units].
# recurrent float32 [units, gates * units], transposed [gates * units, units]: with more columns, which are not read.
# work float32 [rows, gates * units] forward, [rows, units] backward: scratch.
# dropped: of each gate the states' masks [gates, rows, units], and the recurrent kernel, backward transposed, [gates,
#   units, units]; two scratch arrays [rows, units]. Without values where nothing is dropped.
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
def _meet_padding(dstate, rows, rows_next, dbegin, step, is_padding):
    """Keep the gradients of rows that began after a step; in padding itself, take up what was added to it there."""
    if is_padding:
        for k in range(dstate.shape[1]):
            dstate[0, k] += dbegin[step, k]
    for row in range(rows, rows_next):
        for k in range(dstate.shape[1]):
            dbegin[row, k] = dstate[row, k]


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


# BLAS by the names that numba's own `np.dot` calls it by, which takes no matrix whose rows lie apart.
_ARRAY, _CHAR, _SIZE = types.CPointer(types.float32), types.char, types.intp
_GEMM = types.ExternalFunction(
    "numba_xxgemm",
    types.intc(_CHAR, _CHAR, _CHAR, _SIZE, _SIZE, _SIZE, _ARRAY, _ARRAY, _SIZE, _ARRAY, _SIZE, _ARRAY, _ARRAY, _SIZE),
)
_GEMV = types.ExternalFunction(
    "numba_xxgemv", types.intc(_CHAR, _CHAR, _SIZE, _SIZE, _ARRAY, _ARRAY, _SIZE, _ARRAY, _ARRAY, _ARRAY)
)
_SINGLE, _AS_IT_IS = ord("s"), ord("n")


@_compiled
def multiply(left, right, out):
    """Fill [rows, columns] with the product of [rows, inner] and the first columns of [inner, columns or more].

    A single row is a vector to BLAS, as `np.dot` has it; a single column has no others behind it.
    """
    rows, columns = out.shape
    inner = left.shape[1]
    one, none = np.ones(1, np.float32), np.zeros(1, np.float32)
    a, b, c = left.ctypes, right.ctypes, out.ctypes
    if columns == 1:
        np.dot(left, right, out)
    elif rows == 1:
        _GEMV(_SINGLE, _AS_IT_IS, columns, inner, one.ctypes, b, right.shape[1], a, none.ctypes, c)
    else:
        _GEMM(
            _SINGLE, _AS_IT_IS, _AS_IT_IS, columns, rows, inner, one.ctypes, b, right.shape[1], a, inner, none.ctypes,
            c, columns,
        )  # fmt: skip


@_compiled
def _recur(h, recurrent, dropped, out):
    """Fill [rows, gates * units] with the states' products with the recurrent kernel."""
    masks, kernels, seen, sums = dropped
    if not masks.size:
        multiply(h, recurrent, out)
        return
    rows, units = h.shape
    for gate in range(masks.shape[0]):
        for row in range(rows):
            for k in range(units):
                seen[row, k] = h[row, k] * masks[gate, row, k]
        np.dot(seen[:rows], kernels[gate], sums[:rows])
        _spread(sums.reshape(-1), rows, units, gate, out)


@_compiled
def _recur_back(du, transposed, dropped, dh):
    """Fill the states' gradient [rows, units] from that of their products [rows, gates * units]."""
    masks, kernels, seen, sums = dropped
    if not masks.size:
        multiply(du, transposed, dh)
        return
    rows, units = dh.shape
    dh[:] = 0
    for gate in range(masks.shape[0]):
        for row in range(rows):
            for k in range(units):
                seen[row, k] = du[row, gate * units + k]
        np.dot(seen[:rows], kernels[gate], sums[:rows])
        for row in range(rows):
            for k in range(units):
                dh[row, k] += sums[row, k] * masks[gate, row, k]


@_compiled
def _simple_rnn_forward(
    first, last, offsets, base, start_step, index, projected, bias, recurrent_bias, recurrent,
    padding_h, padding_c, h, c, saved, work, dropped,
):  # fmt: skip
    units = h.shape[1]
    flat = h.reshape(-1)
    for t in range(first, last):
        here, there, at = offsets[t] - base, offsets[t + 1] - base, offsets[t] - offsets[first]
        rows = there - here
        _recur(h[here:there], recurrent, dropped, work[:rows])
        new = flat[there * units : (there + rows) * units]
        _assemble(new, rows, units, 0, index[at : at + rows], projected, work, bias)
        _apply_tanh(new)
        if offsets[t + 2] - base > there + rows:
            _begin(h, there + rows, offsets[t + 2] - base, padding_h[start_step + t + 1])


@_compiled
def _simple_rnn_backward(
    first, last, offsets, transposed, h, c, saved, dy, dh, dc, dbegin_h, dbegin_c, is_padding,
    drecurrent, dprojected, work, dropped,
):  # fmt: skip
    units = h.shape[1]
    flat_h, flat_dh, flat_dy, flat_du = h.reshape(-1), dh.reshape(-1), dy.reshape(-1), drecurrent.reshape(-1)
    for t in range(last - 1, first - 1, -1):
        here, there, at = offsets[t], offsets[t + 1], offsets[t] - offsets[first]
        rows = there - here
        n = rows * units
        if is_padding or offsets[t + 2] - there > rows:
            _meet_padding(dh, rows, offsets[t + 2] - there, dbegin_h, t + 1, is_padding)
        d, new, du = flat_dh[:n], flat_h[there * units : there * units + n], flat_du[at * units : at * units + n]
        if dy.shape[0]:
            _add_flat(d, flat_dy[at * units : at * units + n])
        for k in range(n):
            du[k] = d[k] * (_ONE - new[k] * new[k])
        _recur_back(drecurrent[at : at + rows], transposed, dropped, dh[:rows])


@_compiled
def _gru_forward(
    first, last, offsets, base, start_step, index, projected, bias, recurrent_bias, recurrent,
    padding_h, padding_c, h, c, saved, work, dropped,
):  # fmt: skip
    units = h.shape[1]
    flat = h.reshape(-1)
    for t in range(first, last):
        here, there, at = offsets[t] - base, offsets[t + 1] - base, offsets[t] - offsets[first]
        rows = there - here
        _recur(h[here:there], recurrent, dropped, work[:rows])
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
    first, last, offsets, transposed, h, c, saved, dy, dh, dc, dbegin_h, dbegin_c, is_padding,
    drecurrent, dprojected, work, dropped,
):  # fmt: skip
    units = h.shape[1]
    flat_h, flat_dh, flat_dy, scratch = h.reshape(-1), dh.reshape(-1), dy.reshape(-1), work.reshape(-1)
    for t in range(last - 1, first - 1, -1):
        here, there, at = offsets[t], offsets[t + 1], offsets[t] - offsets[first]
        rows = there - here
        n, start = rows * units, 4 * here * units
        if is_padding or offsets[t + 2] - there > rows:
            _meet_padding(dh, rows, offsets[t + 2] - there, dbegin_h, t + 1, is_padding)
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
        _recur_back(du, transposed, dropped, work[:rows])
        _add_flat(d, part)


@_compiled
def _lstm_forward(
    first, last, offsets, base, start_step, index, projected, bias, recurrent_bias, recurrent,
    padding_h, padding_c, h, c, saved, work, dropped,
):  # fmt: skip
    units = h.shape[1]
    flat_h, flat_c = h.reshape(-1), c.reshape(-1)
    for t in range(first, last):
        here, there, at = offsets[t] - base, offsets[t + 1] - base, offsets[t] - offsets[first]
        rows = there - here
        _recur(h[here:there], recurrent, dropped, work[:rows])
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
    first, last, offsets, transposed, h, c, saved, dy, dh, dc, dbegin_h, dbegin_c, is_padding,
    drecurrent, dprojected, work, dropped,
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
            _meet_padding(dh, rows, offsets[t + 2] - there, dbegin_h, t + 1, is_padding)
            _meet_padding(dc, rows, offsets[t + 2] - there, dbegin_c, t + 1, is_padding)
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
        _recur_back(du, transposed, dropped, dh[:rows])


@_compiled
def _forget_forward(
    first, last, offsets, base, start_step, index, projected, bias, recurrent_bias, recurrent,
    padding_h, padding_c, h, c, saved, work, dropped,
):  # fmt: skip
    units = h.shape[1]
    flat_h, flat_c = h.reshape(-1), c.reshape(-1)
    for t in range(first, last):
        here, there, at = offsets[t] - base, offsets[t + 1] - base, offsets[t] - offsets[first]
        rows = there - here
        _recur(h[here:there], recurrent, dropped, work[:rows])
        n, start = rows * units, 2 * here * units
        f, u = saved[start : start + n], saved[start + n : start + 2 * n]
        rows_index = index[at : at + rows]
        _assemble(f, rows, units, 0, rows_index, projected, work, bias)
        _assemble(u, rows, units, 1, rows_index, projected, work, bias)
        _apply_sigmoid(f)
        _apply_tanh(u)
        old_c = flat_c[here * units : there * units]
        new_c, new_h = flat_c[there * units : (there + rows) * units], flat_h[there * units : (there + rows) * units]
        for k in range(n):
            new_c[k] = f[k] * old_c[k] + u[k]
        for k in range(n):
            new_h[k] = _tanh(new_c[k])
        if offsets[t + 2] - base > there + rows:
            _begin(h, there + rows, offsets[t + 2] - base, padding_h[start_step + t + 1])
            _begin(c, there + rows, offsets[t + 2] - base, padding_c[start_step + t + 1])


@_compiled
def _forget_backward(
    first, last, offsets, transposed, h, c, saved, dy, dh, dc, dbegin_h, dbegin_c, is_padding,
    drecurrent, dprojected, work, dropped,
):  # fmt: skip
    units = h.shape[1]
    flat_h, flat_c, flat_dh, flat_dc, flat_dy, scratch = (
        h.reshape(-1), c.reshape(-1), dh.reshape(-1), dc.reshape(-1), dy.reshape(-1), work.reshape(-1),
    )  # fmt: skip
    for t in range(last - 1, first - 1, -1):
        here, there, at = offsets[t], offsets[t + 1], offsets[t] - offsets[first]
        rows = there - here
        n, start = rows * units, 2 * here * units
        if is_padding or offsets[t + 2] - there > rows:
            _meet_padding(dh, rows, offsets[t + 2] - there, dbegin_h, t + 1, is_padding)
            _meet_padding(dc, rows, offsets[t + 2] - there, dbegin_c, t + 1, is_padding)
        f, u = saved[start : start + n], saved[start + n : start + 2 * n]
        old_c, new_h = flat_c[here * units : there * units], flat_h[there * units : (there + rows) * units]
        d, e, part, du = flat_dh[:n], flat_dc[:n], scratch[:n], drecurrent[at : at + rows]
        if dy.shape[0]:
            _add_flat(d, flat_dy[at * units : at * units + n])
        for k in range(n):
            e[k] += d[k] * (_ONE - new_h[k] * new_h[k])
        for k in range(n):
            part[k] = e[k] * (_ONE - u[k] * u[k])
        _spread(part, rows, units, 1, du)
        for k in range(n):
            e[k] *= f[k]
        for k in range(n):
            part[k] = e[k] * old_c[k] * (_ONE - f[k])
        _spread(part, rows, units, 0, du)
        _recur_back(du, transposed, dropped, dh[:rows])


@_compiled
def _assemble_input(out, rows, units, gate, index, projected, bias):
    """Add up a gate's input and bias, from rows of all gates to [rows, units] of this one."""
    begin, end = gate * units, (gate + 1) * units
    b = bias[begin:end]
    for row in range(rows):
        o, x = out[row * units : (row + 1) * units], projected[index[row], begin:end]
        for k in range(units):
            o[k] = x[k] + b[k]


@_compiled
def _mingru_forward(
    first, last, offsets, base, start_step, index, projected, bias, recurrent_bias, recurrent,
    padding_h, padding_c, h, c, saved, work, dropped,
):  # fmt: skip
    units = h.shape[1]
    flat = h.reshape(-1)
    for t in range(first, last):
        here, there, at = offsets[t] - base, offsets[t + 1] - base, offsets[t] - offsets[first]
        rows = there - here
        n, start = rows * units, 2 * here * units
        z, u = saved[start : start + n], saved[start + n : start + 2 * n]
        _assemble_input(z, rows, units, 0, index[at : at + rows], projected, bias)
        _assemble_input(u, rows, units, 1, index[at : at + rows], projected, bias)
        _apply_sigmoid(z)
        old, new = flat[here * units : there * units], flat[there * units : (there + rows) * units]
        for k in range(n):
            new[k] = old[k] + z[k] * (u[k] - old[k])
        if offsets[t + 2] - base > there + rows:
            _begin(h, there + rows, offsets[t + 2] - base, padding_h[start_step + t + 1])


@_compiled
def _mingru_backward(
    first, last, offsets, transposed, h, c, saved, dy, dh, dc, dbegin_h, dbegin_c, is_padding,
    drecurrent, dprojected, work, dropped,
):  # fmt: skip
    units = h.shape[1]
    flat_h, flat_dh, flat_dy, scratch = h.reshape(-1), dh.reshape(-1), dy.reshape(-1), work.reshape(-1)
    for t in range(last - 1, first - 1, -1):
        here, there, at = offsets[t], offsets[t + 1], offsets[t] - offsets[first]
        rows = there - here
        n, start = rows * units, 2 * here * units
        if is_padding or offsets[t + 2] - there > rows:
            _meet_padding(dh, rows, offsets[t + 2] - there, dbegin_h, t + 1, is_padding)
        z, u = saved[start : start + n], saved[start + n : start + 2 * n]
        old, d, part, dx = flat_h[here * units : there * units], flat_dh[:n], scratch[:n], drecurrent[at : at + rows]
        if dy.shape[0]:
            _add_flat(d, flat_dy[at * units : at * units + n])
        for k in range(n):
            part[k] = d[k] * (u[k] - old[k]) * (z[k] * (_ONE - z[k]))
        _spread(part, rows, units, 0, dx)
        for k in range(n):
            part[k] = d[k] * z[k]
        _spread(part, rows, units, 1, dx)
        for k in range(n):
            d[k] *= _ONE - z[k]


@dataclass(frozen=True)
class Steps:
    """A cell's two loops over steps."""

    forward: Callable[..., None]
    backward: Callable[..., None]
    saved: int  # arrays of [pairs, units] that the backward loop needs beside the states


STEPS = {
    "simple_rnn": Steps(_simple_rnn_forward, _simple_rnn_backward, saved=0),
    "gru": Steps(_gru_forward, _gru_backward, saved=4),
    "lstm": Steps(_lstm_forward, _lstm_backward, saved=4),
    "forget": Steps(_forget_forward, _forget_backward, saved=2),
    "mingru": Steps(_mingru_forward, _mingru_backward, saved=2),
}
"""The loops by the name of their cell; one that is not here is computed by the Keras layers alone."""


@_compiled
def _copy_flat(values, to):
    for k in range(values.size):
        to[k] = values[k]


@_compiled
def copy_outputs(first, last, offsets, base, h, out):
    """Copy the outputs of the chunk's pairs, which lie at their successors', to float32 [pairs of the chunk, units]."""
    units = h.shape[1]
    flat, flat_out = h.reshape(-1), out.reshape(-1)
    for t in range(first, last):
        there, n, at = offsets[t + 1] - base, (offsets[t + 1] - offsets[t]) * units, offsets[t] - offsets[first]
        _copy_flat(flat[there * units : there * units + n], flat_out[at * units : at * units + n])


@_compiled
def gather(index, values, out):
    """Copy the rows of `values` that index int32 [rows] names to `out` [rows, columns]."""
    for row in range(index.size):
        to, value = out[row], values[index[row]]
        for k in range(to.size):
            to[k] = value[k]


@_compiled
def scatter_add(index, values, table):
    """Add each row of float32 [pairs, columns] to the row of the table that index int32 [pairs] names."""
    for row in range(index.size):
        to, value = table[index[row]], values[row]
        for k in range(to.size):
            to[k] += value[k]


@_compiled
def add_begun(begins, start, dbegin, dorigin):
    """Add each row's gradient of the state that it begins with, if not with the first, to that step's."""
    for row in range(begins.size):
        if begins[row]:
            _add_flat(dorigin[start + begins[row]], dbegin[row])


@_compiled
def beginnings(ids):
    """Return the step of each review's first word, at latest the last step: int32 [batch, steps] -> int64 [batch]."""
    begins = np.empty(ids.shape[0], np.int64)
    for row in range(ids.shape[0]):
        t = 0
        while t < ids.shape[1] - 1 and ids[row, t] == 0:
            t += 1
        begins[row] = t
    return begins


@_compiled
def pack_group(ids, order, begins, first, places, words, different, offsets, index):
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


@_compiled
def cut(ids, length, keep_padding, pieces, begins, owners):
    """Cut texts int32 [texts, steps] into pieces of `length` steps, counted from the end; return how many there are.

    A piece holds its words at its end, from its beginning on, and its owner is its text; one without words is left out.
    """
    found = 0
    for text in range(ids.shape[0]):
        for end in range(ids.shape[1] - (ids.shape[1] - 1) // length * length, ids.shape[1] + 1, length):
            begin = length
            for t in range(end - 1, max(0, end - length) - 1, -1):
                if keep_padding or ids[text, t] != 0:
                    begin -= 1
                    pieces[found, begin] = ids[text, t]
            if begin < length:
                begins[found], owners[found] = begin, text
                found += 1
    return found


# Pooling over steps. best float32 [rows, units] is the greatest output of each row so far, ties how many steps have it:
# they share its gradient equally, as in TensorFlow.
@_compiled
def pool_sum(first, last, offsets, base, h, total):
    """Add the outputs of a chunk to each row's sum, float32 [rows, units]."""
    units = h.shape[1]
    flat, to = h.reshape(-1), total.reshape(-1)
    for t in range(first, last):
        there, n = offsets[t + 1] - base, (offsets[t + 1] - offsets[t]) * units
        _add_flat(to[:n], flat[there * units : there * units + n])


@_compiled
def pool_max(first, last, offsets, base, h, best, ties):
    """Take the outputs of a chunk into each row's greatest; NaN stays."""
    units = h.shape[1]
    flat, flat_best, flat_ties = h.reshape(-1), best.reshape(-1), ties.reshape(-1)
    for t in range(first, last):
        there, n = offsets[t + 1] - base, (offsets[t + 1] - offsets[t]) * units
        _take_max(flat[there * units : there * units + n], flat_best[:n], flat_ties[:n])


@_compiled
def _take_max(values, best, ties):
    for k in range(values.size):
        v, b = values[k], best[k]
        ties[k] = _ONE if v > b else (ties[k] + _ONE if v == b else ties[k])
        best[k] = v if v > b or v != v else b


@_compiled
def pool_running(h, total, best, ties):
    """Fill sum, greatest and ties of the padding row's outputs before each step, from its states [steps + 1, units]."""
    for k in range(h.shape[1]):
        total[0, k], best[0, k], ties[0, k] = 0, -np.inf, 0
    for t in range(1, h.shape[0]):
        total[t], best[t], ties[t] = total[t - 1], best[t - 1], ties[t - 1]
        _add_flat(total[t], h[t])
        _take_max(h[t], best[t], ties[t])


@_compiled
def pool_pieces(owners, best, ties, text_best, text_ties):
    """Take the greatest of each piece into that of its text, float32 [texts, units]."""
    for row in range(owners.size):
        to, count = text_best[owners[row]], text_ties[owners[row]]
        for k in range(to.size):
            v, b = best[row, k], to[k]
            count[k] = ties[row, k] if v > b else (count[k] + ties[row, k] if v == b else count[k])
            to[k] = v if v > b or v != v else b


@_compiled
def pool_gradient(first, last, offsets, h, best, dbest, dtotal, dy):
    """Fill the gradient of a chunk's outputs, float32 [pairs, units], from those of its rows' greatest and sums."""
    units = h.shape[1]
    flat, flat_dy = h.reshape(-1), dy.reshape(-1)
    flat_best, flat_dbest, flat_dtotal = best.reshape(-1), dbest.reshape(-1), dtotal.reshape(-1)
    for t in range(first, last):
        there, at, n = offsets[t + 1], offsets[t] - offsets[first], (offsets[t + 1] - offsets[t]) * units
        _share(
            flat[there * units : there * units + n], flat_best[:n], flat_dbest[:n], flat_dtotal[:n],
            flat_dy[at * units : at * units + n],
        )  # fmt: skip


@_compiled
def _share(values, best, dbest, dtotal, dy):
    for k in range(values.size):
        dy[k] = dtotal[k] + (dbest[k] if values[k] == best[k] else _ZERO)


@_compiled
def pool_padding_gradient(begins, h, best, dbest, dtotal, dpadding):
    """Add to dpadding float32 [steps, units] what rows that begin at these steps give the padding's outputs before."""
    for row in range(begins.size):
        for t in range(begins[row]):
            to, value = dpadding[t], h[t + 1]
            for k in range(to.size):
                to[k] += dtotal[row, k] + (dbest[row, k] if value[k] == best[row, k] else _ZERO)
