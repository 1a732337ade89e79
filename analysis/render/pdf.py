"""A document as a PDF: headings, paragraphs, tables, figures, page numbers and an outline, by fpdf2 alone.

Signs that DejaVu lacks, as those of Chinese, are of a font of this machine that has them; without one they are boxes,
and a line at the end says so: the page, which has the reader's fonts, shows them.
"""

from __future__ import annotations

import datetime
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import singledispatchmethod
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace, TTFFont

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
    Picture,
    Quote,
    Section,
    Small,
    Span,
    Strong,
    Table,
    Text,
    Verdict,
)

BOLD = (Strong, Larger, Verdict)
SIZES = {1: 20.0, 2: 15.0, 3: 11.5, 4: 9.5}  # points, of headings by level
BODY, SMALL, LEAD = 9.0, 7.5, 1.45  # points; the third a line's height in them
INCH, POINT = 25.4, 0.3528  # millimetres
DPI = 120  # of the figures' PNG
TABLE = (7.0, 3.6)  # points of a table's text, at most and at least
GREY, INK, LINE = (87, 96, 106), (27, 31, 36), (216, 221, 227)
BOX = "\N{WHITE VERTICAL RECTANGLE}"
BOXES = f"{BOX}: a sign of which no font was found; report.html shows it."
LONG = 4000  # signs of what a program wrote, from its end: where it says what happened
SAME = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)  # in every file: equal reports are equal bytes


def pdf(document: Section, fonts: Mapping[str, Path], wide: Callable[[], Path | None] = lambda: None) -> bytes:
    """Return the document as a PDF, the same for the same document; `fonts` are files by style: "", B, I and mono.

    `wide` finds a font for signs that these lack; it is asked where there are such.
    """
    paper = _Paper(fonts, wide)
    paper.add_page()
    paper.block(document)
    paper.end()
    return bytes(paper.output())


