"""The real ledger beside the project: the report's words on it say what the design measured."""

from pathlib import Path

import pytest

from analysis.document import Section
from analysis.original.published import load_published
from analysis.render.markdown import markdown
from analysis.sections.claims import claims_section
from analysis.sections.failures import failures_section
from analysis.sections.leaderboard import leaderboard_section
from analysis.sections.source import read
from analysis.sections.validation import validation_section
from rnnsweep.ledger import Ledger

LEDGER = Path(__file__).parents[4] / "shared" / "ledger"


@pytest.fixture(scope="module")
def said():
    """Return the sections on the study as Markdown, without the figures, which take the longest."""
    if not LEDGER.exists():
        pytest.skip("the real ledger is not beside the project (shared/ledger)")
    ledger = Ledger(LEDGER)
    source = read(ledger.load(), ledger.predictions)
    parts = [claims_section(source, load_published()), leaderboard_section(source)]
    return markdown(Section("Study", 1, [*parts, *failures_section(source), *validation_section(source)]))


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (1, ["+8.27 (+3.69 to +12.85)", "0.0050", "**undecided**"]),  # three seeds of SimpleRNN decide nothing
        (4, ["−0.43 (−0.90 to +0.04)", "0.5547", "**undecided**"]),
        (5, ["+3.39 (+3.04 to +3.74)", "&lt;\u202f0.0001", "**supported**"]),
        (6, ["−0.78 (−2.14 to +0.58)", "0.8750", "**undecided**"]),
        (7, ["+1.88 (−3.61 to +7.36)", "0.8750", "**undecided**"]),
    ],
)
def test_a_claim_controlled_has_its_effect_its_adjusted_p_and_its_verdict(said, claim, expected):
    row = next(line for line in said.splitlines() if line.startswith(f"| {claim} |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert [*cells[5:7], cells[7].removesuffix(" interim")] == expected


@pytest.mark.parametrize(
    "line",
    [
        "| SimpleRNN | 3 | 7 of 27 | 0.259 |",
        "| LSTM | all | 1 of 81 | 0.012 |",
        "| GRU | all | 0 of 81 | 0.000 |",
        "| 1 | LSTM 100 · 5,000 words · 1,000 steps | 5 | 3 | 0.8736 |",
        "+8.61 | +6.73 to +10.50 | &lt;\u202f0.0001 |",  # LSTM - SimpleRNN, a part of claim 6
        "3 seeds of SimpleRNN 100-50 · 1,000 words · 80 steps; a verdict on SimpleRNN takes 5",
        "| imdb, all reviews | last 20% | 5 | 10,000 | 1,000 | 9 | 27 | +0.47 |",
    ],
)
def test_what_the_design_printed_stands_in_the_report(said, line):
    assert line in said
