"""The record of one trial: which files it has, what each holds, and in which order they are written."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rnnsweep.ledger.bucket import StoreError
from rnnsweep.ledger.fields import EPOCH_FIELDS, RESULT_FIELDS, STATUSES, STUDY, is_suggestion, misfit
from rnnsweep.spec import Spec, SpecError
from rnnsweep.types import FORMAT, Arrays, Row

if TYPE_CHECKING:
    from rnnsweep.ledger.store import Store

OF_THE_SPEC = ("key", "system", "depth")  # columns that no result may say


class Trained(Protocol):
    """What a training returns: its flat row, two sets of weights, and arrays of predictions, or none of either."""

    @property
    def row(self) -> Row:
        """All numbers of the result, by name."""

    @property
    def best_weights(self) -> bytes:
        """The weights of the best epoch, as a Keras file."""

    @property
    def last_weights(self) -> bytes:
        """The weights of the last epoch, as a Keras file."""

    @property
    def predictions(self) -> Arrays:
        """Probabilities of test and validation reviews, and labels; empty where there are none, and then no weights."""


class Record:
    """The folder of one trial, `<key>/`; the only place that knows the names in it."""

    SPEC = "spec.json"
    EPOCHS = "epochs.jsonl"
    RESULT = "result.json"
    ERROR = "error.txt"
    PREDICTIONS = "predictions.npz"
    CHECKPOINT = "checkpoint.npz"
    BEST_WEIGHTS = "best.weights.h5"
    LAST_WEIGHTS = "last.weights.h5"
    SEARCH = "search.json"
    SMALL = (SPEC, RESULT, ERROR, EPOCHS, SEARCH)  # what a report is made of, but for the predictions
    NAMES = frozenset((*SMALL, PREDICTIONS, CHECKPOINT, BEST_WEIGHTS, LAST_WEIGHTS))

    def __init__(self, store: Store, key: str) -> None:
        """Name the record of a key; it need not be there."""
        self._store, self.key = store, key

    # What a trial writes, in this order.

    def begin(self, spec: Spec) -> None:
        """Say what is trained, and forget how it failed before."""
        self._write_spec(spec)
        self.remove(self.ERROR)

    def complete(self, spec: Spec) -> None:
        """Say again what is trained, where that has gone: somebody moved or deleted the ledger while the trial ran."""
        if self.read(self.SPEC) is None:
            self._write_spec(spec)

    def epoch(self, rows: Iterable[Row], state: Arrays) -> None:
        """Keep the arrays to go on from, with the rows of all epochs so far, then the rows by themselves."""
        text = _lines(rows)
        about = {self.EPOCHS: np.frombuffer(text, np.uint8), "format": np.array(FORMAT)}
        self.write_arrays(self.CHECKPOINT, {**state, **about})
        self.write(self.EPOCHS, text)

    def finish(self, trained: Trained) -> None:
        """Write all that came out; the row comes last, because with it the trial is done, and needs no checkpoint."""
        if trained.predictions:
            self.write_arrays(self.PREDICTIONS, trained.predictions, compress=True)
            self.write(self.BEST_WEIGHTS, trained.best_weights)
            self.write(self.LAST_WEIGHTS, trained.last_weights)
        self.write_json(self.RESULT, trained.row)
        self.remove(self.CHECKPOINT)

    def close(self) -> None:
        """Remove what a trial with a result needs no more: its checkpoint, and why an earlier attempt failed."""
        self.remove(self.CHECKPOINT)
        self.remove(self.ERROR)

    def fail(self, spec: Spec, text: str) -> None:
        """Say why a trial failed; the checkpoint stays, to go on from."""
        self._write_spec(spec)
        self.write(self.ERROR, text.encode())

    def write_suggestion(self, study: str, row: Mapping[str, Any]) -> None:
        """Write what a search says of the trial, beside what other searches said of it."""
        others = parse_suggestions(self.key, self.read(self.SEARCH), [])
        self.write_json(self.SEARCH, others | {study: dict(row)})

    # What is read of it.

    def result(self) -> Row | None:
        """Return the row of the readable result, or None: only a trial that has one needs no training."""
        return parse_result(self.key, self.read(self.RESULT), []) or None

    def error(self) -> str:
        """Return why the trial's last attempt failed, or ''."""
        return (self.read(self.ERROR) or b"").decode(errors="replace")

    def epochs(self) -> list[Row]:
        """Return the rows of the epochs so far, without damaged lines."""
        return parse_epochs(self.key, self.read(self.EPOCHS), [])

    def checkpoint(self) -> Arrays | None:
        """Return the arrays to go on from, or None where they are missing or damaged.

        The rows of their epochs are in the record then, even where their writer was killed before he had written them.
        Raises `StoreError` where they are of a later format.
        """
        arrays = self.read_arrays(self.CHECKPOINT)
        if arrays is None:
            return None
        number = arrays.pop("format", np.array(FORMAT))
        _check_format(self.path(self.CHECKPOINT), int(number) if number.dtype.kind == "i" and not number.ndim else None)
        rows = arrays.pop(self.EPOCHS, None)
        if rows is not None and self.read(self.EPOCHS) != rows.tobytes():
            self.write(self.EPOCHS, rows.tobytes())
        return arrays

    def predictions(self, *names: str) -> Arrays | None:
        """Return `label` uint8, `best` and `last` float16 [test reviews], probabilities of class 1; None if absent.

        Of the validation reviews `validation_label` and `validation`, by the best weights; older records lack them.
        With names, only those of these names: unpacking the others would take time.
        """
        return self.read_arrays(self.PREDICTIONS, names)

    # Files by name.

    def path(self, name: str) -> str:
        """Return the path of a file from the ledger's root."""
        return f"{self.key}/{name}"

    def read(self, name: str) -> bytes | None:
        """Return what a file holds, or None where there is none."""
        return self._store.read_file(self.path(name))

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all."""
        self._store.write_file(self.path(name), data)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self._store.remove_file(self.path(name))

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a flat JSON object, a field a line, numbers that are not finite as null."""
        self.write(name, json_bytes(value))

    def write_epochs(self, rows: Iterable[Row]) -> None:
        """Write the rows of all epochs so far, a JSON line each: a few hundred bytes, so never half an epoch."""
        self.write(self.EPOCHS, _lines(rows))

    def write_arrays(self, name: str, arrays: Arrays, compress: bool = False) -> None:
        """Write named arrays as an npz file without pickle."""
        buffer = io.BytesIO()
        save = np.savez_compressed if compress else np.savez
        save(buffer, allow_pickle=False, **arrays)
        self.write(name, buffer.getvalue())

    def read_arrays(self, name: str, wanted: Collection[str] = ()) -> Arrays | None:
        """Return the arrays of an npz file, or those wanted that it has; None where it is missing or damaged."""
        data = self.read(name)
        if data is None:
            return None
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files if not wanted or name in wanted}
        except (ValueError, OSError, KeyError, EOFError):
            return None
        except Exception as error:  # zipfile's and zlib's errors share no base class
            if type(error).__module__ in ("zipfile", "zlib"):
                return None
            raise

    def _write_spec(self, spec: Spec) -> None:
        self.write(self.SPEC, (spec.to_json() + "\n").encode())


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """Return an object as JSON, a field a line, numbers that are not finite as null."""
    return (json.dumps(_finite(value), indent=1, sort_keys=True) + "\n").encode()


