"""Which column of a table is the text, which the label, and which says training, validation or test, or the group."""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rnnsweep.data.reviews import DataError
from rnnsweep.data.unpack import cut

OWN = {"text": "text", "label": "label", "split": "split"}  # this project's own names win over the other usual ones
USUAL: dict[str, tuple[str, ...]] = {
    "text": (
        "text", "texts", "review", "reviews", "reviewtext", "reviewbody", "sentence", "sentences", "content",
        "contents", "comment", "comments", "commenttext", "tweet", "tweettext", "message", "msg", "sms", "body",
        "document", "doc", "description", "phrase", "utterance", "post", "v2", "文本", "评论", "内容",
    ),
    "label": (
        "label", "labels", "sentiment", "class", "classes", "target", "category", "categories", "stars", "star",
        "rating", "ratings", "score", "polarity", "topic", "intent", "emotion", "airlinesentiment", "overall", "y",
        "v1", "标签", "情感", "类别",
    ),
    "split": ("split", "set", "partition", "fold", "subset"),
}  # fmt: skip
SPLITS = {
    "train": ("train", "training", "trn"),
    "test": ("test", "testing", "tst"),
    "validation": ("validation", "valid", "val", "dev", "development"),
}
_SPLIT_OF = {word: split for split, words in SPLITS.items() for word in words}
SHOWN = 3  # rows that a message shows


@dataclass(frozen=True)
class Roles:
    """The columns of a table that are read, and one line that says so."""

    text: str
    label: str
    split: str | None
    group: str | None
    note: str


def plain(name: object) -> str:
    """Return a column's name without case, blanks, hyphens and underscores, as the usual names are written."""
    return "".join(c for c in unicodedata.normalize("NFKC", str(name)).casefold() if c not in " _-\t\u00a0").strip()


def is_usual(name: object) -> bool:
    """Return whether a name is a usual one for a text, a label or a split."""
    return any(plain(name) in names for names in USUAL.values())


def roles(
    frame: pd.DataFrame,
    text: str | None = None,
    label: str | None = None,
    split: str | None = None,
    group: str | None = None,
    name: str = "the file",
) -> Roles:
    """Return which columns are text, label, split and group: those given by name or number (from 1), else usual ones.

    A role is taken from its usual names where exactly one column fits it, in any case; `text`, `label` and `split`
    themselves come first. A group has none, and has to be given. Raises `DataError` with all columns.
    """
    given = {"text": text, "label": label, "split": split, "group": group}
    taken: dict[str, str | None] = {role: _given(frame, value, role, name) for role, value in given.items()}
    _check_apart(taken, name)
    if taken["text"] is None and taken["label"] is None and _without_names(frame):
        taken |= _by_content(frame)
    for role, column in list(taken.items()):
        if column is None and role in USUAL:
            free = [other for other in frame.columns if other not in taken.values()]
            taken[role] = _usual(frame, free, role, name, needed=role != "split")
    if taken["text"] is None or taken["label"] is None:  # cannot be, but for a type checker
        raise _none(frame, "text", name)
    said = ", ".join(f"{role} is {_shown(column)}" for role, column in taken.items() if column is not None)
    return Roles(taken["text"], taken["label"], taken["split"], taken["group"], f"{name}: {said}")


def _check_apart(taken: Mapping[str, str | None], name: str) -> None:
    """Raise `DataError` where one column is given two roles."""
    roles: dict[str, str] = {}
    for role, column in taken.items():
        if column is not None and column in roles:
            raise DataError(
                f"--{role}-column and --{roles[column]}-column are both the column {column} of {name}; give two columns"
            )
        if column is not None:
            roles[column] = role


def text_column(frame: pd.DataFrame, given: str | None, usual: str | None = None, name: str = "the file") -> str:
    """Return the column of texts of a table without labels: given, as `usual` before, by a usual name, or the only one.

    Raises `DataError` with all columns where none is that column.
    """
    found = _given(frame, given, "text", name) or (None if usual is None else column_of(frame, usual))
    if found is not None:
        return found
    if len(frame.columns) == 1:
        return str(frame.columns[0])
    by_content = _by_content(frame) if _without_names(frame) else {}
    found = by_content.get("text") or _usual(frame, list(frame.columns), "text", name, needed=True)
    if found is None:  # cannot be, but for a type checker
        raise _none(frame, "text", name)
    return found


def _shown(column: str) -> str:
    return f"column {column}" if column.isdigit() else f"column {cut(column, 40)!r}"


def _given(frame: pd.DataFrame, value: str | None, role: str, name: str) -> str | None:
    if value is None:
        return None
    found = column_of(frame, value)
    if found is None:
        raise DataError(f"--{role}-column {value}: {name} has no such column; give {_choices(frame)}")
    return found


