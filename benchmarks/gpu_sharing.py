"""Do trials that share a GPU finish sooner than one at a time? The same trials on the same GPU, both ways.

    python benchmarks/gpu_sharing.py                              a GRU's trials: one at a time, then four side by side
    python benchmarks/gpu_sharing.py --system lstm-1x-1k --data imdb --share 0.125
    KERAS_BACKEND=torch python benchmarks/gpu_sharing.py          with PyTorch instead of TensorFlow

Needs a GPU that Ray sees, or `--address` of a cluster that has some. Counted from when every slot has ended one trial,
so that imports are no part of it. Beside the throughputs it says what the arrays of a trial took on the GPU at most,
and what `estimate.gpu_memory_mb`, on which `--gpus-per-trial auto` relies at first, had said.
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
from rnnsweep.network.cost import gpu_memory_mb
from rnnsweep.ledger import Ledger
from rnnsweep.sweep import Progress
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec
from rnnsweep.run import run
from rnnsweep.sweep import SpecList
from rnnsweep.sweep import Machines, SweepError


class Clock(Progress):
    """A display that shows nothing and keeps when each trial ended."""

    def __init__(self) -> None:
        super().__init__(Console(file=io.StringIO()), {})
        self.width = 1
        self.ended_at: list[float] = []

    def slots(self, slots: int) -> None:
        """Keep how many trials run at a time."""
        self.width = slots

    def finished(self, spec: Spec, row: Mapping[str, Any]) -> None:
        """Keep when a trial ended."""
        self.ended_at.append(time.perf_counter())


def measure(spec: Spec, trials: int, share: float, dataset: Dataset, address: str | None) -> dict[str, Any]:
    """Return the trials per minute that end while every slot has one, and what they took of a GPU's memory."""
    clock = Clock()
    specs = [spec.replace(seed=seed) for seed in range(trials)]
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(folder)
        run(SpecList(specs), ledger, dataset, Machines(address=address, gpus_per_trial=share), clock)
        rows = ledger.results().values()
    if len(clock.ended_at) < trials or trials <= 2 * clock.width:
        raise SweepError(f"{len(clock.ended_at)} of {trials} trials finished on {clock.width} slots; see that all can, "
                         f"and give --trials more than {2 * clock.width}")  # fmt: skip
    counted = clock.ended_at[clock.width - 1 : trials - clock.width + 1]
    peak = max(row.get("peak_gpu_memory_mb") or 0.0 for row in rows)
    return {
        "gpus_per_trial": share,
        "trials_at_a_time": clock.width,
        "trials_per_minute": 60 * (len(counted) - 1) / (counted[-1] - counted[0]),
        "peak_gpu_memory_mb": peak,
        "estimated_mb": gpu_memory_mb(spec),
        "device": next(iter(rows)).get("device"),
    }


def main() -> None:
    """Measure one trial per GPU and several, and print both with their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--system", choices=SYSTEMS, default="gru-3x-1k")
    parser.add_argument("--data", default="embedded")
    parser.add_argument("--reviews", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--share", type=float, default=0.25, help="of a GPU, of each trial of several")
    parser.add_argument("--address", help="of a running Ray cluster (default: a private one on this machine)")
    parser.add_argument("--json", type=Path, help="a file to write JSON lines to")
    options = parser.parse_args()
    dataset = load(options.data)
    spec = SYSTEMS[options.system].replace(
        reviews=options.reviews, epochs=options.epochs, dataset=dataset.name, data_sha256=dataset.sha256
    )
    try:
        rows = [measure(spec, options.trials, share, dataset, options.address) for share in (1.0, options.share)]
    except SweepError as error:
        parser.error(str(error))
    alone = rows[0]["trials_per_minute"]
    show([row | {"against_one_at_a_time": row["trials_per_minute"] / alone} for row in rows], options.json)


if __name__ == "__main__":
    main()
