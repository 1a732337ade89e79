"""What is on disk or in a bucket: a record per trial, written whole, and all of them as data frames."""

from rnnsweep.ledger.bucket import StoreError
from rnnsweep.ledger.frames import CONTRACT, EPOCH_COLUMNS, LedgerFrames
from rnnsweep.ledger.ledger import STUDIES, Ledger
from rnnsweep.ledger.record import Record

__all__ = ["CONTRACT", "EPOCH_COLUMNS", "STUDIES", "Ledger", "LedgerFrames", "Record", "StoreError"]
