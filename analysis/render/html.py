"""A document as one page of HTML that loads nothing: its style and its pictures are in it.

Every text goes through `Markup.format` or a template with autoescape, so that none becomes markup.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import singledispatch
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from analysis.document import (
    Block,
    Box,
    Code,
    Command,
    Details,
    Facts,
    Figures,
    Folded,
    Foreign,
    Larger,
    Link,
    List,
    Name,
    Picture,
    Quote,
    Section,
    Small,
    Span,
    Strong,
    Table,
    TableCell,
    Text,
    Verdict,
    sections,
)
from analysis.render.anchors import addressed

SPANS: dict[type[Span], str] = {
    Strong: "<strong>{0.text}</strong>",
    Code: "<code>{0.text}</code>",
    Small: '<span class="small">{0.text}</span>',
    Name: '<span class="id">{0.text}</span>',
    Larger: '<strong class="larger">{0.text}</strong>',
    Verdict: '<span class="verdict {0.text}">{0.text}</span>',
    Link: '<a href="#{0.to}">{0.text}</a>',
    Foreign: '<span lang="{0.language}">{0.text}</span>',
}

SORTED = 4  # rows of a table that is worth sorting


def page(document: Section, again: int = 0) -> str:
    """Return the whole page, the same for the same document; an open one loads itself `again` after so many seconds."""
    folder = Path(__file__).parent
    document = addressed(document)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2").render(
        document=document,
        listed=[section for section in sections(document) if section.listed],
        style=Markup(environment.get_template("page.css.j2").render()),
        script=Markup((folder / "page.js").read_text(encoding="utf-8")),
        again=again,
        body=_blocks(document.blocks),
    )


def inline(text: str | Text) -> Markup:
    """Return a text without a paragraph around it."""
    if isinstance(text, str):  # most cells of long tables
        return escape(text)
    return Markup("").join(
        Markup(SPANS[type(span)]).format(span) if isinstance(span, Span) else escape(span) for span in text.spans
    )


def _blocks(blocks: Sequence[Block]) -> Markup:
    return Markup("\n").join(_block(block) for block in blocks)


@singledispatch
def _block(block: Block) -> Markup:
    raise TypeError(f"no HTML for {type(block).__name__}")


@_block.register
def _(block: Text) -> Markup:
    return Markup("<p{}>{}</p>").format(_small(block.small), inline(block))


@_block.register
def _(block: List) -> Markup:
    items = Markup("").join(Markup("<li>{}</li>").format(inline(item)) for item in block.items)
    return Markup("<ul{}>{}</ul>").format(_small(block.small), items)


@_block.register
def _(block: Quote) -> Markup:
    return Markup('<blockquote lang="{}">{}</blockquote>').format(block.language, block.text)


@_block.register
def _(block: Box) -> Markup:
    return Markup('<div class="box {}">{}</div>').format(block.kind, _blocks(block.blocks))


@_block.register
def _(block: Command) -> Markup:
    return Markup("<pre><code>{}</code></pre>").format(block.text)


@_block.register
def _(block: Table) -> Markup:
    head = Markup("<tr>{}</tr>\n").format(_groups(block.groups)) if block.groups else ""
    columns = Markup("").join(Markup('<th scope="col">{}</th>').format(name) for name in block.columns)
    plain = len(block.rows) - block.totals
    anchors = block.anchors or [""] * plain
    marks = [own or f"{block.anchor}-row-{place}" for place, own in enumerate(anchors[:plain], 1)]
    marks += [""] * block.totals
    rows = Markup("\n").join(_row(*pair, block.layout) for pair in zip(block.rows, marks, strict=True))
    return Markup(
        '<div class="scroll" tabindex="0" role="group" aria-label="{}"><table id="{}"{}>\n<caption>{}</caption>\n'
        "<thead>\n{}<tr>{}</tr>\n</thead>\n<tbody>\n{}\n</tbody></table></div>"
    ).format(block.caption, block.anchor, _style(block), block.caption, head, columns, rows)


def _style(block: Table) -> Markup:
    """Return the classes of a table: its layout, the columns that a phone leaves out, and whether it can be sorted."""
    hidden = [f"hide-{place}" for place, name in enumerate(block.columns, 1) if name in block.narrow]
    fixed = block.totals or "conclusion" in block.layout or len(block.rows) < SORTED
    classes = " ".join([*block.layout.split(), *hidden, *["sorts"] * (not fixed)])
    return Markup(' class="{}"').format(classes) if classes else Markup("")


@_block.register
def _(block: Facts) -> Markup:
    lines = Markup("\n").join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(word, inline(fact)) for word, fact in block.facts
    )
    picture = "" if block.picture is None else _figure(block.picture)
    return Markup('<div class="facts"><dl>\n{}\n</dl>\n{}</div>').format(lines, picture)


@_block.register
def _(block: Figures) -> Markup:
    figures = Markup("\n").join(map(_figure, block.pictures))
    if block.beside is None:
        kind = "wide" if block.layout == "wide" else "figures"
        return Markup('<div class="{}">\n{}\n</div>').format(kind, figures)
    return Markup('<div class="pair">\n<div class="picture">\n{}\n</div>\n{}\n</div>').format(
        figures, _block(block.beside)
    )


@_block.register
def _(block: Details) -> Markup:
    return Markup("<details><summary>{}</summary><pre><code>{}</code></pre></details>").format(
        inline(block.summary), block.text
    )


@_block.register
def _(block: Folded) -> Markup:
    return Markup("<details><summary>{}</summary>\n{}\n</details>").format(inline(block.summary), _blocks(block.blocks))


@_block.register
def _(block: Section) -> Markup:
    name = Markup(' <span class="id">{}</span>').format(block.name) if block.name else ""
    here = Markup('<a class="here" href="#{0}" aria-label="Link to {1}">#</a>').format(block.anchor, block.title)
    return Markup('<section class="level-{0}">\n<h{0} id="{1}">{2}{3}{4}</h{0}>\n{5}\n</section>').format(
        block.level, block.anchor, block.title, name, here, _blocks(block.blocks)
    )


def _figure(picture: Picture) -> Markup:
    return Markup('<figure id="figure-{}">{}</figure>').format(picture.name.removesuffix(".png"), _image(picture))


def _image(picture: Picture) -> Markup:
    """Return the figure's drawing with its words for those who do not see it."""
    if picture.svg:
        return Markup('<svg role="img" aria-label="{}" {}').format(picture.alt, Markup(picture.svg[len("<svg ") :]))
    data = base64.b64encode(picture.png).decode()
    return Markup('<img src="data:image/png;base64,{}" alt="{}">').format(data, picture.alt)


