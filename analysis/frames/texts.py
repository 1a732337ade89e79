"""The test reviews themselves, where they are at hand on this machine: how long each is, and its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.frames.networks import Grid
from rnnsweep.data import Dataset, load
from rnnsweep.data.cache import at_hand
from rnnsweep.data.reviews import INDEX_FROM, OUT_OF_VOCABULARY, Reviews
from rnnsweep.data.word_index import words_here
from rnnsweep.types import Ints

UNKNOWN = "?"  # a word that no vocabulary has
Data = Callable[[str, str], Dataset | None]  # the data of a name and a checksum, if it is at hand


@dataclass(frozen=True)
class Texts:
    """Test reviews in the order of the ledger's predictions."""

    reviews: Reviews
    words: tuple[str, ...] | None  # by rank, commonest first; None where the data has only ranks
    blank: str  # between two words: none between characters

    @property
    def lengths(self) -> Ints:
        """Tokens of each review with its start token, as `max_len` counts them, int64 [reviews]."""
        return self.reviews.lengths

    def text(self, review: int, most: int) -> str:
        """Return the last words of a review, at most so many, as the data has them; '' where it has only ranks."""
        if self.words is None:
            return ""
        start, stop = self.reviews.offsets[review] + 1, self.reviews.offsets[review + 1]
        kept = self.reviews.tokens[max(start, stop - most) : stop].tolist()
        cut = "… " if stop - start > most else ""
        return cut + self.blank.join(_word(self.words, token) for token in kept)


def _word(words: tuple[str, ...], token: int) -> str:
    rank = token - INDEX_FROM
    return words[rank - 1] if token != OUT_OF_VOCABULARY and 1 <= rank <= len(words) else UNKNOWN


def data_here(dataset: str, sha256: str) -> Dataset | None:
    """Return the data of this name and checksum if this machine has it ready, without reading a user's file again."""
    if dataset == "embedded":
        made = load("embedded")
        return made if made.sha256 == sha256 else None
    return at_hand(sha256)


def texts(grid: Grid, sha256: str, reviews: int, data: Data) -> Texts | None:
    """Return the test reviews of a grid's networks, which have so many predictions each, or None.

    Data with another number of test reviews, of which the ledger's predictions cannot be, counts as not at hand.
    """
    found = data(grid.dataset, sha256)
    if found is None:
        return None
    test = found.test.first(grid.reviews_used) if grid.reviews_used else found.test
    if len(test) != reviews:
        return None
    words = found.vocabulary or words_here(grid.dataset)
    return Texts(test, words, "" if found.tokens == "characters" else " ")


def quantile_groups(lengths: Ints, most: int) -> Ints:
    """Return the group of each review by its length, int64 [reviews], 0 the shortest: at most so many, equally large.

    Reviews of one length are in one group.
    """
    edges = np.unique(np.quantile(lengths, np.arange(1, most) / most, method="lower"))
    return np.searchsorted(edges, lengths, side="left").astype(np.int64)
