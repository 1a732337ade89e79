"""The whole report, section by section."""

from __future__ import annotations

from analysis.document import Block, Section
from analysis.frames.trials import blocks, prepared, scopes
from analysis.original.published import load_published
from analysis.sections.best import best_section
from analysis.sections.claims import claims_section
from analysis.sections.conclusions import conclusions_section
from analysis.sections.grid import grid_section
from analysis.sections.overview import none_of_the_eight, overview
from analysis.sections.searches import searches_section
from analysis.sections.source import Predictions, Source
from analysis.sections.systems import systems_section
from analysis.sections.trials import trials_section
from rnnsweep.ledger import LedgerFrames
from rnnsweep.space import SYSTEMS


def whole(contents: LedgerFrames, predictions: Predictions) -> Section:
    """Return the report on a ledger; a pure function of it."""
    published = load_published()
    trials = prepared(contents.trials)
    source = Source(contents, predictions, trials)
    found = scopes(trials, {name: spec.epochs for name, spec in SYSTEMS.items()})
    shown = trials[trials["key"].isin(found["keys"].iloc[0] if len(found) else [])]
    original: list[Block] = [
        systems_section(source, published["systems"], shown),
        conclusions_section(source, published, shown),
        claims_section(source, published, shown),
    ]
    study: list[Block] = [grid_section(source), best_section(source)]
    study_first = none_of_the_eight(trials) and len(blocks(trials))  # what is there comes before what is not
    return Section(
        "Recurrent networks on review sentiment",
        1,
        [
            *overview(source, found, shown),
            *(study + original if study_first else original + study),
            *searches_section(source),
            trials_section(source),
        ],
        anchor="head",
        listed="The ledger",
    )
