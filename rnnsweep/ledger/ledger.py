"""What is on disk or in a bucket: one folder per spec, written atomically, read as two data frames.

`<results>/<key>/` holds `spec.json`, `epochs.jsonl`, `result.json` or `error.txt`, `predictions.npz`, the weights of
the best and the last epoch, and, while the trial is being trained, `checkpoint.npz`; a trial that a search suggested
has its number there in `search.json`. `<results>/studies/` says what each search looked for, and `index.parquet` keeps
the small files of many finished trials together (`store`). `<results>/baselines/` holds the linear lines of each data
set and setting, `plan.json` the planned number of seeds, `data.json` how the data was named, and `data/` what turns
a text into the numbers of each data set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rnnsweep.ledger.baselines import (
    NAME,
    PREDICTIONS,
    ROWS,
    baseline_path,
    baselines_frame,
    parse_baselines,
)
from rnnsweep.ledger.fields import is_study
from rnnsweep.ledger.frames import (
    LedgerFrames,
    epochs_frame,
    suggestion_row,
    suggestions_frame,
    trial_row,
    trials_frame,
)
from rnnsweep.ledger.plan import PLAN, parse_plan, raised
from rnnsweep.ledger.record import (
    Record,
    check_epochs,
    json_bytes,
    json_object,
    parse_epochs,
    parse_result,
    parse_spec,
    parse_suggestions,
)
from rnnsweep.ledger.sources import SOURCES, parse_sources
from rnnsweep.ledger.store import Store
from rnnsweep.spec import Spec
from rnnsweep.types import Arrays, Row

STUDIES = "studies"
DRIVERS = "drivers"
OWN = re.compile(rf"{NAME.pattern}|data/[0-9a-f]{{12}}\.json\.gz")
KEY = re.compile(r"[0-9a-f]{12}")
INDEX_FROM = 1000  # files that are not in the index, before it is worth writing


class Ledger(Store):
    """All results of a sweep under one local path or bucket address; the only owner of its paths."""

    def record(self, key: str) -> Record:
        """Return the record of a trial, there or not."""
        return Record(self, key)

    def predictions(self, key: str, *names: str) -> Arrays | None:
        """Return a trial's predictions as its record has them, all or those of these names, or None."""
        return self.record(key).predictions(*names)

    def epochs(self, keys: Iterable[str]) -> dict[str, list[Row]]:
        """Return the rows of these trials' epochs so far by key, without damaged lines."""
        paths = {key: f"{key}/{Record.EPOCHS}" for key in keys}
        read = self.read_files(paths.values())
        return {key: parse_epochs(key, read.get(path), []) for key, path in paths.items()}

    def suggestions(self, study: str) -> dict[str, Row]:
        """Return what a search wrote of its suggestions, by key, in the order of their numbers."""
        read = self._each(Record.SEARCH, self._listed_with(Record.SEARCH))
        found = {key: parse_suggestions(key, data, []).get(study) for key, data in read.items()}
        kept = {key: record for key, record in found.items() if record is not None}
        return dict(sorted(kept.items(), key=lambda item: int(item[1]["number"])))

    def write_study(self, name: str, value: Mapping[str, Any]) -> None:
        """Write what a search looks for, under its name."""
        self.write_file(_study_path(name), json_bytes(value))

    def study(self, name: str) -> Row | None:
        """Return what `write_study` wrote, or None."""
        data = self.read_file(_study_path(name))
        return None if data is None else json_object(data)

    def studies_folder(self) -> Path | None:
        """Return the local folder that holds the searches' own files, or None for a bucket."""
        return Path(self._root, STUDIES) if self._local else None

    def write_driver(self, name: str, data: bytes) -> None:
        """Write what a sweep that runs says of itself, under a name of its own."""
        self.write_file(_driver_path(name), data)

    def drivers(self, but: str) -> dict[str, bytes]:
        """Return what the sweeps that run here now, but for one, say of themselves, by name."""
        read = self.read_files(path for path in self.list_folder(DRIVERS) if path != _driver_path(but))
        return {path.removeprefix(f"{DRIVERS}/").removesuffix(".json"): data for path, data in read.items()}

    def has_driver(self, name: str) -> bool:
        """Return whether a sweep of this name says that it runs."""
        return self.read_file(_driver_path(name)) is not None

    def remove_driver(self, name: str) -> None:
        """Remove what a sweep that has ended said of itself, and in a folder the last one's folder with it."""
        self.remove_file(_driver_path(name))
        self.remove_empty_folder(DRIVERS)

    def plan(self, seeds: Mapping[str, int]) -> None:
        """Plan so many seeds by cell (`KINDS`); what is planned already is never lowered."""
        before = parse_plan(self.read_file(PLAN), [])
        if raised(before, seeds) != before:
            self.write_file(PLAN, json_bytes(raised(before, seeds)))

    def name_data(self, sha256: str, words: Sequence[str]) -> None:
        """Keep the words of the command line that name the data of this checksum, the last ones that did."""
        before = parse_sources(self.read_file(SOURCES), [])
        if before.get(sha256) != list(words):
            self.write_file(SOURCES, json_bytes(before | {sha256: list(words)}))

    def write_vocabulary(self, sha256: str, data: bytes) -> None:
        """Write what turns texts into the numbers of the data with this checksum; only a driver does."""
        self.write_file(vocabulary_path(sha256), data)

    def vocabulary(self, sha256: str) -> bytes | None:
        """Return what `write_vocabulary` wrote, or None."""
        return self.read_file(vocabulary_path(sha256))

    def write_baselines(self, key: str, rows: bytes, predictions: bytes) -> None:
        """Write the linear lines of a data set and setting; the rows come last, because with them they are done."""
        self.write_file(baseline_path(key, PREDICTIONS), predictions)
        self.write_file(baseline_path(key, ROWS), rows)

    def read_baselines(self, key: str) -> tuple[bytes, bytes] | None:
        """Return what `write_baselines` wrote, or None where either is missing."""
        rows, predictions = (self.read_file(baseline_path(key, ending)) for ending in (ROWS, PREDICTIONS))
        return None if rows is None or predictions is None else (rows, predictions)

    def baseline_keys(self) -> set[str]:
        """Return which linear lines are here, by the last listing."""
        found = [NAME.fullmatch(path) for path in self._listed]
        return {match.group(1) for match in found if match and match.group(2) == ROWS}

    def is_listed(self, path: str) -> bool:
        """Return whether there is this file, by the last listing."""
        return path in self._listed

    def results(self) -> dict[str, Row]:
        """Return the row of each readable result by key, with one listing of the ledger.

        One whose spec is gone is none: no reader could say of what it is.
        """
        read = self._each(Record.RESULT, self._listed_with(Record.RESULT, Record.SPEC))
        found = {key: parse_result(key, data, []) for key, data in read.items()}
        return {key: result for key, result in found.items() if result}

    def specs(self, keys: Iterable[str]) -> dict[str, Spec]:
        """Return the specs of these keys, without those that cannot be read."""
        read = self._each(Record.SPEC, keys)
        found = {key: parse_spec(key, data, []) for key, data in read.items()}
        return {key: spec for key, spec in found.items() if spec is not None}

    def index(self) -> None:
        """Keep the small files of the finished trials, by the last listing, in one file, once they are many.

        The next opening of a ledger of thousands reads that instead of each. What came later, or was changed or
        removed, is read as ever.
        """
        folders = _folders(self._listed)[0]
        finished = {key: names for key, names in folders.items() if Record.RESULT in names}
        self.write_index(_paths(finished, Record.SMALL), INDEX_FROM)

    def tidy(self, half_files: bool = True) -> None:
        """Remove what killed processes left behind, by the last listing: half files, and what finished trials need not.

        A checkpoint goes only where the result is readable: else it is what the trial goes on from. Half files stay
        where another sweep may be writing them, whatever their age: a clock may have jumped.
        """
        left = {Record.CHECKPOINT, Record.ERROR}
        for key, names in _folders(self._listed)[0].items():
            if Record.RESULT in names and not left.isdisjoint(names) and self.record(key).result() is not None:
                self.record(key).close()
        if half_files:
            self.remove_leftovers()

    def load(self) -> LedgerFrames:
        """Return everything in the ledger, failed and unfinished trials too; bad files become named warnings."""
        folders, warnings = _folders(self.list_files())
        warnings += [f"{path}: not a file; left out" for path in self.odd]
        texts = self.read_listed(_paths(folders, Record.SMALL))
        trials, epochs, suggestions = [], [], []
        specs, layers = {}, {}
        for key in sorted(folders):
            spec = parse_spec(key, texts.get(f"{key}/{Record.SPEC}"), warnings)
            if spec is None:
                continue
            result = parse_result(key, texts.get(f"{key}/{Record.RESULT}"), warnings)
            rows = parse_epochs(key, texts.get(f"{key}/{Record.EPOCHS}"), warnings)
            check_epochs(spec, result, rows, warnings)
            error = texts.get(f"{key}/{Record.ERROR}", b"").decode(errors="replace")
            searches = parse_suggestions(key, texts.get(f"{key}/{Record.SEARCH}"), warnings)
            searches = {study: said for study, said in searches.items() if "state" in said}
            trials.append(trial_row(key, spec, result, error, searches))
            epochs += rows
            specs[key] = spec
            layers[key] = result.get("layers") or []
            suggestions += [suggestion_row(study, key, record, result) for study, record in searches.items()]
        lines = self.read_listed(baseline_path(key, ROWS) for key in sorted(self.baseline_keys()))
        baselines = [row for path, data in lines.items() for row in parse_baselines(path, data, warnings)]
        planned = parse_plan(self.read_listed([PLAN]).get(PLAN), warnings) if PLAN in self._listed else {}
        sources = parse_sources(self.read_listed([SOURCES]).get(SOURCES), warnings) if SOURCES in self._listed else {}
        names = {str(row["study"]) for row in suggestions}
        studies = {name: self._study(name, warnings) for name in sorted(names)}
        return LedgerFrames(
            trials_frame(trials),
            epochs_frame(epochs),
            layers,
            sorted(warnings),
            suggestions_frame(suggestions),
            studies,
            specs,
            baselines_frame([row for row in baselines if not row.get("refit")]),
            planned,
            sources,
            baselines_frame([row for row in baselines if row.get("refit")]),
        )

    def _study(self, name: str, warnings: list[str]) -> Row:
        """Return what `study` does; what is missing or no search can have written is one more warning instead."""
        value = self.study(name)
        if value is not None and is_study(value):
            return value
        warnings.append(f"{_study_path(name)}: missing or damaged; what the search looked for is not known")
        return {}

    def _listed_with(self, *wanted: str) -> list[str]:
        """Return the keys that have files of these names, with one listing of the whole ledger."""
        return [key for key, names in _folders(self.list_files())[0].items() if names.issuperset(wanted)]

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
        if KEY.fullmatch(folder) and name in Record.NAMES:
            folders.setdefault(folder, set()).add(name)
        elif folder not in (STUDIES, DRIVERS) and path not in (PLAN, SOURCES) and not OWN.fullmatch(path):
            foreign.append(f"{path}: not a file of a ledger; left out")
    return folders, foreign


def vocabulary_path(sha256: str) -> str:
    """Return the path from the ledger's root of the vocabulary of the data with this checksum."""
    return f"data/{sha256[:12]}.json.gz"


def _study_path(name: str) -> str:
    return f"{STUDIES}/{name}.json"


def _driver_path(name: str) -> str:
    return f"{DRIVERS}/{name}.json"


def _paths(folders: Mapping[str, set[str]], wanted: Iterable[str]) -> list[str]:
    return [f"{key}/{name}" for key, names in folders.items() for name in wanted if name in names]
