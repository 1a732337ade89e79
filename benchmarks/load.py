"""What do thousands of trials cost? A ledger of them to open, plan, read and report; a sweep and a search to run.

    python benchmarks/load.py                                   ledgers of 1,000, 10,000 and 100,000 trials
    python benchmarks/load.py --what sweep --trials 1000 10000  on 8 slots of a private Ray
    python benchmarks/load.py --what search --trials 1000 10000 one decision after another, in this process

Nothing is trained: the ledgers are written by hand, and trials compute a closed form. Each row is a process of its own,
so that its memory is its own. On a machine that others use CPU seconds are the figure, and wall seconds say how busy it
was.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import environment  # noqa: F401  (before NumPy)
import numpy as np
from opening import ACCURACIES, RESULT, ROW
from shared import parser, show

from rnnsweep.data import Dataset, Reviews
from rnnsweep.ledger import Ledger, Record
from rnnsweep.run import run
from rnnsweep.space import search_space
from rnnsweep.spec import Spec
from rnnsweep.sweep import Listener, Machines, SpecList, cores_here, missing, plan

EPOCHS = 3
SLOTS = 8
NETWORKS = 81  # of a factorial; a ledger of more trials has more seeds of each
DRAWS = 8  # of which texts a network has right
TEXTS = 64  # of the test set, whose predictions a report reads
LABELS = np.arange(TEXTS, dtype=np.uint8) % 2
STEPS = ("open", "open by its index", "plan", "read", "report")
Epochs = Callable[[Any], None]


class Timed(Listener):
    """Keeps the CPU seconds of this process at the end of each trial."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_end(self, spec: Spec, row: Any) -> None:
        """Keep when a trial ended."""
        self.ends.append(time.process_time())


def dataset() -> Dataset:
    """Return as many reviews as IMDB has, but short ones: a plan looks at the length of each."""
    offsets = np.arange(25_001) * 5
    reviews = Reviews(np.full(offsets[-1], 7, np.int32), offsets, np.arange(25_000, dtype=np.uint8) % 2)
    return Dataset("made", "0" * 64, False, ("negative", "positive"), reviews, reviews)


def specs(trials: int) -> Iterator[Spec]:
    """Yield so many specs of a factorial, the seeds of a network apart."""
    networks = [
        Spec(cell=cell, units=(16,) * depth, num_words=words, max_len=steps, epochs=EPOCHS, data_sha256="0" * 64)
        for cell in ("simple_rnn", "gru", "lstm")
        for depth in (1, 2, 3)
        for words in (1000, 5000, 10000)
        for steps in (80, 500, 1000)
    ]
    every = (network.replace(seed=seed) for seed in range(1, trials + 1) for network in networks)
    return islice(every, trials)


def closed_form(spec: Spec) -> float:
    """Return the accuracy that a network is said to have, by its fields."""
    words, rate = np.log10(spec.num_words) / 40, abs(np.log10(spec.learning_rate) + 2.5) / 20
    return float(0.6 + words + spec.max_len / 10_000 + 0.05 * (spec.cell != "simple_rnn") - rate)


def train(spec: Spec, dataset: Any, on_epoch: Epochs, state: Any) -> Any:
    """Stand in for `train.train`: the closed form, approached epoch by epoch."""
    best, rows = closed_form(spec), []
    for epoch in range(1, spec.epochs + 1):
        rows.append(ROW | {"epoch": epoch, "val_accuracy": best - 0.1 / epoch, "seconds": 0.01})
        on_epoch(SimpleNamespace(rows=list(rows), state=lambda: {"weights": np.zeros(10, np.float32)}))
    row = RESULT | {"val_accuracy": best, "test_accuracy": best, "seconds": 0.03, "val_loss": 1 - best}
    return SimpleNamespace(row=row, predictions={}, best_weights=b"", last_weights=b"")


@cache
def predictions(right: int, draw: int) -> bytes:
    """Return the file of predictions of which so many are right, in one of a few draws."""
    wrong = np.random.RandomState(draw).permutation(TEXTS)[right:]
    best = LABELS.astype(np.float16)
    best[wrong] = 1 - best[wrong]
    data = io.BytesIO()
    np.savez(data, label=LABELS, best=best, last=best)
    return data.getvalue()


def fill(folder: Path, trials: int) -> None:
    """Write a ledger of so many finished trials, each with its epochs and its predictions."""
    epochs = "".join(json.dumps(ROW | {"epoch": epoch}) + "\n" for epoch in range(1, EPOCHS + 1)).encode()
    for spec in specs(trials):
        draw = spec.seed % DRAWS
        right = round(TEXTS * closed_form(spec)) + draw % 3 - 1
        accuracies = {f"{name}_accuracy": right / TEXTS for name in ACCURACIES}
        trial = folder / spec.key
        trial.mkdir()
        (trial / Record.SPEC).write_bytes(spec.to_json().encode())
        (trial / Record.EPOCHS).write_bytes(epochs)
        (trial / Record.RESULT).write_text(json.dumps(RESULT | accuracies | {"classes": "negative/positive"}))
        (trial / Record.PREDICTIONS).write_bytes(predictions(right, draw))


