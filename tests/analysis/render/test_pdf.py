"""A document as a PDF: every kind of block is shown, signs without a glyph too, and equal documents are equal bytes."""

import re

import pytest

from analysis import figures
from analysis.document import (
    Box,
    Code,
    Command,
    Details,
    Facts,
    Figures,
    Folded,
    Link,
    List,
    Picture,
    Quote,
    Section,
    Strong,
    printed,
    text,
)
from analysis.figures.fonts import fonts
from analysis.render.pdf import pdf


@pytest.fixture(scope="module")
def blocks():
    picture = Picture("p.png", "a line", *figures.drawn(lambda ax: ax.plot([1, 2]), 3, 2))
    wide = printed([f"column {place}" for place in range(17)], [["words " * 4] * 17] * 3)
    groups = printed(["a", "b", "c"], [["1", "2", "3"]], groups=[("", 1), ("both", 2)], totals=1)
    return [
        text("plain ", Strong("strong"), Code("code"), Link("link", "head")),
        Facts([("Which", text("this"))], picture),
        List([text("one"), text("two")], small=True),
        Quote("整體來說", "zh-Hant"),
        Box("warning", [text("careful")]),
        Command("python x.py"),
        Details(text("error"), "line\n\tline\n" * 2000),
        Folded(text("more"), [printed(["x"], [["好评"]])]),
        Figures([picture, picture], beside=groups),
        Figures([picture], "wide"),
        wide,
        printed(["none"], []),
    ]


def test_every_block_has_a_place_and_sections_are_the_outline(blocks):
    document = Section("Title", 1, [Section("First", 2, blocks), Section("Second", 2, [Section("In it", 3, blocks)])])
    made = pdf(document, fonts())
    assert made.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", made)) > 2
    assert made.count(b"/Parent") > 3  # pages and the lines of the outline
    assert b"/Outlines" in made
    assert pdf(document, fonts()) == made
