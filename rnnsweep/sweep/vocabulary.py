"""The words of the data, which a driver keeps beside the results, so that what it trains can be used."""

from __future__ import annotations

from collections.abc import Callable

from rnnsweep.data import DataError, Dataset, Reading
from rnnsweep.data.vocabulary import vocabulary_of
from rnnsweep.ledger import Ledger


def keep_vocabulary(
    ledger: Ledger, dataset: Dataset, source: str, reading: Reading, warn: Callable[[str], None]
) -> None:
    """Write what turns texts into the numbers of this data, once per ledger; only a driver does.

    `source` is what the data was loaded from. Where its words cannot be had, that is one line to `warn`, and training
    goes on.
    """
    if ledger.vocabulary(dataset.sha256) is not None:
        return
    try:
        words = vocabulary_of(dataset, source, reading)
    except DataError as error:
        warn(f"the words of {dataset.name} are not known, so that its networks cannot be asked about texts: {error}")
        return
    ledger.write_vocabulary(dataset.sha256, words.to_bytes())