def _finite(value: Mapping[str, Any]) -> Row:
    return {name: None if isinstance(item, float) and not np.isfinite(item) else item for name, item in value.items()}


def _lines(rows: Iterable[Row]) -> bytes:
    return "".join(json.dumps(_finite(row)) + "\n" for row in rows).encode()


def json_object(data: bytes) -> Row | None:
    """Return the object that JSON text holds, or None where it is damaged or holds something else."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):  # the second: nested ten thousand deep
        return None
    return value if isinstance(value, dict) else None


def parse_spec(key: str, data: bytes | None, warnings: list[str]) -> Spec | None:
    """Return the spec that a record's file holds; where it has none of this key, None and one more warning."""
    if data is None:
        warnings.append(f"{key}/{Record.SPEC}: missing; the folder is left out")
        return None
    try:
        spec = Spec.from_json(data)
    except SpecError as error:
        warnings.append(f"{key}/{Record.SPEC}: {error}; the folder is left out")
        return None
    if spec.key != key:
        warnings.append(f"{key}/{Record.SPEC}: its spec belongs to {spec.key}; the folder is left out")
        return None
    return spec


def parse_result(key: str, data: bytes | None, warnings: list[str]) -> Row:
    """Return the row that a record's file holds; empty where there is none, with one more warning if it is damaged."""
    if data is None:
        return {}
    result = json_object(data)
    _check_format(f"{key}/{Record.RESULT}", None if result is None else result.get("format"))
    if result is None or result.get("status") not in STATUSES:
        warnings.append(f"{key}/{Record.RESULT}: half-written or damaged; the trial counts as unfinished")
        return {}
    wrong = misfit(result, RESULT_FIELDS)
    if wrong:
        warnings.append(f"{key}/{Record.RESULT}: damaged, its {wrong} is none; the trial counts as unfinished")
        return {}
    return {name: value for name, value in result.items() if name not in OF_THE_SPEC}


def _check_format(path: str, number: object) -> None:
    """Raise `StoreError` where a file says that it is of a later format than this program knows."""
    if type(number) is int and FORMAT < number < 2**63:
        raise StoreError(
            f"{path} is of format {number}, and this rnnsweep reads formats up to {FORMAT}; use the rnnsweep that "
            "wrote it, or a newer one"
        )


def parse_epochs(key: str, data: bytes | None, warnings: list[str]) -> list[Row]:
    """Return the rows that a record's file holds, each with the key; a damaged line is one more warning instead."""
    rows = []
    for number, line in enumerate((data or b"").splitlines(), 1):
        row = json_object(line)
        if row is None or row.get("epoch") is None or misfit(row, EPOCH_FIELDS):
            warnings.append(f"{key}/{Record.EPOCHS}: line {number} is half-written or damaged; it is left out")
        else:
            rows.append(row | {"key": key})
    return rows


def check_epochs(spec: Spec, result: Row, rows: list[Row], warnings: list[str]) -> None:
    """Add a warning where a finished result lacks rows of its epochs, or has one twice."""
    numbers, epochs = [row["epoch"] for row in rows], spec.epochs
    if spec.patience:
        epochs = min(epochs, (result.get("best_epoch") or epochs) + spec.patience)
    if result.get("status") == "finished" and numbers != list(range(1, epochs + 1)):
        warnings.append(
            f"{spec.key}/{Record.EPOCHS}: holds {len(set(numbers))} of the {epochs} epochs of a finished trial; "
            "its result is whole, its learning curve is not"
        )


def parse_suggestions(key: str, data: bytes | None, warnings: list[str]) -> dict[str, Row]:
    """Return what each search said of the trial; what no search can have written is one more warning instead."""
    if data is None:
        return {}
    said = json_object(data)
    if said is None:
        warnings.append(f"{key}/{Record.SEARCH}: half-written or damaged; it is left out")
        return {}
    fit = {study: row for study, row in said.items() if STUDY.fullmatch(study) and is_suggestion(row)}
    for study in sorted(set(said) - set(fit)):
        warnings.append(f"{key}/{Record.SEARCH}: damaged, what it has of study {study[:40]!a}; that is left out")
    return fit
