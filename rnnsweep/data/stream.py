"""Texts of a file without labels, a few at a time, so that a file of any length is read in the same memory.

Tables of text, JSON lines and Parquet are streamed, packed ones too; other kinds are read whole, as for training.
"""

from __future__ import annotations

import codecs
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pandas as pd

from rnnsweep.data.columns import is_usual, text_column
from rnnsweep.data.delimited import OF_SUFFIX, SAMPLE, Dialect, dialect_of, distinct_names, is_header
from rnnsweep.data.labels import text_of
from rnnsweep.data.reviews import DataError
from rnnsweep.data.tables import read
from rnnsweep.data.unpack import DAMAGE, decoded, marked, opened, reason_of

BEGINNING = 2**20  # bytes by which a file is understood
PIECE = 2**14  # characters that are handed on at a time: pandas keeps what it is given beyond the rows that it returns
LINES = (".jsonl", ".ndjson")
ROWS = 1000  # texts at a time


@dataclass(frozen=True)
class Source:
    """A file of texts, and what is said of it."""

    path: Path
    text_column: str | None = None  # by name, or by number from 1
    usual: str | None = None  # the column that the network's training texts stood in
    encoding: str | None = None
    header: bool | None = None


@dataclass(frozen=True)
class Texts:
    """Some texts of a file, in its order, and how much of the file they and those before them take, 0 to 1."""

    texts: list[str]
    share: float


