"""What the benchmarks share: a listener that times trials, and rows of figures to read and to compute with."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import environment  # noqa: F401  (before NumPy)
from rich.console import Console
from rich.table import Table

from rnnsweep.machine.software import blas_text, processor
from rnnsweep.spec import Spec
from rnnsweep.sweep import Listener

EPOCH = 20_000  # reviews of an epoch, to which seconds are scaled


class Clock(Listener):
    """Keeps how many trials run at a time, and when each trial ended with what row."""

    def __init__(self) -> None:
        self.slots = 1
        self.ended: list[tuple[float, Mapping[str, Any]]] = []  # seconds of the performance counter, and the row

    def on_slots(self, slots: int) -> None:
        """Keep how many trials run at a time."""
        self.slots = slots

    def on_end(self, spec: Spec, row: Mapping[str, Any]) -> None:
        """Keep when a trial ended, and its row."""
        self.ended.append((time.perf_counter(), row))

    def finished(self) -> list[tuple[float, Mapping[str, Any]]]:
        """Return when each trial that finished ended, and its row."""
        return [(at, row) for at, row in self.ended if row["status"] == "finished"]


def machine() -> dict[str, str]:
    """Return the processor, as it names itself, and the BLAS with the kernel that computes in this process."""
    return {"processor": processor(), "blas": blas_text()}


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser that says the first line of a benchmark's docstring, and knows the flag that all have."""
    made = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    made.add_argument("--json", type=Path, metavar="FILE", help="a file to write JSON lines to")
    return made


def show(rows: Sequence[Mapping[str, Any]], file: Path | None = None) -> None:
    """Print rows of the same columns as a table, and write them as JSON lines, a row each, where a file is named."""
    table = Table(*rows[0], caption=", ".join(machine().values()))
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()))
    Console(width=140).print(table)
    write(rows, file)


def write(rows: Sequence[Mapping[str, Any]], file: Path | None) -> None:
    """Write rows as JSON lines, where a file is named."""
    if file:
        file.write_text("".join(json.dumps(row, default=float) + "\n" for row in rows))