def column_of(frame: pd.DataFrame, value: str) -> str | None:
    """Return the column with this name, or with it in another case, or with this number from 1; None for no such."""
    names = [str(column) for column in frame.columns]
    if value in names:
        return value
    alike = [column for column in names if plain(column) == plain(value)]
    if len(alike) == 1:
        return alike[0]
    numbered = {str(number): name for number, name in enumerate(names, 1)}
    return numbered.get(value.lstrip("0"))


def _usual(frame: pd.DataFrame, free: list[str], role: str, name: str, needed: bool) -> str | None:
    fitting = [column for column in free if plain(column) in USUAL[role]]
    own = [column for column in fitting if column == OWN[role]] or [c for c in fitting if plain(c) == OWN[role]]
    if len(own) == 1:
        return own[0]
    if role == "split":  # a column "set" or "fold" is one only if it says so
        fitting = [column for column in fitting if all(split_of(value) for value in frame[column])]
    if len(fitting) == 1:
        return fitting[0]
    if fitting and (needed or role == "split"):
        shown = " and ".join(repr(column) for column in fitting)
        raise DataError(f"{name} has {shown}, each of which may be the {role}; say which with --{role}-column")
    if needed:
        raise _none(frame, role, name)
    return None


def _none(frame: pd.DataFrame, role: str, name: str) -> DataError:
    return DataError(
        f"{name} has no column that is usual for the {role} ({', '.join(USUAL[role][:5])}, ...), only "
        f"{_choices(frame)}; say which with --{role}-column"
    )


def _choices(frame: pd.DataFrame) -> str:
    shown = [cut(str(column), 30) for column in frame.columns[:20]] + ["..."] * (len(frame.columns) > 20)
    return f"one of {', '.join(shown)}, or a number from 1 to {len(frame.columns)}" if shown else "a file with columns"


def _without_names(frame: pd.DataFrame) -> bool:
    return len(frame.columns) == 2 and [str(column) for column in frame.columns] == ["1", "2"]


def _by_content(frame: pd.DataFrame) -> dict[str, str]:
    """Return text and label of two columns without names, where only one of them repeats its values."""
    distinct = {str(column): frame[column].astype(str).nunique() for column in frame.columns}
    label, text = sorted(distinct, key=lambda column: distinct[column])
    if distinct[label] * 2 > len(frame) or distinct[text] <= 2 * distinct[label]:
        return {}
    return {"text": text, "label": label}


# ---- splits
def splits(values: Sequence[Any], column: str, index: Sequence[Hashable], name: str) -> list[str]:
    """Return train, test or validation for each row; raises `DataError` with the rows that say something else."""
    found = [split_of(value) for value in values]
    wrong = [i for i, split in enumerate(found) if split is None]
    if wrong:
        shown = ", ".join(f"{where(index[i])}: {cut(str(values[i]), 20)!r}" for i in wrong[:SHOWN])
        raise DataError(
            f"{name} has {len(wrong):,} rows with another word in the column {column} ({shown}); give train, test or "
            "validation in every row, or another column with --split-column"
        )
    return [split for split in found if split is not None]


def split_of(value: object) -> str | None:
    """Return train, test or validation for a word or a folder's name that means it; None for any other."""
    return _SPLIT_OF.get(str(value).strip().lower())


def where(row: Hashable) -> str:
    """Return what a message calls a row, by its place in a frame's index: its number from 1, or its file."""
    if isinstance(row, tuple):
        return f"{row[0]}, {where(row[1])}"
    return row if isinstance(row, str) else f"row {int(str(row)):,}"


@dataclass(frozen=True)
class Part:
    """One of several files that are read as one: what its messages call it, its rows and its columns."""

    name: str
    frame: pd.DataFrame
    roles: Roles


def join(parts: dict[str, Part]) -> pd.DataFrame:
    """Return the rows of several tables, by split (train, test, validation), as one of `text`, `label` and `split`.

    Its index is (name of the file, row); where one of them has groups, there is a column `group`. Raises `DataError`
    where a table says itself what is train and test.
    """
    tables = []
    for split, part in parts.items():
        if part.roles.split is not None:
            raise DataError(
                f"{part.name} says in its column {part.roles.split!r} what is train and test, and so do --test and "
                "--validation-file; give only one of them"
            )
        columns = {"text": part.roles.text, "label": part.roles.label, "group": part.roles.group}
        values = {role: part.frame[column].astype(object) for role, column in columns.items() if column is not None}
        tables.append(pd.DataFrame(values, part.frame.index).assign(split=split))
    return pd.concat(tables, keys=[part.name for part in parts.values()], names=["file", "row"])
