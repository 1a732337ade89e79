"""What is on disk or in a bucket: one folder per spec, written atomically, read as two data frames.

`<results>/<key>/` holds `spec.json`, `epochs.jsonl`, `result.json` or `error.txt`, `predictions.npz`, the weights of
the best and the last epoch, and, while the trial is being trained, `checkpoint.npz`; a trial that a search suggested
has its number there in `search.json`. `<results>/studies/` says what each search looked for. A bucket is another file
system object under the same code; what it refuses for a while is tried again.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import random
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyarrow import fs

from rnnsweep.space import system_of
from rnnsweep.spec import Spec, SpecError

SPEC, EPOCHS, RESULT, ERROR = "spec.json", "epochs.jsonl", "result.json", "error.txt"
PREDICTIONS, CHECKPOINT = "predictions.npz", "checkpoint.npz"
BEST_WEIGHTS, LAST_WEIGHTS, SEARCH = "best.weights.h5", "last.weights.h5", "search.json"
NAMES = frozenset((SPEC, EPOCHS, RESULT, ERROR, PREDICTIONS, CHECKPOINT, BEST_WEIGHTS, LAST_WEIGHTS, SEARCH))
STUDIES = "studies"
KEY = re.compile(r"[0-9a-f]{12}")
PARALLEL = 16  # files read at a time: a bucket answers slowly, but many at once
PATIENCE = 90.0  # seconds that a bucket which has answered before may fail to, as in a network cut
FIRST_PATIENCE = 10.0  # the same for one that never answered: more likely a mistake
PAUSES = (0.5, 8.0)  # seconds between two tries: the first, doubled up to the last
# What a bucket's error says when trying again is of no use, and what to do then; the words of Amazon's and Google's.
REMEDIES = {
    r"NO_SUCH_BUCKET|NoSuchBucket|bucket does not exist": "make the bucket, or name another one with --results",
    r"ACCESS_DENIED|INVALID_ACCESS_KEY|SIGNATURE_DOES_NOT_MATCH|EXPIRED_TOKEN|InvalidToken|MISSING_AUTH|INVALID_CLIENT"
    r"|UNRECOGNIZED_CLIENT|HTTP status 40[13]|Permission denied|PERMISSION_DENIED|UNAUTHENTICATED":
        "give credentials that may read and write it, for s3 in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
}  # fmt: skip

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


T = TypeVar("T")


class LedgerError(OSError):
    """A results place that cannot be used; the message names it and the remedy."""


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


class Ledger:
    """All results of a sweep under one local path or bucket address; the only owner of its paths."""

    def __init__(self, uri: str | os.PathLike[str], filesystem: fs.FileSystem | None = None) -> None:
        """Open the ledger at a path or URI (created at the first write); raises `LedgerError` on an unknown scheme."""
        self.uri = os.fspath(uri)
        if filesystem is not None:
            self._fs, self._root = filesystem, self.uri.rstrip("/")
        elif "://" in self.uri:
            try:
                self._fs, self._root = fs.FileSystem.from_uri(_one_request_per_write(self.uri))
            except (ValueError, OSError) as error:
                remedy = _remedy(error) or "give a folder, or s3://BUCKET/PATH"
                raise LedgerError(f"results {self.uri}: {_reason(error)}; {remedy}") from None
        else:
            self.uri = str(Path(self.uri).absolute())  # workers run in another folder
            self._fs, self._root = fs.LocalFileSystem(), self.uri
        self._local = isinstance(self._fs, fs.LocalFileSystem)
        self._answered = self._local

    def exists(self) -> bool:
        """Return whether anything was ever written here; raises `LedgerError` where that cannot be asked."""
        found = self._patiently(lambda: self._fs.get_file_info(self._root))
        return bool(found.type == fs.FileType.Directory)

    def check_writable(self) -> None:
        """Write and remove a small file; raises `LedgerError` with the reason where that fails."""
        self.remove_probe(self.write_probe())

    def write_probe(self) -> str:
        """Write a small file that is no part of the results, and return its name; raises `LedgerError` with the reason.

        Who can `has_probe` it looks at the same place, and `remove_probe` leaves nothing behind.
        """
        name = f".probe-{uuid.uuid4().hex}"
        try:
            self._write(f"{self._root}/{name}", b"")
        except LedgerError:
            raise
        except OSError as error:
            raise LedgerError(
                f"results {self.uri} cannot be written: {error.strerror or error}; give another place with --results"
            ) from None
        return name

    def has_probe(self, name: str) -> bool:
        """Return whether the probe of this name is here."""
        return self._read(f"{self._root}/{name}") is not None

    def remove_probe(self, name: str) -> None:
        """Remove the probe of this name, if it is here."""
        self._delete(f"{self._root}/{name}")

    def write(self, key: str, name: str, data: bytes) -> None:
        """Write one file of one trial, whole or not at all."""
        self._write(self._path(key, name), data)

    def read(self, key: str, name: str) -> bytes | None:
        """Return one file of one trial, or None where there is none."""
        return self._read(self._path(key, name))

    def remove(self, key: str, name: str) -> None:
        """Remove one file of one trial, if it is there."""
        self._delete(self._path(key, name))

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
        data = self.read(key, RESULT)
        found = None if data is None else _json_object(data)
        return found if found and "status" in found else None

    def epochs(self, keys: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of these trials' epochs so far by key, without damaged lines."""
        wanted = list(keys)
        read = self._read_all((key, EPOCHS) for key in wanted)
        return {key: _epochs(key, read.get((key, EPOCHS)), []) for key in wanted}

    def suggestions(self, study: str) -> dict[str, dict[str, Any]]:
        """Return what a search wrote of its suggestions, by key, in the order of their numbers."""
        keys = [key for key, names in self._listing()[0].items() if SEARCH in names]
        read = self._read_all((key, SEARCH) for key in keys)
        found = {key: (_json_object(data) or {}).get(study) for (key, _), data in read.items()}
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
        return Path(self._path(STUDIES, "x")).parent if self._local else None

    def results(self) -> dict[str, dict[str, Any]]:
        """Return what `result` returns, for every key that has one, with one listing of the ledger."""
        keys = [key for key, names in self._listing()[0].items() if RESULT in names]
        with ThreadPoolExecutor(PARALLEL) as pool:
            found = zip(keys, pool.map(self.result, keys), strict=True)
            return {key: result for key, result in found if result is not None}

    def specs(self, keys: Iterable[str]) -> dict[str, Spec]:
        """Return the specs of these keys, without those that cannot be read."""
        read = self._read_all((key, SPEC) for key in keys)
        found = {key: _spec(key, data, []) for (key, _), data in read.items()}
        return {key: spec for key, spec in found.items() if spec is not None}

    def load(self) -> Contents:
        """Return everything in the ledger, failed and unfinished trials too; bad files become named warnings."""
        folders, warnings = self._listing()
        wanted = [(key, name) for key, names in folders.items() for name in (SPEC, RESULT, ERROR, EPOCHS, SEARCH)
                  if name in names]  # fmt: skip
        texts = self._read_all(wanted)
        trials, epochs, layers, suggestions = [], [], {}, []
        for key in sorted(folders):
            spec = _spec(key, texts.get((key, SPEC)), warnings)
            if spec is None:
                continue
            result = _result(key, texts.get((key, RESULT)), warnings)
            rows = _epochs(key, texts.get((key, EPOCHS)), warnings)
            error = texts.get((key, ERROR), b"").decode(errors="replace")
            searches = _json_object(texts.get((key, SEARCH), b"{}")) or {}
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

    def _path(self, key: str, name: str) -> str:
        return f"{self._root}/{key}/{name}"

    def _patiently(self, action: Callable[[], T]) -> T:
        """Do it, in a bucket again and again until its patience ends; raises `LedgerError`, in a folder OSError."""
        deadline = time.monotonic() + (PATIENCE if self._answered else FIRST_PATIENCE)
        pause, longest = PAUSES
        while True:
            try:
                done = action()
            except FileNotFoundError:  # an answer, too
                self._answered = True
                raise
            except OSError as error:
                remedy = _remedy(error)
                if self._local:
                    raise
                if remedy or time.monotonic() > deadline:
                    remedy = remedy or "see to the network (for another store than Amazon's: AWS_ENDPOINT_URL)"
                    raise LedgerError(f"results {self.uri}: {_reason(error)}; {remedy}") from None
            else:
                self._answered = True
                return done
            time.sleep(random.uniform(pause / 2, pause))  # a thousand workers must not all come back at once
            pause = min(2 * pause, longest)

    def _read(self, path: str) -> bytes | None:
        def read() -> bytes:
            with self._fs.open_input_stream(path, compression=None) as stream:
                return bytes(stream.read())

        try:
            return self._patiently(read)
        except FileNotFoundError:
            return None

    def _delete(self, path: str) -> None:
        try:
            self._patiently(lambda: self._fs.delete_file(path))
        except FileNotFoundError:
            return

    def _write(self, path: str, data: bytes) -> None:
        def write() -> None:  # an object is visible when its stream is closed, whole
            with self._fs.open_output_stream(path, compression=None) as stream:
                stream.write(data)

        if not self._local:
            self._patiently(write)
            return
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}-{uuid.uuid4().hex}")
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())  # else a power cut can leave the new name on an empty file
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _listing(self) -> tuple[dict[str, set[str]], list[str]]:
        """Return the file names per key, with one listing of the whole ledger, and a warning per foreign file."""
        selector = fs.FileSelector(self._root, recursive=True, allow_not_found=True)
        folders: dict[str, set[str]] = {}
        foreign: list[str] = []
        for info in self._patiently(lambda: self._fs.get_file_info(selector)):
            parts = info.path.lstrip("/").removeprefix(self._root.lstrip("/") + "/").split("/")
            if info.type != fs.FileType.File or parts[-1].startswith(".") or parts[0] == STUDIES:
                continue
            if len(parts) == 2 and KEY.fullmatch(parts[0]) and parts[1] in NAMES:
                folders.setdefault(parts[0], set()).add(parts[1])
            else:
                foreign.append(f"{'/'.join(parts)}: not a file of a ledger; left out")
        return folders, foreign

    def _read_all(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        names = list(wanted)
        with ThreadPoolExecutor(PARALLEL) as pool:
            found = pool.map(lambda name: self.read(*name), names)
        return {name: data for name, data in zip(names, found, strict=True) if data is not None}


def _one_request_per_write(uri: str) -> str:
    """Return an s3 address with the option that spares a small object the two further requests of a large one."""
    if not uri.startswith("s3://"):
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}allow_delayed_open=true"


def _remedy(error: Exception) -> str | None:
    """Return what to do about a bucket's error that no waiting mends, or None."""
    return next((remedy for words, remedy in REMEDIES.items() if re.search(words, str(error))), None)


def _reason(error: Exception) -> str:
    """Return the first line of an error, without the bucket's request numbers."""
    return re.sub(r" \(Request ID: .*|; Details: .*", "", (str(error).strip() or repr(error)).splitlines()[0])


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
