"""A stand-in for training whose numbers depend on all that a checkpoint holds, without TensorFlow; it keeps a log."""

import hashlib
import time
from pathlib import Path

import numpy as np

from rnnsweep.spec import Spec
from rnnsweep.training.result import Epoch, Result

SPECS = [Spec(units=(4,), epochs=3, seed=seed) for seed in (1, 2, 3, 4)]


def trainer(log, seconds=0.0):
    """Return a stand-in for `train.train` that adds a line to the file `log` as each epoch begins."""

    def train(spec, dataset, on_epoch, state):
        rows = [] if state is None else [_row(epoch, value) for epoch, value in enumerate(state["values"], 1)]
        value = _first(spec) if state is None else float(state["values"][-1])
        while len(rows) < spec.epochs:
            with Path(log).open("a") as file:
                file.write(f"{spec.key} {len(rows) + 1}\n")
            time.sleep(seconds)
            value = (value * 3.7 * (1 - value)) % 1.0  # the logistic map: the last bit matters soon
            rows.append(_row(len(rows) + 1, value))
            kept = np.array([row["val_accuracy"] for row in rows])
            on_epoch(Epoch(rows, lambda kept=kept: {"values": kept}))
        row = {"status": "finished", "best_epoch": 1, "val_accuracy": value, "test_accuracy": value, "seconds": 1.0}
        return Result(row, b"best", b"last", {"label": np.zeros(2, np.uint8), "best": np.full(2, value, np.float16)})

    return train


def _first(spec):
    return 0.1 + int(hashlib.sha256(spec.key.encode()).hexdigest()[:6], 16) / 2**25


def _row(epoch, value):
    value = float(value)
    row = {"epoch": epoch, "loss": 1 - value, "accuracy": value, "val_loss": 1 - value, "val_accuracy": value}
    return row | {"seconds": 1.0, "cpu_seconds": 1.0}


def epochs_trained(log):
    """Return the key and number of each epoch that was begun."""
    return [tuple(line.split()) for line in Path(log).read_text().splitlines()] if Path(log).exists() else []


def values(ledger):
    """Return the bytes of each file in a ledger's records."""
    records = [ledger.record(spec.key) for spec in SPECS]
    return {(record.key, name): record.read(name) for record in records for name in sorted(record.NAMES)}
