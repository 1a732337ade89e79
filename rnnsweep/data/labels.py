"""Labels as users write them, the classes they name, and the rows that have none."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnsweep.data.columns import SHOWN, where
from rnnsweep.data.reviews import CLASSES, DataError
from rnnsweep.data.unpack import cut
from rnnsweep.types import Ints

Bools = NDArray[np.bool_]
MANY = 20  # classes from which on a column in which most stand once is taken for no label
LISTED = 5  # names that a message lists


@dataclass(frozen=True)
class Classes:
    """The classes of a set of texts, and which one each text is of."""

    names: tuple[str, ...]
    # [texts], -1 for a text without a label or of a class that was not chosen; or, of several labels a text,
    # [texts, labels], 1 for those that it has.
    codes: Ints
    notes: tuple[str, ...] = ()

    @property
    def multilabel(self) -> bool:
        """Whether a text may have several labels, or none of them."""
        return self.codes.ndim == 2

    @property
    def known(self) -> Bools:
        """Which texts have a class that was chosen, bool [texts]."""
        return np.ones(len(self.codes), np.bool_) if self.multilabel else self.codes >= 0

    def counts(self) -> Ints:
        """Return the number of texts of each class, int64 [classes]."""
        if self.multilabel:
            return np.asarray(self.codes.sum(0), np.int64)
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names)).astype(np.int64)

    def part(self, rows: Bools) -> Classes:
        """Return the same classes for some of the texts, bool [texts]."""
        return replace(self, codes=self.codes[rows])


def label_name(value: Any) -> str | None:
    """Return what a label is called: words as they are, whole numbers without a point; None for a missing one."""
    if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():  # how pandas reads 0 and 1 beside a gap
        value = int(value)
    return " ".join(unicodedata.normalize("NFC", str(value)).split()) or None


def classes_of(
    values: Sequence[Any],
    chosen: Sequence[str] | None = None,
    positive: str | None = None,
    order: Sequence[str] | None = None,
    name: str = "the file",
) -> Classes:
    """Return the classes of labels: words, numbers or booleans, those that differ in case or blanks only as one.

    Two are in the order of their names, more of numbers by size. `chosen` chooses and orders them, `positive` is the
    second of two, `order` the file's own order of names. 0 and 1 alone are called negative and positive. Raises
    `DataError` for one class, or for names that there are not.
    """
    found = [label_name(value) for value in values]
    spellings = Counter(label for label in found if label is not None)
    alike = alike_labels(spellings)
    display = {key: max(same, key=lambda label: spellings[label]) for key, same in alike.items()}
    keys = list(ordered(display, order))
    notes = _merged(name, alike, display)
    key_of = {label: key for key, same in alike.items() for label in same}
    if chosen is not None:
        keys = [key_named(each, display, name, "--classes") for each in chosen]
        notes += _not_chosen(name, spellings, key_of, set(keys))
    if len(set(keys)) < 2:
        raise DataError(_too_few(name, [display[key] for key in keys], sum(spellings.values())))
    check_is_label(name, keys, spellings)
    if positive is not None:
        keys = _with_positive(keys, key_named(positive, display, name, "--positive"), name)
    names = tuple(display[key] for key in keys)
    code = {key: i for i, key in enumerate(keys)}
    codes = np.array([-1 if label is None else code.get(key_of[label], -1) for label in found], np.int64)
    return Classes(CLASSES if names == ("0", "1") else names, codes, tuple(notes))


def alike_labels(spellings: Iterable[str]) -> dict[Any, list[str]]:
    """Return the spellings of each class, by what is the same in all of them: a number, or letters in one case."""
    labels = list(spellings)
    numbers = [_number(label) for label in labels]
    alike: dict[Any, list[str]] = {}
    for label, number in zip(labels, numbers, strict=True):
        key = number if None not in numbers else label.casefold()
        alike.setdefault(key, []).append(label)
    return alike


def _number(label: str) -> float | None:
    try:
        number = float(label)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def ordered(display: Mapping[Any, str], order: Sequence[str] | None) -> list[Any]:
    """Return the classes in the file's own order, else more than two numbers by size, else by name."""
    if order is not None and set(display.values()) <= set(order):
        return sorted(display, key=lambda key: list(order).index(display[key]))
    if len(display) > 2 and all(isinstance(key, float) for key in display):
        return sorted(display)
    return sorted(display, key=lambda key: display[key])


def _merged(name: str, alike: Mapping[Any, list[str]], display: Mapping[Any, str]) -> list[str]:
    several = [f"{', '.join(map(repr, same))} as {display[key]!r}" for key, same in alike.items() if len(same) > 1]
    return [f"{name}: labels that differ in case or blanks only are one class: {listed(several)}"] if several else []


