"""What turns a text into the numbers of a data set: its tokens, their ranks, the names of its classes.

A ledger keeps it, so that what was trained can be used where the data is not.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnsweep.data.reading import Reading
from rnnsweep.data.reviews import INDEX_FROM, DataError, Dataset
from rnnsweep.data.tokens import Kind, from_json, kind_of, strip_markup
from rnnsweep.data.word_index import INDEXES, words_by_rank

FORMAT = 1  # of the file; a later version of this program may write a higher one
FILES = ("test", "validation_file", "vectors")  # of a reading


@dataclass(frozen=True)
class Vocabulary:
    """The words of a data set by rank, commonest first, and all else that a text of its kind is read by."""

    name: str  # of the data
    sha256: str  # of the data
    classes: tuple[str, ...]  # what label 0, label 1, ... are called
    real: bool  # False for generated reviews
    multilabel: bool  # whether a text may have several labels, or none
    kind: Kind
    words: tuple[str, ...]
    source: str  # what the data was loaded from, a file by its whole path
    reading: Reading  # how that file was read

    def split(self, texts: list[str]) -> list[list[str]]:
        """Return the tokens of each text, as those of the training texts were made."""
        return self.kind.split([strip_markup(text) for text in texts] if self.reading.strip_markup else texts)

    def ids(self, num_words: int) -> dict[str, int]:
        """Return the number of each word that is below `num_words`, in Keras's numbering."""
        known = self.words[: max(0, num_words - INDEX_FROM - 1)]
        return {word: rank + INDEX_FROM for rank, word in enumerate(known, 1) if word}

    def to_bytes(self) -> bytes:
        """Return all of this as packed JSON, the same bytes each time."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields |= {"kind": json.loads(self.kind.to_json()), "reading": _given(self.reading), "format": FORMAT}
        return gzip.compress(json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass"), mtime=0)


def parse_vocabulary(data: bytes, name: str) -> Vocabulary:
    """Return what `to_bytes` wrote; raises `DataError`, with its name, where it is damaged or of a later version.

    A field that a later version has beside those known here is no matter; another format is.
    """
    try:
        fields = json.loads(gzip.decompress(data).decode("utf-8", "surrogatepass"))
        if fields["format"] > FORMAT:
            raise DataError(f"{name} was written by a later version of rnnsweep; use that one, or a later one still")
        known = {field.name: fields[field.name] for field in dataclasses.fields(Vocabulary)}
        known |= {name: tuple(known[name]) for name in ("classes", "words")}
        known |= {"kind": from_json(json.dumps(known["kind"])), "reading": _reading(known["reading"])}
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{name} is damaged ({type(error).__name__}); delete it, and the sweep's command writes it again"
        ) from None
    return Vocabulary(**known)


def vocabulary_of(dataset: Dataset, source: str, reading: Reading) -> Vocabulary:
    """Return the vocabulary of a data set that was loaded from `source`, read as `reading` says.

    That of a published file of ranks is Keras's own index, which may have to be downloaded. Raises `DataError` where it
    cannot be had.
    """
    kind = kind_of(dataset.tokens, reading.pieces) if dataset.pieces is None else from_json(dataset.pieces)
    words = dataset.vocabulary
    if words is None:
        words = words_by_rank(dataset.name, source) if dataset.name in INDEXES else _invented(dataset)
    source = str(Path(source).absolute()) if Path(source).exists() else source
    return Vocabulary(
        dataset.name, dataset.sha256, dataset.classes, dataset.real, dataset.multilabel, kind, words, source, reading
    )


def _invented(dataset: Dataset) -> tuple[str, ...]:
    """Return names for generated words, which have none: word1 is the commonest."""
    return tuple(f"word{rank}" for rank in range(1, int(dataset.train.tokens.max()) - INDEX_FROM + 1))


def _given(reading: Reading) -> dict[str, Any]:
    found = {f.name: getattr(reading, f.name) for f in dataclasses.fields(reading)}
    kept = {name: value for name, value in found.items() if value != getattr(Reading(), name)}
    return {name: str(value.absolute()) if isinstance(value, Path) else value for name, value in kept.items()}


def _reading(fields: dict[str, Any]) -> Reading:
    """Return the reading of `_given`; raises TypeError on a field that this version does not know."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    values.update({name: Path(values[name]) for name in FILES if name in values})
    return Reading(**values)
