"""TODO rnnsweep.ledger."""

from rnnsweep.ledger.bucket import StoreError
from rnnsweep.ledger.frames import CONTRACT, EPOCH_COLUMNS, LedgerFrames
from rnnsweep.ledger.ledger import STUDIES, Ledger
from rnnsweep.ledger.record import BEST_WEIGHTS, CHECKPOINT, ERROR, LAST_WEIGHTS, PREDICTIONS, RESULT, SPEC

__all__ = [
    "BEST_WEIGHTS",
    "CHECKPOINT",
    "CONTRACT",
    "EPOCH_COLUMNS",
    "ERROR",
    "LAST_WEIGHTS",
    "PREDICTIONS",
    "RESULT",
    "SPEC",
    "STUDIES",
    "Ledger",
    "LedgerFrames",
    "StoreError",
]
