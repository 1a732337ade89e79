"""Ledgers as a sweep leaves them, with made-up numbers, and the original's published ones."""

import numpy as np

from analysis.frames.trials import prepared
from analysis.original.published import load_published
from rnnsweep.ledger import Record

IMDB = {"dataset": "imdb", "data_sha256": "a" * 64}
EMBEDDED = {"dataset": "embedded", "data_sha256": "b" * 64}
LABEL = np.array([0, 0, 1, 1], np.uint8)
PUBLISHED = load_published()


def put(ledger, spec, status="finished", *, train=0.9, val=0.8, test=0.75, real=True, **result):
    """Write a trial as a sweep does: `val` and `test` are of the last epoch, the best epoch has 0.01 more."""
    record = ledger.record(spec.key)
    record.write(Record.SPEC, spec.to_json().encode())
    accuracies = np.linspace(val - 0.05 * spec.epochs, val, spec.epochs + 1)[1:]
    rows = [
        {"epoch": i, "loss": 1 / i, "accuracy": train, "val_loss": 0.5, "val_accuracy": float(a), "seconds": 2.0}
        for i, a in enumerate(accuracies, 1)
    ]
    record.write_epochs(rows)
    if status in ("finished", "diverged"):
        record.write_json(Record.RESULT, _result(spec, status, train, val, test, real) | result)
    if status == "finished":
        record.write_arrays(Record.PREDICTIONS, _predictions())
    if status == "failed":
        record.write(Record.ERROR, b"Traceback (most recent call last):\nMemoryError: no <room> for a|b\n")


def _predictions():
    return {
        "label": LABEL,
        "best": np.array([0, 0, 1, 1], np.float16),
        "last": np.array([0.2, 0.7, 0.5, 0.9], np.float16),
    }


def _result(spec, status, train, val, test, real):
    layers = [("embedding", "Embedding", [None, 500, 32], 100), ("dense", "Dense", [None, 1], 11)]
    return {
        "status": status,
        "params": 111,
        "layers": [dict(zip(("name", "type", "output_shape", "params"), layer, strict=True)) for layer in layers],
        "classes": "negative/positive",
        "real_data": real,
        "path": "packed",
        "device": "cpu",
        "best_epoch": spec.epochs,
        "train_accuracy": train,
        "val_accuracy": val + 0.01,
        "test_accuracy": test + 0.01,
        "last_train_accuracy": train,
        "last_val_accuracy": val,
        "last_test_accuracy": test,
        "seconds": 2.0 * spec.epochs,
    }


def load(ledger):
    """Return the trials of a ledger, prepared, and its epochs."""
    contents = ledger.load()
    return prepared(contents.trials), contents.epochs
