"""What a ledger's records say is text, whatever they say: no page, paper or terminal takes it for a command."""

import re

import pytest

from analysis import compare
from analysis.report import report
from rnnsweep.ledger import Ledger, Record
from rnnsweep.spec import Spec
from tests.helpers.ledgers import put

EVIL = "<script>alert(1)</script>\x1b]0;x\x07\\write18{x}|`$(x)`[a](javascript:x)<img src=x onerror=x>"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Return a ledger whose every text from outside is evil, and its report."""
    ledger = Ledger(tmp_path_factory.mktemp("hostile"))
    data = {"dataset": EVIL, "data_sha256": "a" * 64}
    for cell in ("gru", "lstm"):
        for seed in (1, 2):
            put(ledger, Spec(cell=cell, units=(4,), epochs=2, seed=seed, **data), classes=f"{EVIL}/b", device=EVIL)
    failed = Spec(cell="gru", units=(5,), epochs=2, **data)
    put(ledger, failed, "failed")
    ledger.record(failed.key).write(Record.ERROR, f"Traceback\nValueError: {EVIL}\n".encode())
    ledger.name_data("a" * 64, ["--data", EVIL])
    ledger.write_file(f"{EVIL.replace('/', '')}.txt", b"")
    return ledger, report(ledger.load(), ledger.predictions)


def test_a_page_has_no_script_or_handler_of_the_ledger(hostile):
    html = hostile[1]["report.html"].decode()
    assert "alert(1)" in html
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert not re.search(r'(href|src)="javascript:', html)


def test_markdown_has_none_either(hostile):
    spans = r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)"  # of code, whose fences are longer than those within
    words = re.sub(spans, "", hostile[1]["report.md"].decode(), flags=re.DOTALL)
    assert "<script>alert" not in words
    assert "[a](" not in words, "brackets are written out"


def test_a_paper_runs_nothing(hostile):
    assert all(rb"\write18" not in data for name, data in hostile[1].items() if name.endswith(".tex"))


def test_no_control_sequence_reaches_a_reader_or_a_terminal(hostile, capsys):
    ledger, files = hostile
    assert all(b"\x1b" not in files[name] for name in ("report.html", "report.md"))
    keys = [key for key in ledger.load().specs if ledger.record(key).result()]
    assert compare.main([keys[0], keys[-1], "--results", ledger.uri]) == 0
    assert "\x1b" not in capsys.readouterr().out
    with pytest.raises(SystemExit):
        compare.main([EVIL, keys[0], "--results", ledger.uri])
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert "\x1b" not in told
