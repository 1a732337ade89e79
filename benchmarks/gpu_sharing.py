"""Do trials that share a GPU finish sooner than one at a time? The same trials on the same GPU, both ways.

    python benchmarks/gpu_sharing.py                              a GRU's trials: one at a time, then four side by side
    python benchmarks/gpu_sharing.py --system lstm-1x-1k --data imdb --share 0.125
    KERAS_BACKEND=torch python benchmarks/gpu_sharing.py          with PyTorch instead of TensorFlow

Needs a GPU that Ray sees, or `--address` of a cluster that has some. Counted from when every slot has ended one trial,
so that imports are no part of it. Beside the throughputs it says what the arrays of a trial took on the GPU at most,
and what `cost.gpu_memory_mb`, on which `--gpus-per-trial auto` relies at first, had said.
"""

from __future__ import annotations

import tempfile
from typing import Any

from shared import Clock, parser, show

from rnnsweep.data import Dataset, load
from rnnsweep.ledger import Ledger
from rnnsweep.network.cost import gpu_memory_mb
from rnnsweep.run import run
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec
from rnnsweep.sweep import Machines, SpecList, SweepError


def measure(spec: Spec, trials: int, share: float, dataset: Dataset, address: str | None) -> dict[str, Any]:
    """Return the trials per minute that end while every slot has one, and what they took of a GPU's memory."""
    clock = Clock()
    specs = [spec.replace(seed=seed) for seed in range(trials)]
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(folder)
        run(SpecList(specs), ledger, dataset, Machines(address=address, gpus_per_trial=share), clock)
        rows = ledger.results().values()
    ended = [at for at, _ in clock.finished()]
    if len(ended) < trials or trials <= 2 * clock.slots:
        raise SweepError(f"{len(ended)} of {trials} trials finished on {clock.slots} slots; see that all can, "
                         f"and give --trials more than {2 * clock.slots}")  # fmt: skip
    counted = ended[clock.slots - 1 : trials - clock.slots + 1]
    peak = max(row.get("peak_gpu_memory_mb") or 0.0 for row in rows)
    return {
        "gpus_per_trial": share,
        "trials_at_a_time": clock.slots,
        "trials_per_minute": 60 * (len(counted) - 1) / (counted[-1] - counted[0]),
        "peak_gpu_memory_mb": peak,
        "estimated_mb": gpu_memory_mb(spec),
        "device": next(iter(rows)).get("device"),
    }


def main() -> None:
    """Measure one trial per GPU and several, and print both with their ratio."""
    flags = parser(__doc__)
    flags.add_argument("--system", choices=SYSTEMS, default="gru-3x-1k")
    flags.add_argument("--data", default="embedded")
    flags.add_argument("--reviews", type=int, default=4000)
    flags.add_argument("--epochs", type=int, default=2)
    flags.add_argument("--trials", type=int, default=16)
    flags.add_argument("--share", type=float, default=0.25, help="of a GPU, of each trial of several")
    flags.add_argument("--address", help="of a running Ray cluster (default: a private one on this machine)")
    options = flags.parse_args()
    dataset = load(options.data)
    spec = SYSTEMS[options.system].replace(
        reviews=options.reviews, epochs=options.epochs, dataset=dataset.name, data_sha256=dataset.sha256
    )
    try:
        rows = [measure(spec, options.trials, share, dataset, options.address) for share in (1.0, options.share)]
    except SweepError as error:
        flags.error(str(error))
    alone = rows[0]["trials_per_minute"]
    show([row | {"against_one_at_a_time": row["trials_per_minute"] / alone} for row in rows], options.json)


if __name__ == "__main__":
    main()
