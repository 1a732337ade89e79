"""What does a sweep cost beyond its training? Seconds per trial, in one process and on Ray.

    python benchmarks/overhead.py --trials 24 --seconds 1
    python benchmarks/overhead.py --trials 1 10 100 1000 --seconds 0.1 --json overhead.jsonl

Trials are real: two epochs of a small network on as many generated reviews as take about the seconds asked for, with
the whole record written. Overhead = (wall seconds x slots - sum of the trials' own seconds) / trials, from the moment
when every slot has ended one trial: starting Ray and importing TensorFlow, paid once per sweep, is the column `start`.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rows import show

from rnnsweep.data import Dataset, load
from rnnsweep.ledger import Ledger
from rnnsweep.sweep import Progress
from rnnsweep.spec import Spec
from rnnsweep.run import run
from rnnsweep.sweep import SpecList
from rnnsweep.sweep import Machines

BASE = Spec(units=(32,), embedding_dim=16, num_words=200, max_len=100, epochs=2, batch_size=32, reviews=1000)
RUNNERS = {"in process": Machines(in_process=True), "on Ray": Machines()}


class Clock(Progress):
    """A display that shows nothing and keeps when each trial ended, and how long it took by itself."""

    def __init__(self) -> None:
        super().__init__(Console(file=io.StringIO()), {})
        self.width = 1
        self.ended_at: list[tuple[float, float]] = []

    def slots(self, slots: int) -> None:
        """Keep how many trials run at a time."""
        self.width = slots

    def finished(self, spec: Spec, row: Mapping[str, Any]) -> None:
        """Keep when a trial ended, and its own seconds."""
        self.ended_at.append((time.perf_counter(), row["seconds"]))


def measure(base: Spec, trials: int, dataset: Dataset, runner: str) -> dict[str, Any]:
    """Return the overhead of a sweep of equal trials, not counting the first one of each slot."""
    clock = Clock()
    specs = [base.replace(seed=seed) for seed in range(trials + 2)]
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run(SpecList(specs), Ledger(folder), dataset, RUNNERS[runner], clock)
    warm, counted = clock.ended_at[clock.width - 1][0], clock.ended_at[clock.width :]
    wall, training = clock.ended_at[-1][0] - warm, sum(seconds for _, seconds in counted)
    return {
        "runner": runner,
        "trials": len(counted),
        "slots": clock.width,
        "start": warm - begun,
        "wall": wall,
        "training_per_trial": training / len(counted),
        "overhead_per_trial": (wall * clock.width - training) / len(counted),
    }


def sized(seconds: float, dataset: Dataset) -> Spec:
    """Return the trial that takes about these seconds here, by two trials in this process."""
    base = BASE.replace(dataset=dataset.name, data_sha256=dataset.sha256)
    took = measure(base, 3, dataset, "in process")["training_per_trial"]
    reviews = int(base.reviews * seconds / took)
    return base.replace(reviews=min(max(reviews, 40), len(dataset.train)))


def main() -> None:
    """Measure each number of trials with each runner; print a table and, if asked, write a JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[24])
    parser.add_argument("--seconds", type=float, default=1.0, help="of training per trial, about")
    parser.add_argument("--runners", nargs="+", choices=RUNNERS, default=list(RUNNERS))
    parser.add_argument("--json", type=Path, help="a file to write JSON lines to")
    options = parser.parse_args()
    dataset = load("embedded")
    base = sized(options.seconds, dataset)
    rows = [measure(base, trials, dataset, runner) for trials in options.trials for runner in options.runners]
    show(rows, options.json)


if __name__ == "__main__":
    main()
