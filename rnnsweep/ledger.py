"""What is on disk or in a bucket: one folder per spec, written atomically, read as two data frames.

`<results>/<key>/` holds `spec.json`, `epochs.jsonl`, `result.json` or `error.txt`, `predictions.npz`, the weights of
the best and the last epoch, and, while the trial is being trained, `checkpoint.npz`; a trial that a search suggested
has its number there in `search.json`. `<results>/studies/` says what each search looked for, and `index.parquet` keeps
the small files of many finished trials together (`store`).
"""

from __future__ import annotations

import dataclasses
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnsweep.space import system_of
from rnnsweep.spec import Spec, SpecError
from rnnsweep.store import Store

SPEC, EPOCHS, RESULT, ERROR = "spec.json", "epochs.jsonl", "result.json", "error.txt"
PREDICTIONS, CHECKPOINT = "predictions.npz", "checkpoint.npz"
BEST_WEIGHTS, LAST_WEIGHTS, SEARCH = "best.weights.h5", "last.weights.h5", "search.json"
NAMES = frozenset((SPEC, EPOCHS, RESULT, ERROR, PREDICTIONS, CHECKPOINT, BEST_WEIGHTS, LAST_WEIGHTS, SEARCH))
STUDIES = "studies"
KEY = re.compile(r"[0-9a-f]{12}")
SMALL = (SPEC, RESULT, ERROR, EPOCHS, SEARCH)  # what a report is made of, but for the predictions
INDEX_FROM = 1000  # files that are not in the index, before it is worth writing
# The contract's columns first, in its order; the rest of the spec and of the result behind them.
# fmt: off
CONTRACT = [
    "key", "system", "dataset", "cell", "depth", "units", "embedding_dim", "num_words", "max_len", "batch_size",
    "epochs", "seed", "params", "status", "best_epoch", "train_accuracy", "val_accuracy", "test_accuracy",
    "last_train_accuracy", "last_val_accuracy", "last_test_accuracy", "seconds",
]
# fmt: on
LOSSES = ["train_loss", "val_loss", "test_loss", "last_train_loss", "last_val_loss", "last_test_loss"]
MEASURED = ["cpu_seconds", "peak_memory_mb", "peak_gpu_memory_mb"]
WORDS = ["path", "device", "classes", "revision", "error"]
SUGGESTION_COLUMNS = ["study", "number", "key", "state", "known", "suggest_seconds"]
EPOCH_COLUMNS = ["key", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"]


@dataclass(frozen=True)
class Contents:
    """All that a ledger holds: a row per trial, a row per epoch, the layers per key, and a warning per bad file.

    And of searches: a row per suggestion, whose `state` is running, finished, pruned or failed, and what each looked
    for, by its name.
    """

    trials: pd.DataFrame
    epochs: pd.DataFrame
    layers: dict[str, list[dict[str, Any]]]
    warnings: list[str]
    suggestions: pd.DataFrame
    studies: dict[str, dict[str, Any]]


class Ledger(Store):
    """All results of a sweep under one local path or bucket address; the only owner of its paths."""

    def write(self, key: str, name: str, data: bytes) -> None:
        """Write one file of one trial, whole or not at all."""
        self.write_file(f"{key}/{name}", data)

    def read(self, key: str, name: str) -> bytes | None:
        """Return one file of one trial, or None where there is none."""
        return self.read_file(f"{key}/{name}")

    def remove(self, key: str, name: str) -> None:
        """Remove one file of one trial, if it is there."""
        self.remove_file(f"{key}/{name}")

    def write_json(self, key: str, name: str, value: Mapping[str, Any]) -> None:
        """Write a flat JSON object, a field a line, numbers that are not finite as null."""
        self.write(key, name, (json.dumps(_finite(value), indent=1, sort_keys=True) + "\n").encode())

    def write_epochs(self, key: str, rows: Iterable[Mapping[str, float]]) -> None:
        """Write the rows of all epochs so far, a JSON line each: a few hundred bytes, so never half an epoch."""
        self.write(key, EPOCHS, "".join(json.dumps(_finite(row)) + "\n" for row in rows).encode())

    def write_arrays(self, key: str, name: str, arrays: Mapping[str, NDArray[Any]], compress: bool = False) -> None:
        """Write named arrays as an npz file without pickle."""
        buffer = io.BytesIO()
        save = np.savez_compressed if compress else np.savez
        save(buffer, allow_pickle=False, **dict(arrays))
        self.write(key, name, buffer.getvalue())

    def read_arrays(self, key: str, name: str) -> dict[str, NDArray[Any]] | None:
        """Return the arrays of an npz file, or None where it is missing or damaged."""
        data = self.read(key, name)
        if data is None:
            return None
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return dict(arrays)
        except (ValueError, OSError, KeyError, EOFError):
            return None
        except Exception as error:  # zipfile's and zlib's errors share no base class
            if type(error).__module__ in ("zipfile", "zlib"):
                return None
            raise

    def predictions(self, key: str) -> dict[str, NDArray[Any]] | None:
        """Return `label` uint8, `best` and `last` float16 [test reviews], probabilities of class 1; None if absent."""
        return self.read_arrays(key, PREDICTIONS)

    def result(self, key: str) -> dict[str, Any] | None:
        """Return the readable `result.json` of a key, or None: only a trial that has one needs no training."""
        return _result(key, self.read(key, RESULT), []) or None

    def epochs(self, keys: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of these trials' epochs so far by key, without damaged lines."""
        paths = {key: f"{key}/{EPOCHS}" for key in keys}
        read = self.read_files(paths.values())
        return {key: _epochs(key, read.get(path), []) for key, path in paths.items()}

    def suggestions(self, study: str) -> dict[str, dict[str, Any]]:
        """Return what a search wrote of its suggestions, by key, in the order of their numbers."""
        read = self._each(SEARCH, self._listed_with(SEARCH))
        found = {key: (_json_object(data) or {}).get(study) for key, data in read.items()}
        kept = {key: record for key, record in found.items() if record is not None}
        return dict(sorted(kept.items(), key=lambda item: int(item[1]["number"])))

    def write_suggestion(self, key: str, study: str, record: Mapping[str, Any]) -> None:
        """Write what a search says of a trial, beside what other searches said of it."""
        others = _json_object(self.read(key, SEARCH) or b"{}") or {}
        self.write_json(key, SEARCH, others | {study: dict(record)})

    def write_study(self, name: str, value: Mapping[str, Any]) -> None:
        """Write what a search looks for, under its name."""
        self.write_json(STUDIES, f"{name}.json", value)

    def study(self, name: str) -> dict[str, Any] | None:
        """Return what `write_study` wrote, or None."""
        data = self.read(STUDIES, f"{name}.json")
        return None if data is None else _json_object(data)

    def studies_folder(self) -> Path | None:
        """Return the local folder that holds the searches' own files, or None for a bucket."""
        return Path(self._root, STUDIES) if self._local else None

    def results(self) -> dict[str, dict[str, Any]]:
        """Return what `result` returns, for every key that has one, with one listing of the ledger."""
        found = {key: _result(key, data, []) for key, data in self._each(RESULT, self._listed_with(RESULT)).items()}
        return {key: result for key, result in found.items() if result}

    def specs(self, keys: Iterable[str]) -> dict[str, Spec]:
        """Return the specs of these keys, without those that cannot be read."""
        read = self._each(SPEC, keys)
        found = {key: _spec(key, data, []) for key, data in read.items()}
        return {key: spec for key, spec in found.items() if spec is not None}

    def index(self) -> None:
        """Keep the small files of the finished trials, by the last listing, in one file, once they are many.

        The next opening of a ledger of thousands reads that instead of each. What came later, or was changed or
        removed, is read as ever.
        """
        folders = _folders(self._listed)[0]
        finished = {key: names for key, names in folders.items() if RESULT in names}
        self.write_index(_paths(finished, SMALL), INDEX_FROM)

    def load(self) -> Contents:
        """Return everything in the ledger, failed and unfinished trials too; bad files become named warnings."""
        folders, warnings = _folders(self.list_files())
        texts = self.read_listed(_paths(folders, SMALL))
        trials, epochs, layers, suggestions = [], [], {}, []
        for key in sorted(folders):
            spec = _spec(key, texts.get(f"{key}/{SPEC}"), warnings)
            if spec is None:
                continue
            result = _result(key, texts.get(f"{key}/{RESULT}"), warnings)
            rows = _epochs(key, texts.get(f"{key}/{EPOCHS}"), warnings)
            error = texts.get(f"{key}/{ERROR}", b"").decode(errors="replace")
            searches = _json_object(texts.get(f"{key}/{SEARCH}", b"{}")) or {}
            trials.append(_row(key, spec, result, error, searches))
            epochs += rows
            layers[key] = result.get("layers", [])
            suggestions += [_suggestion(study, key, record, result) for study, record in searches.items()]
        names = {str(row["study"]) for row in suggestions}
        studies = {name: self.study(name) or {} for name in sorted(names)}
        return Contents(
            _trials_frame(trials),
            _epochs_frame(epochs),
            layers,
            sorted(warnings),
            _suggestions_frame(suggestions),
            studies,
        )

    def _listed_with(self, name: str) -> list[str]:
        """Return the keys that have a file of this name, with one listing of the whole ledger."""
        return [key for key, names in _folders(self.list_files())[0].items() if name in names]

    def _each(self, name: str, keys: Iterable[str]) -> dict[str, bytes]:
        """Return by key what the files of this name hold, where there are such."""
        paths = {f"{key}/{name}": key for key in keys}
        return {paths[path]: data for path, data in self.read_listed(paths).items()}


def _folders(paths: Iterable[str]) -> tuple[dict[str, set[str]], list[str]]:
    """Return the file names per key, and a warning per foreign file."""
    folders: dict[str, set[str]] = {}
    foreign: list[str] = []
    for path in paths:
        folder, _, name = path.partition("/")
        if KEY.fullmatch(folder) and name in NAMES:
            folders.setdefault(folder, set()).add(name)
        elif folder != STUDIES:
            foreign.append(f"{path}: not a file of a ledger; left out")
    return folders, foreign


def _paths(folders: Mapping[str, set[str]], wanted: Iterable[str]) -> list[str]:
    return [f"{key}/{name}" for key, names in folders.items() for name in wanted if name in names]


def _finite(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(item, float) and not np.isfinite(item) else item for name, item in value.items()}


def _json_object(data: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _spec(key: str, data: bytes | None, warnings: list[str]) -> Spec | None:
    if data is None:
        warnings.append(f"{key}/{SPEC}: missing; the folder is left out")
        return None
    try:
        spec = Spec.from_json(data)
    except SpecError as error:
        warnings.append(f"{key}/{SPEC}: {error}; the folder is left out")
        return None
    if spec.key != key:
        warnings.append(f"{key}/{SPEC}: its spec belongs to {spec.key}; the folder is left out")
        return None
    return spec


def _result(key: str, data: bytes | None, warnings: list[str]) -> dict[str, Any]:
    if data is None:
        return {}
    result = _json_object(data)
    if result is None or "status" not in result:
        warnings.append(f"{key}/{RESULT}: half-written or damaged; the trial counts as unfinished")
        return {}
    return result


def _epochs(key: str, data: bytes | None, warnings: list[str]) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate((data or b"").splitlines(), 1):
        row = _json_object(line)
        if row is None or "epoch" not in row:
            warnings.append(f"{key}/{EPOCHS}: line {number} is half-written or damaged; it is left out")
        else:
            rows.append({"key": key, **row})
    return rows


def _row(
    key: str, spec: Spec, result: Mapping[str, Any], error: str, searches: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    fields = dataclasses.asdict(spec) | {
        "units": "-".join(map(str, spec.units)),
        "vocab_size": spec.embedding_rows,
        "validation": str(spec.validation),
    }
    pruned = any(record.get("state") == "pruned" for record in searches.values())
    status = result.get("status") or ("failed" if error else "pruned" if pruned else "unfinished")
    return {"key": key, "system": system_of(spec), "depth": spec.depth, "error": error} | dict(result) | fields | {
        "status": status
    }  # fmt: skip


def _trials_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    spec_columns = [field.name for field in dataclasses.fields(Spec) if field.name not in CONTRACT]
    columns = [*CONTRACT, *spec_columns, *LOSSES, *MEASURED, *WORDS, "real_data"]
    frame = pd.DataFrame(rows).reindex(columns=columns)
    measured = [name for name in columns if name.endswith(("accuracy", "loss"))] + ["seconds", *MEASURED]
    for name in measured:
        frame[name] = pd.to_numeric(frame[name])
    for name in ("params", "best_epoch", "reviews"):
        frame[name] = pd.to_numeric(frame[name]).astype("Int64")
    for name in WORDS:
        frame[name] = frame[name].astype(object).where(frame[name].notna(), "").astype(str)
    return frame


def _suggestion(study: str, key: str, record: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    ended = record["state"] != "running"  # only what ended without a result is written again
    return {
        "study": study,
        "key": key,
        **record,
        "state": record["state"] if ended else result.get("status", "running"),
    }


def _suggestions_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows).reindex(columns=SUGGESTION_COLUMNS)
    frame = frame.astype({"number": "int64", "known": "bool", "suggest_seconds": "float64"})
    return frame.sort_values(["study", "number"], ignore_index=True)


def _epochs_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows).reindex(columns=EPOCH_COLUMNS)
    for name in EPOCH_COLUMNS[1:]:
        frame[name] = pd.to_numeric(frame[name])
    return frame.astype({"epoch": "int64"}).sort_values(["key", "epoch"], ignore_index=True)
