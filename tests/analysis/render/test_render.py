"""One document as a page and as Markdown: both say the same, and neither takes a text for markup."""

import re
from html.parser import HTMLParser

import pytest

from analysis.document import (
    Box,
    Code,
    Command,
    Details,
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
    Strong,
    Table,
    TableCell,
    Text,
    Verdict,
    pictures,
    printed,
    sections,
    text,
)
from analysis.render.html import page
from analysis.render.markdown import markdown

NASTY = "a<b> & *c* _d_ `e` [f](g) \\h |i| ~j~ &lt; 1 < 2"


def document(*blocks):
    return Section("Title", 1, blocks, anchor="head", listed="Top")


class Words(HTMLParser):
    """The text of a page's body."""

    def __init__(self, html):
        super().__init__()
        self.words = ""
        self.feed(html[html.index("</h1>") :])

    def handle_data(self, data):
        self.words += data


def shown(markdown_text):
    """Return what a reader sees of a line of Markdown: backslashes and entities resolved."""
    plain = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown_text)
    return plain.replace("&lt;", "<").replace("&amp;", "&")


@pytest.mark.parametrize(
    "block",
    [
        text(NASTY),
        List([text(NASTY)]),
        Quote(NASTY, "en"),
        Box("note", [text(NASTY)]),
        printed(["x"], [[NASTY]]),
        Section(NASTY, 2, []),
    ],
)
def test_a_plain_text_is_shown_as_it_is(block):
    assert NASTY in Words(page(document(block))).words
    line = markdown(document(block)).splitlines()[-1 if not isinstance(block, Section) else 2]
    assert NASTY in shown(line)
    inside, signs = (line[1:-1], "*`[]~_|") if isinstance(block, Table) else (line, "*`[]~_")
    assert not re.search(rf"(?<!\\)[{re.escape(signs)}]", inside), "a sign is left to Markdown"
    assert "<" not in line.replace("&lt;", "")


@pytest.mark.parametrize("beginning", ["# x", "> x", "- x", "+ x", "1. x", "2) x", "---"])
def test_a_text_begins_no_heading_quotation_or_list(beginning):
    line = markdown(document(text(beginning))).splitlines()[-1]
    assert line != beginning
    assert shown(line) == beginning


def test_names_with_underscores_and_numbers_stay_readable():
    assert markdown(document(text("val_loss is 1.5 or -0.3"))).endswith("\nval_loss is 1.5 or -0.3\n")
    assert "| +0.50 |" in markdown(document(printed(["pp"], [["+0.50"]])))


def test_a_command_holds_backticks_and_signs_as_they_are():
    command = "python x.py --name '```<b>'"
    assert f"````\n{command}\n````" in markdown(document(Command(command)))
    assert "<pre><code>python x.py --name &#39;```&lt;b&gt;&#39;</code></pre>" in page(document(Command(command)))
    assert "``a`b``" in markdown(document(text(Code("a`b"))))


def test_each_kind_of_span_is_set_apart_in_both():
    line = text(
        Strong("a"),
        Code("b"),
        Small("c"),
        Name("d"),
        Larger("e"),
        Verdict("supported"),
        Link("f", "g"),
        Foreign("h", "zh"),
    )
    assert (
        '<p><strong>a</strong><code>b</code><span class="small">c</span><span class="id">d</span>'
        '<strong class="larger">e</strong><span class="verdict supported">supported</span><a href="#g">f</a>'
        '<span lang="zh">h</span></p>'
    ) in page(document(line))
    assert markdown(document(line)).endswith("\n**a**`b`c(d)**e****supported**fh\n")


def test_a_box_holds_blocks_and_its_kind_is_its_class():
    box = Box("warning", [text("one"), List([text("two"), text("three")])])
    assert '<div class="box warning"><p>one</p>\n<ul><li>two</li><li>three</li></ul></div>' in page(document(box))
    assert "> one\n>\n> - two\n> - three\n" in markdown(document(box))


def test_a_table_has_its_groups_its_larger_values_and_its_totals():
    rows = [[TableCell("1"), TableCell("2", larger=True), TableCell("3")], [TableCell("all"), *[TableCell("5")] * 2]]
    table = Table(["", "loss", "loss"], rows, groups=[("", 1), ("measured", 1), ("published", 1)], totals=1)
    html = page(document(table))
    assert '<th scope="colgroup" colspan="1" class="group edge">published</th>' in html
    assert "<td>1</td><td class=larger>2</td><td>3</td>" in html
    assert "<tr class=total><td>all</td>" in html
    assert ("|  | loss | loss (published) |\n| --- | ---: | ---: |\n| 1 | **2** | 3 |\n| all | 5 | 5 |") in markdown(
        document(table)
    )


def test_a_table_of_words_is_left_aligned():
    assert "| --- | --- |" in markdown(document(printed(["a", "b"], [["x", "y"]], layout="words claims")))


def test_pictures_are_inside_the_page_and_beside_the_markdown():
    one, two = Picture("one.png", 'first "1"', b"\x01"), Picture("two.png", "second", b"\x02")
    whole = document(Figures([one]), Section("S", 2, [Figures([two], beside=printed(["x"], [["y"]]))]))
    assert pictures(whole) == [one, two]
    assert '<img src="data:image/png;base64,AQ==" alt="first &#34;1&#34;">' in page(whole)
    assert '![first "1"](figures/one.png)' in markdown(whole)
    assert "![second](figures/two.png)\n\n| x |\n| --- |\n| y |" in markdown(whole)


def test_a_long_text_is_folded_behind_its_summary():
    details = Details(text(Code("key"), " <b>"), "line 1\n</details>\n```\n")
    assert "<details><summary><code>key</code> &lt;b&gt;</summary>" in page(document(details))
    folded = markdown(document(details))
    assert "<details><summary><code>key</code> &lt;b&gt;</summary>\n\n````\nline 1\n</details>" in folded


def test_the_contents_are_the_sections_that_are_listed():
    inner = Section("Inner", 3, [], anchor="inner", listed="in")
    whole = document(Section("Outer", 2, [inner, Section("Quiet", 3, [])], anchor="outer", listed="out"))
    html = page(whole)
    nav = html[html.index("<nav") : html.index("</nav>")]
    assert re.findall(r'href="#(\w+)">(\w+)<', nav) == [("head", "Top"), ("outer", "out"), ("inner", "in")]
    assert [section.title for section in sections(whole)] == ["Title", "Outer", "Inner", "Quiet"]
    assert re.findall(r"^#+ .*$", markdown(whole), re.M) == ["# Title", "## Outer", "### Inner", "### Quiet"]


def test_empty_pieces_leave_no_trace_in_a_text():
    assert text("a", "", Small(""), Code("b")) == Text(("a", Code("b")))


def test_what_is_folded_away_is_a_summary_before_its_blocks():
    table = printed(["a", "b"], [["1", NASTY]])
    whole = document(Folded(text("All ", Strong("2")), [text("Before."), table]))
    assert "<details><summary>All <strong>2</strong></summary>\n<p>Before.</p>" in page(whole)
    below = markdown(whole)
    assert "<details><summary>All <strong>2</strong></summary>\n\nBefore.\n\n| a | b |" in below
    assert below.rstrip().endswith("</details>")
    for word in ("All 2", "Before.", NASTY):
        assert word in " ".join(Words(page(whole)).words.split())
