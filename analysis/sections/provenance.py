"""Where the numbers come from: data, software, machines, and every trial that failed or is missing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from analysis.document import Block, Code, Command, Section, Text, plural, printed, text
from analysis.frames.provenance import computed, data_of, missing, not_finished
from analysis.frames.trials import records
from analysis.sections.commands import data_words
from analysis.sections.source import Source, label
from rnnsweep.cells import CELLS

MEANING = (
    "A ledger of other data, software or another BLAS kernel may differ from this one in the last digits, and then in "
    "more. A dash is what an older record does not say."
)
COMPUTED_COLUMNS = ["trials", "processor", "BLAS and its kernel", "device", "engine", "revision", "versions"]
FAILED_COLUMNS = ["key", "network", "data", "seed", "status", "reason"]
MISSING_COLUMNS = ["data", "cell", "epochs", "networks", "planned seeds", "missing seeds", "trials"]
NONE_FAILED = "Every trial in the ledger is finished."
NONE_MISSING = "Every planned seed of every network is in the ledger."
NO_PLAN = "No number of seeds was planned in this ledger, so it is not known whether seeds are missing."


def provenance_section(source: Source) -> list[Section]:
    """Return the section with its tables, or nothing of an empty ledger."""
    if not len(source.trials):
        return []
    blocks: list[Block] = [
        text(MEANING),
        _data(source),
        *_computed(source),
        Section("Failed and unfinished trials", 3, _failed(source)),
        Section("Missing trials", 3, _missing(source)),
    ]
    return [Section("Provenance", 2, blocks, anchor="provenance", listed="Provenance")]


def _data(source: Source) -> Block:
    rows: list[list[str | Text]] = []
    for row in records(data_of(source.trials)):
        words, _ = data_words(source.contents.sources, row.dataset, row.data_sha256)
        generated = "" if row.real else " (generated)"
        named = text(Code(shlex.join(words)))
        checksum = text(Code(row.data_sha256 or "—"))
        rows.append([row.dataset + generated, checksum, str(row.trials), named])
    return printed(["data", "checksum (sha256)", "trials", "named by"], rows, layout="words")


def _computed(source: Source) -> list[Block]:
    rows: list[list[str | Text]] = [
        [
            f"{row.trials:,}",
            *(getattr(row, name) or "—" for name in ("processor", "blas", "device", "path", "revision", "versions")),
        ]
        for row in records(computed(source.trials))
    ]
    if not rows:
        return []
    said = "" if len(rows) == 1 else f" They are of {len(rows)} kinds: whether that matters, the kernel says."
    return [text(f"What computed the trials that ended.{said}"), printed(COMPUTED_COLUMNS, rows, layout="words")]


def _failed(source: Source) -> list[Block]:
    found = not_finished(source.trials)
    if not len(found):
        return [text(NONE_FAILED)]
    rows = [
        [row.key, label(source.contents.specs[row.key]), row.data, str(row.seed), row.status, row.reason or "—"]
        for row in records(found)
    ]
    return [
        text(f"{plural(len(rows), 'trial')} without a finished result."),
        printed(FAILED_COLUMNS, rows, layout="words"),
    ]


def _missing(source: Source) -> list[Block]:
    if not source.contents.planned:
        return [text(NO_PLAN)]
    found = missing(source.study.grids, source.contents.planned, source.contents.specs)
    if not len(found):
        return [text(NONE_MISSING)]
    cells = {network.keys[0]: network.cell for grid in source.study.grids for network in grid.networks}
    found = found.assign(
        cell=[cells[key] for key in found["key"]], lacking=[_ranges(seeds) for seeds in found["seeds"]]
    )
    groups: Any = found.groupby(["data", "epochs", "cell", "planned", "lacking"], sort=False)
    rows = [
        [
            data,
            CELLS[cell].title,
            str(epochs),
            str(len(group)),
            str(planned),
            lacking,
            str(group["seeds"].map(len).sum()),
        ]
        for (data, epochs, cell, planned, lacking), group in groups
    ]
    trials = sum(len(seeds) for seeds in found["seeds"])
    said = f"{plural(trials, 'planned trial')} of {plural(len(found), 'network')} are missing; the first is trained by"
    return [text(said), _train(source, found.iloc[0]), printed(MISSING_COLUMNS, rows, layout="two")]


def _train(source: Source, first: Any) -> Command:
    spec = source.contents.specs[first["key"]].replace(seed=int(first["seeds"][0]))
    words, _ = data_words(source.contents.sources, spec.dataset, spec.data_sha256)
    return Command(shlex.join(["python", "sweeps/one.py", *spec.flags(), *words]))


def _ranges(numbers: Sequence[int]) -> str:
    """Return sorted numbers with runs of them shortened: 2, 4 to 20."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join(" to ".join(map(str, run)) for run in runs)
