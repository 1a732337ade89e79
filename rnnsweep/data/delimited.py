"""Tables of text with a separator between their fields: .csv, .tsv, .txt."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pandas as pd

from rnnsweep.data.columns import SHOWN, is_usual, where
from rnnsweep.data.reviews import DataError
from rnnsweep.data.unpack import cut

SEPARATORS = (",", "\t", ";", "|")
OF_SUFFIX = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": "\t"}
NAMES = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
SAMPLE = 200  # records that separator and header are told by
SENTENCE = (5, 40)  # words and characters of a field from which on it is no name of a column
_SAID = re.compile(r"sep=(.)\n")  # Excel's own first line


@dataclass(frozen=True)
class Delimited:
    """A table as it was read: its rows, and what the file was found to be."""

    frame: pd.DataFrame
    separator: str
    header: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Dialect:
    """How the rows of a table are written, as far as its first megabyte shows it."""

    separator: str
    preamble: int  # characters of Excel's own first line, which is no row
    backslash: bool  # quotes inside texts are written \"
    lone: int | None  # the first line with a lone quote, where each line is a row and quotes are letters
    spaced: bool  # a blank stands between separator and quote

    def plain(self, text: str) -> str:
        """Return the rows with quotes inside texts written twice."""
        text = text[self.preamble :]
        return text.replace('\\"', '""') if self.backslash else text

    def options(self, quoted: bool) -> dict[str, Any]:
        """Return what `pandas.read_csv` is told, so that each field comes as it stands; `quoted` where quotes count."""
        # A text may be the word "null": nothing is a missing value here but a field that is not there.
        return {
            "sep": self.separator,
            "header": None,
            "dtype": object,  # of str, pandas keeps a second copy of all texts
            "keep_default_na": False,
            "quoting": csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
            "skipinitialspace": quoted and self.spaced,
        }


def dialect_of(text: str, suffix: str = ".csv", known: Callable[[str], bool] = is_usual) -> Dialect:
    """Return how the rows of a text are written; `known` are names of columns that its first row may hold."""
    said = _SAID.match(text)
    preamble = said.end() if said else 0
    separator = said.group(1) if said else separator_of(text, suffix, known)
    backslash = _escapes_with_backslash(text[preamble:], separator)
    text = Dialect(separator, preamble, backslash, None, False).plain(text)
    lone = _lone_quote(text, separator) if separator == "\t" else None
    spaced = f'{separator} "' in text and f'{separator}"' not in text
    return Dialect(separator, preamble, backslash, lone, spaced)


def read_delimited(
    text: str, name: str, suffix: str = ".csv", header: bool | None = None, expected: Sequence[str] = ()
) -> Delimited:
    """Return the table that a text is: all fields as they stand, those that a short row lacks empty.

    The separator is told by content: it makes usual or `expected` names of the first row, else rows of one length. A
    first row without such names is data if a field of it is a number, a sentence, or stands again below it; `header`
    says so itself. Raises `DataError` with the row where a quote is never closed or fields are too many.
    """

    def known(field: str) -> bool:
        return is_usual(field) or field.strip() in expected

    dialect = dialect_of(text, suffix, known)
    text, separator, notes = dialect.plain(text), dialect.separator, []
    if dialect.backslash:
        notes.append(f'{name}: quotes inside texts are written \\", and are read as quotes')
    if dialect.lone is not None:
        notes.append(
            f"{name}: line {dialect.lone:,} has a lone quote, and each line as many tabs: quotes are read as letters"
        )
    rows = _parsed(text, dialect, name, quoted='"' in text and dialect.lone is None)
    first = ["" if value is None else str(value) for value in rows.iloc[0]] if len(rows) else []
    below = rows.iloc[1 : SAMPLE + 1]
    named = header if header is not None else is_header(first, [below[c].tolist() for c in below.columns], known)
    if header is None and not named:
        notes.append(f"{name} has no header: columns are called by number, from 1 (--header, where it has one)")
    names = distinct_names([value.strip() for value in first]) if named else [str(n) for n in range(1, len(first) + 1)]
    frame = rows.iloc[int(named) :].set_axis(names, axis=1)
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return Delimited(frame, separator, named, tuple(notes))


# ---- separator and header
def separator_of(text: str, suffix: str, known: Callable[[str], bool] = is_usual) -> str:
    """Return what stands between the fields: of , ; tab and | the one that makes names or even rows of a text."""
    own = OF_SUFFIX.get(suffix, ",")
    order = [own, *(separator for separator in SEPARATORS if separator != own)]
    sample = {separator: list(islice(_records(text, separator), SAMPLE)) for separator in order}
    wide = [separator for separator in order if sample[separator] and len(sample[separator][0]) > 1]
    named = [(sum(map(known, sample[separator][0])), separator) for separator in wide]
    if any(count for count, _ in named):
        return max(named, key=lambda pair: pair[0])[1]
    even = [s for s in wide if len(sample[s]) > 1 and len({len(record) for record in sample[s][:-1]}) == 1]
    return next(iter(even or wide or [own]))


def _records(text: str, separator: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text[: 2**20]), delimiter=separator)
    while True:
        try:
            record = next(reader, None)
        except csv.Error:  # a field longer than the module takes: as little as without a separator
            return
        if record is None:
            return
        if record:
            yield record


def is_header(first: Sequence[str], below: Sequence[list[str | None]], known: Callable[[str], bool]) -> bool:
    """Return whether the first row names the columns; `below` is what stands in each column under it."""
    if any(known(field) for field in first) or not (below and below[0]):
        return True
    return not any(_is_data(field, column) for field, column in zip(first, below, strict=True))


def _is_data(field: str, below: list[str | None]) -> bool:
    words, characters = SENTENCE
    if _is_number(field) or len(field.split()) > words or len(field) > characters:
        return True
    return bool(field) and field in below


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def distinct_names(names: list[str]) -> list[str]:
    """Return the names of columns, those without one by number, and a second of one name as pandas calls it."""
    seen: dict[str, int] = {}
    result = []
    for number, name in enumerate(names, 1):
        name = name or f"column {number}"
        seen[name] = seen.get(name, -1) + 1
        result.append(f"{name}.{seen[name]}" if seen[name] else name)
    return result


# ---- quotes
def _escapes_with_backslash(text: str, separator: str) -> bool:
    """Return whether quotes inside quotes are written as Spark and MySQL do, and nowhere doubled."""
    if '\\"' not in text:
        return False
    field_end = f"\n{re.escape(separator)}"
    if re.search(rf'[^{field_end}"]""[^{field_end}"]', text):
        return False
    return re.search(rf'(?:^|[{field_end}])"[^"\n]*\\"[^{field_end}]', text) is not None


def _lone_quote(text: str, separator: str) -> int | None:
    """Return the first line whose quotes do not close where each line is a whole row; None where there is no such."""
    if '"' not in text:
        return None
    lone, fields = None, text[: text.find("\n")].count(separator)
    for number, line in enumerate(text.split("\n"), 1):
        if line and line.count(separator) != fields:
            return None
        if lone is None and '"' in line and not _closes(line, separator):
            lone = number
    return lone


def _closes(line: str, separator: str) -> bool:
    opened = [field for field in line.split(separator) if field.startswith('"')]
    return all(re.fullmatch(r'"(?:[^"]|"")*"', field) for field in opened)


def refuse_swallowed(frame: pd.DataFrame, separator: str, text: str, label: str, name: str) -> None:
    """Raise `DataError` where a text holds a line that ends (or begins) as a row of the table does: with a label.

    Such a text has swallowed rows behind a lone quote, with their labels. Where other columns on the label's side of
    the text repeat their values, too, the line has to hold one of each.
    """
    columns = list(frame.columns)
    of_text = columns.index(text)
    behind = columns.index(label) > of_text
    side = range(of_text + 1, len(columns)) if behind else range(of_text)
    values = {at - len(columns) * behind: _repeated(frame[columns[at]], columns[at] == label) for at in side}
    known = {at: repeated for at, repeated in values.items() if repeated}
    found = []
    for row, value in zip(frame.index, frame[text], strict=True):
        if isinstance(value, str) and "\n" in value and separator in value:
            lines = value.split("\n")
            least = len(side) + 1 if behind else len(columns)
            line = next((x for x in (lines if behind else lines[1:]) if _is_row(x, separator, known, least)), None)
            if line is not None:
                found.append((row, line))
    if found:
        shown = "; ".join(f"{where(row)}: {cut(line)!r}" for row, line in found[:SHOWN])
        raise DataError(
            f"{name}: the texts of {len(found):,} rows hold lines that are rows themselves ({shown}), as a lone quote "
            'makes them; write a quote inside a text twice ("") and put the text in quotes'
        )


def _repeated(column: pd.Series[Any], is_label: bool) -> set[str] | None:
    """Return the values of a column that repeat, or of the labels all; None where most stand once."""
    counts = column.dropna().value_counts()
    if is_label:
        return {value for value in counts.index if value}
    return None if len(counts) * 2 > len(column) else {value for value in counts.index if value}


def _is_row(line: str, separator: str, known: dict[int, set[str]], least: int) -> bool:
    if separator not in line:
        return False
    fields = line.split(separator)
    return len(fields) >= least and all(fields[at].strip('"') in values for at, values in known.items())


# ---- rows
class _Slices(io.TextIOBase):
    """A text as a file that is read piece by piece, where `io.StringIO` copies all of it, four bytes a character."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def read(self, size: int | None = -1) -> str:
        """Return the next `size` characters, without one all that are left."""
        begin = self._at
        self._at = len(self._text) if size is None or size < 0 else begin + size
        return self._text[begin : self._at]


