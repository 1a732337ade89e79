"""TODO docstring of analysis/document.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

GENERATED = "generated reviews, not real ones"


@dataclass(frozen=True)
class TableCell:
    """One cell of a printed table: its text, and whether it is the row's larger value."""

    text: str
    larger: bool = False


@dataclass(frozen=True)
class Table:
    """A table as printed: headers, groups of headers (text, columns) above them, rows of cells, and its layout.

    `layout` names the style of the table in the HTML; tables of `words` are left aligned; the last `totals` rows are
    set off.
    """

    columns: list[str]
    rows: list[list[TableCell]]
    groups: list[tuple[str, int]] = field(default_factory=list)
    layout: str = ""
    totals: int = 0


@dataclass(frozen=True)
class Picture:
    """A figure: its file name below `figures/`, what it shows in words, and its PNG bytes."""

    name: str
    alt: str
    png: bytes


def printed(columns: Sequence[str], rows: Sequence[Sequence[str]], **style: Any) -> Table:
    """Return a table of plain texts."""
    return Table(list(columns), [[TableCell(text) for text in row] for row in rows], **style)


# Numbers as text.
def number(value: Any, digits: int = 4) -> str:
    """Return a number with so many digits after the point, a dash for none."""
    if value is None or pd.isna(value):
        return "—"
    return f"{value:,.{digits}f}"


def spread(mean: float, sd: float, digits: int = 4) -> str:
    """Return `mean ± sd`, or the mean alone where there is no sd."""
    return number(mean, digits) + ("" if pd.isna(sd) else f" ± {sd:,.{digits}f}")


def points(value: float) -> str:
    """Return a difference of accuracies in percentage points, signed."""
    return "—" if pd.isna(value) else f"{100 * value:+.2f}".replace("-", "−")


def plural(count: int, noun: str) -> str:
    """Return `1 trial`, `2 trials`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def interval_text(low: float, high: float) -> str:
    return "—" if pd.isna(low) else f"{low:.4f} to {high:.4f}"
