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
from analysis.figures.fonts import fonts, wide_font
from analysis.render.pdf import BOXES, pdf


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


HOSTILE = "\x00\x1b[31m\r(text) Tj\\) <</JS (app.alert(1))>> <b>bold</b> **x** \u202e"


def written(words, wide=lambda: None):
    """Return what fpdf2 is given to write, and the PDF of a paragraph, a table, a code and an error of these words."""
    cells = printed([words], [[words]])
    blocks = [text(words, Code(words)), cells, Details(text(words), words), Command(words)]
    return pdf(Section(words, 1, [Section(words, 2, blocks)]), fonts(), wide)


def test_text_of_the_data_is_neither_an_object_nor_an_action_of_the_file(monkeypatch):
    made = written(HOSTILE)
    assert made.startswith(b"%PDF-")
    assert made.rstrip().endswith(b"%%EOF")
    assert b"/JS" not in re.sub(rb"stream.*?endstream", b"", made, flags=re.DOTALL)


def test_signs_without_a_font_are_boxes_and_a_line_says_so(monkeypatch):
    said = []
    monkeypatch.setattr("analysis.render.pdf._Paper.write", lambda self, height, words: said.append(words))
    written("好评")
    assert said[-1] == BOXES
    assert not [words for words in said if "好" in words]
    said.clear()
    written("good")
    assert BOXES not in said


def test_signs_are_of_a_font_of_the_machine_that_has_them():
    if wide_font() is None:
        pytest.skip("no font of Chinese is installed")
    assert b"CJK" in (made := written("好评", wide_font)) or len(made) > len(written("好评"))
    assert written("好评", wide_font) == made
