"""The words of Keras's published files, which hold ranks alone: its word indexes, found, fetched and checked."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rnnsweep.data.cache import file_checksum
from rnnsweep.data.imdb import AUTO_TIMEOUT, OFFICIAL, download, keras_folder
from rnnsweep.data.reuters import OFFICIAL as OFFICIAL_REUTERS
from rnnsweep.data.reviews import DataError
from rnnsweep.files import cache_folder

FOLDER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
LARGEST = 10**7  # rank that an index may name


@dataclass(frozen=True)
class Index:
    """One of Keras's word indexes, as `get_word_index` of keras/src/datasets has it."""

    file: str
    md5: str
    of: str  # sha256 of the reviews whose ranks it names
    title: str


INDEXES = {
    "imdb": Index("imdb_word_index.json", "bfafd718b763782e994055a2d397834f", OFFICIAL, "the words"),
    "reuters": Index("reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921", OFFICIAL_REUTERS, "the words"),
}


def words_by_rank(name: str, source: str) -> tuple[str, ...]:
    """Return the words of `imdb` or `reuters` by rank, commonest first; '' where a rank has no word.

    `source` is what the reviews were loaded from. Those of a file are named by an index beside it; the published ones
    by Keras's copy of its index, or our own, or downloaded. Raises `DataError` with what is missing.
    """
    index = INDEXES[name]
    path = _file_of(source)
    if path is not None:
        beside = path.with_name(index.file)
        if beside.is_file():
            return parse_index(beside.read_bytes(), str(beside))
        if file_checksum(path) != index.of:
            raise DataError(f"{path} holds ranks and no words; put {index.file}, which names them, beside it")
    return parse_index(_official(index), index.file)


def _file_of(source: str) -> Path | None:
    if source.endswith(".npz"):
        return Path(source)
    named = os.environ.get("RNNSWEEP_DATA")
    return Path(named) if named and source != "reuters" else None


def words_here(name: str) -> tuple[str, ...] | None:
    """Return the words of `imdb` or `reuters` by rank where Keras's index is on this machine, else None."""
    index = INDEXES.get(name)
    data = _here(index) if index else None
    return None if index is None or data is None else parse_index(data, index.file)


def _here(index: Index) -> bytes | None:
    for path in (keras_folder() / index.file, cache_folder() / index.file):
        with suppress(OSError):
            data = path.read_bytes()
            if hashlib.md5(data, usedforsecurity=False).hexdigest() == index.md5:
                return data
    return None


def _official(index: Index) -> bytes:
    return _here(index) or download(
        FOLDER + index.file, cache_folder() / index.file, index.md5, AUTO_TIMEOUT, index.title
    )


def parse_index(data: bytes, name: str) -> tuple[str, ...]:
    """Return the words by rank of a JSON object of ranks from 1 by word; raises `DataError` for anything else."""
    try:
        ranks = json.loads(data)
    except (ValueError, RecursionError):
        ranks = None
    if not isinstance(ranks, Mapping) or not ranks or not all(_is_rank(rank) for rank in ranks.values()):
        raise DataError(f"{name} is no word index, a JSON object of ranks from 1 by word; get it again")
    words = [""] * max(ranks.values())
    for word, rank in ranks.items():
        words[rank - 1] = word
    return tuple(words)


def _is_rank(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST
