"""How far seeds part: from their network's mean, by cell and depth, and along the epochs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis import figures
from analysis.document import Block, Figures, Picture, Section, number, points, printed, text
from analysis.figures import networks as drawings
from analysis.frames.networks import Grid
from analysis.frames.spread import bands, best_of_each_cell, spread
from analysis.frames.trials import records
from analysis.sections.blocks import below, per_grid, section
from analysis.sections.source import Source, described
from rnnsweep.cells import CELLS

MEANING = (
    "How much one seed may mislead: the standard deviation of test accuracy between the seeds of a network, pooled "
    "over the networks of a cell and depth, with and without runs that failed to train. In the picture the line is "
    "from the worst seed to the best one, and the middle half of the seeds is thick. The curves are of the network of "
    "each cell with the best mean validation accuracy; a band is from its worst seed to its best one."
)
ONE = "Every network here has one seed: how far seeds part is not known. --seeds 3 trains two more of each."
COLUMNS = ["cell", "layers", "networks", "runs", "sd, pp", "sd of trained ones, pp", "largest range of a network, pp"]


def spread_section(source: Source) -> list[Section]:
    """Return the section with a table and two pictures per grid, or nothing where there is no grid."""
    return section("Seeds", "seeds", MEANING, per_grid(source, lambda place, grid: _part(source, place, grid)))


def _part(source: Source, place: int, grid: Grid) -> list[Block]:
    found = spread([grid], source.study.samples)
    if not len(found):
        return [text(ONE), Figures([_curves(source, place, grid)], "wide")]
    names = [f"{CELLS[row.cell].title} ×{row.depth}" for row in records(found)]

    def draw(ax: Any) -> Any:
        return drawings.spread(found.assign(kind=names), ax, "Seeds around their network's mean", below(grid))

    alt = described("Test accuracy of seeds less their network's mean, by cell and depth", below(grid))
    picture = Picture(f"seeds-{place}-spread.png", alt, *figures.drawn(draw, 4.8, 1.5 + 0.26 * len(found)))
    rows = [
        [
            CELLS[row.cell].title,
            str(row.depth),
            str(row.networks),
            str(row.runs),
            number(100 * row.sd, 2),
            number(100 * row.sd_trained, 2),
            points(row.widest).lstrip("+"),
        ]
        for row in records(found)
    ]
    return [Figures([picture, _curves(source, place, grid)]), printed(COLUMNS, rows, layout="two"), text(_said(found))]


def _said(found: pd.DataFrame) -> str:
    ordered = records(found.sort_values("sd", kind="stable"))
    if len(ordered) < 2:
        return f"One run of {CELLS[ordered[0].cell].title} may be {number(100 * ordered[0].sd, 2)} points off."
    first, last = (
        f"{CELLS[row.cell].title} ×{row.depth}: {number(100 * row.sd, 2)} points" for row in (ordered[0], ordered[-1])
    )
    return f"One run says most of {first}; least of {last}."


def _curves(source: Source, place: int, grid: Grid) -> Picture:
    best = best_of_each_cell(grid, source.study.samples)
    lines = bands(best, source.contents.epochs)
    lines = lines.assign(kind=lines["cell"].map({cell: one.title for cell, one in CELLS.items()}))

    def draw(ax: Any) -> Any:
        return drawings.bands(lines, ax, "Best network of each cell, all seeds", below(grid))

    named = "; ".join(one.label for one in best)
    alt = described(f"Validation accuracy by epoch with the range of the seeds, of {named}", below(grid))
    return Picture(f"seeds-{place}-curves.png", alt, *figures.drawn(draw, 4.8, 3.6))
