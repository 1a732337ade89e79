"""The whole report, section by section."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.document import Block, Section
from analysis.frames.comparison import compare
from analysis.frames.trials import blocks
from analysis.original.published import load_published
from analysis.sections.answer import judged
from analysis.sections.best import best_section
from analysis.sections.calibration import calibration_section
from analysis.sections.claims import claims_section
from analysis.sections.comparison import comparison_section
from analysis.sections.conclusions import conclusions_section
from analysis.sections.costs import costs_section
from analysis.sections.errors import errors_section
from analysis.sections.failures import failures_section
from analysis.sections.grid import grid_section
from analysis.sections.importance import importance_section
from analysis.sections.labels import labels_section
from analysis.sections.leaderboard import leaderboard_section
from analysis.sections.overview import ledger_section, overview
from analysis.sections.provenance import provenance_section
from analysis.sections.searches import searches_section
from analysis.sections.source import Source
from analysis.sections.spread import spread_section
from analysis.sections.systems import systems_section
from analysis.sections.trials import trials_section
from analysis.sections.validation import validation_section


def whole(source: Source, compared: Sequence[str] = ()) -> Section:
    """Return the report on a ledger; `compared` are the two sides of a comparison, or none."""
    published = load_published()
    original: list[Block] = [
        systems_section(source, published["systems"], source.shown),
        conclusions_section(source, published, source.shown),
    ]
    claims = claims_section(source, published)
    known = bool(judged(source))
    study: list[Block] = [
        *([claims] if known else []),
        leaderboard_section(source),
        best_section(source),
        *labels_section(source),
        *failures_section(source),
        *spread_section(source),
        grid_section(source),
        *importance_section(source),
        *costs_section(source),
        *calibration_section(source),
        *errors_section(source),
        *validation_section(source),
    ]
    # What is there comes before what is not: the answer's own sections, then the original's networks.
    study_first = len(blocks(source.trials)) > 0
    after: list[Block] = [] if known else [claims]
    return Section(
        "Recurrent networks on review sentiment",
        1,
        [
            *overview(source),
            *(study + original if study_first else original + study),
            *after,
            *_compared(source, compared),
            *searches_section(source),
            ledger_section(source),
            trials_section(source),
            *provenance_section(source),
        ],
        anchor="head",
        listed="The answer",
    )


def _compared(source: Source, names: Sequence[str]) -> list[Section]:
    if not names:
        return []
    return [comparison_section(compare(names, source.trials, source.contents.specs, source.predictions))]