class _Paper(FPDF):
    """Sheets of A4 that blocks are written on."""

    def __init__(self, fonts: Mapping[str, Path], wide: Callable[[], Path | None]) -> None:
        super().__init__(format="A4")
        self.set_creation_date(SAME)
        self.set_margins(16, 16)
        self.set_auto_page_break(auto=True, margin=18)
        for style, path in fonts.items():
            self.add_font("mono" if style == "mono" else "sans", "" if style == "mono" else style, path)
        self._signs = {name: _signs(self.fonts[name]) for name in ("sans", "mono")}
        self._wide, self._asked, self._boxes = wide, False, False
        self._use()

    def footer(self) -> None:
        """Write the page's number at its foot."""
        self.set_y(-12)
        self._use(size=SMALL, colour=GREY)
        self.cell(0, 4, str(self.page_no()), align="R")

    @singledispatchmethod
    def block(self, block: Block) -> None:
        """Write a block below what is there."""
        raise TypeError(f"no PDF for {type(block).__name__}")

    @block.register
    def _(self, block: Text) -> None:
        self._paragraph(block, small=block.small)

    @block.register
    def _(self, block: List) -> None:
        for item in block.items:
            self._paragraph(item, small=block.small, before="• ")

    @block.register
    def _(self, block: Quote) -> None:
        self._paragraph(block.text, small=True)

    @block.register
    def _(self, block: Box) -> None:
        top, page = self.get_y(), self.page
        self.set_left_margin(self.l_margin + 4)
        self._blocks(block.blocks)
        self.set_left_margin(self.l_margin - 4)
        if self.page == page:
            self.set_draw_color(*GREY)
            self.set_line_width(0.6)
            self.line(self.l_margin + 1, top, self.l_margin + 1, self.get_y() - 1)

    @block.register
    def _(self, block: Command) -> None:
        self._written(block.text)

    @block.register
    def _(self, block: Details) -> None:
        self._paragraph(block.summary)
        self._written(block.text[-LONG:])

    @block.register
    def _(self, block: Folded) -> None:
        self._paragraph(block.summary)
        self._blocks(block.blocks)

    @block.register
    def _(self, block: Facts) -> None:
        for word, fact in block.facts:
            self._paragraph(word, small=True, gap=0)
            self._paragraph(fact)
        if block.picture is not None:
            self._row([block.picture])

    @block.register
    def _(self, block: Figures) -> None:
        pictures = list(block.pictures)
        each = 1 if block.layout == "wide" else 2
        for place in range(0, len(pictures), each):
            self._row(pictures[place : place + each])
        if block.beside is not None:
            self.block(block.beside)

    @block.register
    def _(self, block: Section) -> None:
        size = SIZES[block.level]
        if (block.level == 2 and self.get_y() > self.eph * 0.6) or self.get_y() > self.eph * 0.85:
            self.add_page()
        self.ln(size * POINT)
        title = block.title + (f" ({block.name})" if block.name else "")
        self._use("B", size)
        if block.level > 1 and block.level < 4:
            self.start_section(self._shown(title), level=block.level - 2, strict=False)
        self.multi_cell(0, size * LEAD * POINT, self._shown(title), align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(1)
        self._blocks(block.blocks)

    @block.register
    def _(self, block: Table) -> None:
        if not block.rows:
            return
        rows = [[self._shown(_plain(cell.text)) for cell in row] for row in block.rows]
        headers = [self._shown(name) for name in block.columns]
        widths, size = self._columns([headers, *rows])
        self._use(size=size)
        left = bool({"words", "all"} & set(block.layout.split()))
        second = bool({"two", "conclusion"} & set(block.layout.split()))
        aligned = ("LEFT" if left or place < 1 + second else "RIGHT" for place in range(len(widths)))
        self.set_draw_color(*LINE)
        self.set_line_width(0.15)
        with self.table(
            col_widths=tuple(widths),
            width=min(sum(widths), self.epw),
            align="L",
            text_align=tuple(aligned),
            line_height=size * 1.35 * POINT,
            padding=(0.5, 0.6),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            num_heading_rows=1 + bool(block.groups),
            headings_style=FontFace(emphasis="BOLD"),
        ) as table:
            if block.groups:
                groups = table.row()
                for name, width in block.groups:
                    groups.cell(self._shown(name), colspan=width, align="C")
            table.row(headers)
            for row, cells in zip(rows, block.rows, strict=True):
                line = table.row()
                for words, cell in zip(row, cells, strict=True):
                    line.cell(words, style=FontFace(emphasis="BOLD") if cell.larger else None)
        self.ln(2)

    def _blocks(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            self.block(block)

    def _columns(self, rows: Sequence[Sequence[str]]) -> tuple[list[float], float]:
        """Return the widths of the columns in millimetres and the size of their text, at which they fit the page."""
        most, least = TABLE
        self._use("B", most)
        natural = [max(map(self.get_string_width, column)) + 2.2 for column in zip(*rows, strict=True)]
        scale = min(1.0, self.epw / sum(natural))
        if scale * most >= least:
            return [width * scale for width in natural], most * scale
        # What does not fit in small print is broken in lines: the widest columns give most.
        limit = max(natural)
        while sum(min(width, limit) for width in natural) * least / most > self.epw:
            limit *= 0.95
        return [min(width, limit) * least / most for width in natural], least

    def _row(self, pictures: Sequence[Picture]) -> None:
        """Write pictures beside each other, on a new page where this one has no room for them."""
        gap = 4.0
        room = (self.epw - gap * (len(pictures) - 1)) / (1 if len(pictures) == 1 else 2)
        sizes = [_size(picture.png, room) for picture in pictures]
        height = max(high for _, high in sizes)
        if self.get_y() + height > self.h - self.b_margin:
            self.add_page()
        top, x = self.get_y(), self.l_margin
        for picture, (wide, high) in zip(pictures, sizes, strict=True):
            self.image(io.BytesIO(picture.png), x=x, y=top, w=wide, h=high, alt_text=picture.alt)
            x += wide + gap
        self.set_y(top + height + 3)

    def _paragraph(self, words: str | Text, small: bool = False, before: str = "", gap: float = 1.5) -> None:
        size = SMALL if small else BODY
        colour = GREY if small else INK
        height = size * LEAD * POINT
        for span in (before, *(words.spans if isinstance(words, Text) else (words,))):
            if isinstance(span, BOLD):
                self._use("B", size, colour)
            elif isinstance(span, Code):
                self._use("", size * 0.92, colour, "mono")
            else:
                self._use("", size, GREY if isinstance(span, Small) else colour)
            self.write(height, self._shown(span.text if isinstance(span, Span) else span))
        self.ln(height + gap)

    def _written(self, words: str) -> None:
        self._use("", SMALL, INK, "mono")
        self.multi_cell(0, SMALL * LEAD * POINT, self._shown(words), align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(1.5)

    def _use(
        self, style: str = "", size: float = BODY, colour: tuple[int, int, int] = INK, family: str = "sans"
    ) -> None:
        self.set_font(family, style, size)
        self.set_text_color(*colour)

    def end(self) -> None:
        """Say below all of it that signs are missing, if they are."""
        if self._boxes:
            self._paragraph(BOXES, small=True)

    def _shown(self, words: str) -> str:
        """Return the text with a box for each sign that no font has; what steers a terminal or a reader is one, too."""
        words = words.replace("\t", "    ")
        if not self._has(words) and not self._asked:
            self._add_wide()
        if self._has(words):
            return words
        self._boxes = True
        return "".join(sign if self._has(sign) else BOX for sign in words)

    def _has(self, words: str) -> bool:
        known, more = self._signs[self.font_family], self._signs.get("wide", frozenset())
        return all(ord(sign) in known or ord(sign) in more or sign == "\n" for sign in words)

    def _add_wide(self) -> None:
        self._asked = True
        path = self._wide()
        if path is None:
            return
        with warnings.catch_warnings():  # of tables of a font that nothing here needs
            warnings.simplefilter("ignore")
            self.add_font("wide", "", path)
        self._signs["wide"] = _signs(self.fonts["wide"])
        self.set_fallback_fonts(["wide"], exact_match=False)


def _signs(font: object) -> frozenset[int]:
    if not isinstance(font, TTFFont):
        raise TypeError("a font of a file is of TrueType")
    return frozenset(font.cmap)


def _plain(words: str | Text) -> str:
    if isinstance(words, str):
        return words
    return "".join(span.text if isinstance(span, Span) else span for span in words.spans)


def _size(png: bytes, room: float) -> tuple[float, float]:
    """Return the width and height of a figure in millimetres: its own, at most so wide."""
    wide, high = (int.from_bytes(png[at : at + 4], "big") * INCH / DPI for at in (16, 20))  # of its header
    scale = min(1.0, room / wide)
    return wide * scale, high * scale
