"""From a user's file to texts, tokens and classes, with a line for everything that had to be decided or left out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnsweep.data.columns import Part, Roles, join, roles, splits
from rnnsweep.data.delimited import refuse_swallowed
from rnnsweep.data.division import divide
from rnnsweep.data.labels import Bools, Classes, classes_of, label_name, leave_out, rare, text_of
from rnnsweep.data.reading import Reading
from rnnsweep.data.reviews import DataError
from rnnsweep.data.tables import RawTable, read
from rnnsweep.data.tokens import Kind, UnicodeWords, automatic, kind_of, markup, strip_markup
from rnnsweep.types import Ints

AS_FOUND = Reading()  # all left to what the file holds


@dataclass(frozen=True)
class Understood:
    """The texts that can be learned from, in the order of the file."""

    name: str
    texts: list[str]
    words: list[list[str]]  # the tokens of each text
    labels: Classes
    split: list[str]  # train, test or validation of each text
    groups: Ints | None  # int64 [texts], equal for those that the data says belong together
    kind: Kind
    index: list[Hashable]  # what `columns.where` calls each row by
    notes: tuple[str, ...]

    @property
    def training(self) -> Bools:
        """Which texts are trained on, bool [texts]."""
        return np.array([split == "train" for split in self.split], np.bool_)


@dataclass(frozen=True)
class _Table:
    """One table of all the files, with its columns by role."""

    name: str
    frame: pd.DataFrame
    roles: Roles
    order: Sequence[str] | None  # of the classes, where the file has one
    divided: bool  # whether the data says which texts are the test set
    notes: tuple[str, ...]

    def column(self, role: str | None, rows: Ints) -> list[Any] | None:
        """Return the values of a column in some of the rows, or None where there is no such column."""
        return None if role is None else self.frame[role].iloc[rows].tolist()


def understand(path: Path, reading: Reading = AS_FOUND) -> Understood:
    """Return what a file (or folder) holds, by the flags of `reading`; raises `DataError`.

    Where it does not say which texts are the test set, `divide` does. Tokens that are learned are learned on the
    training texts only.
    """
    table = _table(path, reading)
    name, index = table.name, table.frame.index.tolist()
    raw = table.frame[table.roles.text].tolist()
    texts, found = _texts(raw, reading)
    kind, why = _kind(texts, reading)
    words = [] if kind.learns else kind.split(texts)
    wordless = [not kind.has_token(text) for text in texts] if kind.learns else [not tokens for tokens in words]
    values = _labels(table)
    faults = {
        "text": np.array([not text.strip() for text in texts], np.bool_),
        "word": np.array(wordless, np.bool_),
        "label": np.array([value is None for value in values], np.bool_),
    }
    keep, left_out = leave_out(faults, raw, index, reading.strict, name)
    rows = np.flatnonzero(keep)
    labels = classes_of([values[i] for i in rows], reading.classes, reading.positive, table.order, name)
    chosen = labels.codes >= 0
    labels, rows = labels.part(chosen), rows[chosen]
    texts = [texts[i] for i in rows]
    words = UnicodeWords().split(texts) if kind.learns else [words[i] for i in rows]
    groups = _groups(table, rows)
    split, division = divide(_split(table, rows), table.divided, words, labels.codes, groups)
    if kind.learns:
        kind.fit(list(compress(texts, (each == "train" for each in split))))
        words = kind.split(texts)
    notes = [table.roles.note, *labels.notes, *left_out, *rare(labels, split, name), *division, why]
    notes += [] if found is None else [found]
    lines = (*table.notes, *(line.removeprefix(f"{name}: ") for line in notes))
    return Understood(name, texts, words, labels, split, groups, kind, [index[i] for i in rows], lines)


def _texts(raw: Sequence[Any], reading: Reading) -> tuple[list[str], str | None]:
    texts = [text_of(value) or "" for value in raw]
    if reading.strip_markup:
        return [strip_markup(text) for text in texts], None
    return texts, markup(texts)


def _kind(texts: Sequence[str], reading: Reading) -> tuple[Kind, str]:
    name, why = automatic(texts) if reading.tokens == "auto" else (reading.tokens, f"tokens are {reading.tokens}")
    kind = kind_of(name, reading.pieces)
    return kind, f"{why}, {reading.pieces:,} at most, learned on the training texts" if kind.learns else why


# ---- one table of all files
def _table(path: Path, reading: Reading) -> _Table:
    files = {"train": path, "test": reading.test, "validation": reading.validation_file}
    given = (reading.text_column, reading.label_column, reading.split_column, reading.group_column)
    expected = [column for column in given if column is not None]
    tables = {
        split: read(file, reading.encoding, reading.header, expected)
        for split, file in files.items()
        if file is not None
    }
    found = {split: _roles(table, reading, grouped=split == "train") for split, table in tables.items()}
    first = tables["train"]
    order = first.class_names.get(found["train"].label)
    notes = tuple(line for table in tables.values() for line in (table.facts, *table.notes))
    if len(tables) == 1:
        return _Table(str(path), first.frame, found["train"], order, found["train"].split is not None, notes)
    frame = join({split: Part(table.name, table.frame, found[split]) for split, table in tables.items()})
    group = None if found["train"].group is None else "group"
    note = "; ".join(role.note for role in found.values())
    return _Table(str(path), frame, Roles("text", "label", "split", group, note), order, "test" in tables, notes)


def _roles(table: RawTable, reading: Reading, grouped: bool) -> Roles:
    found = roles(
        table.frame, reading.text_column, reading.label_column, reading.split_column,
        reading.group_column if grouped else None, table.name,
    )  # fmt: skip
    if table.separator is not None:
        refuse_swallowed(table.frame, table.separator, found.text, found.label, table.name)
    return found


def _split(table: _Table, rows: Ints) -> list[str] | None:
    column = table.roles.split
    if column is None:
        return None
    found = splits(table.frame[column].tolist(), column, table.frame.index.tolist(), table.name)
    return [found[i] for i in rows]


def _groups(table: _Table, rows: Ints) -> Ints | None:
    from rnnsweep.data.groups import named_groups  # imports SciPy

    values = table.column(table.roles.group, rows)
    return None if values is None else named_groups(values)


def _labels(table: _Table) -> list[str | None]:
    values = table.frame[table.roles.label].tolist()
    if any(isinstance(value, list) for value in values):
        raise DataError(
            f"{table.name} has lists in the column {table.roles.label!r}; give a column with one label a text with "
            "--label-column"
        )
    return [label_name(value) for value in values]
