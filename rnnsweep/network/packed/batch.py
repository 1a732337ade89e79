"""TODO docstring of rnnsweep/network/packed/batch.py."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsweep.types import Floats, Tokens

CHUNK_PAIRS = 1024  # of these, gates and their gradients take about 1 MB, a second-level cache
GROUP_ROWS = 16  # few enough for OpenBLAS's kernels for small products, which pack nothing, at full speed


class Workspace:
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
class Sequence:
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
class Batch:
    """Reviews sorted by length and grouped, their padding, and their different words."""

    groups: list[Sequence]
    padding: Sequence
    words: Tokens  # [different words]
