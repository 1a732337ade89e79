"""All trials, a row each, and what the failed ones died of."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.document import Block, Box, Code, Details, Section, Table, number, printed, text
from analysis.frames.trials import in_order, records
from analysis.sections.source import Source, data_name, label
from rnnsweep.cells import CELLS
from rnnsweep.errors import reason

COLUMNS = ["cell", "units", "num_words", "max_len", "epochs", "batch", "seed", "status", "test, best", "test, last",
           "validation, best", "best epoch", "parameters", "seconds", "key", "system", "error"]  # fmt: skip
NARROW = ["units", "epochs", "batch", "test, last", "validation, best", "best epoch", "parameters", "seconds", "system"]
FILES = text("All numbers are also in ", Code("tables/trials.csv"), " and ", Code("tables/epochs.csv"), ".", small=True)


def trials_section(source: Source) -> Section:
    """Return a table per data, real data first, its trials in the order of their specs, and the errors."""
    groups: Any = in_order(source.trials).groupby("data", sort=False)
    parts: list[Block] = [Section(data_name(group), 3, [_table(group)]) for _, group in groups]
    none = Box("note", [text("The ledger holds no trial.")])
    blocks = [*(parts or [none]), *_errors(source), FILES]
    return Section("All trials", 2, blocks, anchor="trials", listed="All trials")


def _table(trials: pd.DataFrame) -> Table:
    rows = [
        [
            CELLS[row.cell].title + (" both ways" if row.bidirectional else ""),
            row.units,
            f"{row.num_words:,}",
            f"{row.max_len:,}",
            str(row.epochs),
            str(row.batch_size),
            str(row.seed),
            row.status,
            number(row.test_accuracy),
            number(row.last_test_accuracy),
            number(row.val_accuracy),
            number(row.best_epoch, 0),
            number(row.params, 0),
            number(row.seconds, 1),
            row.key,
            row.system,
            reason(row.error),
        ]
        for row in records(trials)
    ]
    return printed(COLUMNS, rows, layout="all", narrow=NARROW, anchors=[f"trial-{key}" for key in trials["key"]])


def _errors(source: Source) -> list[Section]:
    found = [
        Details(
            text(Code(row.key), f" {label(source.contents.specs[row.key])}: {row.status}"),
            row.error.strip(),
        )
        for row in records(source.trials)
        if row.error.strip()
    ]
    return [Section("Errors", 3, found)] if found else []