def _parsed(text: str, dialect: Dialect, name: str, quoted: bool) -> pd.DataFrame:
    if not text.strip():
        raise DataError(f"{name} is empty; give a file with a text and a label in each row")
    try:
        rows: pd.DataFrame = pd.read_csv(_Slices(text), **dialect.options(quoted))
    except (ValueError, OverflowError) as error:
        raise DataError(_not_parsed(text, dialect.separator, name, str(error))) from None
    return rows


def _not_parsed(text: str, separator: str, name: str, reason: str) -> str:
    if "EOF inside string" in reason:
        line = _unclosed(text, separator)
        return (
            f"{name}: the quote that opens in line {line:,} is never closed; write a quote inside a text twice "
            '("") and put the text in quotes'
        )
    wide, width = _too_wide(text, separator)
    if not wide:
        return f"{name} cannot be read as a table ({reason.splitlines()[0] if reason else 'no reason'}); look at it"
    shown = ", ".join(f"line {line:,} has {fields}" for line, fields in wide[:SHOWN])
    return (
        f"{name}: {len(wide):,} rows have more fields than the {width} of the first ({shown}), separated by "
        f"{NAMES.get(separator, repr(separator))}; put quotes around texts that hold {separator!r}"
    )


def _unclosed(text: str, separator: str) -> int:
    """Return the line in which the last record begins, which a quote that is never closed makes of all the rest."""
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    begin = 1
    try:
        while True:
            at = reader.line_num + 1
            if next(reader, None) is None:
                return begin
            begin = at
    except csv.Error:
        return at


def _too_wide(text: str, separator: str) -> tuple[list[tuple[int, int]], int]:
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    wide: list[tuple[int, int]] = []
    width = 0
    try:
        for record in reader:
            width = width or len(record)
            if len(record) > width:
                wide.append((reader.line_num, len(record)))
    except csv.Error:
        return wide, width
    return wide, width
