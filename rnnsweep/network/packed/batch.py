"""A batch as the packed path takes it: texts sorted by length, a few at a time, and their different words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsweep.network.packed.steps import beginnings, cut, pack_group
from rnnsweep.spec import Spec
from rnnsweep.types import Floats, Ints, Tokens

CHUNK_PAIRS = 1024  # of these, gates and their gradients take about 1 MB, a second-level cache
GROUP_ROWS = 16  # few enough for OpenBLAS's kernels for small products, which pack nothing, at full speed
LINE = 64  # bytes of a line of the cache and of the widest register: loads that cross two lines take twice as long


def empty(*shape: int, dtype: type = np.float32) -> NDArray[Any]:
    """Return an array whose memory begins with a line of the cache, holding what was left there."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + LINE, np.uint8)
    begin = -memory.ctypes.data % LINE
    return memory[begin : begin + size].view(dtype).reshape(shape)


def in_lines(matrix: Floats) -> Floats:
    """Return a matrix whose rows each begin with a line of the cache: float32 [rows, columns and what fills a line].

    What fills the lines is left as it was found; nothing may read it. A single column stays one, a vector to BLAS.
    """
    rows, columns = matrix.shape
    numbers = LINE // matrix.itemsize
    filled = empty(rows, columns if columns == 1 else -(-columns // numbers) * numbers)
    filled[:, :columns] = matrix
    return filled


class Workspace:
    """Named buffers that grow when needed and are never cleared: every use writes before it reads."""

    def __init__(self) -> None:
        self._buffers: dict[str, NDArray[Any]] = {}
        self._counting = np.arange(0, dtype=np.int32)

    @cached_property
    def second(self) -> Workspace:
        """Buffers for what is computed beside, by the same names."""
        return Workspace()

    def __call__(self, name: str, *shape: int, dtype: type = np.float32) -> NDArray[Any]:
        """Return the buffer of this name with a shape, holding what was left in it."""
        size = math.prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name] = empty(size, dtype=dtype)
        return buffer[:size].reshape(shape)

    def zeros(self, name: str, *shape: int) -> Floats:
        """Return the buffer of this name with a shape, holding zeros."""
        buffer = self(name, *shape)
        buffer[:] = 0
        return buffer

    def counting(self, size: int) -> Tokens:
        """Return 0, 1, 2 and so on: int32 [size]."""
        if len(self._counting) < size:
            self._counting = np.arange(size, dtype=np.int32)
        return self._counting[:size]


@dataclass
class Sequence:
    """A group of texts that are computed together, or the padding row; a row is a whole text or a piece of one."""

    reviews: Ints  # [texts]: which texts of the batch
    owners: Tokens  # [rows]: place in `reviews` of the text that each row is a piece of
    start: int  # step at which the first row begins, where padding is shared
    offsets: Ints  # [steps + 2]: where each step's pairs begin
    index: Tokens  # [pairs]: place of the pair's word in the batch's words
    place: int = 0  # among the batch's groups
    is_padding: bool = False
    from_end: Sequence | None = None  # the same texts, each read from its end, with all padding, which follows it then

    @property
    def rows(self) -> int:
        """Rows of the last step: all that have begun."""
        return int(self.offsets[-1] - self.offsets[-2])

    @property
    def steps(self) -> int:
        """Steps from the first row's beginning to the end."""
        return len(self.offsets) - 2

    @cached_property
    def begins(self) -> Ints:
        """The step, counted from the sequence's first, at which each row begins: int64 [rows]."""
        return np.searchsorted(np.diff(self.offsets[:-1]), np.arange(self.rows), side="right")

    @cached_property
    def mirror(self) -> Tokens:
        """The pair that each pair becomes when its row is read from its end: int32 [pairs], its own inverse."""
        rows_of_step = np.diff(self.offsets[:-1])
        steps = np.repeat(np.arange(self.steps), rows_of_step)
        rows = np.arange(len(steps)) - self.offsets[steps]
        mirrored: Ints = self.offsets[self.steps - 1 - steps + self.begins[rows]] + rows
        return mirrored.astype(np.int32)

    @cached_property
    def rows_of_pairs(self) -> Ints:
        """The row of each pair, read from either end: int64 [pairs]."""
        rows: Ints = np.arange(int(self.offsets[-2])) - np.repeat(self.offsets[:-2], np.diff(self.offsets[:-1]))
        return rows

    @cached_property
    def texts_of_pairs(self) -> Tokens:
        """The place in `reviews` of the text of each pair, read from either end: int32 [pairs]."""
        texts: Tokens = self.owners[self.rows_of_pairs]
        return texts

    @cached_property
    def outputs(self) -> Tokens:
        """Where each pair's output lies among the states, which are those before each step: int32 [pairs]."""
        rows_of_step = np.diff(self.offsets[:-1])
        outputs: Ints = np.arange(int(self.offsets[-2])) + np.repeat(rows_of_step, rows_of_step)
        return outputs.astype(np.int32)

    @cached_property
    def backwards(self) -> Tokens:
        """`index` of the rows read from their ends: int32 [pairs]."""
        index: Tokens = self.index[self.mirror]
        return index

    @cached_property
    def chunks(self) -> list[tuple[int, int]]:
        """First step, and one past the last, of each chunk."""
        chunks, first, steps = [], 0, self.steps
        while first < steps:
            last = int(np.searchsorted(self.offsets[:-1], self.offsets[first] + CHUNK_PAIRS, side="right")) - 1
            chunks.append((first, max(first + 1, last)))
            first = chunks[-1][1]
        return chunks

    def is_level(self, first: int, last: int) -> bool:
        """Return whether no row begins after the first of these steps, so that outputs lie as their pairs do."""
        rows_first = self.offsets[first + 1] - self.offsets[first]
        return bool(rows_first == self.offsets[last] - self.offsets[last - 1])

    def pairs(self, first: int, last: int) -> tuple[int, int]:
        """Return the first pair, and one past the last, of the steps `first` to `last`."""
        return int(self.offsets[first]), int(self.offsets[last])


@dataclass
class Batch:
    """Texts sorted by length and grouped, the padding that they share, if they do, and their different words."""

    groups: list[Sequence]
    padding: Sequence | None
    words: Tokens  # [different words]


@dataclass
class _Rows:
    """What is read as one sequence each: whole texts, or pieces of texts."""

    ids: Tokens  # [rows, steps]
    begins: Ints  # [rows]: step of the first word that is read
    owners: Ints  # [rows]: the text that the row is of, ascending


class Packer:
    """Makes batches of a spec's ids; a batch's arrays are buffers that the next one overwrites.

    Where padding is fed and read from the front alone, texts begin with the state that one shared row of padding has
    reached; so does the first of two directions of one layer. Else a row is a text or a piece of one, without its
    padding where that is not fed, and begins with zeros.
    """

    def __init__(self, spec: Spec) -> None:
        self._buffer = Workspace()
        self._apart = spec.directions_apart
        self._shared = spec.padding_shared or self._apart
        self._length = spec.segment or spec.max_len
        self._keep_padding = not spec.padding_skipped
        self._embedding_rows = spec.embedding_rows
        # Of each word, and of each bigram behind them, in the batch's words, -1: not there.
        self._places = np.full(spec.embedding_rows + spec.bigram_rows, -1, np.int32)

    def pack(self, ids: Tokens, numbered: Callable[[Tokens], Tokens] | None = None) -> Batch:
        """Return the batch of int32 [texts, steps], or of what `numbered` makes of them.

        Raises `IndexError` on an id beyond the embedding.
        """
        self._check(ids)
        ids = ids if numbered is None else numbered(ids)
        owners = np.arange(len(ids), dtype=np.int64)
        rows = _Rows(ids, beginnings(ids), owners) if self._shared else self._cut(ids)
        words = self._buffer("words", len(self._places), dtype=np.int32)
        words[0], self._places[0] = 0, 0  # padding's
        different, steps = 1, rows.ids.shape[1]
        indices = self._buffer("index", int((steps - rows.begins).sum()), dtype=np.int32)
        groups: list[Sequence] = []
        pairs = 0
        from_end = np.ascontiguousarray(rows.ids[:, ::-1]) if self._apart else rows.ids
        at_once = np.zeros_like(rows.begins)
        for texts, order, own in _groups(rows, len(ids)):
            first = int(rows.begins[order[0]]) if len(order) else steps
            offsets = np.zeros(steps - first + 2, np.int64)
            index = indices[pairs:]
            different = pack_group(rows.ids, order, rows.begins, first, self._places, words, different, offsets, index)
            start = first if self._shared else 0
            group = Sequence(texts, own, start, offsets, index[: offsets[-2]], len(groups))
            groups.append(group)
            pairs += int(offsets[-2])
            if self._apart:
                offsets = np.zeros(steps + 2, np.int64)
                whole = np.empty(len(order) * steps, np.int32)
                pack_group(from_end, order, at_once, 0, self._places, words, different, offsets, whole)
                group.from_end = Sequence(texts, own, 0, offsets, whole, group.place)
        self._places[words[:different]] = -1
        return Batch(groups, _padding(int(rows.begins.max())) if self._shared else None, words[:different])

    def _cut(self, ids: Tokens) -> _Rows:
        """Return the pieces of texts, each with its words alone where padding is not fed."""
        length = min(self._length, ids.shape[1])
        most = len(ids) * -(-ids.shape[1] // length)
        pieces = self._buffer("pieces", most, length, dtype=np.int32)
        begins, owners = np.empty(most, np.int64), np.empty(most, np.int64)
        found = cut(ids, length, self._keep_padding, pieces, begins, owners)
        return _Rows(pieces[:found], begins[:found], owners[:found])

    def _check(self, ids: Tokens) -> None:
        if ids.min() < 0 or ids.max() >= self._embedding_rows:
            raise IndexError(
                f"ids from {ids.min()} to {ids.max()} do not fit an embedding of {self._embedding_rows} rows; "
                "encode the reviews with the spec's num_words"
            )


def _groups(rows: _Rows, texts: int) -> Iterator[tuple[Ints, Ints, Tokens]]:
    """Yield each group's texts, longest first, its rows by their beginning, and each row's place among the texts.

    A text's pieces stay in one group, so that groups depend on nothing of each other.
    """
    steps = rows.ids.shape[1]
    pieces = np.bincount(rows.owners, minlength=texts)
    length = np.bincount(rows.owners, steps - rows.begins, minlength=texts)
    of_text = np.concatenate([[0], np.cumsum(pieces)])
    order = np.argsort(-length, kind="stable")
    for members in _full(order, pieces[order]):
        mine = np.concatenate([np.arange(of_text[text], of_text[text + 1]) for text in members])
        own = np.repeat(np.arange(len(members), dtype=np.int32), pieces[members])
        by_beginning = np.argsort(rows.begins[mine], kind="stable")
        yield members, mine[by_beginning], own[by_beginning]


def _full(order: Ints, pieces: Ints) -> Iterator[Ints]:
    """Yield texts in this order, as many at a time as fill a group with their pieces."""
    first, rows = 0, 0
    for at, more in enumerate(pieces):
        rows += int(more)
        if rows >= GROUP_ROWS or at == len(order) - 1:
            yield order[first : at + 1]
            first, rows = at + 1, 0


def _padding(latest: int) -> Sequence:
    nobody = np.arange(0)
    counting, index = np.arange(latest + 2), np.zeros(latest, np.int32)
    return Sequence(nobody, nobody.astype(np.int32), 0, counting, index, is_padding=True)
