"""How much each axis matters, by two measures beside each other."""

from __future__ import annotations

from typing import Any

from analysis import figures
from analysis.document import Block, Figures, Picture, Section, number, printed, text
from analysis.figures import networks as drawings
from analysis.frames.importance import ENOUGH
from analysis.frames.networks import Grid
from analysis.frames.trials import records
from analysis.sections.blocks import below, per_grid, section
from analysis.sections.source import Source, described

NAMES = {"fanova": "fANOVA", "ped_anova": "PED-ANOVA"}
MEANING = (
    "Which axis to spend trials on, by Optuna's two measures on mean validation accuracies, one point per network. "
    "fANOVA (Hutter, Hoos and Leyton-Brown 2014) says how much of the variance over all networks an axis explains, the "
    "poor ones too; PED-ANOVA (Watanabe, Bansal and Hutter 2023) how much the best tenth of the networks differs from "
    "all in it. Where they disagree, an axis that ruins many networks need not tell the best ones apart."
)
FEW = f"Fewer than {ENOUGH} networks, or no axis that varies: the importance of axes is not computed."


def importance_section(source: Source) -> list[Section]:
    """Return the section with a picture and a table per grid, or nothing where there is no grid."""
    parts = per_grid(source, lambda place, grid: _part(source, place, grid))
    return section("What matters", "importance", MEANING, parts)


def _part(source: Source, place: int, grid: Grid) -> list[Block]:
    every = source.study.importance
    found = every[every["grid"] == source.study.grids.index(grid) + 1]
    if not len(found):
        return [text(FEW)]

    def draw(ax: Any) -> Any:
        return drawings.importance(found, NAMES, ax, "Importance of each axis", below(grid))

    alt = described("Importance of each axis by fANOVA and by PED-ANOVA", below(grid))
    picture = Picture(f"importance-{place}.png", alt, *figures.drawn(draw, 4.8, 1.6 + 0.4 * len(found)))
    rows = [[row.axis, number(row.fanova, 3), number(row.ped_anova, 3)] for row in records(found)]
    by_fanova, by_ped = found.iloc[0]["axis"], found.sort_values("ped_anova", kind="stable").iloc[-1]["axis"]
    both = (
        f"Both put {by_fanova} first." if by_fanova == by_ped else f"fANOVA puts {by_fanova} first, PED-ANOVA {by_ped}."
    )
    return [Figures([picture]), printed(["axis", *NAMES.values()], rows), text(both)]
