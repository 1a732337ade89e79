"""Texts that belong together (of one film, one author, one package), found from the rare words that they share.

Where the test set shares no film with the training set, but the validation reviews do, validation flatters whatever
can remember names. So whole groups are held out. Reviews are linked where the cosine of their rare words is large
enough; groups are the communities of that graph (Leiden: Traag, Waltman and van Eck, Scientific Reports 9, 2019).

Weights are whole numbers, so that sums are exact in whatever order they are added, and every machine finds the same
links. Nothing is larger than a block of products, or than `NEIGHBOURS` links of a review.
"""

from __future__ import annotations

import hashlib
import io
import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rnnsweep.data.copies import by_first, copies
from rnnsweep.data.reviews import INDEX_FROM, Reviews
from rnnsweep.files import cache_folder, write_whole
from rnnsweep.types import Ints

FEWEST, MOST = 2, 60  # texts that hold a word which links them
LEAST = 0.08  # cosine of a link
NEIGHBOURS = 30  # links that a text keeps, its closest ones
RESOLUTION = 100.0  # of the communities: more is smaller ones
ITERATIONS = 3
FORMAT = 1  # of what is found: a new number finds all groups again
SCALE = 1024  # of a word's weight, so that it is a whole number
BLOCK = 2_000_000  # tokens, or products of two texts, at a time


def found_groups(reviews: Reviews, seed: int = 0) -> Ints:
    """Return int64 [reviews]: equal for reviews of one group, numbered from 0 in order of first appearance.

    Copies of one text are of one group, and count as one text. A review that shares nothing is a group of its own.
    """
    copy_ids = copies(reviews)
    distinct = np.unique(copy_ids, return_index=True)[1]
    links, cosines = _links(_rare_words(reviews, distinct))
    return by_first(_communities(len(distinct), links, cosines, seed)[copy_ids])


def known_groups(reviews: Reviews) -> tuple[Ints, float]:
    """Return what `found_groups` returns, from the cache if these reviews were grouped before, and its seconds."""
    path = _cached(reviews)
    with suppress(OSError, ValueError, KeyError, EOFError, BadZipFile), np.load(path, allow_pickle=False) as arrays:
        groups, seconds = arrays["groups"], float(arrays["seconds"])
        if groups.dtype == np.int64 and len(groups) == len(reviews):
            return groups, seconds
    begin = time.perf_counter()
    groups = found_groups(reviews)
    seconds = time.perf_counter() - begin
    file = io.BytesIO()
    np.savez_compressed(file, groups=groups, seconds=seconds)
    with suppress(OSError):  # read-only or full: found again the next time
        write_whole(path, file.getvalue())
    return groups, seconds


def _cached(reviews: Reviews) -> Path:
    """Return the place of these reviews' groups: by all that they depend on, igraph's version included."""
    rule = (FORMAT, FEWEST, MOST, LEAST, NEIGHBOURS, RESOLUTION, ITERATIONS, SCALE, version("igraph"))
    digest = hashlib.sha256(repr(rule).encode())
    digest.update(np.ascontiguousarray(reviews.offsets, "<i8").data)
    digest.update(np.ascontiguousarray(reviews.tokens, "<i4").data)
    return cache_folder() / "groups" / f"{digest.hexdigest()[:32]}.npz"


def named_groups(values: Sequence[Any]) -> Ints:
    """Return int64 [values]: equal for equal names, each missing or empty one a group of its own."""
    known: dict[str, int] = {}
    names = ["" if value is None or value != value else str(value).strip() for value in values]
    return np.array([known.setdefault(name or f"\0{at}", len(known)) for at, name in enumerate(names)], np.int64)