def stream(source: Source, rows: int = ROWS) -> Iterator[Texts]:
    """Yield the texts of a file, `rows` of them at a time, none left out: a missing one is empty.

    The column of texts is recognised as for training. Raises `DataError` where there is none, or no such file.
    """
    path = source.path
    if path.is_dir() or not path.is_file():
        raise DataError(f"there is no file {path}; give a file of texts with --file")
    size = max(1, path.stat().st_size)
    try:
        with path.open("rb") as raw:
            content, suffix = opened(path, raw)
            for frame, done in _frames(source, content, suffix, rows):
                yield Texts(frame, min(1.0, raw.tell() / size if done is None else done))
    except (*DAMAGE, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be read ({reason_of(error)}); get the file again, or unpack it") from None


def _frames(source: Source, content: IO[bytes], suffix: str, rows: int) -> Iterator[tuple[list[str], float | None]]:
    if suffix == ".parquet":
        yield from _parquet(source, rows)
    elif suffix in OF_SUFFIX or suffix in LINES:
        text = _Text(content, source)
        chunks = _json_lines(source, text, rows) if suffix in LINES else _delimited(source, text, suffix, rows)
        yield from ((texts, None) for texts in chunks)
    else:
        yield from _whole(source, rows)


class _Text(io.TextIOBase):
    """The text of a stream of bytes, whose beginning is known and is read again."""

    def __init__(self, content: IO[bytes], source: Source) -> None:
        beginning = content.read(BEGINNING)
        self.encoding_used = source.encoding or marked(beginning) or "utf-8"
        whole = len(beginning) < BEGINNING
        if whole:
            decoded(beginning, source.path, source.encoding)  # says what is wrong with it
        try:
            self._decoder = codecs.getincrementaldecoder(self.encoding_used)()
            self._ready = self._decoder.decode(beginning, whole).removeprefix("\ufeff")
        except (LookupError, UnicodeError) as error:
            raise self._refusal(source.path, error) from None
        self._content, self._path, self._ended, self._carried = content, source.path, whole, ""
        self._plain = Dialect(",", 0, False, None, False)
        self._ready = self._even(self._ready)
        self.beginning = self._ready

    def use(self, dialect: Dialect) -> None:
        """Have what is read from here on as this dialect writes it, without its first line."""
        self._ready = dialect.plain(self._ready)
        self._plain = Dialect(dialect.separator, 0, dialect.backslash, dialect.lone, dialect.spaced)

    def read(self, size: int | None = -1) -> str:
        """Return some of the text, at most so many characters, '' at its end."""
        while not self._ready and not self._ended:
            block = self._content.read(BEGINNING)
            self._ended = not block
            try:
                text = self._decoder.decode(block, self._ended)
            except UnicodeError as error:
                raise self._refusal(self._path, error) from None
            self._ready = self._plain.plain(self._even(text))
        cut = min(PIECE, PIECE if size is None or size < 0 else size)
        text, self._ready = self._ready[:cut], self._ready[cut:]
        return text

    def readable(self) -> bool:
        """Return True."""
        return True

    def lines(self) -> Iterator[str]:
        """Yield the lines that are left, without their ends."""
        rest = ""
        while block := self.read():
            *lines, rest = (rest + block).split("\n")
            yield from lines
        if rest:
            yield rest

    def _even(self, text: str) -> str:
        """Return a block with one kind of line break; one that may be cut in two at its end waits for the next."""
        text = self._carried + text
        self._carried = ""
        if not self._ended and text.endswith(("\r", "\\")):
            text, self._carried = text[:-1], text[-1]
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _refusal(self, path: Path, error: Exception) -> DataError:
        return DataError(f"{path} is not {self.encoding_used} ({reason_of(error)}); give its --encoding")


def _delimited(source: Source, text: _Text, suffix: str, rows: int) -> Iterator[list[str]]:
    sample = text.beginning
    if suffix == ".txt" and "\t" not in sample:
        yield from by(rows, text.lines())
        return
    dialect = dialect_of(sample[: sample.rfind("\n") + 1] or sample, suffix)
    text.use(dialect)
    if not sample.strip():
        raise DataError(f"{source.path} is empty; give a file with a text in each row")
    column: int | None = None
    try:
        for frame in pd.read_csv(text, chunksize=max(rows, SAMPLE + 1), **dialect.options(dialect.lone is None)):
            if column is None:
                frame, column = _begun(source, frame)
            yield from by(rows, (text_of(value) or "" for value in frame.iloc[:, column]))
    except (ValueError, OverflowError) as error:
        if isinstance(error, DataError):
            raise
        reason = (str(error).strip().splitlines() or ["no reason"])[-1]
        raise DataError(
            f"{source.path} cannot be read as a table ({reason}); put texts that hold a quote or a separator in quotes"
        ) from None


def _begun(source: Source, frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the first rows without their header, and the place of the column of texts."""
    first = ["" if value is None else str(value) for value in frame.iloc[0]]
    below = frame.iloc[1 : SAMPLE + 1]
    expected = (source.text_column, source.usual)
    named = source.header
    if named is None:
        columns = [below[column].tolist() for column in below.columns]
        named = is_header(first, columns, lambda field: is_usual(field) or field.strip() in expected)
        named = named and (len(below) > 0 or any(map(is_usual, first)))  # a lone row is a text, not a name
    names = distinct_names([v.strip() for v in first]) if named else [str(n) for n in range(1, len(first) + 1)]
    frame = frame.iloc[int(named) :].set_axis(names, axis=1)
    return frame, names.index(text_column(frame, source.text_column, source.usual, str(source.path)))


def _json_lines(source: Source, text: _Text, rows: int) -> Iterator[list[str]]:
    column: str | None = None
    for number, found in enumerate(by(rows, text.lines())):
        objects = [_object(source, line, number * rows + at) for at, line in enumerate(found, 1) if line.strip()]
        if objects and column is None:
            column = text_column(pd.DataFrame(objects), source.text_column, source.usual, str(source.path))
        yield [text_of(each.get(str(column))) or "" for each in objects]


def _object(source: Source, line: str, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DataError(f"{source.path}: line {number:,} is no JSON object; give one a line")
    return {str(name): value for name, value in found.items()}


def _parquet(source: Source, rows: int) -> Iterator[tuple[list[str], float]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(source.path)
        columns = pd.DataFrame(columns=file.schema_arrow.names)
        column = text_column(columns, source.text_column, source.usual, str(source.path))
        total, done = max(1, file.metadata.num_rows), 0
        for batch in file.iter_batches(rows, columns=[column]):
            done += batch.num_rows
            yield [text_of(value) or "" for value in batch.column(0).to_pylist()], done / total
    except pa.ArrowException as error:
        raise DataError(f"{source.path} is no readable Parquet file ({reason_of(error)}); get it again") from None


def _whole(source: Source, rows: int) -> Iterator[tuple[list[str], float]]:
    expected = [name for name in (source.text_column, source.usual) if name is not None]
    frame = read(source.path, source.encoding, source.header, expected).frame
    column = text_column(frame, source.text_column, source.usual, str(source.path))
    texts = [text_of(value) or "" for value in frame[column]]
    for start in range(0, len(texts), rows):
        yield texts[start : start + rows], min(1.0, (start + rows) / len(texts))


def by(rows: int, texts: Iterable[str]) -> Iterator[list[str]]:
    """Return the texts so many at a time, the last part what is left: `itertools.batched` of Python 3.12, as lists."""
    found: list[str] = []
    for text in texts:
        found.append(text)
        if len(found) == rows:
            yield found
            found = []
    if found:
        yield found
