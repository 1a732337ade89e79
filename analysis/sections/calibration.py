"""Calibration: whether a network's probabilities can be taken at their word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis import figures
from analysis.document import Block, Code, Figures, Picture, Section, number, plural, points, printed, spread, text
from analysis.figures import networks as drawings
from analysis.frames.networks import Grid
from analysis.frames.predictions import class_names
from analysis.frames.reliability import BINS, reliability
from analysis.frames.spread import best_of_each_cell
from analysis.frames.trials import records
from analysis.sections.blocks import below, per_grid, section
from analysis.sections.source import Source, described
from rnnsweep.cells import CELLS

MEANING = (
    "Whether probabilities can be taken at their word, at the best epoch on the test set: of the reviews to which a "
    "network gives 0.8, eight in ten should be of that class. The calibration error (ECE) is the mean distance from "
    f"that, over {BINS} bins of equal width; the Brier score is the mean squared error of the probabilities, smaller "
    "is better; overconfidence is the mean probability of the class named less the accuracy. Two classes are judged by "
    "the probability of the second one, more by that of the class named. Shown is the best network of each cell by "
    "validation; a mean is over seeds."
)
NONE = (
    "No predictions of these networks are in the ledger, so nothing is known of their calibration. They are written as "
    "predictions.npz when a trial ends; deleting its folder trains it again."
)
COLUMNS = ["cell", "network", "n", "calibration error", "Brier score", "overconfidence, pp"]


def calibration_section(source: Source) -> list[Section]:
    """Return the section with a table and a reliability diagram per grid, or nothing where there is no grid."""
    return section(
        "Calibration", "calibration", MEANING, per_grid(source, lambda place, grid: _part(source, place, grid))
    )


def _part(source: Source, place: int, grid: Grid) -> list[Block]:
    every = source.study.calibration
    every = every[every["key"].isin([one.keys[0] for one in grid.networks])]
    best = best_of_each_cell(grid, source.study.samples)
    known = every[every["key"].isin([one.keys[0] for one in best])]
    if not len(known):
        return [text(NONE)]
    lines = {CELLS[one.cell].title: source.study.samples.calibration(one) for one in best}
    drawn = {name: reliability(seeds) for name, seeds in lines.items() if seeds}
    return [
        Figures([_picture(place, grid, drawn, _expected(source, grid))], "wide"),
        printed(COLUMNS, [_row(row) for row in records(known)], layout="two"),
        text(_said(known)),
        text(
            f"Of all {plural(len(every), 'network')} the calibration error is {number(every['ece'].min(), 3)} to "
            f"{number(every['ece'].max(), 3)}, by ",
            Code("tables/calibration.csv"),
            ".",
            small=True,
        ),
    ]


def _said(known: pd.DataFrame) -> str:
    first = known.sort_values("ece", kind="stable").iloc[0]
    surer = known.loc[known["overconfidence"] > 0, "cell"]
    titles = [CELLS[cell].title for cell in surer]
    which = f"surer than right: {', '.join(titles)}" if titles else "none is surer than it is right"
    return f"{first['network']} can be believed most: it is off by {100 * first['ece']:.1f} points; {which}."


def _row(row: Any) -> list[str]:
    error = spread(row.ece, row.ece_sd, 3)
    return [CELLS[row.cell].title, row.network, str(row.n), error, number(row.brier, 3), points(row.overconfidence)]


def _expected(source: Source, grid: Grid) -> str:
    """Return what the probabilities are of: the second of two classes by name, else the class named."""
    trial = records(source.trials[source.trials["key"] == grid.networks[0].keys[0]])[0]._asdict()
    names = class_names(trial, 2)
    stored = source.predictions(trial["key"])
    return names[1] if stored is not None and stored["best"].ndim == 1 else "the class named"


def _picture(place: int, grid: Grid, lines: Mapping[str, pd.DataFrame], expected: str) -> Picture:
    def draw(ax: Any) -> Any:
        return drawings.reliability(lines, expected, ax, "Reliability, all seeds together", below(grid))

    alt = described(
        f"Reliability diagram: share that is {expected} by its probability, for {', '.join(lines)}", below(grid)
    )
    return Picture(f"calibration-{place}.png", alt, *figures.drawn(draw, 4.8, 4.0))
