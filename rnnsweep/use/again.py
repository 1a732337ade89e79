"""A trial trained again, where its record has no weights to use: as a ledger that was thinned out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from rnnsweep.data import DataError, Dataset, Reading, load
from rnnsweep.data.load import NAMED
from rnnsweep.data.vocabulary import Vocabulary, parse_vocabulary
from rnnsweep.ledger import Ledger
from rnnsweep.ledger.ledger import vocabulary_path
from rnnsweep.spec import Spec
from rnnsweep.sweep import Listener
from rnnsweep.sweep.vocabulary import keep_vocabulary
from rnnsweep.training.result import Epoch
from rnnsweep.use.chosen import UseError


def train_again(
    ledger: Ledger, specs: Sequence[Spec], listener: Listener, warn: Callable[[str], None] = lambda line: None
) -> None:
    """Train these specs in this process, one after another, and write their records anew, and the data's words.

    Until one has ended its record stays as it is. Raises `UseError` where the data is not known here, or one of them
    does not finish, and `DataError` where it is other data now.
    """
    from rnnsweep.machine.device import use_cores
    from rnnsweep.training.train import train

    spec = specs[0]
    source, reading = _source(ledger, spec)
    dataset = _data(source, reading, spec)
    ledger.check_writable()
    keep_vocabulary(ledger, dataset, source, reading, warn)
    use_cores(1)
    for each in specs:
        listener.on_start(each)
        result = train(each, dataset, partial(_heard, listener, each))
        listener.on_end(each, result.row)
        if result.row["status"] != "finished":
            raise UseError(f"{each.key} was trained again and is {result.row['status']} now; give another key")
        ledger.record(each.key).finish(result)


def _heard(listener: Listener, spec: Spec, epoch: Epoch) -> None:
    listener.on_epoch(spec, epoch.rows[-1])


def _source(ledger: Ledger, spec: Spec) -> tuple[str, Reading]:
    """Return what the data was loaded from, and how it was read: as the ledger says, or as its name does."""
    data = ledger.vocabulary(spec.data_sha256)
    if data is not None:
        known: Vocabulary = parse_vocabulary(data, vocabulary_path(spec.data_sha256))
        return known.source, known.reading
    named = ledger.load().sources.get(spec.data_sha256, [])
    if len(named) == len(("--data", "PATH")):  # without flags that say how it is read
        return named[1], Reading()
    if spec.dataset in NAMED:
        return spec.dataset, Reading()
    raise UseError(
        f"{spec.key} was trained on {spec.dataset}, and the ledger does not say where that is; run the command that "
        "trained it once more, with its --data, and then this one again"
    )


def _data(source: str, reading: Reading, spec: Spec) -> Dataset:
    dataset = load(source, reading=reading)
    if dataset.sha256 != spec.data_sha256:
        raise DataError(
            f"{source} holds other texts now (checksum {dataset.sha256[:12]}) than {spec.key} was trained on "
            f"({spec.data_sha256[:12]}); give that file its old content"
        )
    return dataset
