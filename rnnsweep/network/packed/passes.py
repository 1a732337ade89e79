"""The way of a sequence through the recurrent layers, forward and back, a chunk of time at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnnsweep.cells import CELLS
from rnnsweep.network.packed.batch import Sequence, Workspace, in_lines
from rnnsweep.network.packed.noise import Masks, Noise
from rnnsweep.network.packed.pooling import Pooling
from rnnsweep.network.packed.steps import STEPS, add_begun, copy_outputs, gather, scatter_add
from rnnsweep.network.packed.turns import Additions, IsTurn
from rnnsweep.types import Floats, Tokens

_NOTHING = tuple(np.zeros((0,) * dimensions, np.float32) for dimensions in (3, 3, 2, 2))
States = tuple[Floats, Floats]  # h and c of a layer; c has no rows where the cell has no c


@dataclass
class Layer:
    """One direction of one recurrent layer: its weights, and its gradients where there are any."""

    units: int
    kernel: Floats  # of the first layer not read: what a word gives there is looked up
    recurrent: Floats
    bias: Floats  # [gates * units]: all that is simply added
    recurrent_bias: Floats  # [units]: of the last gate, where what the state gives it is scaled with its bias
    gradients: list[Floats]  # of kernel, recurrent kernel and bias

    @cached_property
    def of_states(self) -> Floats:
        """The recurrent kernel, each row at the beginning of a line of the cache: more columns, not to be read."""
        return in_lines(self.recurrent)

    @cached_property
    def transposed(self) -> Floats:
        """The recurrent kernel, transposed, each row at the beginning of a line of the cache, too."""
        return in_lines(self.recurrent.T)

    @cached_property
    def of_gates(self) -> Floats:
        """The recurrent kernel of each gate, float32 [gates, units, units]."""
        return np.ascontiguousarray(self.recurrent.reshape(self.units, -1, self.units).transpose(1, 0, 2))

    @cached_property
    def transposed_of_gates(self) -> Floats:
        """The recurrent kernel of each gate, transposed: float32 [gates, units, units]."""
        return np.ascontiguousarray(self.of_gates.transpose(0, 2, 1))

    @property
    def columns(self) -> int:
        """Columns of all gates."""
        columns: int = self.recurrent.shape[1]
        return columns


@dataclass
class Tape:
    """What a sequence leaves for its backward pass: the states of each layer, what its loop saved, what was drawn."""

    states: list[States]
    saved: list[Floats]
    masks: Masks
    from_end: Tape | None = None  # of the second direction, where it is computed apart


class Passes:
    """Takes the sequences of one batch through all layers: padding first and last back, the groups in between.

    `layers` are those of the first direction and of the second, if there is one, of each depth in turn; the second
    reads every row from its end. `tables` are float32 [different words, gates * units] for each direction: what a word
    gives the first layer's gates. Gradients are added to those of the layers, and to `dtables`. With `word_by_word`, a
    word is something else wherever it stands, by what `noise` drops or by what is added to it: then its vector, of
    `embedded` float32 [different words, dim], is multiplied pair by pair, and its gradient is added to `dembedded`.
    """

    def __init__(
        self,
        cell: str,
        layers: list[Layer],
        tables: list[Floats],
        pooling: Pooling,
        buffer: Workspace,
        embedded: Floats,
        noise: Noise | None = None,
        word_by_word: bool = False,
        adversarial: float = 0.0,
    ) -> None:
        self._steps, self._has_c = STEPS[cell], CELLS[cell].has_c
        self._apart = CELLS[cell].biases == 2  # input and state enter a gate apart, and so do their gradients
        self._layers, self._tables, self._pooling, self._buffer = layers, tables, pooling, buffer
        self._add = Additions(buffer)
        self._directions, self._top = len(tables), len(layers) - len(tables)
        self._padding: Tape | None = None
        self._origin: list[States] = []  # states that rows begin with, by step: padding's, or zeros
        self._dorigin: list[States] = []
        self._embedded, self._noise, self._word_by_word, self._adversarial = embedded, noise, word_by_word, adversarial
        self._away: Floats | None = None  # [pairs, dim]: what is added to the vectors of a group
        self.dtables: list[Floats] = []
        self.dembedded = embedded[:0]

    def begin(self, padding: Sequence | None, steps: int) -> Tape | None:
        """Compute the shared padding row, if there is one, whose states the groups begin with; returns its tape.

        Without it they begin with zeros, at any of so many steps.
        """
        if padding is None:
            self._origin = [
                (self._buffer.zeros(f"origin h{i}", steps + 1, layer.units), self._origin_c(i, steps + 1))
                for i, layer in enumerate(self._layers)
            ]
            return None
        self._padding = self.forward(padding)
        self._origin = self._padding.states
        self._pooling.pad(self._origin[-1][0])
        return self._padding

    def _origin_c(self, i: int, steps: int) -> Floats:
        return self._buffer.zeros(f"origin c{i}", steps * self._has_c, self._layers[i].units)

    def start_gradients(self) -> None:
        """Set the gradients of the tables and of the states that rows begin with to zero."""
        self.dtables = [self._buffer.zeros(f"dtable{i}", *table.shape) for i, table in enumerate(self._tables)]
        self.dembedded = self._buffer.zeros("dembedded", *self._embedded.shape)
        self._dorigin = [
            (self._buffer.zeros(f"dorigin h{i}", *h.shape), self._buffer.zeros(f"dorigin c{i}", *c.shape))
            for i, (h, c) in enumerate(self._origin)
        ]

    def of_lane(self, buffer: Workspace) -> Passes:
        """Return the same passes with buffers of their own, which add in their group's turn."""
        passes = copy.copy(self)
        passes._buffer, passes._add = buffer, Additions(buffer)
        passes._pooling = self._pooling.of_lane(buffer, passes._add)
        return passes

    def begin_group(self, is_turn: IsTurn) -> None:
        """Take up another group, which adds to the gradients that all groups share in its turn."""
        self._add.begin(is_turn)

    def end_group(self) -> None:
        """Add what is left of what the group gave to the gradients that all groups share."""
        self._add.end()

    def add(self, total: Floats, value: Floats) -> None:
        """Add to a gradient that all groups share, in turn."""
        self._add(np.add, total, value, total)

    def output(self, sequence: Sequence, keep: bool = True) -> tuple[Tape, Floats]:
        """Take a group through all layers; returns its tape, of use with `keep`, and what the dense layer sees."""
        self._pooling.start(sequence)
        tape = self.forward(sequence, keep or self._pooling.of_all_steps)
        return tape, self._pooling.output(sequence, [h for h, _ in tape.states[self._top :]])

    def forward(self, sequence: Sequence, keep: bool = True) -> Tape:
        """Take a sequence through all layers; the last rows of each h are its last output."""
        keep = keep or self._directions > 1  # the layer above reads from both ends
        tape = self._new_tape(sequence, keep)
        base = 0  # the pair that the states begin with
        for i, first, last in self._order(sequence):
            if not keep and not i:
                base = _go_on(tape, sequence, first, base)
            self._forward_chunk(i, sequence, first, last, base, tape)
            if i >= self._top and not sequence.is_padding:
                self._pooling.add(i - self._top, sequence, first, last, base, tape.states[i][0])
        if not keep:
            end = int(sequence.offsets[-1]) - base
            tape.states = [(h[:end], c[:end]) for h, c in tape.states]
        return tape

    def _order(self, sequence: Sequence) -> Iterator[tuple[int, int, int]]:
        """Yield layer, first step and one past the last in the order of the way forward.

        A chunk is taken through all layers at once, unless each layer needs all of the one below.
        """
        if self._directions == 1:
            for first, last in sequence.chunks:
                yield from ((i, first, last) for i in range(len(self._layers)))
        else:
            for i in range(len(self._layers)):
                yield from ((i, first, last) for first, last in sequence.chunks)

    def _new_tape(self, sequence: Sequence, keep: bool) -> Tape:
        """Return room for all pairs of a sequence, or of its largest chunk, beginning with its first states."""
        buffer, kind = self._buffer, "padding " if sequence.is_padding else ""
        pairs, states = int(sequence.offsets[-2]), int(sequence.offsets[-1])
        if not keep:
            chunks = [sequence.pairs(*chunk) for chunk in sequence.chunks]
            pairs = max((end - begin for begin, end in chunks), default=0)
            states = pairs + sequence.rows
        tape = Tape([], [], self._drawn(sequence))
        for i, layer in enumerate(self._layers):
            pair = (
                buffer(f"{kind}h{i}", states, layer.units),
                buffer(f"{kind}c{i}", states * self._has_c, layer.units),
            )
            for j, state in enumerate(pair):
                if len(state):
                    begun = 0 if sequence.is_padding else self._origin[i][j][sequence.start]
                    state[: sequence.offsets[1]] = begun
            tape.states.append(pair)
            tape.saved.append(buffer(f"{kind}saved{i}", pairs * self._steps.saved * layer.units))
        return tape

    def come_back(self) -> None:
        """End what `lead_away` began."""
        self._away = None

    def lead_away(self, sequence: Sequence) -> None:
        """Add to the vectors of a group that was taken back what raises each text's loss most, of length `adversarial`.

        That is the gradient of all vectors of a text, so shortened: Miyato and others 2017, equation 5.
        """
        vectors, texts = self._dvectors(sequence), sequence.texts_of_pairs
        squares = np.bincount(texts, np.einsum("ij,ij->i", vectors, vectors), minlength=len(sequence.reviews))
        scale = np.divide(self._adversarial, np.sqrt(squares), out=np.zeros_like(squares), where=squares > 0)
        self._away = self._buffer("away", *vectors.shape)
        np.multiply(vectors, scale.astype(np.float32)[texts, None], out=self._away)

    def _dvectors(self, sequence: Sequence) -> Floats:
        return self._buffer("dvectors", int(sequence.offsets[-2]), self._embedded.shape[1])

    def _drawn(self, sequence: Sequence) -> Masks:
        """Return the masks of a sequence; without noise there are none."""
        none: list[Floats | None] = [None] * len(self._layers)
        if self._noise is None:
            return Masks(None, none, none)
        below = [len(layer.kernel) for layer in self._layers[:: self._directions]]
        return Masks(
            self._noise.channels(sequence, self._embedded.shape[1]),
            [self._noise.between(sequence, depth, columns) for depth, columns in enumerate(below)],
            [
                self._noise.recurrent(sequence, i, layer.columns // layer.units, layer.units)
                for i, layer in enumerate(self._layers)
            ],
        )

    def _dropped(self, i: int, masks: Masks, back: bool = False) -> tuple[Floats, ...]:
        """Return the masks of a layer's states, its recurrent kernel by gate, and room for the loops; empty: none."""
        layer, mask = self._layers[i], masks.recurrent[i]
        if mask is None:
            return _NOTHING
        room = (self._buffer(f"dropped {name}", *mask.shape[1:]) for name in ("states", "sums"))
        return mask, layer.transposed_of_gates if back else layer.of_gates, *room

    def _forward_chunk(self, i: int, sequence: Sequence, first: int, last: int, base: int, tape: Tape) -> None:
        layer, buffer = self._layers[i], self._buffer
        begin, end = sequence.pairs(first, last)
        if i < self._directions and not self._word_by_word:
            projected, index = self._tables[i], self._index(i, sequence)[begin:end]
        else:
            inputs, index = self._inputs(i, sequence, first, last, base, tape), buffer.counting(end - begin)
            projected = buffer("projected", end - begin, layer.columns)
            np.matmul(inputs, layer.kernel, out=projected)
        origin = tape.states[i] if sequence.is_padding else self._origin[i]
        self._steps.forward(
            first, last, sequence.offsets, base, sequence.start, index, projected, layer.bias, layer.recurrent_bias,
            layer.of_states, *origin, *tape.states[i], tape.saved[i], buffer("work", sequence.rows, layer.columns),
            self._dropped(i, tape.masks),
        )  # fmt: skip

    def backward(self, sequence: Sequence, tape: Tape, doutput: Floats | None = None) -> None:
        """Add a sequence's gradients, from `doutput` float32 [texts, width], of what the dense layer sees.

        To those of the layers, of the tables, and of the shared padding's states where the texts begin; none: padding.
        """
        zeros, rows, pairs = self._buffer.zeros, sequence.rows, int(sequence.offsets[-2])
        dstates = [
            (zeros(f"dh{i}", rows, layer.units), zeros(f"dc{i}", rows, layer.units))
            for i, layer in enumerate(self._layers)
        ]
        dbegins = self._dorigin if sequence.is_padding else self._new_dbegins(dstates)
        if doutput is not None:
            for (dh, _), dlast in zip(
                dstates[self._top :], self._pooling.start_gradient(sequence, doutput), strict=True
            ):
                dh[:] = dlast
        below = [zeros(f"dy{i}", pairs, self._layers[i].units) for i in range(self._top if self._directions > 1 else 0)]
        dy = self._buffer("dy", 0, 1)
        for i, first, last in reversed(list(self._order(sequence))):
            begin, end = sequence.pairs(first, last)
            if i >= self._top:
                dy = self._pooling.gradient(i - self._top, sequence, first, last, tape.states[i][0])
            elif below:
                dy = below[i][begin:end]
            dy = self._backward_chunk(i, sequence, first, last, tape, dstates[i], dbegins[i], dy)
            if below and i >= self._directions:
                self._divide(i, sequence, begin, end, dy, below)
        if self._padding is not None and not sequence.is_padding:
            self._add_to_padding(sequence, dstates, dbegins)

    def _new_dbegins(self, dstates: list[States]) -> list[States]:
        """Return room for the gradients of the states that the rows begin with."""
        return [
            (self._buffer(f"dbegin h{i}", *dh.shape), self._buffer(f"dbegin c{i}", *dc.shape))
            for i, (dh, dc) in enumerate(dstates)
        ]

    def _backward_chunk(
        self, i: int, sequence: Sequence, first: int, last: int, tape: Tape, dstate: States, dbegin: States, dy: Floats
    ) -> Floats:
        """Take a layer's gradients back through a chunk; returns those of its inputs, but for the first layer."""
        layer, (h, c), buffer = self._layers[i], tape.states[i], self._buffer
        begin, end = sequence.pairs(first, last)
        new = self._add.room if i < self._directions else buffer  # of the first layer it is added to the table's
        dprojected = drecurrent = new("dprojected", end - begin, layer.columns)
        if self._apart:
            drecurrent = buffer("drecurrent", *dprojected.shape)
        self._steps.backward(
            first, last, sequence.offsets, layer.transposed, h, c, tape.saved[i], dy, *dstate,
            *dbegin, sequence.is_padding, drecurrent, dprojected, buffer("work", *dstate[0].shape),
            self._dropped(i, tape.masks, back=True),
        )  # fmt: skip
        if (mask := tape.masks.recurrent[i]) is not None:
            rows, units = sequence.rows_of_pairs[begin:end], layer.units
            for gate, dropped in enumerate(mask):
                columns = slice(gate * units, (gate + 1) * units)
                self._add_product(layer.gradients[1][:, columns], h[begin:end] * dropped[rows], drecurrent[:, columns])
        elif layer.recurrent.size:  # else the gates see no state
            self._add_product(layer.gradients[1], h[begin:end], drecurrent)
        self._add_bias(layer.gradients[2], dprojected, drecurrent)
        if i < self._directions and not self._word_by_word:
            self._add(scatter_add, self._index(i, sequence)[begin:end], dprojected, self.dtables[i])
            return dy
        inputs = self._inputs(i, sequence, first, last, 0, tape)
        self._add_product(layer.gradients[0], inputs, dprojected)
        dinputs: Floats = np.matmul(dprojected, layer.kernel.T, out=new("dy below", *inputs.shape))
        self._drop(i, sequence, begin, end, tape.masks, dinputs)
        if i < self._directions:
            self._add(scatter_add, self._index(i, sequence)[begin:end], dinputs, self.dembedded)
            if self._adversarial and self._away is None:
                self._keep_vectors(i, sequence, begin, end, dinputs)
            return dy
        return dinputs

    def _keep_vectors(self, i: int, sequence: Sequence, begin: int, end: int, dinputs: Floats) -> None:
        """Keep the gradients of a chunk's vectors, those of the second direction, which comes back first, first."""
        kept = self._dvectors(sequence)
        if i:
            kept[sequence.mirror[begin:end]] = dinputs
        elif self._directions == 1:
            kept[begin:end] = dinputs
        else:
            kept[begin:end] += dinputs

    def _index(self, direction: int, sequence: Sequence) -> Tokens:
        return sequence.backwards if direction else sequence.index

    def _inputs(self, i: int, sequence: Sequence, first: int, last: int, base: int, tape: Tape) -> Floats:
        """Return what enters a layer in a chunk, float32 [pairs, inputs]; of the layer below, both directions."""
        layer, (begin, end) = self._layers[i], sequence.pairs(first, last)
        if self._directions == 1 and i and tape.masks.between[i] is None and sequence.is_level(first, last):
            at = int(sequence.offsets[first + 1]) - base
            return tape.states[i - 1][0][at : at + end - begin]
        inputs = self._buffer("inputs", end - begin, len(layer.kernel))
        if i < self._directions:
            np.take(self._embedded, self._index(i, sequence)[begin:end], axis=0, out=inputs, mode="clip")
            if self._away is not None:
                inputs += self._away[sequence.mirror[begin:end] if i else slice(begin, end)]
        elif self._directions == 1:
            copy_outputs(first, last, sequence.offsets, base, tape.states[i - 1][0], inputs)
        else:
            self._both_below(i, sequence, begin, end, tape, inputs)
        self._drop(i, sequence, begin, end, tape.masks, inputs)
        return inputs

    def _both_below(self, i: int, sequence: Sequence, begin: int, end: int, tape: Tape, inputs: Floats) -> None:
        """Fill what both directions of the layer below gave in a chunk, float32 [pairs, inputs]."""
        here, width = i % 2, inputs.shape[1] // 2
        for direction in range(2):
            h, columns = tape.states[i - here - 2 + direction][0], slice(direction * width, (direction + 1) * width)
            pairs = sequence.outputs[begin:end]
            if direction != here:
                pairs = sequence.outputs[sequence.mirror[begin:end]]
            gather(pairs, h, inputs[:, columns])

    def _drop(self, i: int, sequence: Sequence, begin: int, end: int, masks: Masks, values: Floats) -> None:
        """Multiply what enters a layer in a chunk, or its gradient, float32 [pairs, inputs], by what was drawn."""
        if i < self._directions:
            if masks.channels is not None:
                values *= masks.channels[sequence.rows_of_pairs[begin:end]]
        elif (mask := masks.between[i // self._directions]) is not None:
            values *= mask[sequence.mirror[begin:end]] if i % self._directions else mask[begin:end]

    def _divide(self, i: int, sequence: Sequence, begin: int, end: int, dinputs: Floats, below: list[Floats]) -> None:
        """Add the gradients of a chunk's inputs to those of the outputs of both directions below."""
        here, width = i % 2, dinputs.shape[1] // 2
        for direction in range(2):
            given, to = dinputs[:, direction * width : (direction + 1) * width], below[i - here - 2 + direction]
            if direction == here:
                to[begin:end] += given
            else:
                to[sequence.mirror[begin:end]] += given

    def _add_product(self, total: Floats, left: Floats, right: Floats) -> None:
        product = self._add.room("product", *total.shape)
        np.matmul(left.T, right, out=product)
        self.add(total, product)

    def _add_bias(self, total: Floats, dprojected: Floats, drecurrent: Floats) -> None:
        ones = self._buffer("ones", len(drecurrent))
        ones[:] = 1
        if self._apart:
            self.add(total[0], ones @ dprojected)
            self.add(total[1], ones @ drecurrent)
        else:
            self.add(total, ones @ drecurrent)

    def _add_to_padding(self, sequence: Sequence, dstates: list[States], dbegins: list[States]) -> None:
        """Add the gradients of the states that rows begin with to those of the padding row's states."""
        for dorigins, dstate, dbegin in zip(self._dorigin, dstates, dbegins, strict=True):
            for dorigin, d, begun in zip(dorigins, dstate, dbegin, strict=True):
                if len(dorigin):
                    self._add(add_begun, sequence.begins, sequence.start, begun, dorigin)
                    self.add(dorigin[sequence.start], d[: sequence.offsets[1]].sum(axis=0))


class Apart:
    """Takes a batch through one layer in two directions, neither of which reads what the other gives.

    Each is computed as a network of its own, of one direction: the first with the padding that its texts share, the
    second from the end of each text on, through the padding behind it. What the dense layer sees is a block per kind
    of pooling, and in it `units` per direction.
    """

    def __init__(self, first: Passes, second: Passes, kinds: int) -> None:
        """Join the passes of both directions, which pool in so many kinds, and have buffers of their own."""
        self._first, self._second, self._kinds = first, second, kinds
        self.add = first.add

    @property
    def dtables(self) -> list[Floats]:
        """The gradients of the tables of both directions."""
        return [*self._first.dtables, *self._second.dtables]

    def begin(self, padding: Sequence | None, steps: int) -> Tape | None:
        """Compute the first direction's padding; see `Passes.begin`."""
        self._second.begin(None, steps)
        return self._first.begin(padding, steps)

    def start_gradients(self) -> None:
        """Set all gradients to zero."""
        self._first.start_gradients()
        self._second.start_gradients()

    def of_lane(self, buffer: Workspace) -> Apart:
        """Return the same with buffers of its own, which adds in its group's turn."""
        return Apart(self._first.of_lane(buffer), self._second.of_lane(buffer.second), self._kinds)

    def begin_group(self, is_turn: IsTurn) -> None:
        """Take up another group."""
        self._first.begin_group(is_turn)
        self._second.begin_group(is_turn)

    def end_group(self) -> None:
        """Add what is left of what the group gave."""
        self._first.end_group()
        self._second.end_group()

    def output(self, sequence: Sequence, keep: bool = True) -> tuple[Tape, Floats]:
        """Take a group through; returns its tape, of use with `keep`, and what the dense layer sees."""
        tape, first = self._first.output(sequence, keep)
        tape.from_end, second = self._second.output(_from_end(sequence), keep)
        shape = (len(first), self._kinds, -1)
        return tape, np.stack([first.reshape(shape), second.reshape(shape)], axis=2).reshape(len(first), -1)

    def backward(self, sequence: Sequence, tape: Tape, doutput: Floats | None = None) -> None:
        """Add a group's gradients, from `doutput` float32 [texts, width]; none: those of the first one's padding."""
        if doutput is None or tape.from_end is None:
            self._first.backward(sequence, tape)
            return
        texts = len(doutput)
        given = doutput.reshape(texts, self._kinds, 2, -1)
        self._first.backward(sequence, tape, given[:, :, 0].reshape(texts, -1))
        self._second.backward(_from_end(sequence), tape.from_end, given[:, :, 1].reshape(texts, -1))


def _from_end(sequence: Sequence) -> Sequence:
    if sequence.from_end is None:
        raise ValueError("the batch was not packed for directions that are computed apart")
    return sequence.from_end


def _go_on(tape: Tape, sequence: Sequence, first: int, base: int) -> int:
    """Move the states that a chunk begins with to the front of their buffers; returns the pair that is there now."""
    begin, end = sequence.pairs(first, first + 1)
    if begin:
        for state in (state for pair in tape.states for state in pair if len(state)):
            state[: end - begin] = state[begin - base : end - base].copy()
    return begin