def step(name: str, folder: Path, trials: int) -> dict[str, float]:
    """Do one step with the ledger of a folder; return what it says of itself."""
    ledger = Ledger(folder)
    if name.startswith("open"):
        assert_all(len(ledger.results()), trials)
        if name == "open":
            ledger.index()
    elif name == "plan":
        more = [*specs(trials + trials // 10)]  # a tenth is new
        assert_all(len(plan(more, dataset(), ledger, Machines()).to_run), trials // 10)
    elif name == "read":
        assert_all(len(ledger.load().trials), trials)
    else:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
        from analysis.report import report

        files = report(ledger.load(), ledger.predictions)
        return {"page MB": len(files["report.html"]) / 2**20}
    return {}


def assert_all(found: int, expected: int) -> None:
    """Raise ValueError where a step did not see all trials, and its time says nothing."""
    if found != expected:
        raise ValueError(f"{found} trials instead of {expected}")


def sweep(folder: Path, trials: int) -> dict[str, float]:
    """Run so many trials on the slots of a private Ray; return what the driver took for each of the second half."""
    ledger, heard = Ledger(folder), Timed()
    wanted = missing(list(specs(trials)), ledger)
    machines = Machines(cpus_per_trial=cores_here() / SLOTS, max_concurrent=SLOTS)
    begun = time.perf_counter()
    run(SpecList(wanted), ledger, dataset(), machines, heard, train)
    return _halves(heard.ends) | {"trials per second": trials / (time.perf_counter() - begun)}


def search(folder: Path, trials: int) -> dict[str, float]:
    """Let Optuna decide on so many trials; return what a decision took in the first and the last tenth."""
    from rnnsweep.search import Goal
    from rnnsweep.search.search import Search

    heard = Timed()
    space = search_space({"epochs": [EPOCHS], "dataset": ["made"], "data_sha256": ["0" * 64]})
    with Search(space, Goal(), trials, Ledger(folder)) as study:
        study.describe()
        run(study, Ledger(folder), dataset(), Machines(backend="in-process"), heard, train)
        taken = np.array(study.suggest_seconds)
    tenth = max(trials // 10, 1)
    first, last = (1000 * float(part.mean()) for part in (taken[:tenth], taken[-tenth:]))
    return _halves(heard.ends) | {"decision ms, first tenth": first, "last tenth": last}


def _halves(ends: list[float]) -> dict[str, float]:
    half = len(ends) // 2
    first, second = (1000 * (b - a) / n for a, b, n in ((ends[0], ends[half], half), (ends[half], ends[-1], half)))
    return {"first half, CPU ms per trial": first, "second half": second}


def measured(name: str, folder: Path, trials: int) -> dict[str, Any]:
    """Return a row: a step's seconds, CPU seconds and MB, and what it says of itself."""
    begun, cpu = time.perf_counter(), time.process_time()
    said = {"sweep": sweep, "search": search}[name](folder, trials) if name in ("sweep", "search") else step(
        name, folder, trials
    )  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = {"seconds": time.perf_counter() - begun, "CPU seconds": time.process_time() - cpu}
    return {"trials": trials, "step": name} | seconds | {"peak MB": peak} | said


def in_a_process(name: str, folder: Path, trials: int) -> dict[str, Any]:
    """Return what `measured` does in a process of its own."""
    command = [sys.executable, __file__, "--one", name, str(folder), "--trials", str(trials)]
    text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    row: dict[str, Any] = json.loads(text.splitlines()[-1])
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


def main() -> None:
    """Measure each step at each size; print a table and, if asked, write a JSON line each."""
    flags = parser(__doc__)
    flags.add_argument("--what", choices=["ledger", "sweep", "search"], default="ledger")
    flags.add_argument("--trials", type=int, nargs="+", default=[1000, 10_000, 100_000])
    flags.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS, help="of a ledger")
    flags.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = flags.parse_args()
    if options.one:
        print(json.dumps(measured(options.one[0], Path(options.one[1]), options.trials[0])))
        return
    rows = []
    for trials in options.trials:
        with tempfile.TemporaryDirectory() as name:
            if options.what == "ledger":
                fill(Path(name), trials)
            for each in options.steps if options.what == "ledger" else [options.what]:
                rows.append(in_a_process(each, Path(name), trials))
    columns = {column: "" for row in rows for column in row}
    show([columns | row for row in rows], options.json)


if __name__ == "__main__":
    main()
