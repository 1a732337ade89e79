"""What a person sees while a sweep runs: a live line per running trial on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import fmean
from types import TracebackType
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from rnnsweep.spec import Spec

SLOW_EPOCH = 10.0  # seconds; off a terminal, only epochs that take longer get a line of their own
KEPT_ERROR = 100  # characters of an error's last line


@dataclass
class _Running:
    spec: Spec
    rows: list[Mapping[str, Any]] = field(default_factory=list)

    def seconds_left(self, estimate: float) -> float:
        """Return the time the rest should take: by its own epochs, before the first one by the estimate."""
        if not self.rows:
            return estimate  # how long the worker takes to start is not part of it
        epoch = fmean(row["seconds"] for row in self.rows)
        return max(epoch * float(self.spec.epochs - self.rows[-1]["epoch"]), 0.0)


class Progress(AbstractContextManager["Progress"]):
    """Hears what happens to each trial, shows it, and keeps the counts that the summary and exit status need."""

    def __init__(self, console: Console, estimates: Mapping[str, float], slots: int = 1) -> None:
        """Show on a console the trials of these keys, whose estimated seconds say how much work is left."""
        self._console = console
        self._estimates = dict(estimates)
        self._waiting = dict(estimates)
        self._slots = slots
        self._running: dict[str, _Running] = {}
        self._pace = (0.0, 0.0)  # seconds that the finished trials took, and were estimated to take
        self.finished_keys: list[str] = []
        self.failed_keys: dict[str, str] = {}
        self._live = Live(get_renderable=self._view, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def slots(self, slots: int) -> None:
        """Say how many trials run at a time."""
        self._slots = slots

    def started(self, spec: Spec) -> None:
        """A trial begins, or begins again."""
        self._waiting.pop(spec.key, None)
        self._running[spec.key] = _Running(spec)

    def epoch(self, spec: Spec, row: Mapping[str, Any]) -> None:
        """A trial ended an epoch with this row."""
        running = self._running.setdefault(spec.key, _Running(spec))
        running.rows.append(row)
        if not self._console.is_terminal and row["seconds"] > SLOW_EPOCH and row["epoch"] < spec.epochs:
            left = duration(running.seconds_left(0))
            self._line(spec, f"epoch {row['epoch']}/{spec.epochs}  {_accuracies(row)}  {left} left")

    def retried(self, spec: Spec) -> None:
        """A trial failed and goes on from its checkpoint."""
        self._line(spec, "failed; goes on from its last checkpoint", "yellow")

    def finished(self, spec: Spec, row: Mapping[str, Any]) -> None:
        """A trial has its result."""
        if row.get("status") == "diverged":
            self.failed(spec, str(row.get("error")), "diverged")
            return
        self._drop(spec, row["seconds"])
        self.finished_keys.append(spec.key)
        accuracies = f"val {row['val_accuracy']:.4f}  test {row['test_accuracy']:.4f}"
        self._line(spec, f"{accuracies}  epoch {row['best_epoch']}/{spec.epochs}  {duration(row['seconds'])}", "green")

    def failed(self, spec: Spec, text: str, word: str = "failed") -> None:
        """A trial ended without numbers; the last line of the text says why."""
        self._drop(spec)
        last = (text.strip().splitlines() or ["no reason given"])[-1].strip()
        self.failed_keys[spec.key] = last
        self._line(spec, f"{word}: {last[:KEPT_ERROR]}", "red")

    def _drop(self, spec: Spec, seconds: float | None = None) -> None:
        self._waiting.pop(spec.key, None)
        self._running.pop(spec.key, None)
        if seconds is not None:
            took, estimated = self._pace
            self._pace = (took + seconds, estimated + self._estimates.get(spec.key, seconds))

    def _line(self, spec: Spec, text: str, style: str = "") -> None:
        done = len(self.finished_keys) + len(self.failed_keys)
        total = len(self._estimates)
        count = f"{done:>{len(str(total))}}/{total}"
        self._console.print(
            Text.assemble((count, "dim"), "  ", (spec.key, "dim"), f"  {_name(spec):<50}  ", (text, style)),
            soft_wrap=True,
        )

    def _view(self) -> Group:
        table = Table.grid(padding=(0, 2))
        left = 0.0
        for key, running in list(self._running.items()):
            seconds = running.seconds_left(self._estimates.get(key, 0.0) * self._correction())
            left += seconds
            row = running.rows[-1] if running.rows else None
            table.add_row(
                Text(key, "cyan"),
                escape(_name(running.spec)),
                f"epoch {row['epoch']}/{running.spec.epochs}" if row else "starting",
                _accuracies(row) if row else "",
                f"{duration(seconds)} left",
            )
        left += sum(self._waiting.values()) * self._correction()
        done = len(self.finished_keys) + len(self.failed_keys)
        footer = f"{done}/{len(self._estimates)} trials, {len(self._running)} running"
        return Group(table, Text(f"{footer}, about {duration(left / max(self._slots, 1))} left", "bold"))

    def _correction(self) -> float:
        took, estimated = self._pace
        return took / estimated if estimated else 1.0


def _name(spec: Spec) -> str:
    return f"{spec.label()} · seed {spec.seed}"


def duration(seconds: float) -> str:
    """Return seconds in words: `0.8 s`, `42 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _accuracies(row: Mapping[str, Any]) -> str:
    return f"train {row['accuracy']:.4f}  val {row['val_accuracy']:.4f}"
