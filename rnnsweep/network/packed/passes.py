"""The way of a sequence through the recurrent layers, forward and back, a chunk of time at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnnsweep.cells import CELLS
from rnnsweep.network.packed.batch import Sequence, Workspace
from rnnsweep.network.packed.steps import STEPS, copy_outputs, scatter_add
from rnnsweep.types import Floats

States = tuple[Floats, Floats]  # h and c of a layer; c has no rows where the cell has no c


@dataclass
class Layer:
    """One recurrent layer's weights, and its gradients where there are any."""

    units: int
    kernel: Floats
    recurrent: Floats
    bias: Floats  # [gates * units]: all that is simply added
    recurrent_bias: Floats  # [units]: of the last gate, where what the state gives it is scaled with its bias
    gradients: list[Floats]

    @cached_property
    def transposed(self) -> Floats:
        """The recurrent kernel, transposed and contiguous."""
        return np.ascontiguousarray(self.recurrent.T)


@dataclass
class Tape:
    """What a sequence leaves for its backward pass: the states of each layer, and what its loop saved."""

    states: list[States]
    saved: list[Floats]

    def output(self, rows: int) -> Floats:
        """Return the last h of the last layer, float32 [rows, units]."""
        return self.states[-1][0][-rows:]


class Passes:
    """Takes the sequences of one batch through all layers: padding first and last back, the groups in between.

    `table` is float32 [different words, gates * units]: each word times the first kernel. Gradients are added to those
    of the layers, and to `dtable`.
    """

    def __init__(self, cell: str, layers: list[Layer], table: Floats, buffer: Workspace) -> None:
        self._steps, self._has_c = STEPS[cell], CELLS[cell].has_c
        self._apart = CELLS[cell].biases == 2  # input and state enter a gate apart, and so do their gradients
        self._layers, self._table, self._buffer = layers, table, buffer
        self._padding: Tape | None = None
        self._dpadding: list[States] = []
        self.dtable = table[:0]

    def pad(self, padding: Sequence) -> Tape:
        """Compute the padding row, whose states the groups begin with; returns its tape."""
        self._padding = self.forward(padding)
        return self._padding

    def start_gradients(self) -> None:
        """Set the gradients of the table and of the padding row's states to zero."""
        self.dtable = self._buffer.zeros("dtable", *self._table.shape)
        states = self._padding.states if self._padding else []
        self._dpadding = [
            (self._buffer.zeros(f"dpadding_h{i}", *h.shape), self._buffer.zeros(f"dpadding_c{i}", *c.shape))
            for i, (h, c) in enumerate(states)
        ]

    def forward(self, sequence: Sequence, keep: bool = True) -> Tape:
        """Take all layers through a sequence; the last rows of the last h are its output (all, without `keep`)."""
        tape = self._new_tape(sequence, keep)
        base = 0  # the pair that the states begin with
        for first, last in sequence.chunks:
            if not keep:
                base = _go_on(tape, sequence, first, base)
            for i in range(len(self._layers)):
                self._forward_chunk(i, sequence, first, last, base, tape)
        if not keep:
            end = int(sequence.offsets[-1]) - base
            tape.states = [(h[:end], c[:end]) for h, c in tape.states]
        return tape

    def _new_tape(self, sequence: Sequence, keep: bool) -> Tape:
        """Return room for all pairs of a sequence, or of its largest chunk, beginning with padding's states or 0."""
        buffer, kind = self._buffer, "padding " if sequence.is_padding else ""
        pairs, states = int(sequence.offsets[-2]), int(sequence.offsets[-1])
        if not keep:
            chunks = [sequence.pairs(*chunk) for chunk in sequence.chunks]
            pairs = max(end - begin for begin, end in chunks)
            states = pairs + sequence.rows
        tape = Tape([], [])
        for i, layer in enumerate(self._layers):
            pair = (
                buffer(f"{kind}h{i}", states, layer.units),
                buffer(f"{kind}c{i}", states * self._has_c, layer.units),
            )
            for j, state in enumerate(pair):
                if len(state):
                    begun = 0 if self._padding is None else self._padding.states[i][j][sequence.start]
                    state[: sequence.offsets[1]] = begun
            tape.states.append(pair)
            tape.saved.append(buffer(f"{kind}saved{i}", pairs * self._steps.saved * layer.units))
        return tape

    def _forward_chunk(self, i: int, sequence: Sequence, first: int, last: int, base: int, tape: Tape) -> None:
        layer, buffer = self._layers[i], self._buffer
        begin, end = sequence.pairs(first, last)
        projected, index = self._table, sequence.index[begin:end]
        if i:
            inputs = self._inputs(sequence, first, last, base, tape.states[i - 1][0])
            projected = buffer("projected", end - begin, layer.kernel.shape[1])
            np.matmul(inputs, layer.kernel, out=projected)
            index = buffer.counting(end - begin)
        self._steps.forward(
            first, last, sequence.offsets, base, sequence.start, index, projected, layer.bias, layer.recurrent_bias,
            layer.recurrent, *(self._padding or tape).states[i], *tape.states[i], tape.saved[i],
            buffer("work", sequence.rows, layer.kernel.shape[1]),
        )  # fmt: skip

    def backward(self, sequence: Sequence, tape: Tape, doutput: Floats | None = None) -> None:
        """Add a sequence's gradients, from `doutput` float32 [rows, units] by its output; None: nobody saw its output.

        To those of the layers, of the table, and of the padding row's states where the reviews begin.
        """
        dstates = [
            (
                self._buffer.zeros(f"dh{i}", sequence.rows, layer.units),
                self._buffer.zeros(f"dc{i}", sequence.rows, layer.units),
            )
            for i, layer in enumerate(self._layers)
        ]
        if doutput is not None:
            dstates[-1][0][:] = doutput
        for first, last in reversed(sequence.chunks):
            dy = self._buffer("no dy", 0, self._layers[-1].units)
            for i in reversed(range(len(self._layers))):
                dy = self._backward_chunk(i, sequence, first, last, tape, dstates[i], dy)
        if not sequence.is_padding:
            self._add_to_padding(sequence, dstates)

    def _backward_chunk(
        self, i: int, sequence: Sequence, first: int, last: int, tape: Tape, dstate: States, dy: Floats
    ) -> Floats:
        """Take a layer's gradients back through a chunk; returns those of the outputs of the layer below."""
        layer, (h, c), buffer = self._layers[i], tape.states[i], self._buffer
        begin, end = sequence.pairs(first, last)
        drecurrent = dprojected = buffer("drecurrent", end - begin, layer.kernel.shape[1])
        if self._apart:
            dprojected = buffer("dprojected", *drecurrent.shape)
        self._steps.backward(
            first, last, sequence.offsets, sequence.start, layer.transposed, h, c, tape.saved[i], dy, *dstate,
            *self._dpadding[i], sequence.is_padding, drecurrent, dprojected, buffer("work", *dstate[0].shape),
        )  # fmt: skip
        self._add_product(layer.gradients[1], h[begin:end], drecurrent)
        self._add_bias(layer.gradients[2], dprojected, drecurrent)
        if not i:
            scatter_add(sequence.index[begin:end], dprojected, self.dtable)
            return dy
        inputs = self._inputs(sequence, first, last, 0, tape.states[i - 1][0])
        self._add_product(layer.gradients[0], inputs, dprojected)
        return np.matmul(dprojected, layer.kernel.T, out=buffer("dy", *inputs.shape))

    def _inputs(self, sequence: Sequence, first: int, last: int, base: int, h: Floats) -> Floats:
        """Return the outputs of the layer below in a chunk: float32 [pairs, units]."""
        begin, end = sequence.pairs(first, last)
        inputs = self._buffer("inputs", end - begin, h.shape[1])
        copy_outputs(first, last, sequence.offsets, base, h, inputs)
        return inputs

    def _add_product(self, total: Floats, left: Floats, right: Floats) -> None:
        total += np.matmul(left.T, right, out=self._buffer("product", *total.shape))

    def _add_bias(self, total: Floats, dprojected: Floats, drecurrent: Floats) -> None:
        ones = self._buffer("ones", len(drecurrent))
        ones[:] = 1
        if self._apart:
            total[0] += ones @ dprojected
            total[1] += ones @ drecurrent
        else:
            total += ones @ drecurrent

    def _add_to_padding(self, sequence: Sequence, dstates: list[States]) -> None:
        """Add the gradients of the rows that begin with the sequence to those of the padding row's states."""
        for dpair, dstate in zip(self._dpadding, dstates, strict=True):
            for dpadding, d in zip(dpair, dstate, strict=True):
                if len(dpadding):
                    dpadding[sequence.start] += d[: sequence.offsets[1]].sum(axis=0)


def _go_on(tape: Tape, sequence: Sequence, first: int, base: int) -> int:
    """Move the states that a chunk begins with to the front of their buffers; returns the pair that is there now."""
    begin, end = sequence.pairs(first, first + 1)
    if begin:
        for state in (state for pair in tape.states for state in pair if len(state)):
            state[: end - begin] = state[begin - base : end - base].copy()
    return begin
