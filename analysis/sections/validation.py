"""Whether validation flatters: validation minus test by words and length, and what each of the two would choose."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.document import Block, Box, Section, Text, points, printed, text
from analysis.frames.gaps import Choice
from analysis.frames.trials import records
from analysis.sections.source import Source

MEANING = (
    "Mean validation minus test accuracy of the runs that trained, in percentage points. Validation reviews that share "
    "names with training reviews, as a random split leaves them, flatter whatever can remember names, and more so the "
    "more words it knows: where the column rises with the words, a choice by validation takes too many of them. The "
    "best epoch was chosen for its validation accuracy, so that its own difference is a little too high."
)
COLUMNS = ["data", "validation", "epochs", "num_words", "max_len", "networks", "runs", "best epoch, pp", "last, pp"]


def validation_section(source: Source) -> list[Section]:
    """Return the table of all grids of several networks and a sentence per data, or nothing without a test set."""
    several = {(grid.data, grid.epochs) for grid in source.study.grids if len(grid.networks) > 1}
    found = [row for row in records(source.study.gaps) if (row.data, row.epochs) in several]
    if not found:
        return []
    blocks: list[Block] = [
        text(MEANING),
        printed(COLUMNS, [_row(row) for row in found], layout="two"),
        *(_said(choice) for choice in source.study.choices),
    ]
    return [Section("Validation beside test", 2, blocks, anchor="validation", listed="Validation beside test")]


def _row(row: Any) -> list[str]:
    counts = [str(row.epochs), f"{row.num_words:,}", f"{row.max_len:,}", str(row.networks), str(row.runs)]
    return [row.data, _held_out(row.validation), *counts, points(row.best), points(row.last)]


def _held_out(validation: str) -> str:
    share = pd.to_numeric(validation, errors="coerce")
    return validation if pd.isna(share) else f"last {share:.0%}"


def _said(choice: Choice) -> Box | Text:
    """Return what choosing by validation would do on one data."""
    if choice.chosen == choice.first:
        return text(f"{choice.data}: validation and test put the same network first, {choice.first}.")
    both = (
        f"{choice.data}: validation would choose {choice.chosen}; the test set puts {choice.first} first, "
        f"{points(choice.behind).lstrip('+')} points before it. "
    )
    if choice.supported:
        return text(f"{both}The two cannot be told apart: the one chosen is among those that may be the best.")
    worse = "The test set's order does not support that choice: the one chosen is not among those that may be the best."
    return Box("warning", [text(both, worse)])
