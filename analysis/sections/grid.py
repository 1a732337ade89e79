"""All networks together, grid by grid: what each axis does to test accuracy, and how that depends on the others."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis import figures
from analysis.document import (
    Block,
    Box,
    Code,
    Figures,
    Folded,
    Picture,
    Section,
    Table,
    interval_text,
    number,
    p_value,
    plural,
    points,
    points_interval,
    printed,
    text,
)
from analysis.frames.axes import differences, interactions, margins
from analysis.frames.grid import grid_means
from analysis.frames.networks import AXES, Grid
from analysis.frames.trials import records
from analysis.sections.commands import FACTORIAL_COMMAND
from analysis.sections.source import Source, described, generated_box, subtitle
from rnnsweep.cells import CELLS

MEANING = (
    "Test accuracy at the epoch with the best validation accuracy. A marginal mean is over networks, each by the mean "
    "of its seeds, and only over those whose like every other value of the axis has, too: a gap in the grid favours no "
    "value. Intervals are for other seeds and other test reviews. An effect of an axis is a mean over the others, and "
    "the interactions say where it is not the same for all: read them before a difference. Their p-values are not "
    "corrected for their number; no verdict is taken from them. Different data, epochs or other settings are grids of "
    "their own, and never averaged together; what a search suggested is in none."
)


def grid_section(source: Source) -> Section:
    """Return a section per grid of several networks, or one sentence where there is none."""
    found = [grid for grid in source.study.grids if len(grid.networks) > 1]
    none = text(
        "No grid of networks with held-out validation is finished. It is trained by ", Code(FACTORIAL_COMMAND), "."
    )
    parts: list[Block] = [text(MEANING), *(_grid(place, grid, source) for place, grid in enumerate(found, 1))]
    return Section("All networks", 2, parts if found else [Box("note", [none])], anchor="study", listed="All networks")


def _grid(position: int, grid: Grid, source: Source) -> Section:
    keys = [key for network in grid.networks for key in network.keys]
    trials = source.trials[source.trials["key"].isin(keys)]
    means = margins(grid, source.study.samples)
    alone, by_two = means[means["by"] == ""], means[means["by"] != ""]
    below = subtitle(grid.data, grid.epochs, grid.real)
    parts: list[Block] = [
        *generated_box(grid.real),
        _means_table(alone),
        *_pictures(position, trials, alone, below),
        *_differences(grid, source),
        *_by_two(by_two),
        *_interactions(grid, source),
    ]
    title = f"{grid.data}, {plural(grid.epochs, 'epoch')}"
    name = f"{plural(len(grid.networks), 'network')}, {plural(grid.trials, 'trial')}"
    return Section(title, 3, parts, anchor=f"study-{position}", name=name)


def _means_table(means: pd.DataFrame) -> Table:
    columns = ["axis", "value", "networks", "mean test accuracy", "95 % interval"]
    rows = [
        [row.axis, _value(row.value), _of(row), number(row.mean), interval_text(row.low, row.high)]
        for row in records(means)
    ]
    return printed(columns, rows, layout="two")


def _of(row: Any) -> str:
    return str(row.of) if row.networks == row.of else f"{row.networks} of {row.of}"


def _value(value: Any) -> str:
    return CELLS[value].title if value in CELLS else f"{int(value):,}"


def _differences(grid: Grid, source: Source) -> list[Block]:
    found = differences(grid, source.study.samples)
    columns = ["axis", "difference", "pairs", "pp", "95 % interval, pp", "p"]
    rows = [
        [
            row.axis,
            f"{_value(row.first)} − {_value(row.second)}",
            str(row.pairs),
            points(row.effect),
            points_interval(row.low, row.high),
            p_value(row.p),
        ]
        for row in records(found)
    ]
    return [Section("Differences over matched pairs", 4, [printed(columns, rows, layout="two")])] if rows else []


def _by_two(means: pd.DataFrame) -> list[Block]:
    """Return a table per two axes that both vary: a row per value of the first, a column per value of the second."""
    tables: list[Block] = []
    groups: Any = means.groupby(["axis", "by"], sort=False)
    for (axis, by), cells in groups:
        ones, others = list(dict.fromkeys(cells["value"])), list(dict.fromkeys(cells["by_value"]))
        if min(len(ones), len(others)) > 1:
            known = {(row.value, row.by_value): row for row in records(cells)}
            columns = [axis, *(f"{by} {_value(other)}" for other in others)]
            rows = [[_value(one), *(_mean(known.get((one, other))) for other in others)] for one in ones]
            tables.append(printed(columns, rows))
    return [Section("Means by two axes", 4, tables)] if tables else []


def _mean(row: Any) -> str:
    if row is None:
        return "—"
    return number(row.mean) + ("" if pd.isna(row.low) else f" ({interval_text(row.low, row.high)})")


def _interactions(grid: Grid, source: Source) -> list[Block]:
    found = interactions(grid, source.study.samples)
    if not len(found):
        return []
    columns = ["axis", "difference", "at", "less the same at", "fours", "pp", "95 % interval, pp", "p"]
    rows = [
        [
            row.axis,
            f"{_value(row.first)} − {_value(row.second)}",
            f"{row.by} {_value(row.by_first)}",
            _value(row.by_second),
            str(row.fours),
            points(row.effect),
            points_interval(row.low, row.high),
            p_value(row.p),
        ]
        for row in records(found)
    ]
    summary = text(f"Interactions: where one axis changes what another does ({len(rows)})")
    return [Folded(summary, [printed(columns, rows, layout="words")])]


def _pictures(position: int, trials: pd.DataFrame, means: pd.DataFrame, below: str) -> list[Block]:
    several = [axis for axis in AXES if trials[axis].nunique() > 1]
    if not several:
        return []
    found = [_axes_picture(position, means[means["axis"].isin(several)], below)]
    if len(several) > 1:
        found.append(_grid_picture(position, trials, below))
    return [Figures(found, layout="wide")]


def _axes_picture(position: int, means: pd.DataFrame, below: str) -> Picture:
    values = [CELLS[value].title if value in CELLS else int(value) for value in means["value"]]
    shown = means.assign(value=pd.Series(values, index=means.index, dtype=object))

    def draw(ax: Any) -> Any:
        return figures.dots(shown, ax, "Test accuracy by axis", below)

    alt = described("Marginal mean test accuracy of each value of each axis, with its interval", below)
    return Picture(f"study-{position}-axes.png", alt, *figures.drawn(draw, 5.4, 1.4 + 0.3 * len(means)))


def _grid_picture(position: int, trials: pd.DataFrame, below: str) -> Picture:
    means = grid_means(trials)
    means.index = pd.MultiIndex.from_tuples([(CELLS[cell].title, depth) for cell, depth in means.index])

    def draw(ax: Any) -> Any:
        return figures.grid(means, ax, "Mean test accuracy", below)

    alt = described("Mean test accuracy of each cell and depth by num_words and max_len", below)
    size = (max(4.6, 1.6 + 0.72 * means.shape[1]), 1.5 + 0.42 * means.shape[0])
    return Picture(f"study-{position}-grid.png", alt, *figures.drawn(draw, *size))
