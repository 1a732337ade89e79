"""All networks together: mean test accuracy by axis, and over the grid, for each data on its own."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis import figures
from analysis.document import (
    Block,
    Box,
    Code,
    Figures,
    Picture,
    Section,
    Table,
    interval_text,
    number,
    plural,
    printed,
    spread,
    text,
)
from analysis.frames.grid import AXES, by_axis, grid_means
from analysis.frames.trials import blocks, records
from analysis.sections.commands import FACTORIAL_COMMAND
from analysis.sections.source import Source, data_name, described, generated_box, label, subtitle
from rnnsweep.cells import CELLS
from rnnsweep.choice import networks

MEANING = (
    "Test accuracy by the epoch with the best validation accuracy, over all finished trials with held-out validation. "
    "Different data, numbers of reviews and numbers of epochs are never averaged together. A mean over an axis value "
    "is over whatever was trained with it: where the grid has gaps, two means can differ for other reasons than the "
    "axis; the matched pairs of the claims do not have that weakness."
)


def grid_section(source: Source) -> Section:
    """Return a section per data block, or one sentence where no network takes part in the study."""
    found = records(blocks(source.trials))
    none = text(
        "No network with held-out validation is finished. The grid is trained by ", Code(FACTORIAL_COMMAND), "."
    )
    parts: list[Block] = [text(MEANING), *(_block(place, block, source) for place, block in enumerate(found, 1))]
    return Section("All networks", 2, parts if found else [Box("note", [none])], anchor="study", listed="All networks")


def _block(position: int, block: Any, source: Source) -> Section:
    trials = source.trials[source.trials["key"].isin(block.keys)]
    axes = pd.concat([by_axis(trials, axis) for axis in AXES], ignore_index=True)
    axes["value"] = [CELLS[value].title if value in CELLS else value for value in axes["value"]]
    best = networks(trials).iloc[0]
    said = (
        f"Best by validation accuracy: {label(source.contents.specs[best['key']])}: validation accuracy "
        f"{number(best['val_accuracy'])}, test accuracy {number(best['test_accuracy'])} (n={best['n']})."
    )
    parts: list[Block] = [
        *generated_box(block.real),
        _axes_table(axes),
        *_pictures(position, trials, axes, subtitle(block.data, int(block.epochs), block.real)),
        text(said, small=True),
    ]
    title = f"{data_name(trials)}, {plural(int(block.epochs), 'epoch')}"
    return Section(title, 3, parts, anchor=f"study-{position}", name=plural(len(trials), "trial"))


def _axes_table(axes: pd.DataFrame) -> Table:
    columns = ["axis", "value", "n", "test accuracy, mean ± sd", "95 % interval of the mean"]
    rows = [
        [row.axis, _value(row.value), str(row.n), spread(row.mean, row.sd), interval_text(row.low, row.high)]
        for row in records(axes)
    ]
    return printed(columns, rows, layout="two")


def _value(value: Any) -> str:
    return value if isinstance(value, str) else f"{int(value):,}"


def _pictures(position: int, trials: pd.DataFrame, axes: pd.DataFrame, below: str) -> list[Block]:
    several = [axis for axis in AXES if trials[axis].nunique() > 1]
    if not several:
        return []
    found = [_axes_picture(position, axes[axes["axis"].isin(several)], below)]
    if len(several) > 1:
        found.append(_grid_picture(position, trials, below))
    return [Figures(found, layout="wide")]


def _axes_picture(position: int, axes: pd.DataFrame, below: str) -> Picture:
    def draw(ax: Any) -> Any:
        return figures.dots(axes.astype({"value": object}), ax, "Test accuracy by axis", below)

    alt = described("Mean test accuracy of each value of each axis, with its interval", below)
    return Picture(f"study-{position}-axes.png", alt, figures.png(draw, 5.4, 1.4 + 0.3 * len(axes)))


def _grid_picture(position: int, trials: pd.DataFrame, below: str) -> Picture:
    means = grid_means(trials)
    means.index = pd.MultiIndex.from_tuples([(CELLS[cell].title, depth) for cell, depth in means.index])

    def draw(ax: Any) -> Any:
        return figures.grid(means, ax, "Mean test accuracy", below)

    alt = described("Mean test accuracy of each cell and depth by num_words and max_len", below)
    size = (max(4.6, 1.6 + 0.72 * means.shape[1]), 1.5 + 0.42 * means.shape[0])
    return Picture(f"study-{position}-grid.png", alt, figures.png(draw, *size))
