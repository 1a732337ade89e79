"""Pairs of words as further rows of the table of words: a word that ends a known pair gets that pair's number."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba infers the types of the compiled functions; annotations would repeat them and be checked by nobody.

from __future__ import annotations

import numpy as np

from rnnsweep.network.packed.batch import Workspace
from rnnsweep.network.packed.compiled import compiled
from rnnsweep.spec import BIGRAM_BASE, Spec
from rnnsweep.types import Floats, Ints, Tokens

AT_ONCE = 512  # texts whose pairs are looked up together: 8 bytes a step, several times


def codes(pairs: Floats) -> Ints:
    """Return each pair of words, a row of float32 [pairs, 2], as one number: int64 [pairs], in the same order."""
    first, second = pairs.astype(np.int64).T
    numbers: Ints = first * BIGRAM_BASE + second
    return numbers


class Bigrams:
    """The known pairs of a spec: `pairs` float32 [bigram_rows, 2], ascending, row 0 of none, as Keras's table has them.

    The row `r` of their vectors is row `embedding_rows + r` of one table, whose first rows are the words'. What it
    returns are buffers, which the next batch overwrites.
    """

    def __init__(self, spec: Spec, pairs: Floats, buffer: Workspace) -> None:
        self._rows, self._piece = spec.embedding_rows, spec.segment or spec.max_len
        self._codes, self._second = codes(pairs), pairs[:, 1].astype(np.int32)
        self._buffer = buffer

    def numbered(self, ids: Tokens) -> Tokens:
        """Return int32 [texts, steps] with a pair's row in place of the word that ends it, and of the same piece."""
        numbers = ids.copy()
        for first in range(0, len(ids), AT_ONCE):
            words = ids[first : first + AT_ONCE]
            before = np.zeros_like(words, np.int64)
            before[:, 1:] = words[:, :-1]
            before[:, words.shape[1] % self._piece :: self._piece] = 0  # pieces are counted from the end
            here = before * BIGRAM_BASE + words
            place = np.minimum(np.searchsorted(self._codes, here), len(self._codes) - 1)
            known = (before > 0) & (self._codes[place] == here)
            numbers[first : first + AT_ONCE][known] = place[known] + self._rows
        return numbers

    def rows(self, numbers: Tokens) -> Tokens:
        """Return the rows of one table that these numbers' vectors are made of: the words', then those of the pairs."""
        place = np.maximum(numbers - self._rows, 0)
        words = np.where(place > 0, self._second[place], numbers)
        return np.concatenate([words, numbers[numbers > self._rows]])

    def vectors(self, numbers: Tokens, rows: Tokens, tables: tuple[Floats, Floats], scale: Floats | None) -> Floats:
        """Return the vectors of words and of pairs with their words, float32 [numbers, columns].

        `rows` are the numbers', `tables` those of pairs and of words, `scale` float32 [rows of one table] multiplies
        each row.
        """
        found = self._buffer("vectors", len(numbers), tables[1].shape[1])
        scale = np.empty(0, np.float32) if scale is None else scale
        _add_up(numbers, rows, self._rows, *tables, scale, found)
        return found

    def gradient(self, numbers: Tokens, rows: Tokens, gradient: Floats, scale: Floats | None) -> tuple[Tokens, Floats]:
        """Return the numbers' rows, ascending and each once, and the gradient of each, of that of their vectors."""
        rows, places = np.unique(rows, return_inverse=True)
        values = self._buffer.zeros("row_gradient", len(rows), gradient.shape[1])
        _hand_out(numbers, places, self._rows, gradient, values)
        if scale is not None:
            values *= scale[rows, None]
        return rows, values


@compiled
def _add_up(numbers, words, first, vectors, table, scale, out):
    """Fill out float32 [numbers, columns] with the rows of words, each with that of its pair, where it ends one."""
    for i in range(numbers.size):
        row, to = table[words[i]], out[i]
        if scale.size:
            share = scale[words[i]]
            for k in range(to.size):
                to[k] = row[k] * share
        else:
            for k in range(to.size):
                to[k] = row[k]
        if numbers[i] > first:
            more = vectors[numbers[i] - first]
            if scale.size:
                share = scale[numbers[i]]
                for k in range(to.size):
                    to[k] += more[k] * share
            else:
                for k in range(to.size):
                    to[k] += more[k]


@compiled
def _hand_out(numbers, places, first, gradient, values):
    """Add each number's gradient to the row of its word, and to that of its pair; places int64 [words, then pairs]."""
    pair = numbers.size
    for i in range(numbers.size):
        given, to = gradient[i], values[places[i]]
        for k in range(to.size):
            to[k] += given[k]
        if numbers[i] > first:
            to = values[places[pair]]
            for k in range(to.size):
                to[k] = given[k]
            pair += 1
