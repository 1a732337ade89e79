"""A document as Markdown that GitHub and others show, its pictures in the folder `figures/` beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import singledispatch

from analysis.document import (
    Block,
    Box,
    Code,
    Command,
    Details,
    Facts,
    Figures,
    Folded,
    Larger,
    List,
    Name,
    Quote,
    Section,
    Span,
    Strong,
    Table,
    TableCell,
    Text,
    Verdict,
)
from analysis.render import html

BOLD = (Strong, Larger, Verdict)
# What Markdown takes for markup: these signs anywhere, but for an underscore within a word; an entity; and at the
# beginning of a line what makes it a heading, a quotation or an item of a list.
SIGNS = re.compile(r"[\\`*\[\]~]|(?<![^\W_])_|_(?![^\W_])")
ENTITY = re.compile(r"&(?=#?\w+;)")
BEGINNING = re.compile(r"^(?:(?=[#>+-])|\d{1,9}(?=[.)](?:\s|$)))")


def markdown(document: Section) -> str:
    """Return the whole report, the same for the same document."""
    return _block(document) + "\n"


def inline(text: str | Text) -> str:
    """Return a text within a line, all of it shown as it is."""
    spans = text.spans if isinstance(text, Text) else (text,)
    return "".join(_span(span) for span in spans)


def _line(text: str | Text) -> str:
    """Return a text as a line of its own."""
    return BEGINNING.sub(r"\g<0>\\", inline(text).strip())


def _span(span: str | Span) -> str:
    words = span.text if isinstance(span, Span) else span
    if isinstance(span, Code):
        return _code(words)
    shown = _escaped(words)
    if isinstance(span, BOLD):
        return f"**{shown}**"
    return f"({shown})" if isinstance(span, Name) else shown


def _escaped(words: str) -> str:
    line = " ".join(words.splitlines())
    return ENTITY.sub("&amp;", SIGNS.sub(r"\\\g<0>", line)).replace("<", "&lt;")


def _code(words: str) -> str:
    line = " ".join(words.splitlines())
    fence = _fence(line, 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def _fence(words: str, least: int) -> str:
    """Return more backticks than stand together anywhere in these words."""
    return "`" * max(least, *(1 + len(run) for run in re.findall("`*", words)))


def _blocks(blocks: Sequence[Block]) -> str:
    return "\n\n".join(_block(block) for block in blocks)


@singledispatch
def _block(block: Block) -> str:
    raise TypeError(f"no Markdown for {type(block).__name__}")


@_block.register
def _(block: Text) -> str:
    return _line(block)


@_block.register
def _(block: List) -> str:
    return "\n".join(f"- {_line(item)}" for item in block.items)


@_block.register
def _(block: Quote) -> str:
    return f"> {_line(block.text)}"


@_block.register
def _(block: Box) -> str:
    return "\n".join(f"> {line}".rstrip() for line in _blocks(block.blocks).splitlines())


@_block.register
def _(block: Command) -> str:
    fence = _fence(block.text, 3)
    return f"{fence}\n{block.text}\n{fence}"


@_block.register
def _(block: Table) -> str:
    left = {"words", "all"} & set(block.layout.split())
    rule = ["---" if left or place == 0 else "---:" for place in range(len(block.columns))]
    rows = [[_cell(cell) for cell in row] for row in block.rows]
    return "\n".join(_cells(row) for row in ([_cell(TableCell(name)) for name in _columns(block)], rule, *rows))


@_block.register
def _(block: Facts) -> str:
    lines = "\n".join(f"- **{_escaped(word)}:** {inline(fact)}" for word, fact in block.facts)
    return lines if block.picture is None else f"{lines}\n\n{_block(Figures([block.picture]))}"


@_block.register
def _(block: Figures) -> str:
    images = "\n".join(f"![{_escaped(picture.alt)}](figures/{picture.name})" for picture in block.pictures)
    return images if block.beside is None else f"{images}\n\n{_block(block.beside)}"


@_block.register
def _(block: Details) -> str:
    fence = _fence(block.text, 3)
    # An HTML block until the empty line: its summary is HTML.
    return f"<details><summary>{html.inline(block.summary)}</summary>\n\n{fence}\n{block.text}\n{fence}\n\n</details>"


@_block.register
def _(block: Folded) -> str:
    return f"<details><summary>{html.inline(block.summary)}</summary>\n\n{_blocks(block.blocks)}\n\n</details>"


@_block.register
def _(block: Section) -> str:
    title = _escaped(block.title) + (f": {_escaped(block.name)}" if block.name else "")
    title = re.sub("(#+)$", r"\\\1", title)  # else it would close the heading
    return f"{'#' * block.level} {title}\n\n{_blocks(block.blocks)}"


def _columns(table: Table) -> list[str]:
    """Return the headers on one line: one that stands there a second time has its group's name behind it."""
    groups = [text for text, width in table.groups for _ in range(width)]
    columns = list(table.columns)
    return [
        f"{name} ({groups[place]})" if groups and name in columns[:place] else name
        for place, name in enumerate(columns)
    ]


def _cell(cell: TableCell) -> str:
    words = inline(cell.text).replace("|", "\\|")
    return f"**{words}**" if cell.larger else words


def _cells(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell} |" for cell in cells)
