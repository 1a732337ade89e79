"""TODO docstring of analysis/sections/trials.py."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.document import Table, number, printed
from analysis.frames.trials import CELL_ORDER, records
from analysis.sections.overview import data_name
from rnnsweep.cells import CELLS
from rnnsweep.spec import Spec


# 6. All trials.
def trials_section(trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table per data, real data first, its trials in the order of their specs."""
    order = trials.assign(cell_order=trials["cell"].map(CELL_ORDER), generated=~trials["real"].astype(bool))
    by = ["generated", "data", "cell_order", "depth", "units", "num_words", "max_len", "epochs", "batch_size", "seed"]
    groups: Any = order.sort_values([*by, "key"]).groupby("data", sort=False)
    return [{"title": data_name(group), "table": _trials_table(group)} for _, group in groups]


def _trials_table(trials: pd.DataFrame) -> Table:
    columns = ["cell", "units", "num_words", "max_len", "epochs", "batch", "seed", "status", "test, best", "test, last",
               "validation, best", "best epoch", "parameters", "seconds", "key", "system", "error"]  # fmt: skip
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
            _last_line(row.error),
        ]
        for row in records(trials)
    ]
    return printed(columns, rows, layout="all")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""


def failures_section(trials: pd.DataFrame) -> list[dict[str, str]]:
    return [
        {"key": row.key, "label": Spec.label(_spec_like(row)), "status": row.status, "text": row.error.strip()}
        for row in records(trials)
        if row.error.strip()
    ]


def _spec_like(row: Any) -> Any:
    return Spec(
        cell=row.cell,
        units=tuple(int(unit) for unit in row.units.split("-")),
        num_words=int(row.num_words),
        max_len=int(row.max_len),
        bidirectional=bool(row.bidirectional),
        pooling=row.pooling,
    )
