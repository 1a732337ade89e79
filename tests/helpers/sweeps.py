"""Sweeps of tiny trials: their specs, who hears of them, and what two ledgers are compared by."""

import io

from rich.console import Console

from rnnsweep.spec import Spec
from rnnsweep.sweep import Machines, Progress

SPECS = [
    Spec(cell=cell, units=(4,), embedding_dim=3, num_words=30, max_len=12, batch_size=16, epochs=3, seed=seed)
    for cell in ("gru", "lstm")
    for seed in (1, 2)
]
HERE = Machines(backend="in-process")
TIMES = ["seconds", "cpu_seconds", "peak_memory_mb", "revision"]


class Heard(Progress):
    """A display that also keeps what it was told."""

    def __init__(self):
        super().__init__(Console(file=io.StringIO()), {spec.key: 1.0 for spec in SPECS})
        self.events = []

    def on_start(self, spec):
        self.events.append(("started", spec.key))
        super().on_start(spec)

    def on_epoch(self, spec, row):
        self.events.append(("epoch", spec.key, row["epoch"]))
        super().on_epoch(spec, row)

    def on_retry(self, spec):
        self.events.append(("retried", spec.key))
        super().on_retry(spec)

    def epochs_of(self, key):
        return [event[2] for event in self.events if event[:2] == ("epoch", key)]


def numbers(ledger):
    """Return all that a ledger says but for times: rows, epochs and predictions."""
    contents = ledger.load()
    trials = contents.trials.drop(columns=TIMES).to_csv()
    predictions = {key: ledger.predictions(key) for key in contents.trials["key"]}
    bits = {key: {name: a.tobytes() for name, a in arrays.items()} for key, arrays in predictions.items()}
    return trials, contents.epochs.drop(columns="seconds").to_csv(), bits, contents.layers
