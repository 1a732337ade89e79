"""Runs that failed to train: how many of how many, by cell and depth."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.document import Block, Section, Table, interval_text, number, plural, printed, text
from analysis.frames.failures import failures
from analysis.frames.networks import TRAINED, Grid
from analysis.frames.trials import CELL_ORDER, records
from analysis.sections.source import Source, generated_box
from rnnsweep.cells import CELLS

RULE = (
    f"A run failed to train where its best validation accuracy stayed below {TRAINED:.2f} (of two classes; of k, below "
    "a fifth of the way from 1 / k to 1), or where its loss was not finite. The rule was fixed before any result was "
    "seen. The interval is Clopper and Pearson's, as if all networks of a row failed equally often."
)
COLUMNS = ["cell", "layers", "failed", "share", "95 % interval", "of these not finite"]


def failures_section(source: Source) -> list[Section]:
    """Return the section with a table per grid of several networks, or nothing where there is none."""
    parts: list[Block] = []
    for grid in source.study.grids:
        if len(grid.networks) > 1:
            heading = text(f"{grid.data}, {plural(grid.epochs, 'epoch')}", small=True)
            parts += [heading, *generated_box(grid.real), _table(grid, source.trials)]
    if not parts:
        return []
    return [Section("Runs that failed to train", 2, [text(RULE), *parts], anchor="failures", listed="Failed to train")]


def _table(grid: Grid, trials: pd.DataFrame) -> Table:
    found = failures([grid], trials)
    found = found.assign(layers=found["depth"].fillna(0)).sort_values(["cell", "layers"], key=_in_order)
    rows = [
        [
            CELLS[row.cell].title,
            str(row.layers) if row.layers else "all",
            f"{row.failed} of {row.n}",
            number(row.share, 3),
            interval_text(row.low, row.high),
            str(row.diverged),
        ]
        for row in records(found)
    ]
    return printed(COLUMNS, rows, layout="two")


def _in_order(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.map(CELL_ORDER) if column.name == "cell" else column
