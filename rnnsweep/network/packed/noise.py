"""What is drawn anew for each training step, packed: masks that hold 0, or the scale of what is kept.

As Keras's layers draw: Dropout between recurrent layers, SpatialDropout1D behind the embedding, and a mask of the
states for each gate (Gal and Ghahramani 2016). A row is a text, or a piece of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rnnsweep.network.packed.batch import Sequence
from rnnsweep.spec import Spec
from rnnsweep.types import Floats

BETWEEN, CHANNELS, RECURRENT = range(3)


class Noise(Protocol):
    """What is drawn for a training step, whatever thread computes which of its groups; None: nothing is dropped."""

    def between(self, sequence: Sequence, depth: int, columns: int) -> Floats | None:
        """Return the mask of what enters the recurrent layer of this depth from below, float32 [pairs, columns]."""

    def channels(self, sequence: Sequence, columns: int) -> Floats | None:
        """Return the mask of the embedding's channels, float32 [rows, columns]."""

    def recurrent(self, sequence: Sequence, layer: int, gates: int, units: int) -> Floats | None:
        """Return the masks of the states as each gate sees them, float32 [gates, rows, units]."""


@dataclass(frozen=True)
class Masks:
    """What was drawn for one sequence; None: nothing is dropped."""

    channels: Floats | None  # [rows, embedding_dim]
    between: list[Floats | None]  # of each depth [pairs, columns]
    recurrent: list[Floats | None]  # of each layer [gates, rows, units]


class Draws:
    """Draws the noise of a spec by the seed of one training step: each mask by a generator of its own."""

    def __init__(self, spec: Spec, seed: tuple[int, ...]) -> None:
        self._spec, self._seed = spec, seed

    def between(self, sequence: Sequence, depth: int, columns: int) -> Floats | None:
        """Return the mask of what enters the recurrent layer of this depth, float32 [pairs, columns]."""
        pairs = int(sequence.offsets[-2])
        return self._mask(self._spec.layer_dropout, (sequence.place, BETWEEN, depth), pairs, columns) if depth else None

    def channels(self, sequence: Sequence, columns: int) -> Floats | None:
        """Return the mask of the embedding's channels, float32 [rows, columns]."""
        return self._mask(self._spec.channel_dropout, (sequence.place, CHANNELS), sequence.rows, columns)

    def recurrent(self, sequence: Sequence, layer: int, gates: int, units: int) -> Floats | None:
        """Return the masks of the states, float32 [gates, rows, units]."""
        return self._mask(self._spec.recurrent_dropout, (sequence.place, RECURRENT, layer), gates, sequence.rows, units)

    def _mask(self, rate: float, which: tuple[int, ...], *shape: int) -> Floats | None:
        if not rate:
            return None
        kept = np.random.default_rng((*self._seed, *which)).random(shape, dtype=np.float32) >= rate
        return kept.astype(np.float32) / np.float32(1 - rate)
