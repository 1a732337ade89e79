"""Pretrained vectors of words, in the text formats of GloVe and word2vec, for the words that a data set has."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import lzma
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from rnnsweep.data.cache import file_checksum
from rnnsweep.data.reviews import INDEX_FROM, DataError, Dataset, Vectors
from rnnsweep.data.word_index import INDEXES, words_by_rank
from rnnsweep.spec import Spec

OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
LARGEST = 10_000  # numbers of a vector


def with_vectors(dataset: Dataset, source: str, path: Path) -> Dataset:
    """Return the data set with the vectors that a file has for its words; raises `DataError`.

    `source` is what the reviews were loaded from, by which the words of IMDB and Reuters are found.
    """
    vectors = read_vectors(path, _words(dataset, source))
    return dataclasses.replace(dataset, vectors=vectors)


def of_vectors(dataset: Dataset) -> dict[str, Any]:
    """Return the fields of a spec that a data set's vectors fix: their checksum and their number of columns."""
    found = dataset.vectors
    return {} if found is None else {"vectors_sha256": found.sha256, "embedding_dim": found.values.shape[1]}


def check_columns(given: Any, dataset: Dataset) -> None:
    """Raise `DataError` where --embedding-dim, `given`, is another number than the vectors' columns."""
    if dataset.vectors is None or given is None:
        return
    columns = dataset.vectors.values.shape[1]
    values = given if isinstance(given, Sequence) else [given]
    if list(values) != [columns]:
        said = " ".join(map(str, values))
        raise DataError(
            f"--embedding-dim is {said}, but the vectors of {dataset.vectors.name} have {columns} columns; leave it out"
        )


def vectors_of(spec: Spec, dataset: Dataset) -> Vectors | None:
    """Return the vectors that a spec's embedding begins with; raises `DataError` where the data has not these."""
    if not spec.vectors_sha256:
        return None
    if dataset.vectors is None or dataset.vectors.sha256 != spec.vectors_sha256:
        other = "none" if dataset.vectors is None else f"those of {dataset.vectors.name}"
        raise DataError(
            f"{spec.key} begins with the vectors of checksum {spec.vectors_sha256[:12]}, and there are {other}; give "
            "their file with --vectors"
        )
    return dataset.vectors


def coverage(dataset: Dataset, num_words: int) -> str:
    """Return in a line how many of the words that a network keeps begin with a vector; the data has vectors."""
    found = dataset.vectors
    if found is None:
        return ""
    tokens = dataset.train.tokens
    known = tokens[(tokens > INDEX_FROM) & (tokens < num_words)]
    words = min(num_words, int(tokens.max(initial=INDEX_FROM)) + 1) - INDEX_FROM - 1
    kept = found.ids[found.ids < num_words]
    covered = np.isin(known, kept).mean() if len(known) else 0.0
    return (
        f"{found.name} ({found.values.shape[1]} columns, checksum {found.sha256[:12]}): num_words {num_words:,} finds "
        f"{len(kept):,} of its {words:,} words in it, {100 * covered:.1f} % of their occurrences; the others begin at "
        "random"
    )


def _words(dataset: Dataset, source: str) -> Sequence[str]:
    if dataset.vocabulary is not None:
        return dataset.vocabulary
    if dataset.name not in INDEXES:
        raise DataError(f"--vectors cannot be had of --data {source}, which has no words; give a file of texts")
    return words_by_rank(dataset.name, dataset.name if source == "auto" else source)


def read_vectors(path: Path, words: Sequence[str]) -> Vectors:
    """Return the vectors that a file has for `words`, by rank from 1; raises `DataError` with the line that is none.

    A line is a word and its numbers between blanks; a first line of two whole numbers is word2vec's. A word is found
    as it is, else in lower case, and of several lines the first one counts.
    """
    ranks = {word: rank for rank, word in enumerate(words, 1) if word}
    exact: dict[int, list[str]] = {}
    alike: dict[int, list[str]] = {}
    columns = 0
    try:
        with closing(_lines(path)) as lines:
            for number, line in enumerate(lines, 1):
                fields = line.rstrip().split(" ")
                if number == 1 and len(fields) == 2 and all(field.isdigit() for field in fields):
                    continue
                columns = columns or _columns(fields, path, number)
                word = " ".join(fields[:-columns])
                for found, rank in ((exact, ranks.get(word)), (alike, ranks.get(word.lower()))):
                    if rank is not None:
                        found.setdefault(rank, fields[-columns:])
                if len(fields) <= columns and line.strip():
                    raise _wrong(path, number, f"has {len(fields) - 1} numbers, and the first one {columns}")
    except (OSError, EOFError, lzma.LZMAError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(f"--vectors {path} cannot be read ({reason}); give another file") from None
    rows = alike | exact
    if not rows:
        raise DataError(
            f"--vectors {path} has none of the {len(ranks):,} words of the texts; give vectors of their language"
        )
    found_ranks = sorted(rows)
    values = np.stack([_numbers(rows[rank], path, words[rank - 1]) for rank in found_ranks])
    return Vectors(path.name, file_checksum(path), np.array(found_ranks, np.int64) + INDEX_FROM, values)


def _lines(path: Path) -> Generator[str, None, None]:
    with path.open("rb") as file:
        head = file.read(6)
    if head.startswith(b"PK"):
        raise DataError(f"--vectors {path} is an archive; unpack it, and give one of its files")
    opened = next((opener for magic, opener in OPENERS.items() if head.startswith(magic)), open)
    with opened(path, "rt", encoding="utf-8", errors="replace", newline="\n") as text:
        yield from text


def _columns(fields: Sequence[str], path: Path, number: int) -> int:
    """Return how many numbers end the first line of a vector; the word before them may hold blanks."""
    columns = 0
    for field in reversed(fields[1:]):
        try:
            float(field)
        except ValueError:
            break
        columns += 1
    if not 1 <= columns <= LARGEST:
        raise _wrong(path, number, "is no word with numbers behind it")
    return columns


def _numbers(fields: Sequence[str], path: Path, word: str) -> Any:
    try:
        values = np.array(fields, np.float32)
    except ValueError:
        values = np.array([np.nan], np.float32)
    if not np.isfinite(values).all():
        raise DataError(
            f"--vectors {path}: what stands behind {word!r} are no {len(fields)} numbers; get the file again"
        )
    return values


def _wrong(path: Path, number: int, what: str) -> DataError:
    return DataError(
        f"--vectors {path}: line {number:,} {what}; give a text file of a word and its numbers a line, as GloVe and "
        "word2vec write them"
    )
