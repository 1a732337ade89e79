"""What a report is made of: sections of blocks, text in spans, and numbers as text; `render` turns it into files.

A plain string is always shown as it is: whatever the ledger holds, no renderer takes it for markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

GENERATED = "generated reviews, not real ones"
NARROW = "\N{NARROW NO-BREAK SPACE}"


# Text.
@dataclass(frozen=True)
class Span:
    """A piece of a text that is set apart; each kind of span is a class."""

    text: str


class Strong(Span):
    """What a reader's eye should fall on."""


class Code(Span):
    """A command, or a name that the program knows."""


class Small(Span):
    """A remark beside what matters."""


class Name(Span):
    """The short name of what stands before it."""


class Larger(Span):
    """Text marked as the larger value of a table's row is."""


class Verdict(Span):
    """What the trials say of a claim: supported, contradicted or undecided."""


@dataclass(frozen=True)
class Link(Span):
    """Words that lead to the section of this anchor."""

    to: str


@dataclass(frozen=True)
class Foreign(Span):
    """Words of another language, by its tag: `zh-Hant`."""

    language: str


@dataclass(frozen=True)
class Text:
    """A paragraph, or the text of an item or a cell: plain strings and spans; `small` for what can be passed over."""

    spans: tuple[str | Span, ...]
    small: bool = False


def text(*spans: str | Span, small: bool = False) -> Text:
    """Return a text of these pieces, without the empty ones."""
    kept = (span for span in spans if (span.text if isinstance(span, Span) else span))
    return Text(tuple(kept), small)


# Blocks.
@dataclass(frozen=True)
class List:
    """A list of points."""

    items: Sequence[Text]
    small: bool = False


@dataclass(frozen=True)
class Quote:
    """Words of the original, in their language."""

    text: str
    language: str


@dataclass(frozen=True)
class Box:
    """What must not be overlooked; the kind gives its colour."""

    kind: Literal["note", "generated", "departure", "warning"]
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Command:
    """A command line to run, on lines of its own."""

    text: str


@dataclass(frozen=True)
class TableCell:
    """One cell of a printed table: its text, whether it is the row's larger value, and what a page sorts it by.

    Without `sort`, that is the number with which the text begins, else the text.
    """

    text: str | Text
    larger: bool = False
    sort: float | None = None


@dataclass(frozen=True)
class Table:
    """A table as printed: headers, groups of headers (text, columns) above them, rows of cells, and its layout.

    `layout` names the style of the table in the HTML; tables of `words` are left aligned; the last `totals` rows are
    set off. `narrow` are columns that a phone leaves out until it is asked for them. `anchors` are what links to the
    rows lead to, one each; without them, and without `anchor` and `caption`, a page makes them from the section's.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[TableCell]]
    groups: Sequence[tuple[str, int]] = ()
    layout: str = ""
    totals: int = 0
    narrow: Sequence[str] = ()
    anchors: Sequence[str] = ()
    anchor: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Picture:
    """A figure: its file name below `figures/`, what it shows in words, its PNG bytes, and an SVG element for a page.

    Without an SVG, a page shows the PNG. The SVG is markup as `figures` draws it: the one text that is not escaped.
    """

    name: str
    alt: str
    png: bytes = field(repr=False)
    svg: str = field(default="", repr=False)


@dataclass(frozen=True)
class Figures:
    """Pictures that belong together: in a `row`, or each `wide`; `beside` is a table at their right hand."""

    pictures: Sequence[Picture]
    layout: Literal["row", "wide"] = "row"
    beside: Table | None = None


@dataclass(frozen=True)
class Facts:
    """What a reader wants to know first: each fact behind the word for it, and one picture beside them."""

    facts: Sequence[tuple[str, Text]]
    picture: Picture | None = None


@dataclass(frozen=True)
class Details:
    """A long text as a program wrote it, folded away behind its summary."""

    summary: Text
    text: str


@dataclass(frozen=True)
class Folded:
    """Blocks without sections or pictures that are folded away behind a summary."""

    summary: Text
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Section:
    """A heading and what is below it, sections too.

    `level` is 1 for the whole report; `name` stands behind the title; `anchor` is what links lead to; `listed` is the
    section's line in the contents, if it has one.
    """

    title: str
    level: int
    blocks: Sequence[Block]
    anchor: str = ""
    name: str = ""
    listed: str = ""


Block = Text | List | Quote | Box | Command | Table | Figures | Facts | Details | Folded | Section


def sections(section: Section) -> Iterator[Section]:
    """Yield a section and those within it, in the order of the page."""
    yield section
    for block in section.blocks:
        if isinstance(block, Section):
            yield from sections(block)


def pictures(section: Section) -> list[Picture]:
    """Return the pictures of a section and of those within it, in the order of the page."""
    return [picture for part in sections(section) for block in part.blocks for picture in _pictures_of(block)]


def _pictures_of(block: Block) -> Sequence[Picture]:
    if isinstance(block, Facts):
        return [] if block.picture is None else [block.picture]
    return block.pictures if isinstance(block, Figures) else []


def printed(columns: Sequence[str], rows: Sequence[Sequence[str | Text]], **style: Any) -> Table:
    """Return a table of these texts, none of them marked."""
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


def points_interval(low: float, high: float) -> str:
    """Return an interval of a difference in percentage points, a dash where there is none."""
    return "—" if pd.isna(low) else f"{points(low)} to {points(high)}"


def interval_text(low: float, high: float) -> str:
    """Return `low to high` of an accuracy, cut at 0 and 1; a dash where there is no interval, or one without width.

    A few equal values are no proof that all are equal.
    """
    return "—" if pd.isna(low) or low == high else f"{max(low, 0):.4f} to {min(high, 1):.4f}"


def p_value(value: float) -> str:
    """Return a p-value with four digits after the point, `< 0.0001` below that, a dash for none."""
    return "—" if pd.isna(value) else f"<{NARROW}0.0001" if value < 0.0001 else f"{value:.4f}"
