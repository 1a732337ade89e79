"""What does a sweep cost beyond its training? Seconds per trial, in one process and on Ray.

    python benchmarks/overhead.py --trials 24 --seconds 1
    python benchmarks/overhead.py --trials 1 10 100 1000 --seconds 0.1 --json overhead.jsonl

Trials are real: two epochs of a small network on as many generated reviews as take about the seconds asked for, with
the whole record written. Overhead = (wall seconds x slots - sum of the trials' own seconds) / trials, from the moment
when every slot has ended one trial: starting Ray and importing TensorFlow, paid once per sweep, is the column `start`.
"""

from __future__ import annotations

import tempfile
import time
from typing import Any

from shared import Clock, parser, show

from rnnsweep.data import Dataset, load
from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.spec import Spec
from rnnsweep.sweep import Machines, SpecList

BASE = Spec(units=(32,), embedding_dim=16, num_words=200, max_len=100, epochs=2, batch_size=32, reviews=1000)
RUNNERS = {"in process": Machines(backend="in-process"), "on Ray": Machines()}


def measure(base: Spec, trials: int, dataset: Dataset, runner: str) -> dict[str, Any]:
    """Return the overhead of a sweep of equal trials, not counting the first one of each slot."""
    clock = Clock()
    specs = [base.replace(seed=seed) for seed in range(trials + 2)]
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run(SpecList(specs), Ledger(folder), dataset, RUNNERS[runner], clock)
    ended = clock.finished()
    warm, counted = ended[clock.slots - 1][0], ended[clock.slots :]
    wall, training = ended[-1][0] - warm, sum(row["seconds"] for _, row in counted)
    return {
        "runner": runner,
        "trials": len(counted),
        "slots": clock.slots,
        "start": warm - begun,
        "wall": wall,
        "training_per_trial": training / len(counted),
        "overhead_per_trial": (wall * clock.slots - training) / len(counted),
    }


def sized(seconds: float, dataset: Dataset) -> Spec:
    """Return the trial that takes about these seconds here, by two trials in this process."""
    base = BASE.replace(dataset=dataset.name, data_sha256=dataset.sha256)
    took = measure(base, 3, dataset, "in process")["training_per_trial"]
    reviews = int(base.reviews * seconds / took)
    return base.replace(reviews=min(max(reviews, 40), len(dataset.train)))


def main() -> None:
    """Measure each number of trials with each runner; print a table and, if asked, write a JSON line each."""
    flags = parser(__doc__)
    flags.add_argument("--trials", type=int, nargs="+", default=[24])
    flags.add_argument("--seconds", type=float, default=1.0, help="of training per trial, about")
    flags.add_argument("--runners", nargs="+", choices=RUNNERS, default=list(RUNNERS))
    options = flags.parse_args()
    dataset = load("embedded")
    base = sized(options.seconds, dataset)
    rows = [measure(base, trials, dataset, runner) for trials in options.trials for runner in options.runners]
    show(rows, options.json)


if __name__ == "__main__":
    main()