def _rare_words(reviews: Reviews, distinct: Ints) -> sparse.csr_array:
    """Return float64 [distinct reviews, rare words], the words' weights: SCALE times their idf, as whole numbers."""
    kept = np.zeros(len(reviews), bool)
    kept[distinct] = True
    holders = np.zeros(int(reviews.tokens.max(initial=0)) + 1, np.int64)
    for block in _presence(reviews, kept):
        holders += np.bincount(block.indices, minlength=len(holders))
    rare = (holders >= FEWEST) & (holders <= MOST)
    rare[: INDEX_FROM + 1] = False
    weight = [round(SCALE * math.log(len(distinct) / many)) if many else 0 for many in range(MOST + 1)]
    weights = sparse.diags_array(np.array(weight, float)[holders[rare]])
    empty = sparse.csr_array((0, int(rare.sum())))
    return sparse.csr_array(sparse.vstack([empty, *(block[:, rare] for block in _presence(reviews, kept))]) @ weights)


def _presence(reviews: Reviews, kept: NDArray[np.bool_]) -> Iterator[sparse.csr_array]:
    """Yield the kept reviews in blocks, float64 [reviews, words], 1 where a review holds the word."""
    words = int(reviews.tokens.max(initial=0)) + 1
    for start, stop in _blocks(reviews.lengths):
        part = reviews.part(start, stop)
        block = sparse.csr_array(
            (np.ones(len(part.tokens), np.int8), part.tokens, part.offsets), shape=(len(part), words)
        )[kept[start:stop]]
        block.sum_duplicates()
        block.data[:] = 1
        yield block.astype(np.float64)


def _blocks(costs: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Yield where runs of rows begin and end whose costs are about BLOCK in sum, at least a row."""
    block = np.cumsum(costs) // BLOCK
    edges = np.flatnonzero(np.diff(block, prepend=-1)) if len(block) else np.zeros(0, int)
    yield from zip(edges.tolist(), [*edges[1:].tolist(), len(block)], strict=True)


def _links(rows: sparse.csr_array) -> tuple[Ints, NDArray[np.float64]]:
    """Return int64 [links, 2], each pair once, and float64 [links], their cosines."""
    texts = rows.shape[0]
    squares = np.maximum(np.asarray(rows.multiply(rows).sum(1), np.float64).ravel(), 1)
    columns = rows.T.tocsr()
    products = rows.astype(bool).astype(np.int64) @ np.diff(columns.indptr)
    pairs, cosines = [np.zeros(0, np.int64)], [np.zeros(0)]
    for start, stop in _blocks(products):
        alike = (rows[start:stop] @ columns).tocoo()
        row, column = alike.coords[0].astype(np.int64) + start, alike.coords[1].astype(np.int64)
        cosine = alike.data / np.sqrt(squares[row] * squares[column])
        kept = np.flatnonzero((cosine >= LEAST) & (row != column))
        kept = kept[_closest(row[kept], column[kept], cosine[kept])]
        pairs.append(np.minimum(row[kept], column[kept]) * texts + np.maximum(row[kept], column[kept]))
        cosines.append(cosine[kept])
    found, first = np.unique(np.concatenate(pairs), return_index=True)
    return np.stack([found // max(texts, 1), found % max(texts, 1)], 1), np.concatenate(cosines)[first]


def _closest(row: Ints, column: Ints, cosine: NDArray[np.float64]) -> Ints:
    """Return the places of each row's NEIGHBOURS largest cosines; of equal ones the first columns'."""
    order = np.lexsort((column, -cosine, row))
    starts = np.searchsorted(row[order], row[order], "left")
    return order[np.arange(len(order)) - starts < NEIGHBOURS]


def _communities(texts: int, links: Ints, cosines: NDArray[np.float64], seed: int) -> Ints:
    """Return int64 [texts], equal for texts of one community."""
    import igraph

    graph = igraph.Graph(n=texts, edges=links)
    igraph.set_random_number_generator(random.Random(seed))
    try:
        # Squares hold the closest texts together: as measured by benchmarks/validation.py, fewer true groups are cut.
        found = graph.community_leiden("modularity", weights=cosines**2, resolution=RESOLUTION, n_iterations=ITERATIONS)
    finally:
        igraph.set_random_number_generator(random)  # igraph's own default
    return np.array(found.membership, np.int64)