def _small(small: bool) -> Markup:
    return Markup(' class="small"' if small else "")


def _groups(groups: Sequence[tuple[str, int]]) -> Markup:
    cell = Markup('<th scope="colgroup" colspan="{}" class="group{}">{}</th>')
    return Markup("").join(
        cell.format(width, " edge" * (place > 0), text) for place, (text, width) in enumerate(groups)
    )


def _row(row: Sequence[TableCell], anchor: str, layout: str) -> Markup:
    """Return a row, a total where it has no anchor.

    In a conclusion table its first cell may break within, and begins the rows of one quantity.
    """
    cells = [inline(cell.text) for cell in row]
    kind = "" if anchor else " class=total"
    if layout == "conclusion":
        kind = " class=new" if row[0].text else ""
        cells[0] = cells[0].replace("=", Markup("=<wbr>")).replace("(", Markup("(<wbr>"))
    marked = zip(row, cells, strict=True)
    # Both parts of a cell are escaped already, and formatting each once more takes a third of the page's time.
    inside = Markup("".join(f"<td{_marks(cell)}>{text}</td>" for cell, text in marked))
    return Markup("<tr{}{}>{}</tr>").format(Markup(kind), Markup(' id="{}"').format(anchor) if anchor else "", inside)


def _marks(cell: TableCell) -> Markup:
    larger = Markup(" class=larger" if cell.larger else "")
    return larger if cell.sort is None else larger + Markup(' data-sort="{}"').format(cell.sort)
