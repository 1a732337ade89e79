"""On which reviews networks err: long ones, truncated ones, and those that all networks get wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import figures
from analysis.document import (
    Block,
    Code,
    Figures,
    Folded,
    Picture,
    Section,
    Table,
    number,
    plural,
    points,
    points_interval,
    printed,
    text,
)
from analysis.figures import networks as drawings
from analysis.frames.errors import all_wrong, by_length, by_truncation, trained_networks
from analysis.frames.networks import Grid, Network
from analysis.frames.predictions import class_names, count_classes
from analysis.frames.texts import Texts
from analysis.frames.trials import records
from analysis.sections.blocks import below, per_grid, section
from analysis.sections.commands import read_again
from analysis.sections.source import Source, described
from rnnsweep.types import Ints

MEANING = (
    "Only networks all of whose seeds trained are counted here, and of different max_len those that differ in nothing "
    "else. Intervals are for other test reviews and these networks. Tokens are counted with the start token, as "
    "max_len counts them."
)
LOST = (
    "A review longer than max_len loses its beginning. Long reviews may be harder however much of them is read, so "
    "“lost by cutting” sets the networks of the longest max_len against these, on the same cut reviews."
)
NOT_HERE = "The test reviews are not at hand on this machine, so their lengths and words are not known; this reads them"
RANKS = " Their words are not at hand."
SHOWN, WORDS = 10, 60  # reviews that are shown, and words of each
TRUNCATED_COLUMNS = ["max_len", "networks", "cut reviews", "accuracy on them", "on the others", "lost by cutting, pp",
                     "95 % interval, pp"]  # fmt: skip


def errors_section(source: Source) -> list[Section]:
    """Return the section on lengths, cutting and the reviews that all get wrong, or nothing where there is no grid."""
    parts = per_grid(source, lambda place, grid: _part(source, place, grid))
    return section("Where networks err", "errors", MEANING, parts)


def _part(source: Source, place: int, grid: Grid) -> list[Block]:
    networks = trained_networks(grid, source.study.samples)
    if not networks:
        return [text("No predictions of networks that trained are in the ledger, so their errors are not known.")]
    texts = source.study.texts[source.study.grids.index(grid)]
    lengths: list[Block] = _lengths(source, place, grid, texts.lengths) if texts else _not_here(source, grid)
    return [*lengths, *_wrong(source, grid, networks, texts)]


def _not_here(source: Source, grid: Grid) -> list[Block]:
    said, command = read_again(source.contents.sources, source.contents.specs[grid.networks[0].keys[0]])
    return [text(NOT_HERE, *said, ":"), command]


def _lengths(source: Source, place: int, grid: Grid, here: Ints) -> list[Block]:
    lengths, cut = (of(grid, source.study.samples, here) for of in (by_length, by_truncation))

    def draw(ax: Any) -> Any:
        return drawings.by_length(lengths, ax, "Accuracy by the length of the review", below(grid))

    alt = described("Test accuracy by the length of the review, a line per max_len", below(grid))
    picture = Picture(f"errors-{place}-lengths.png", alt, *figures.drawn(draw, 5.4, 3.4))
    return [Figures([picture], "wide"), _cut_table(cut), text(_said(cut)), text(LOST, small=True)]


def _said(cut: pd.DataFrame) -> str:
    first = cut.iloc[0]
    if pd.isna(first["lost"]):
        return f"max_len {first['max_len']:,} cuts {first['share']:.1%} of the test reviews."
    return (
        f"max_len {first['max_len']:,} cuts {first['share']:.1%} of the test reviews, and on these loses "
        f"{points(first['lost']).lstrip('+')} points to max_len {first['longest_max_len']:,}."
    )


def _cut_table(cut: pd.DataFrame) -> Table:
    rows = [
        [
            f"{row.max_len:,}",
            str(row.networks),
            f"{row.truncated:,} ({row.share:.1%})",
            number(row.accuracy_truncated),
            number(row.accuracy_whole),
            points(row.lost),
            points_interval(row.lost_low, row.lost_high),
        ]
        for row in records(cut)
    ]
    return printed(TRUNCATED_COLUMNS, rows, layout="two")


def _wrong(source: Source, grid: Grid, networks: list[Network], texts: Texts | None) -> list[Block]:
    """Return how many reviews every network gets wrong, and those on which the best of them is surest."""
    reviews = all_wrong(networks, source.study.samples)
    total = sum(one.seeds for one in networks)
    best = max(networks, key=source.study.samples.validation)
    stored = [source.predictions(key) for key in best.keys]
    arrays = [one for one in stored if one is not None]
    label, whole = arrays[0]["label"], len(arrays[0]["label"])
    every = f"every one of {plural(total, 'run')} of {plural(len(networks), 'network')}"
    said = f"{plural(len(reviews), 'review')} of {whole:,} ({len(reviews) / whole:.1%})"
    if not len(reviews) or np.ndim(label) > 1:
        return [text(f"{said} are wrong in {every}.")]
    certainty = np.mean([_of_true(one["best"], label)[reviews] for one in arrays], axis=0)
    order = np.lexsort((reviews, certainty))[:SHOWN]
    trial = records(source.trials[source.trials["key"] == best.keys[0]])[0]._asdict()
    names = class_names(trial, count_classes(arrays[0]["best"]))
    rows = [_wrong_row(int(reviews[one]), float(certainty[one]), label, names, texts) for one in order]
    summary = text(f"The {len(rows)} on which {best.label} is most surely wrong")
    where = text("Reviews are numbered from 0 in the order of the test set." + ("" if texts and texts.words else RANKS),
                 small=True)  # fmt: skip
    columns = ["review", "true class", "its probability", *(["tokens"] if texts else [])]
    columns += ["last words"] if texts and texts.words else []
    return [
        text(f"{said} {'is' if len(reviews) == 1 else 'are'} wrong in {every}: what no network here can tell, or whose "
             "label is wrong. ", Code("python analysis/compare.py"), " looks at two networks in the same way."),
        Folded(summary, [printed(columns, rows, layout="words"), where]),
    ]  # fmt: skip


def _of_true(probabilities: NDArray[Any], label: NDArray[Any]) -> NDArray[np.float64]:
    """Return the probability of each review's true class, float64 [reviews]."""
    values = np.asarray(probabilities, dtype=np.float64)
    if values.ndim == 1:
        return np.where(label == 1, values, 1 - values)
    return np.asarray(values[np.arange(len(label)), label])


def _wrong_row(review: int, certainty: float, label: NDArray[Any], names: list[str], texts: Texts | None) -> list[str]:
    row = [f"{review:,}", names[int(label[review])], number(certainty, 3)]
    if texts is None:
        return row
    return [*row, f"{texts.lengths[review]:,}", *([texts.text(review, WORDS)] if texts.words else [])]
