"""What a person sees while a sweep runs: a live line per running trial on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import fmean
from types import TracebackType

from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from rnnsweep.errors import reason
from rnnsweep.spec import Spec
from rnnsweep.sweep.estimate import core_seconds, wall_seconds
from rnnsweep.sweep.events import Listener
from rnnsweep.sweep.views import view_of
from rnnsweep.types import Row

SLOW_EPOCH = 10.0  # seconds; off a terminal, only epochs that take longer get a line of their own
KEPT_ERROR = 100  # characters of why a trial failed
MANY = 1000  # trials that wait: in such numbers they keep every slot busy, and need not be laid out one by one


@dataclass
class _Running:
    spec: Spec
    rows: list[Row] = field(default_factory=list)

    def seconds_left(self, estimate: float) -> float:
        """Return the time the rest should take: by its own epochs, before the first one by the estimate."""
        return self._left([row["seconds"] for row in self.rows], estimate)

    def core_seconds_left(self, estimate: float) -> float:
        """Return the time the rest should take on one core."""
        return self._left([core_seconds(row) for row in self.rows], estimate)

    def _left(self, epochs: list[float], estimate: float) -> float:
        if not epochs:
            return estimate  # how long the worker takes to start is not part of it
        return max(fmean(epochs) * float(self.spec.epochs - self.rows[-1]["epoch"]), 0.0)


class Progress(Listener, AbstractContextManager["Progress"]):
    """Hears what happens to each trial, shows it, and keeps the counts that the summary and exit status need."""

    def __init__(
        self,
        console: Console,
        estimates: Mapping[str, float],
        slots: int = 1,
        unnamed: tuple[int, float] = (0, 0.0),
        test: bool = True,
        cores: int | None = None,
    ) -> None:
        """Show on a console the trials of these keys, whose estimated seconds say how much work is left.

        `unnamed` is how many trials more there will be, not known yet, and the estimated seconds of each. Without
        `test`, no line says a test accuracy, for those who still choose. `cores` is what `wall_seconds` takes.
        """
        self._console = console
        self._total = len(estimates) + unnamed[0]
        self._unnamed, self._seconds_each = unnamed
        self._test = test
        self._estimates = dict(estimates)
        self._waiting = dict(estimates)
        self._waiting_seconds = sum(estimates.values())
        self._slots, self._cores = slots, cores
        self._running: dict[str, _Running] = {}
        self._pace = (0.0, 0.0)  # seconds that the finished trials took, and were estimated to take
        self.finished_keys: list[str] = []
        self.pruned_keys: dict[str, None] = {}
        self.failed_keys: dict[str, str] = {}
        self._live = view_of(console, self._view)

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def on_slots(self, slots: int) -> None:
        """Say how many trials run at a time."""
        self._slots = slots

    def on_waiting(self, seconds: float, logs: str) -> None:
        """Say that no worker has started."""
        self._console.print(
            Text(f"warning: no worker has started for {duration(seconds)}; what Ray says of it is in {logs}", "yellow"),
            soft_wrap=True,
        )

    def on_claimed(self, trials: int, who: str) -> None:
        """Say for whom this waits."""
        self._console.print(
            Text(f"waiting for {trials} trials that {who} trains; what it leaves is trained here", "yellow"),
            soft_wrap=True,
        )

    def on_start(self, spec: Spec) -> None:
        """A trial begins, or begins again."""
        self._named(spec)
        self.pruned_keys.pop(spec.key, None)  # it goes on, because it is one of the best that were
        self._begun(spec)
        self._running[spec.key] = _Running(spec)
        self._refresh()

    def on_epoch(self, spec: Spec, row: Row) -> None:
        """A trial ended an epoch with this row."""
        running = self._running.setdefault(spec.key, _Running(spec))
        running.rows.append(row)
        self._refresh()
        if not self._live and row["seconds"] > SLOW_EPOCH and row["epoch"] < spec.epochs:
            left = duration(running.seconds_left(0))
            self._line(spec, f"epoch {row['epoch']}/{spec.epochs}  {_accuracies(row)}  {left} left")

    def on_retry(self, spec: Spec) -> None:
        """A trial failed, and goes on from its checkpoint where it has one."""
        running = self._running.get(spec.key)
        how = "goes on from its last checkpoint" if running and running.rows else "is tried again"
        self._line(spec, f"failed; {how}", "yellow")

    def on_end(self, spec: Spec, row: Row) -> None:
        """A trial ended, with this row: finished, diverged, failed or pruned."""
        if row["status"] == "finished":
            self._finished(spec, row)
        elif row["status"] == "pruned":
            self._pruned(spec)
        else:
            self._failed(spec, str(row.get("error")), row["status"])

    def _finished(self, spec: Spec, row: Row) -> None:
        """A trial has its result."""
        self._drop(spec, core_seconds(row))
        self.finished_keys.append(spec.key)
        self._line(spec, f"{self._result(spec, row)}  {duration(row['seconds'])}", "green")

    def known(self, spec: Spec, row: Row) -> None:
        """A suggested trial needs no training: the ledger holds its result."""
        self._named(spec)
        self._drop(spec)
        if row["status"] != "finished":
            self._failed(spec, str(row.get("error")), row["status"])
            return
        self.finished_keys.append(spec.key)
        self._line(spec, f"{self._result(spec, row)}  from the ledger", "green")

    def _pruned(self, spec: Spec) -> None:
        """A trial was stopped, because others did better."""
        rows = self._running[spec.key].rows if spec.key in self._running else []
        self._drop(spec)
        self.pruned_keys[spec.key] = None
        reached = f"{_accuracies(rows[-1])}  epoch {rows[-1]['epoch']}/{spec.epochs}" if rows else ""
        self._line(spec, f"pruned  {reached}", "dim")

    def _failed(self, spec: Spec, text: str, word: str = "failed") -> None:
        """A trial ended without numbers; the text says why."""
        self._drop(spec)
        why = reason(text) or "no reason given"
        self.failed_keys[spec.key] = why
        self._line(spec, f"{word}: {why[:KEPT_ERROR]}", "red")

    def _named(self, spec: Spec) -> None:
        if spec.key not in self._estimates:
            self._estimates[spec.key] = self._seconds_each
            if self._unnamed:
                self._unnamed -= 1
            else:  # how many a budget has room for was a guess
                self._total += 1

    def _result(self, spec: Spec, row: Row) -> str:
        test = f"  test {row['test_accuracy']:.4f}" if self._test else ""
        return f"{_validated(row)}{test}  epoch {row['best_epoch']}/{spec.epochs}"

    def _begun(self, spec: Spec) -> None:
        self._waiting_seconds -= self._waiting.pop(spec.key, 0.0)

    def _drop(self, spec: Spec, seconds: float | None = None) -> None:
        self._begun(spec)
        self._running.pop(spec.key, None)
        if seconds is not None:
            took, estimated = self._pace
            self._pace = (took + seconds, estimated + self._estimates.get(spec.key, seconds))

    def _refresh(self) -> None:
        if self._live:
            self._live.refresh()

    def _line(self, spec: Spec, text: str, style: str = "") -> None:
        done = self._done()
        total = self._total
        count = f"{done:>{len(str(total))}}/{total}"
        self._console.print(
            Text.assemble((count, "dim"), "  ", (spec.key, "dim"), f"  {_name(spec):<50}  ", (text, style)),
            soft_wrap=True,
        )

    def _view(self) -> Group:
        table = Table.grid(padding=(0, 2))
        pace = self._correction()
        left = []
        for key, running in list(self._running.items()):
            estimate = self._estimates.get(key, 0.0) * pace
            left.append(running.core_seconds_left(estimate))
            row = running.rows[-1] if running.rows else None
            table.add_row(
                Text(key, "cyan"),
                escape(_name(running.spec)),
                f"epoch {row['epoch']}/{running.spec.epochs}" if row else "starting",
                _accuracies(row) if row else "",
                f"{duration(running.seconds_left(estimate))} left",
            )
        footer = f"{self._done()}/{self._total} trials"
        if self._done() < self._total:
            footer += f", {len(self._running)} running, about {duration(self._wall_left(left, pace))} left"
        return Group(table, Text(footer, "bold"))

    def _wall_left(self, running: list[float], pace: float) -> float:
        """Return the seconds until all have ended, given those that the running trials need on one core."""
        slots = max(self._slots, 1)
        if len(self._waiting) + self._unnamed > MANY:
            waiting = pace * (self._waiting_seconds + self._unnamed * self._seconds_each)
            return waiting / slots + wall_seconds(running, slots, self._cores)
        waits = (*self._waiting.values(), *[self._seconds_each] * self._unnamed)
        return wall_seconds([*running, *(seconds * pace for seconds in waits)], slots, self._cores)

    def _done(self) -> int:
        return len(self.finished_keys) + len(self.pruned_keys) + len(self.failed_keys)

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


def _accuracies(row: Row) -> str:
    return f"train {row['accuracy']:.4f}  {_validated(row)}"


def _validated(row: Row) -> str:
    return f"val {row['val_accuracy']:.4f}" if "val_accuracy" in row else "none held out"
