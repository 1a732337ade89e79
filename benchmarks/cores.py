"""How much sooner is an epoch of one network on several cores, and is every bit the same?

    python benchmarks/cores.py --data imdb --reviews 512 --repeats 3

Wall seconds of training steps, scaled to an epoch of 20,000 reviews, on 1, 2, 4 and so on up to all cores: the shortest
of some repetitions, each of which takes the numbers of cores in turn, so that what else the machine does meets all
alike. Losses, weights and predictions on each number of cores are held against those on one, and a difference ends the
benchmark. Compiling, packing's first allocations and starting the threads come before the clock.

Wall seconds mean something on a calm machine only: the load is said. On a busy one, `by CPU` says more: the CPU seconds
on one core over those of the busiest thread (the calling one, or the mean of the others), which is what idle cores
would give but for the threads' waiting for each other.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import environment  # noqa: F401  (before NumPy)
import numpy as np
from epoch import fresh, steps
from shared import EPOCH, parser, show

from rnnsweep.data import encode, load
from rnnsweep.machine.device import keras, use_cores
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec
from rnnsweep.sweep import cores_here

NETWORKS = ("lstm-1x-1k", "gru-3x-1k")


def numbers_of_cores(most: int) -> list[int]:
    """Return 1, 2, 4 and so on, and `most`."""
    return sorted({most, *(2**i for i in range(most.bit_length()) if 2**i <= most)})


def epoch(spec: Spec, ids: np.ndarray, labels: np.ndarray, cores: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return wall, CPU and the busiest thread's CPU seconds of an epoch of 20,000 reviews, and all its numbers."""
    use_cores(cores)
    (engine, variables), size = fresh(spec), spec.batch_size
    engine.predict(ids[:size])
    engine.start_epoch(1)
    begun = _clocks()
    losses = steps(engine, size, ids, labels)
    wall, cpu, calling = _clocks() - begun
    engine.end_epoch()
    weights = [keras.ops.convert_to_numpy(variable) for variable in variables]
    seconds = np.array([wall, cpu, max(calling, (cpu - calling) / max(cores - 1, 1))]) * EPOCH / len(ids)
    return seconds, [np.array(losses), *weights, engine.predict(ids[: 4 * size])]


def _clocks() -> np.ndarray:
    return np.array([time.perf_counter(), time.process_time(), time.thread_time()])


def measure(
    spec: Spec, ids: np.ndarray, labels: np.ndarray, numbers: Sequence[int], repeats: int
) -> dict[int, np.ndarray]:
    """Return by number of cores the least of each of `epoch`'s seconds; raises `SystemExit` if bits differ."""
    _, first = epoch(spec, ids, labels, 1)  # compiles, or reads what is compiled
    found = {cores: np.full(3, np.inf) for cores in numbers}
    for _ in range(repeats):
        for cores in numbers:
            seconds, arrays = epoch(spec, ids, labels, cores)
            found[cores] = np.minimum(found[cores], seconds)
            if any(one.tobytes() != other.tobytes() for one, other in zip(arrays, first, strict=True)):
                raise SystemExit(f"{spec.label()}: the numbers on {cores} cores are not those on one")
    return found


def main() -> None:
    """Measure the networks asked for on each number of cores; print a table, and write JSON lines where asked."""
    flags = parser(__doc__)
    flags.add_argument("--data", default="auto", help="auto, imdb, embedded or a file (default: auto)")
    flags.add_argument("--reviews", type=int, default=512, help="training reviews to measure on (default: 512)")
    flags.add_argument("--repeats", type=int, default=3, help="of which the shortest counts (default: 3)")
    flags.add_argument("--systems", nargs="+", default=NETWORKS, choices=list(SYSTEMS), metavar="ID", help="networks")
    flags.add_argument("--most", type=int, default=cores_here(), help="cores at most (default: all)")
    options = flags.parse_args()

    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the packed engine is for processors
    reviews = load(options.data).train.first(options.reviews)
    rows = []
    for name in options.systems:
        spec = SYSTEMS[name]
        before = os.getloadavg()[0]
        ids = encode(reviews, spec.num_words, spec.max_len)
        found = measure(spec, ids, reviews.labels, numbers_of_cores(options.most), options.repeats)
        for cores, (wall, cpu, busiest) in found.items():
            rows.append(
                {"network": name, "cores": cores, "seconds": wall, "cpu_seconds": cpu, "times": found[1][0] / wall}
                | {"by CPU": found[1][1] / busiest, "bits": "the same", "load": round(before, 1)}
            )
    show(rows, options.json)


if __name__ == "__main__":
    main()
