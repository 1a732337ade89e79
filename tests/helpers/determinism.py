"""What reports of the same sweep, run in different ways, must have in common: the bytes of their tables."""

import io

import pandas as pd

from analysis import report
from rnnsweep.ledger import TIMED


def tables(ledger):
    """Return the report's CSV tables by path, without the columns that a machine's speed decides."""
    files = report.report(ledger.load(), ledger.predictions)
    return {path: untimed(data) for path, data in files.items() if path.endswith(".csv")}


def untimed(data):
    """Return a CSV table as it is but for the columns in `TIMED`; each value stays the text that it was."""
    frame = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)
    return frame.drop(columns=list(TIMED), errors="ignore").to_csv(index=False)
