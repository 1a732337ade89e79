"""A batch as the packed path takes it: reviews sorted by length, a few at a time, and their different words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsweep.network.packed.steps import beginnings, pack_group
from rnnsweep.types import Floats, Ints, Tokens

CHUNK_PAIRS = 1024  # of these, gates and their gradients take about 1 MB, a second-level cache
GROUP_ROWS = 16  # few enough for OpenBLAS's kernels for small products, which pack nothing, at full speed


class Workspace:
    """Named buffers that grow when needed and are never cleared: every use writes before it reads."""

    def __init__(self) -> None:
        self._buffers: dict[str, NDArray[Any]] = {}
        self._counting = np.arange(0, dtype=np.int32)

    def __call__(self, name: str, *shape: int, dtype: type = np.float32) -> NDArray[Any]:
        """Return the buffer of this name with a shape, holding what was left in it."""
        size = math.prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name] = np.empty(size, dtype)
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
    """A group of reviews that are computed together from `start` on, or the padding row."""

    reviews: Ints  # [rows]: which reviews of the batch
    start: int  # step at which the first of them begins
    offsets: Ints  # [steps + 2]: where each step's pairs begin
    index: Tokens  # [pairs]: place of the pair's word in the batch's words
    is_padding: bool = False

    @property
    def rows(self) -> int:
        """Rows of the last step: all that have begun."""
        return int(self.offsets[-1] - self.offsets[-2])

    @cached_property
    def chunks(self) -> list[tuple[int, int]]:
        """First step, and one past the last, of each chunk."""
        chunks, first, steps = [], 0, len(self.offsets) - 2
        while first < steps:
            last = int(np.searchsorted(self.offsets[:-1], self.offsets[first] + CHUNK_PAIRS, side="right")) - 1
            chunks.append((first, max(first + 1, last)))
            first = chunks[-1][1]
        return chunks

    def pairs(self, first: int, last: int) -> tuple[int, int]:
        """Return the first pair, and one past the last, of the steps `first` to `last`."""
        return int(self.offsets[first]), int(self.offsets[last])


@dataclass
class Batch:
    """Reviews sorted by length and grouped, their padding, and their different words."""

    groups: list[Sequence]
    padding: Sequence
    words: Tokens  # [different words]


class Packer:
    """Makes batches of the ids of one embedding; a batch's arrays are buffers that the next one overwrites."""

    def __init__(self, embedding_rows: int) -> None:
        self._buffer = Workspace()
        self._places = np.full(embedding_rows, -1, np.int32)  # of each word in the batch's words, -1: not among them

    def pack(self, ids: Tokens) -> Batch:
        """Return the batch of int32 [reviews, steps]; raises `IndexError` on an id beyond the embedding."""
        self._check(ids)
        begins = beginnings(ids)
        order = np.argsort(begins, kind="stable")
        words = self._buffer("words", len(self._places), dtype=np.int32)
        words[0], self._places[0] = 0, 0  # padding's
        different = 1
        indices = self._buffer("index", int((ids.shape[1] - begins).sum()), dtype=np.int32)
        groups, pairs = [], 0
        for row in range(0, len(ids), GROUP_ROWS):
            reviews = order[row : row + GROUP_ROWS]
            start = int(begins[reviews[0]])
            offsets = np.empty(ids.shape[1] - start + 2, np.int64)
            index = indices[pairs:]
            different = pack_group(ids, reviews, begins, start, self._places, words, different, offsets, index)
            groups.append(Sequence(reviews, start, offsets, index[: offsets[-2]]))
            pairs += int(offsets[-2])
        self._places[words[:different]] = -1
        latest = int(begins.max())
        padding = Sequence(order[:0], 0, np.arange(latest + 2), np.zeros(latest, np.int32), is_padding=True)
        return Batch(groups, padding, words[:different])

    def _check(self, ids: Tokens) -> None:
        if ids.min() < 0 or ids.max() >= len(self._places):
            raise IndexError(
                f"ids from {ids.min()} to {ids.max()} do not fit an embedding of {len(self._places)} rows; "
                "encode the reviews with the spec's num_words"
            )
