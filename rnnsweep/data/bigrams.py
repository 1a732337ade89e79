"""The pairs of neighbouring words that a network reads as such, too: which they are."""

from __future__ import annotations

import numpy as np

from rnnsweep.data.reviews import OUT_OF_VOCABULARY
from rnnsweep.types import Ints, Tokens

AT_ONCE = 4096  # texts whose pairs are held in memory together


def commonest_bigrams(ids: Tokens, count: int) -> Ints:
    """Return the commonest pairs of neighbouring words of int32 [texts, steps]: int64 [at most count, 2], ascending.

    Padding, starts and words out of vocabulary are no words. Of pairs as common as each other, the lower are taken.
    """
    words = int(ids.max(initial=0)) + 1
    codes, times = np.empty(0, np.int64), np.empty(0, np.int64)
    for first in range(0, len(ids), AT_ONCE):
        part = ids[first : first + AT_ONCE]
        both = (part[:, :-1] > OUT_OF_VOCABULARY) & (part[:, 1:] > OUT_OF_VOCABULARY)
        found, here = np.unique(part[:, :-1][both].astype(np.int64) * words + part[:, 1:][both], return_counts=True)
        codes, where = np.unique(np.concatenate([codes, found]), return_inverse=True)
        times = np.bincount(where, np.concatenate([times, here]), len(codes)).astype(np.int64)
    chosen = np.sort(codes[np.argsort(-times, kind="stable")[:count]])
    return np.stack([chosen // words, chosen % words], axis=1)
