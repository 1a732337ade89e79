"""From a user's file to texts, tokens and classes, with a line for everything that had to be decided or left out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnsweep.data.columns import Part, Roles, column_of, join, roles, splits
from rnnsweep.data.delimited import refuse_swallowed
from rnnsweep.data.division import divide
from rnnsweep.data.labels import Bools, Classes, classes_of, label_name, leave_out, rare, text_of
from rnnsweep.data.multilabel import check_label_flags, labels_in, labels_of_texts, rare_labels, with_labels
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
    values = _labels(table, reading)
    faults = {
        "text": np.array([not text.strip() for text in texts], np.bool_),
        "word": np.array(wordless, np.bool_),
        "label": np.array([value is None for value in values], np.bool_),
    }
    keep, left_out = leave_out(faults, raw, index, reading.strict, name)
    rows = np.flatnonzero(keep)
    stated = _split(table, rows)
    labels = _classes([values[i] for i in rows], stated, table, reading)
    chosen = labels.known
    labels, rows = labels.part(chosen), rows[chosen]
    texts = [texts[i] for i in rows]
    words = UnicodeWords().split(texts) if kind.learns else [words[i] for i in rows]
    groups = _groups(table, rows)
    stated = None if stated is None else list(compress(stated, chosen))
    split, division = divide(stated, table.divided, words, labels.codes, groups)
    if kind.learns:
        kind.fit(list(compress(texts, (each == "train" for each in split))))
        words = kind.split(texts)
    notes = [
        table.roles.note,
        *labels.notes,
        *left_out,
        *(rare_labels if labels.multilabel else rare)(labels, split, name),
        *division,
        why,
    ]
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
    check_label_flags(reading)
    given = (reading.text_column, reading.label_column, reading.split_column, reading.group_column)
    expected = [column for column in given if column is not None] + list(reading.label_columns or ())
    read_as = {
        split: _with_roles(read(file, reading.encoding, reading.header, expected), reading, split == "train")
        for split, file in files.items()
        if file is not None
    }
    tables = {split: both[0] for split, both in read_as.items()}
    found = {split: both[1] for split, both in read_as.items()}
    first = tables["train"]
    order = first.class_names.get(found["train"].label)
    notes = tuple(line for table in tables.values() for line in (table.facts, *table.notes))
    if len(tables) == 1:
        return _Table(str(path), first.frame, found["train"], order, found["train"].split is not None, notes)
    frame = join({split: Part(table.name, table.frame, found[split]) for split, table in tables.items()})
    group = None if found["train"].group is None else "group"
    note = "; ".join(role.note for role in found.values())
    return _Table(str(path), frame, Roles("text", "label", "split", group, note), order, "test" in tables, notes)


def _with_roles(table: RawTable, reading: Reading, grouped: bool) -> tuple[RawTable, Roles]:
    """Return the table, with a column of lists where it has a column per label, and its columns by role."""
    frame, label = table.frame, reading.label_column
    if reading.label_columns is not None:
        frame, label = with_labels(frame, reading.label_columns, table.name)
    group = reading.group_column if grouped else None
    found = roles(frame, reading.text_column, label, reading.split_column, group, table.name)
    if table.separator is not None:
        swallowed = column_of(table.frame, reading.label_columns[-1]) if reading.label_columns else found.label
        refuse_swallowed(table.frame, table.separator, found.text, str(swallowed), table.name)
    return replace(table, frame=frame), found


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


def _labels(table: _Table, reading: Reading) -> list[Any]:
    """Return the label of each row, or where it may have several, all of them; None where it has none."""
    values = table.frame[table.roles.label].tolist()
    if reading.label_separator is not None or any(isinstance(value, list) for value in values):
        found = [labels_in(value, reading.label_separator) for value in values]
        if reading.label_columns is None:
            return found
        # A 0 in each column is an answer, as no label in a cell is not.
        return [
            labels or (() if isinstance(value, list) else None) for labels, value in zip(found, values, strict=True)
        ]
    return [label_name(value) for value in values]


def _classes(values: list[Any], split: list[str] | None, table: _Table, reading: Reading) -> Classes:
    several = any(isinstance(value, tuple) for value in values)
    if not several:
        if reading.min_label is not None:
            raise DataError("--min-label is of several labels a text; choose classes with --classes")
        return classes_of(values, reading.classes, reading.positive, table.order, table.name)
    if reading.positive is not None:
        raise DataError("--positive is for two classes, and a text has several labels here; leave it out")
    counted = None if split is None else np.array([each == "train" for each in split], np.bool_)
    return labels_of_texts(values, reading.classes, reading.min_label, counted, table.order, table.name)