def key_named(wanted: str, display: Mapping[Any, str], name: str, flag: str) -> Any:
    """Return the class that a flag names, in any case; raises `DataError` with all names where there is no such."""
    label = label_name(wanted) or ""
    for key, shown in display.items():
        if label == shown or label.casefold() == key or (isinstance(key, float) and _number(label) == key):
            return key
    raise DataError(f"{flag} {wanted}: {name} has no such class; give of {listed(sorted(display.values()), 30)}")


def _not_chosen(name: str, spellings: Counter[str], key_of: Mapping[str, Any], keys: set[Any]) -> list[str]:
    left_out = sum(count for label, count in spellings.items() if key_of[label] not in keys)
    return [f"{name}: {left_out:,} texts of classes that --classes does not name are left out"] if left_out else []


def _too_few(name: str, names: Sequence[str], texts: int) -> str:
    what = f"only one class ({names[0]})" if names else "no labels" if not texts else "no class that is chosen"
    return f"{name} has {what}; give at least two, or another column with --label-column"


def check_is_label(name: str, keys: Sequence[Any], spellings: Counter[str]) -> None:
    """Raise `DataError` for many classes of which most stand once: such a column is no label."""
    once = sum(count == 1 for count in spellings.values())
    if len(keys) > MANY and 2 * once > sum(spellings.values()):
        raise DataError(
            f"{name} has {len(keys):,} classes, most of one text ({listed(list(spellings))}), so this is no label; "
            "give another column with --label-column"
        )


def _with_positive(keys: list[Any], positive: Any, name: str) -> list[Any]:
    if len(keys) != 2:
        raise DataError(f"--positive is for two classes, and {name} has {len(keys)}; choose two with --classes")
    if positive not in keys:
        raise DataError("--positive names a class that --classes does not; give one of --classes")
    return [key for key in keys if key != positive] + [positive]


def rare(classes: Classes, split: Sequence[str] | None, name: str = "the file") -> list[str]:
    """Return one line on classes of one text, and one on classes in the test set only; `split` is of each text."""
    lines = []
    counts = np.bincount(classes.codes[classes.codes >= 0], minlength=len(classes.names))
    single = [classes.names[code] for code in np.flatnonzero(counts == 1)]
    if single:
        lines.append(f"{name}: of {listed(single)} there is one text only: it cannot be learned and tested")
    if split is not None:
        trained = set(classes.codes[np.array(split) == "train"].tolist())
        only = [classes.names[code] for code in np.flatnonzero(counts) if int(code) not in trained]
        if only:
            lines.append(f"{name}: {listed(only)} is not in the training set, so all its texts will be wrong")
    return lines


def listed(names: Sequence[str], most: int = LISTED) -> str:
    """Return the first names for a message, and how many more there are."""
    shown = [cut(name, 80) for name in names[:most]]
    return ", ".join(shown) + (f", and {len(names) - most:,} more" if len(names) > most else "")


# ---- rows that are left out
def leave_out(
    faults: Mapping[str, Bools],
    texts: Sequence[Any],
    index: Sequence[Hashable],
    strict: bool = False,
    name: str = "the file",
) -> tuple[Bools, list[str]]:
    """Return which rows to keep, bool [rows], and a line for each fault: how many rows, the first three, what to do.

    `faults` is bool [rows] by what is missing (text, word, label); a row counts for the first fault that it has. With
    `strict`, such a row raises `DataError` with the same line; so does a table of nothing else.
    """
    keep = np.ones(len(texts), np.bool_)
    lines = []
    for what, faulty in faults.items():
        rows = np.flatnonzero(faulty & keep)
        keep &= ~faulty
        if len(rows):
            shown = "; ".join(f"{where(index[i])}: {_shown(texts[i])}" for i in rows[:SHOWN])
            lines.append(f"{name}: {len(rows):,} of {len(texts):,} rows are without a {what} ({shown})")
    if strict and lines:
        raise DataError(f"{lines[0]}; mend them, or leave --strict out, which leaves them out")
    if not keep.any():
        raise DataError(f"{lines[0] if lines else f'{name} has no rows'}; so none is left: look at it with --look")
    return keep, [f"{line}; they are left out (--strict refuses them)" for line in lines]


def _shown(text: Any) -> str:
    return repr(cut(text, 40)) if isinstance(text, str) else "nothing"


def text_of(value: Any) -> str | None:
    """Return a text as a file has it, a number as its digits (Excel makes such of texts); None where there is none."""
    if isinstance(value, str):
        return value if value.strip() else None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return label_name(value) if number else None
