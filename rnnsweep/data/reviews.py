"""Reviews in Keras's numbering, wherever they come from, and how a network gets to see them.

Keras's numbering: 0 pads, 1 starts a review, 2 is out of vocabulary, a word of rank r (1 = commonest) is r + 3.
"""

from __future__ import annotations

import array
import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnnsweep.errors import UserError
from rnnsweep.types import Floats, Ints, Tokens

START, OUT_OF_VOCABULARY, INDEX_FROM = 1, 2, 3
SHUFFLE_SEED = 113  # of keras.datasets.imdb; your own reviews are shuffled, and split 80 to 20, with the same
CLASSES = ("negative", "positive")


Labels = NDArray[np.uint8] | NDArray[np.uint16]  # 16 bits for more than 256 classes


class DataError(UserError, ValueError):
    """Reviews that cannot be had or used; the message names the culprit, the valid values and the remedy."""


@dataclass(frozen=True)
class Reviews:
    """Reviews of different lengths, one behind the other."""

    tokens: Tokens  # [tokens of all reviews], Keras numbering, each review with its start token
    offsets: Ints  # [reviews + 1], where each review begins in tokens, and where the last one ends
    labels: Labels  # [reviews], the number of each one's class; of several labels [reviews, labels], 1 for its own

    def __len__(self) -> int:
        """Return the number of reviews."""
        return len(self.labels)

    @property
    def lengths(self) -> Ints:
        """Tokens of each review with its start token, int64 [reviews]."""
        return np.diff(self.offsets)

    def steps(self, max_len: int) -> int:
        """Return how many tokens all reviews have together, each cut to `max_len`."""
        return int(self._cut[min(max_len, len(self._cut) - 1)])

    @cached_property
    def _cut(self) -> Ints:
        """How many tokens all reviews have together, each cut to 0, 1, 2, ...: a plan asks for each of its networks."""
        longer = len(self) - np.cumsum(np.bincount(self.lengths))  # of reviews, than 0, 1, 2, ... tokens
        return np.concatenate([[0], np.cumsum(longer)])

    def part(self, start: int, stop: int) -> Reviews:
        """Return the reviews from `start` to before `stop`, without a copy of their tokens."""
        offsets = self.offsets[start : stop + 1]
        return Reviews(self.tokens[offsets[0] : offsets[-1]], offsets - offsets[0], self.labels[start:stop])

    def first(self, n: int) -> Reviews:
        """Return the first n reviews, or all where there are fewer."""
        return self.part(0, min(n, len(self)))

    def and_then(self, others: Reviews) -> Reviews:
        """Return these reviews and the others behind them."""
        offsets = np.concatenate([self.offsets, others.offsets[1:] - others.offsets[0] + self.offsets[-1]])
        tokens = np.concatenate([self.tokens, others.tokens])
        return Reviews(tokens, offsets, np.concatenate([self.labels, others.labels]))


@dataclass(frozen=True)
class Vectors:
    """Pretrained vectors of the words that a file has."""

    name: str  # of the file
    sha256: str  # of the file
    ids: Ints  # int64 [words], their numbers in Keras's numbering, ascending
    values: Floats  # [words, columns]


@dataclass(frozen=True)
class Dataset:
    """Reviews of two or more classes, or of several labels each, to train on and to test on."""

    name: str  # imdb, reuters, embedded, or the stem of the user's file
    sha256: str  # of tokens, offsets, labels and groups: equal reviews have one checksum, however they are stored
    real: bool  # False for the embedded corpus
    classes: tuple[str, ...]  # what label 0, label 1, ... are called
    train: Reviews
    test: Reviews
    validation: Reviews | None = None  # where the file itself names some
    vocabulary: tuple[str, ...] | None = None  # words by rank, commonest first; None for an .npz, which has only ranks
    tokens: str = "words"  # or unicode, characters, subwords: what a text was split into
    groups: Ints | None = None  # int64 [training reviews], equal for those that the user says belong together
    notes: tuple[str, ...] = ()  # lines on how a user's file was read
    pieces: str | None = None  # what subwords have learned, as JSON; None for the other kinds, which learn nothing

    vectors: Vectors | None = None  # that an embedding may begin with

    @property
    def multilabel(self) -> bool:
        """Whether a review may have several labels, or none of them."""
        return self.train.labels.ndim == 2


def encode(reviews: Reviews, num_words: int, max_len: int) -> Tokens:
    """Return the reviews as int32 [reviews, max_len], as `load_data(num_words=...)` and `pad_sequences` of Keras do.

    Tokens from `num_words` become 2; long reviews lose their beginning, short ones are padded with 0 in front. Raises
    `DataError` if num_words is below 4 or max_len below 1.
    """
    if num_words < INDEX_FROM + 1:
        raise DataError(f"num_words is {num_words}; give at least 4: 0 to 3 are no words")
    if max_len < 1:
        raise DataError(f"max_len is {max_len}; give at least 1")
    kept = np.minimum(reviews.lengths, max_len)
    tokens = reviews.tokens[_ends(reviews.lengths, kept)]
    tokens[tokens >= num_words] = OUT_OF_VOCABULARY
    ids = np.zeros((len(reviews), max_len), np.int32)
    ids.ravel()[_ends(np.full(len(reviews), max_len), kept)] = tokens
    return ids


def _ends(lengths: Ints, kept: Ints) -> NDArray[np.bool_]:
    """Return bool [sum of lengths], true for the last `kept` elements of each run of `lengths` elements."""
    return np.repeat(np.tile([False, True], len(lengths)), np.stack([lengths - kept, kept], 1).ravel())


def labels_of(codes: Ints, classes: int) -> Labels:
    """Return the numbers of classes in as few bits as so many classes need: uint8, or uint16 [reviews].

    Of several labels a review, 0 and 1 as uint8 [reviews, labels].
    """
    return codes.astype(np.uint8) if classes <= 256 or codes.ndim == 2 else codes.astype(np.uint16)


def reviews_of_ranks(ranks: list[list[int]], labels: Labels, name: str, least: int = 0, classes: int = 2) -> Reviews:
    """Return lists of ranks, none below `least`, as reviews: a start token, then each rank + 3.

    Raises `DataError` unless there are reviews of at least two of the `classes`.
    """
    if not len(labels) or (labels.ndim == 1 and len(np.unique(labels)) < 2):
        what = "both classes" if classes == 2 else "reviews of several classes"
        raise DataError(f"{name} reviews are {'all of one class' if len(labels) else 'missing'}; give {what}")
    try:
        flat = np.frombuffer(array.array("q", itertools.chain.from_iterable(ranks)), np.int64)
    except (TypeError, OverflowError) as error:
        raise DataError(f"{name} reviews are not lists of word ranks ({error}); get the file again") from None
    offsets = np.concatenate(([0], np.cumsum([len(row) + 1 for row in ranks])))
    tokens = np.full(offsets[-1], START - INDEX_FROM, np.int32)
    words = np.ones(len(tokens), bool)
    words[offsets[:-1]] = False
    most = np.iinfo(np.int32).max - INDEX_FROM
    if len(flat) and not (least <= flat.min() and flat.max() <= most):
        raise DataError(
            f"{name} reviews have word ranks from {flat.min()} to {flat.max()}; give ranks from 0 to {most}"
        )
    tokens[words] = flat
    tokens += INDEX_FROM
    return Reviews(tokens, offsets, labels)
