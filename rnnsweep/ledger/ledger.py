"""What is on disk or in a bucket: one folder per spec, written atomically, read as two data frames.

`<results>/<key>/` holds `spec.json`, `epochs.jsonl`, `result.json` or `error.txt`, `predictions.npz`, the weights of
the best and the last epoch, and, while the trial is being trained, `checkpoint.npz`; a trial that a search suggested
has its number there in `search.json`. `<results>/studies/` says what each search looked for, and `index.parquet` keeps
the small files of many finished trials together (`store`).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsweep.ledger.frames import (
    LedgerFrames,
    epochs_frame,
    suggestion_row,
    suggestions_frame,
    trial_row,
    trials_frame,
)
from rnnsweep.ledger.record import (
    EPOCHS,
    ERROR,
    NAMES,
    PREDICTIONS,
    RESULT,
    SEARCH,
    SMALL,
    SPEC,
    finite_json,
    json_object,
    parse_epochs,
    parse_result,
    parse_spec,
)
from rnnsweep.ledger.store import Store
from rnnsweep.spec import Spec

STUDIES = "studies"
KEY = re.compile(r"[0-9a-f]{12}")
INDEX_FROM = 1000  # files that are not in the index, before it is worth writing


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
        self.write(key, name, (json.dumps(finite_json(value), indent=1, sort_keys=True) + "\n").encode())

    def write_epochs(self, key: str, rows: Iterable[Mapping[str, float]]) -> None:
        """Write the rows of all epochs so far, a JSON line each: a few hundred bytes, so never half an epoch."""
        self.write(key, EPOCHS, "".join(json.dumps(finite_json(row)) + "\n" for row in rows).encode())

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
        return parse_result(key, self.read(key, RESULT), []) or None

    def epochs(self, keys: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of these trials' epochs so far by key, without damaged lines."""
        paths = {key: f"{key}/{EPOCHS}" for key in keys}
        read = self.read_files(paths.values())
        return {key: parse_epochs(key, read.get(path), []) for key, path in paths.items()}

    def suggestions(self, study: str) -> dict[str, dict[str, Any]]:
        """Return what a search wrote of its suggestions, by key, in the order of their numbers."""
        read = self._each(SEARCH, self._listed_with(SEARCH))
        found = {key: (json_object(data) or {}).get(study) for key, data in read.items()}
        kept = {key: record for key, record in found.items() if record is not None}
        return dict(sorted(kept.items(), key=lambda item: int(item[1]["number"])))

    def write_suggestion(self, key: str, study: str, record: Mapping[str, Any]) -> None:
        """Write what a search says of a trial, beside what other searches said of it."""
        others = json_object(self.read(key, SEARCH) or b"{}") or {}
        self.write_json(key, SEARCH, others | {study: dict(record)})

    def write_study(self, name: str, value: Mapping[str, Any]) -> None:
        """Write what a search looks for, under its name."""
        self.write_json(STUDIES, f"{name}.json", value)

    def study(self, name: str) -> dict[str, Any] | None:
        """Return what `write_study` wrote, or None."""
        data = self.read(STUDIES, f"{name}.json")
        return None if data is None else json_object(data)

    def studies_folder(self) -> Path | None:
        """Return the local folder that holds the searches' own files, or None for a bucket."""
        return Path(self._root, STUDIES) if self._local else None

    def results(self) -> dict[str, dict[str, Any]]:
        """Return what `result` returns, for every key that has one, with one listing of the ledger."""
        found = {
            key: parse_result(key, data, []) for key, data in self._each(RESULT, self._listed_with(RESULT)).items()
        }
        return {key: result for key, result in found.items() if result}

    def specs(self, keys: Iterable[str]) -> dict[str, Spec]:
        """Return the specs of these keys, without those that cannot be read."""
        read = self._each(SPEC, keys)
        found = {key: parse_spec(key, data, []) for key, data in read.items()}
        return {key: spec for key, spec in found.items() if spec is not None}

    def index(self) -> None:
        """Keep the small files of the finished trials, by the last listing, in one file, once they are many.

        The next opening of a ledger of thousands reads that instead of each. What came later, or was changed or
        removed, is read as ever.
        """
        folders = _folders(self._listed)[0]
        finished = {key: names for key, names in folders.items() if RESULT in names}
        self.write_index(_paths(finished, SMALL), INDEX_FROM)

    def load(self) -> LedgerFrames:
        """Return everything in the ledger, failed and unfinished trials too; bad files become named warnings."""
        folders, warnings = _folders(self.list_files())
        texts = self.read_listed(_paths(folders, SMALL))
        trials, epochs, layers, suggestions = [], [], {}, []
        for key in sorted(folders):
            spec = parse_spec(key, texts.get(f"{key}/{SPEC}"), warnings)
            if spec is None:
                continue
            result = parse_result(key, texts.get(f"{key}/{RESULT}"), warnings)
            rows = parse_epochs(key, texts.get(f"{key}/{EPOCHS}"), warnings)
            error = texts.get(f"{key}/{ERROR}", b"").decode(errors="replace")
            searches = json_object(texts.get(f"{key}/{SEARCH}", b"{}")) or {}
            trials.append(trial_row(key, spec, result, error, searches))
            epochs += rows
            layers[key] = result.get("layers", [])
            suggestions += [suggestion_row(study, key, record, result) for study, record in searches.items()]
        names = {str(row["study"]) for row in suggestions}
        studies = {name: self.study(name) or {} for name in sorted(names)}
        return LedgerFrames(
            trials_frame(trials),
            epochs_frame(epochs),
            layers,
            sorted(warnings),
            suggestions_frame(suggestions),
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
