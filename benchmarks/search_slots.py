"""Does a search keep its slots busy? Share of slot time in use, and seconds per suggestion, for each sampler.

    python benchmarks/search_slots.py --trials 200 --slots 8
    python benchmarks/search_slots.py --trials 60 --samplers tpe random --json slots.jsonl

The objective is a closed form over the whole search space; a trial sleeps for 1 to 7 s, by its key, so that what is
measured is what Ray, Tune, Optuna and the ledger need between two trials. Counted from when every slot has begun a
trial to when the last one is handed out.
"""

from __future__ import annotations

import math
import random
import tempfile
import time
from types import SimpleNamespace
from typing import Any

import environment  # noqa: F401  (before NumPy)
import numpy as np
from shared import parser, show

from rnnsweep.data import load
from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.search import Goal
from rnnsweep.search.search import Search
from rnnsweep.space import search_space
from rnnsweep.spec import Spec
from rnnsweep.sweep import Machines, cores_here

SAMPLERS = ("tpe", "random", "nsga2")


def sleeper(spec: Spec, dataset: Any, on_epoch: Any, state: Any) -> Any:
    """Stand in for `train.train`: sleep, and return a closed form with the times of beginning and end."""
    begun = time.time()
    time.sleep(random.Random(spec.key).uniform(1, 7))
    value = 0.9 - 0.05 * abs(math.log10(spec.learning_rate) + 2.5) - 0.1 * spec.dropout + 0.02 * (spec.cell == "lstm")
    row = {"status": "finished", "val_accuracy": value, "test_accuracy": value, "best_epoch": 1, "params": 1}
    row |= {"seconds": time.time() - begun, "begun": begun, "ended": time.time()}
    return SimpleNamespace(row=row, predictions={}, best_weights=b"", last_weights=b"")


def measure(sampler: str, trials: int, slots: int) -> dict[str, Any]:
    """Return the share of slot time in use of one search."""
    dataset = load("embedded")
    machines = Machines(cpus_per_trial=cores_here() / slots, max_concurrent=slots)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(folder)
        space = search_space({"epochs": [1]})
        with Search(space, Goal(), trials, ledger, sampler=sampler, pruner=None) as search:
            run(search, ledger, dataset, machines, trainer=sleeper)
            suggestions = search.suggest_seconds
        times = np.array(sorted((row["begun"], row["ended"]) for row in ledger.results().values()))
    first, last = times[slots - 1, 0], times[-1, 0]
    busy = np.clip(np.minimum(times[:, 1], last) - np.maximum(times[:, 0], first), 0, None).sum()
    return {
        "sampler": sampler,
        "trials": len(times),
        "slots": slots,
        "slot_time_in_use": float(busy / (slots * (last - first))),
        "suggestion_mean": float(np.mean(suggestions)),
        "suggestion_worst": float(np.max(suggestions)),
        "wall": float(times[-1, 1] - times[0, 0]),
    }


def main() -> None:
    """Measure each sampler; print a table and, if asked, write a JSON line each."""
    flags = parser(__doc__)
    flags.add_argument("--trials", type=int, default=200)
    flags.add_argument("--slots", type=int, default=8)
    flags.add_argument("--samplers", nargs="+", default=list(SAMPLERS))
    options = flags.parse_args()
    rows = [measure(sampler, options.trials, options.slots) for sampler in options.samplers]
    show(rows, options.json)


if __name__ == "__main__":
    main()
