"""What the dense layer sees of a text, packed: last outputs, and mean and maximum over the steps of all its pieces."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np

from rnnsweep.network.packed.attention import attend, attend_gradient
from rnnsweep.network.packed.batch import Sequence, Workspace
from rnnsweep.network.packed.steps import (
    pool_gradient,
    pool_max,
    pool_padding_gradient,
    pool_pieces,
    pool_running,
    pool_sum,
    scatter_add,
)
from rnnsweep.network.packed.turns import Additions
from rnnsweep.types import Floats


class Pooling:
    """Pools the outputs of the last layer, chunk by chunk, and gives each output its gradient.

    The columns of what it returns are a block per word of the spec's `pooling`, and in it `units` per direction. It
    works on one sequence at a time: start, add each chunk of each direction, output; then start_gradient, and the
    gradient of each chunk. Shared padding is pooled once, before, and takes up its gradient from all sequences.
    """

    def __init__(
        self, pooling: str, directions: int, units: int, buffer: Workspace, query: tuple[Floats, ...] = ()
    ) -> None:
        """Pool in this way; `query` is attention's, float32 [width, 1], and in training its gradient."""
        self._query = query
        self._kinds, self._directions, self._units, self._buffer = pooling.split("+"), directions, units, buffer
        self._attends = pooling == "attention"
        self._over_steps = self._kinds not in (["last"], ["attention"])
        self._add = Additions(buffer)
        self._padding: Floats | None = None  # states of the shared padding row
        self._running: tuple[Floats, ...] = ()  # sum, greatest and ties of its outputs before each step
        self._dpadding = np.zeros((0, units), np.float32)  # gradients of its outputs

    @property
    def of_all_steps(self) -> bool:
        """Whether it needs the states of all steps at once."""
        return self._attends

    @property
    def width(self) -> int:
        """Columns of what the dense layer sees."""
        return len(self._kinds) * self._directions * self._units

    def of_lane(self, buffer: Workspace, add: Additions) -> Pooling:
        """Return the same pooling with buffers of its own, and its way to add to the shared padding's gradients."""
        pooling = copy.copy(self)
        pooling._buffer, pooling._add = buffer, add
        return pooling

    def pad(self, h: Floats) -> None:
        """Pool the shared padding's states float32 [steps + 1, units] up to each step, where texts begin."""
        self._padding = h
        if self._over_steps:
            self._dpadding = self._buffer.zeros("dpadding outputs", len(h) - 1, self._units)
            self._running = tuple(self._buffer(f"running {name}", *h.shape) for name in ("total", "best", "ties"))
            pool_running(h, *self._running)

    def start(self, sequence: Sequence) -> None:
        """Begin to pool a sequence: at nothing, or at what the shared padding in front of each row has come to."""
        if not self._over_steps:
            return
        begins = sequence.start + sequence.begins
        for direction in range(self._directions):
            for i, (name, nothing) in enumerate((("total", 0.0), ("best", -np.inf), ("ties", 0.0))):
                rows = self._rows(name, direction, sequence.rows)
                rows[:] = self._running[i][begins] if self._running else nothing

    def add(self, direction: int, sequence: Sequence, first: int, last: int, base: int, h: Floats) -> None:
        """Pool the outputs of a chunk, which lie among the states `h` from pair `base` on."""
        if "mean" in self._kinds:
            pool_sum(first, last, sequence.offsets, base, h, self._rows("total", direction, sequence.rows))
        if "max" in self._kinds:
            best, ties = (self._rows(name, direction, sequence.rows) for name in ("best", "ties"))
            pool_max(first, last, sequence.offsets, base, h, best, ties)

    def output(self, sequence: Sequence, states: list[Floats]) -> Floats:
        """Return float32 [texts, width] from the states of each direction, in turn of the steps; no words: zeros."""
        if self._attends:
            return self._attended(sequence, states)
        last = [h[len(h) - sequence.rows :] for h in states]
        out = np.zeros((len(sequence.reviews), self.width), np.float32)
        for kind, direction, columns in self._blocks():
            block = np.zeros((len(out), self._units), np.float32)
            if kind == "last":
                block[sequence.owners] = last[direction]
            elif kind == "mean":
                scatter_add(sequence.owners, self._rows("total", direction, sequence.rows), block)
                block /= self._counts(sequence)
            else:
                ties = self._buffer.zeros(f"text ties{direction}", *block.shape)
                best = self._buffer(f"text best{direction}", *block.shape)
                best[:] = -np.inf
                rows = (self._rows(name, direction, sequence.rows) for name in ("best", "ties"))
                pool_pieces(sequence.owners, *rows, best, ties)
                block = np.where(best == -np.inf, np.float32(0), best)
            out[:, columns] = block
        return out

    def start_gradient(self, sequence: Sequence, doutput: Floats) -> list[Floats]:
        """Take up float32 [texts, width]; returns the gradient of each direction's last outputs, [rows, units]."""
        if self._attends:
            self._start_attended(sequence, doutput)
        shape, owners = (sequence.rows, self._units), sequence.owners
        last = [self._buffer.zeros(f"dlast{direction}", *shape) for direction in range(self._directions)]
        for direction in range(self._directions * self._over_steps):
            for name in ("dtotal", "dbest"):
                self._rows(name, direction, sequence.rows)[:] = 0
        for kind, direction, columns in self._blocks() if not self._attends else ():
            given = doutput[:, columns]
            if kind == "last":
                last[direction][:] = given[owners]
            elif kind == "mean":
                self._rows("dtotal", direction, sequence.rows)[:] = (given / self._counts(sequence))[owners]
            else:
                ties = self._buffer(f"text ties{direction}", *given.shape)
                self._rows("dbest", direction, sequence.rows)[:] = (given / np.maximum(ties, 1))[owners]
                best = self._buffer(f"text best{direction}", *given.shape)
                self._rows("best", direction, sequence.rows)[:] = best[owners]
        if self._over_steps and self._padding is not None:
            begins, gradients = sequence.start + sequence.begins, self._gradients(0, sequence)
            self._add(pool_padding_gradient, begins, self._padding, *gradients, self._dpadding)
        return last

    def gradient(self, direction: int, sequence: Sequence, first: int, last: int, h: Floats) -> Floats:
        """Return the gradient of a chunk's outputs, float32 [pairs, units]; no rows where only the last ones count."""
        begin, end = sequence.pairs(first, last)
        if self._attends:
            pairs = sequence.mirror[begin:end] if direction else slice(begin, end)
            columns = slice(direction * self._units, (direction + 1) * self._units)
            given = self._buffer("attended gradients", int(sequence.offsets[-2]), self.width)
            return np.ascontiguousarray(given[pairs, columns])
        if not self._over_steps:
            return self._buffer("dy pooled", 0, self._units)
        if sequence.is_padding:
            return self._dpadding[begin:end]
        dy = self._buffer("dy pooled", end - begin, self._units)
        pool_gradient(first, last, sequence.offsets, h, *self._gradients(direction, sequence), dy)
        return dy

    def _attended(self, sequence: Sequence, states: list[Floats]) -> Floats:
        pairs, texts = int(sequence.offsets[-2]), sequence.texts_of_pairs
        outputs, shares = self._buffer("attended outputs", pairs, self.width), self._buffer("shares", pairs)
        for direction, h in enumerate(states):
            places = sequence.outputs[sequence.mirror] if direction else sequence.outputs
            outputs[:, direction * self._units : (direction + 1) * self._units] = h[places]
        pooled = self._buffer("attended", len(sequence.reviews), self.width)
        attend(outputs, (outputs @ self._query[0])[:, 0], texts, shares, pooled)
        return pooled

    def _start_attended(self, sequence: Sequence, doutput: Floats) -> None:
        """Fill the gradients of all outputs, and add the query's."""
        pairs, (query, dquery) = int(sequence.offsets[-2]), self._query
        outputs, shares = self._buffer("attended outputs", pairs, self.width), self._buffer("shares", pairs)
        pooled, given = self._buffer("attended", *doutput.shape), self._buffer("attended gradients", pairs, self.width)
        own = self._add.room("dquery", self.width)
        doutput = np.ascontiguousarray(doutput)
        attend_gradient(outputs, sequence.texts_of_pairs, shares, pooled, query[:, 0], doutput, given, own)
        self._add(np.add, dquery[:, 0], own, dquery[:, 0])

    def _gradients(self, direction: int, sequence: Sequence) -> tuple[Floats, Floats, Floats]:
        best, dbest, dtotal = (self._rows(name, direction, sequence.rows) for name in ("best", "dbest", "dtotal"))
        return best, dbest, dtotal

    def _rows(self, name: str, direction: int, rows: int) -> Floats:
        return self._buffer(f"{name}{direction}", rows, self._units)

    def _counts(self, sequence: Sequence) -> Floats:
        """Return the steps that each text's mean is over, at least 1: float32 [texts, 1]."""
        steps = sequence.steps - sequence.begins
        if self._padding is not None:
            steps = np.full(sequence.rows, sequence.start + sequence.steps)
        counts = np.bincount(sequence.owners, steps, minlength=len(sequence.reviews))
        return np.maximum(counts, 1).astype(np.float32)[:, None]

    def _blocks(self) -> Iterator[tuple[str, int, slice]]:
        """Yield kind, direction and columns of each block of the output."""
        first = 0
        for kind in self._kinds:
            for direction in range(self._directions):
                yield kind, direction, slice(first, first + self._units)
                first += self._units
