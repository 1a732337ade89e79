"""Several labels of one text: from a cell, a list or a column per label to a row of 0 and 1 for each text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from rnnsweep.data.columns import column_of, where
from rnnsweep.data.labels import Bools, Classes, alike_labels, check_is_label, key_named, label_name, listed, ordered
from rnnsweep.data.reading import Reading
from rnnsweep.data.reviews import DataError
from rnnsweep.data.unpack import cut
from rnnsweep.types import Ints

Labels = tuple[str, ...]  # of one text
YES, NO = ("1", "1.0", "true"), ("0", "0.0", "false")


def check_label_flags(reading: Reading) -> None:
    """Raise `DataError` where two flags name the labels in two ways."""
    if reading.label_columns is not None and (reading.label_column is not None or reading.label_separator is not None):
        raise DataError(
            "--label-columns names a column of 0 and 1 per label, so neither --label-column nor --label-separator says "
            "anything beside it; leave them out"
        )
    if reading.label_separator == "":
        raise DataError("--label-separator is empty; give what stands between two labels, such as ';' or a blank")


def with_labels(frame: pd.DataFrame, columns: Sequence[str], name: str = "the file") -> tuple[pd.DataFrame, str]:
    """Return the frame with one more column of lists, the names of the 0/1 `columns` that say 1, and its name.

    A row in which one of them is empty has no list. Raises `DataError` for a column that is not there, or holds more
    than 0 and 1.
    """
    if len(columns) < 2:
        raise DataError("--label-columns is one column; give at least two, or --label-column for one of classes")
    found = [_column(frame, column, name) for column in columns]
    flags = [_flags(frame[column], column, name) for column in found]
    rows = zip(*flags, strict=True)
    lists = [None if None in row else [c for c, on in zip(found, row, strict=True) if on] for row in rows]
    new = ", ".join(found)
    return frame.assign(**{new: pd.Series(lists, frame.index, dtype=object)}), new


def _column(frame: pd.DataFrame, value: str, name: str) -> str:
    found = column_of(frame, value)
    if found is None:
        shown = ", ".join(cut(str(column), 30) for column in frame.columns[:20])
        raise DataError(f"--label-columns {value}: {name} has no such column; give some of {shown}, or their numbers")
    return found


def _flags(values: pd.Series[Any], column: str, name: str) -> list[bool | None]:
    found: list[bool | None] = []
    for row, value in zip(values.index, values, strict=True):
        word = (label_name(value) or "").lower()
        if word and word not in YES + NO:
            raise DataError(
                f"{name} has {cut(str(value), 20)!r} in the column {column} of --label-columns ({where(row)}); give "
                "columns of 0 and 1, or of true and false"
            )
        found.append(word in YES if word else None)
    return found


def labels_in(value: Any, separator: str | None) -> Labels | None:
    """Return the labels of a cell, each once: of a list, or of a text with a separator between them; None for none.

    A blank as separator is any run of white space.
    """
    if isinstance(value, list):
        parts = [label_name(item) for item in value]
    else:
        whole = label_name(value) or ""
        parts = [
            label_name(part) for part in (whole.split() if not (separator or "").strip() else whole.split(separator))
        ]
    return tuple(dict.fromkeys(part for part in parts if part)) or None


def labels_of_texts(
    values: Sequence[Labels],
    chosen: Sequence[str] | None = None,
    least: int | None = None,
    counted: Bools | None = None,
    order: Sequence[str] | None = None,
    name: str = "the file",
) -> Classes:
    """Return the labels that texts have, and which each text has: codes 0 or 1, int64 [texts, labels].

    Labels that differ in case or blanks only are one. `chosen` chooses and orders them; those that fewer than `least`
    of the `counted` texts have, bool [texts], are left out. A text that has none of what is left stays, with 0 of all.
    Raises `DataError` for fewer than two labels, or for names that there are not.
    """
    spellings = Counter(label for labels in values for label in labels)
    alike = alike_labels(spellings)
    display = {key: max(same, key=lambda label: spellings[label]) for key, same in alike.items()}
    key_of = {label: key for key, same in alike.items() for label in same}
    keys = list(ordered(display, order))
    if chosen is not None:
        keys = list(dict.fromkeys(key_named(each, display, name, "--classes") for each in chosen))
    codes = _codes(values, key_of, keys)
    notes = _merged_note(name, alike, display)
    if least is not None:
        counts = codes[np.ones(len(codes), np.bool_) if counted is None else counted].sum(0)
        kept = np.flatnonzero(counts >= least)
        if len(kept) < len(keys):
            rare = f"{len(keys) - len(kept):,} of {len(keys):,} labels"
            notes.append(f"{name}: {rare}, which fewer than {least:,} training texts have, are left out")
        keys, codes = [keys[i] for i in kept], codes[:, kept]
    if len(keys) < 2:
        remedy = "lower --min-label" if least is not None else "give another column"
        raise DataError(f"{name} has {len(keys)} labels to tell apart; give at least two: {remedy}")
    check_is_label(name, keys, spellings)
    return Classes(tuple(display[key] for key in keys), codes, (*notes, _counts_note(name, codes)))


def _codes(values: Sequence[Labels], key_of: dict[str, Any], keys: Sequence[Any]) -> Ints:
    place = {key: at for at, key in enumerate(keys)}
    codes = np.zeros((len(values), len(keys)), np.int64)
    for row, labels in enumerate(values):
        for label in labels:
            at = place.get(key_of[label])
            if at is not None:
                codes[row, at] = 1
    return codes


def _merged_note(name: str, alike: dict[Any, list[str]], display: dict[Any, str]) -> list[str]:
    several = [f"{', '.join(map(repr, same))} as {display[key]!r}" for key, same in alike.items() if len(same) > 1]
    return [f"{name}: labels that differ in case or blanks only are one: {listed(several)}"] if several else []


def _counts_note(name: str, codes: Ints) -> str:
    counts = codes.sum(1)
    none = int((counts == 0).sum())
    line = f"{name}: several labels a text, {counts.mean():.1f} in the mean, {counts.max()} at most"
    return line + (f"; {none:,} texts have none of them, and stay" if none else "")


def rare_labels(labels: Classes, split: Sequence[str], name: str = "the file") -> list[str]:
    """Return one line on labels that no training text has, and one on those of one text; `split` is of each text."""
    trained = labels.codes[np.array(split) == "train"].sum(0)
    lines = []
    for names, why in (
        (
            [n for n, count in zip(labels.names, trained, strict=True) if count == 0],
            "no training text, so it is never said",
        ),
        (
            [n for n, count in zip(labels.names, trained, strict=True) if count == 1],
            "one training text, too few to learn",
        ),
    ):
        if names:
            lines.append(f"{name}: {listed(names)} has {why}; --min-label leaves rare ones out")
    return lines
