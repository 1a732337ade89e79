"""What the report prints can be run: every command, read by the program that it names, on the data as it was given."""

import shlex

import pytest

from analysis.document import Command, sections
from analysis.sections.source import read
from analysis.sections.whole import whole
from rnnsweep.cli import grid as cli
from rnnsweep.spec import Spec
from tests.helpers.ledgers import put

pytestmark = pytest.mark.usefixtures("unrendered")
PROGRAMS = {"sweeps/grid.py": cli.grid, "sweeps/one.py": cli.one}


def blocks_of(section):
    for part in sections(section):
        for block in part.blocks:
            yield block
            yield from getattr(block, "blocks", ())


def commands(ledger):
    """Return the words of every command that the report on a ledger prints."""
    document = whole(read(ledger.load(), ledger.predictions, lambda *_: None))
    return [shlex.split(block.text) for block in blocks_of(document) if isinstance(block, Command)]


@pytest.fixture
def own(ledger, tmp_path, monkeypatch):
    """Return a ledger of trials on a CSV, which a sweep of this folder named by a relative path and two columns."""
    monkeypatch.chdir(tmp_path)
    rows = "\n".join(f"{i},a {'good' if i % 2 else 'bad'} film number {i},{i % 2}" for i in range(40))
    (tmp_path / "my reviews.csv").write_text(f"id,what,stars\n{rows}\n")
    words = ["--data", "my reviews.csv", "--text-column", "what", "--label-column", "stars"]
    assert (
        cli.one(
            "One.",
            [
                *words,
                "--units",
                "3",
                "--epochs",
                "1",
                "--batch-size",
                "8",
                "--results",
                str(tmp_path / "plan"),
                "--plan",
            ],
        )
        == 0
    )
    from rnnsweep.data import Reading, load

    sha256 = load("my reviews.csv", reading=Reading(text_column="what", label_column="stars")).sha256
    for cell in ("gru", "lstm"):
        put(ledger, Spec(cell=cell, units=(3,), epochs=1, batch_size=8, dataset="my reviews", data_sha256=sha256))
    ledger.name_data(sha256, words)
    ledger.plan({"gru": 2})
    return ledger


def test_every_command_of_the_report_runs_on_the_data_as_the_user_gave_it(own, tmp_path, monkeypatch):
    found = commands(own)
    again = [words for words in found if "--text-column" in words]
    assert len(again) >= 3  # the best network, the data that is not at hand, a missing seed
    for words in found:
        if words not in again:  # of IMDB, which is not here
            words = [*words[: words.index("--data")], "--data", "embedded", *words[words.index("--data") + 2 :]]
        program = PROGRAMS[words[1]]
        planned = [*words[2:], *(["--plan"] if "--plan" not in words else [])]
        assert program("One.", [*planned, "--results", str(tmp_path / "other")]) == 0, words
