"""What is on disk or in a bucket: a record per trial, written whole, and all of them as data frames."""

from rnnsweep.ledger.baselines import BASELINE_COLUMNS, COMMONEST, LINE_TITLES, SETTING, lines_of, refitted_pairs
from rnnsweep.ledger.bucket import StoreError
from rnnsweep.ledger.frames import CONTRACT, EPOCH_COLUMNS, TIMED, LedgerFrames
from rnnsweep.ledger.ledger import STUDIES, Ledger
from rnnsweep.ledger.record import Record

__all__ = [
    "BASELINE_COLUMNS",
    "COMMONEST",
    "CONTRACT",
    "EPOCH_COLUMNS",
    "LINE_TITLES",
    "SETTING",
    "STUDIES",
    "TIMED",
    "Ledger",
    "LedgerFrames",
    "Record",
    "StoreError",
    "lines_of",
    "refitted_pairs",
]
