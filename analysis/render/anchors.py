"""An address for each section and table of a document, so that a link can lead to it, and a caption for each table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from analysis.document import Block, Box, Figures, Folded, Section, Table, sections


def addressed(document: Section) -> Section:
    """Return the document with an anchor on every section and table, none twice, and a caption on every table.

    They are made from the titles: the same document has the same ones.
    """
    taken = {section.anchor for section in sections(document)}
    return _section(document, taken, "")


def _section(section: Section, taken: set[str], above: str) -> Section:
    anchor = section.anchor or _free(f"{above}-{_slug(section.title)}".strip("-"), taken)
    within = replace(section, anchor=anchor)
    return replace(within, blocks=list(_blocks(section.blocks, within, taken)))


def _blocks(blocks: Sequence[Block], section: Section, taken: set[str]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Section):
            yield _section(block, taken, section.anchor if section.level > 1 else "")
        elif isinstance(block, Table):
            yield _table(block, section, taken)
        elif isinstance(block, Figures) and block.beside is not None:
            yield replace(block, beside=_table(block.beside, section, taken))
        elif isinstance(block, Folded | Box):
            yield replace(block, blocks=list(_blocks(block.blocks, section, taken)))
        else:
            yield block


def _table(table: Table, section: Section, taken: set[str]) -> Table:
    anchor = table.anchor or _free(f"{section.anchor}-table", taken)
    return replace(table, anchor=anchor, caption=table.caption or f"Table: {section.title}")


def _slug(title: str) -> str:
    return "-".join(re.findall(r"\w+", title.lower())[:6]) or "section"


def _free(wanted: str, taken: set[str]) -> str:
    """Return the wanted anchor, numbered where it is taken; it is taken then."""
    found, number = wanted, 1
    while found in taken:
        number += 1
        found = f"{wanted}-{number}"
    taken.add(found)
    return found
