"""Pairs of words as further rows of the table of words: a word that ends a known pair gets that pair's number."""

from __future__ import annotations

import numpy as np

from rnnsweep.network.packed.steps import scatter_add
from rnnsweep.spec import BIGRAM_BASE, Spec
from rnnsweep.types import Floats, Tokens


class Bigrams:
    """The known pairs of a spec: `pairs` float32 [bigram_rows, 2], ascending, row 0 of none, as Keras's table has them.

    The row `r` of their vectors is row `embedding_rows + r` of one table, whose first rows are the words'.
    """

    def __init__(self, spec: Spec, pairs: Floats) -> None:
        self._rows, self._piece = spec.embedding_rows, spec.segment or spec.max_len
        first, second = pairs.astype(np.int64).T
        self._codes, self._second = first * BIGRAM_BASE + second, second.astype(np.int32)

    def numbered(self, ids: Tokens) -> Tokens:
        """Return int32 [texts, steps] with a pair's row in place of the word that ends it, and of the same piece."""
        before = np.zeros_like(ids, np.int64)
        before[:, 1:] = ids[:, :-1]
        before[:, ids.shape[1] % self._piece :: self._piece] = 0  # pieces are counted from the end
        codes = before * BIGRAM_BASE + ids
        place = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        known = (before > 0) & (self._codes[place] == codes)
        return np.where(known, place + self._rows, ids).astype(np.int32)

    def words(self, numbers: Tokens) -> Tokens:
        """Return the words that these numbers end in: int32 [numbers]."""
        place = np.maximum(numbers - self._rows, 0)
        return np.where(place > 0, self._second[place], numbers)

    def vectors(self, numbers: Tokens, tables: tuple[Floats, Floats], scale: Floats | None) -> Floats:
        """Return the vectors of words and of pairs with their words, float32 [numbers, columns].

        `tables` are those of pairs and of words, `scale` float32 [rows of one table] multiplies each row.
        """
        pairs, words = np.flatnonzero(numbers > self._rows), self.words(numbers)
        found = np.take(tables[1], words, axis=0)
        further = np.take(tables[0], numbers[pairs] - self._rows, axis=0)
        if scale is not None:
            found *= scale[words, None]
            further *= scale[numbers[pairs], None]
        found[pairs] += further
        return found

    def gradient(self, numbers: Tokens, gradient: Floats, scale: Floats | None) -> tuple[Tokens, Floats]:
        """Return the rows of one table that the numbers' vectors are made of, and the gradient of each."""
        pairs = np.flatnonzero(numbers > self._rows)
        rows, places = np.unique(np.concatenate([self.words(numbers), numbers[pairs]]), return_inverse=True)
        values = np.zeros((len(rows), gradient.shape[1]), np.float32)
        scatter_add(places[: len(numbers)].astype(np.int32), gradient, values)
        values[places[len(numbers) :]] = gradient[pairs]
        return rows, values if scale is None else values * scale[rows, None]
