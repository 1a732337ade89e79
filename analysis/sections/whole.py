"""The whole report, section by section."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from analysis.document import Block, Box, Section
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
from analysis.sections.further import further_section
from analysis.sections.grid import grid_section
from analysis.sections.importance import importance_section
from analysis.sections.labels import labels_section
from analysis.sections.leaderboard import leaderboard_section
from analysis.sections.overview import ledger_section, overview
from analysis.sections.provenance import provenance_section
from analysis.sections.searches import searches_section
from analysis.sections.source import Source
from analysis.sections.spread import spread_section
from analysis.sections.systems import system_parts, systems_section
from analysis.sections.trials import trials_section
from analysis.sections.validation import validation_section
from analysis.side_by_side import side_by_side

Made = Section | Box | Sequence[Block]
Part = Callable[[Source], Made]
SENTIMENT = {"imdb", "embedded"}


STUDY: Sequence[Part] = (
    leaderboard_section,
    best_section,
    labels_section,
    failures_section,
    spread_section,
    grid_section,
    importance_section,
    costs_section,
    further_section,
    calibration_section,
    errors_section,
    validation_section,
)
END: Sequence[Part] = (searches_section, ledger_section, trials_section, provenance_section)


def whole(source: Source, compared: Sequence[str] = (), processes: int = 1) -> Section:
    """Return the report on a ledger; `compared` are the two sides of a comparison, or none.

    Its parts are made in so many processes, most of them figures; the report is the same.
    """
    published = load_published()
    known, claims = bool(judged(source)), partial(claims_section, source, published)
    tasks: dict[str, list[Callable[[], Made]]] = {
        "systems": list(system_parts(source, published["systems"], source.shown)),  # most figures first
        "overview": [partial(overview, source)],
        "conclusions": [partial(conclusions_section, source, published, source.shown)],
        "study": [*([claims] if known else []), *(partial(part, source) for part in STUDY)],
        "after": [*([] if known else [claims]), partial(_compared, source, compared)],
        "end": [partial(part, source) for part in END],
    }
    found = iter(side_by_side([task for group in tasks.values() for task in group], processes))
    made = {name: [block for _ in group for block in _blocks(next(found))] for name, group in tasks.items()}
    original = [systems_section(made["systems"]), *made["conclusions"]]
    # What is there comes before what is not: the answer's own sections, then the original's networks.
    study_first = len(blocks(source.trials)) > 0
    middle = [*made["study"], *original] if study_first else [*original, *made["study"]]
    return Section(
        _title(source),
        1,
        [*made["overview"], *middle, *made["after"], *made["end"]],
        anchor="head",
        listed="The answer",
    )


def _title(source: Source) -> str:
    """Return the report's title: of sentiment where all data is known to be, by its name."""
    sentiment = set(source.trials["dataset"]) <= SENTIMENT
    return "Recurrent networks on review sentiment" if sentiment else "Recurrent networks that classify texts"


def _blocks(made: Made) -> Sequence[Block]:
    return [made] if isinstance(made, Section | Box) else made


def _compared(source: Source, names: Sequence[str]) -> list[Section]:
    if not names:
        return []
    return [comparison_section(compare(names, source.trials, source.contents.specs, source.predictions))]
