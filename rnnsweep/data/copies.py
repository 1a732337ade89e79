"""Texts that are copies of one another: which they are, and how many.

A model that was trained on one copy and tested on the other shows its memory. So copies stand on one side of every
split that is made of a user's file, and where a file brings its own split, they are counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rnnsweep.data.reviews import Reviews
from rnnsweep.types import Ints


def copies(reviews: Reviews) -> Ints:
    """Return int64 [reviews]: equal for reviews of equal tokens, numbered from 0 in order of first appearance."""
    return _equal(len(reviews), _content(reviews))


def copies_of_words(texts: Sequence[Sequence[str]]) -> Ints:
    """Return int64 [texts]: equal for texts of equal words, numbered from 0 in order of first appearance.

    For the rows of a file before they have ranks, which depend on the split.
    """
    return _equal(len(texts), lambda text: "\0".join(texts[text]).encode())


def shared_between(train: Reviews, test: Reviews) -> NDArray[np.bool_]:
    """Return bool [test reviews], true where the tokens of a test review are those of a training review."""
    first, second = _content(train), _content(test)
    numbers = _equal(len(train) + len(test), lambda at: first(at) if at < len(train) else second(at - len(train)))
    return np.isin(numbers[len(train) :], numbers[: len(train)])


def with_copies(groups: Ints, copy_ids: Ints) -> Ints:
    """Return int64 [texts]: the smallest groups that cut neither one of `groups` nor copies of one text."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = by_first(groups), by_first(copy_ids)
    many = int(first.max(initial=-1)) + 1
    size = many + int(second.max(initial=-1)) + 1
    links = coo_array((np.ones(len(first), np.int8), (first, many + second)), shape=(size, size))
    found = connected_components(links, directed=False)[1]
    return by_first(found[first].astype(np.int64))


def copies_note(copy_ids: Ints, labels: Ints) -> str:
    """Return one line: how many texts are copies of another one, and how many of them differ in their labels.

    `labels` are int [texts], or of several labels a text [texts, labels].
    """
    texts = int(copy_ids.max(initial=-1)) + 1
    if texts == len(copy_ids):
        return "no text is a copy of another one"
    labelled = np.unique(np.column_stack([copy_ids, np.asarray(labels, np.int64)]), axis=0)[:, 0]
    two = int((np.bincount(labelled, minlength=texts) > 1).sum())
    line = f"{len(copy_ids) - texts:,} of {len(copy_ids):,} texts are copies of another one"
    what = "more than one label" if labels.ndim == 1 else "more than one set of labels"
    return line + (f", and {two:,} {'text has' if two == 1 else 'texts have'} {what}" if two else "")


def by_first(values: Ints) -> Ints:
    """Return int64 [values]: equal where the values are, numbered from 0 in order of first appearance."""
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    numbers = np.empty(len(first), np.int64)
    numbers[np.argsort(first)] = np.arange(len(first))
    return numbers[inverse]


def _content(reviews: Reviews) -> Callable[[int], bytes]:
    tokens, offsets = np.ascontiguousarray(reviews.tokens), reviews.offsets.tolist()
    return lambda at: tokens[offsets[at] : offsets[at + 1]].tobytes()


def _equal(count: int, content: Callable[[int], bytes]) -> Ints:
    """Return int64 [count], equal where the contents are; only their hashes are kept in memory."""
    numbers = np.empty(count, np.int64)
    known: dict[bytes, list[tuple[int, int]]] = {}  # hash: number and first text of each content with it
    texts = 0
    for at in range(count):
        own = content(at)
        alike = known.setdefault(hashlib.blake2b(own, digest_size=8).digest(), [])
        for number, first in alike:
            if content(first) == own:
                numbers[at] = number
                break
        else:
            alike.append((texts, at))
            numbers[at] = texts
            texts += 1
    return numbers
