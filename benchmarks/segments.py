"""What do pieces of a text cost against whole texts? CPU seconds of an epoch with `--segment` and without.

    python benchmarks/segments.py --data imdb --reviews 1536

One core, training steps and the optimizer's updates, scaled to an epoch of 20,000 reviews, at 1,000 steps, batches of
64, maximum and mean pooling: the least of some epochs, by turns, after one in which all is compiled.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import environment  # noqa: F401  (before NumPy)
import numpy as np
from epoch import fresh, steps
from shared import EPOCH, parser, show

from rnnsweep.data import encode, load
from rnnsweep.machine.device import use_cores
from rnnsweep.spec import Spec

BASE = Spec(cell="lstm", num_words=10_000, max_len=1000, batch_size=64, pooling="max+mean")
NETWORKS = {
    "LSTM 100": BASE,
    "LSTM 100 both ways": BASE.replace(bidirectional=True),
    "GRU 100 both ways": BASE.replace(cell="gru", bidirectional=True),
    "forget gate 100 both ways, no embedding, SGD": BASE.replace(
        cell="forget", bidirectional=True, num_words=30_000, embedding_dim=0, optimizer="sgd", momentum=0.9
    ),
}


def epoch_of(spec: Spec, ids: np.ndarray, labels: np.ndarray) -> Callable[[], float]:
    """Return what trains an epoch and returns its CPU seconds; the first one, which compiles, is over."""
    engine, _ = fresh(spec)

    def epoch() -> float:
        begun = time.process_time()
        engine.start_epoch(1)
        steps(engine, spec.batch_size, ids, labels)
        engine.end_epoch()
        return time.process_time() - begun

    epoch()
    return epoch


def main() -> None:
    """Measure each network whole and in pieces; print a table and, if asked, write a JSON line each."""
    flags = parser(__doc__)
    flags.add_argument("--data", default="embedded", help="imdb, embedded or a file (default: embedded)")
    flags.add_argument("--reviews", type=int, default=256, help="training reviews to measure on (default: 256)")
    flags.add_argument("--segment", type=int, default=50, help="words of a piece (default: 50)")
    flags.add_argument("--repeats", type=int, default=3, help="epochs of each (default: 3)")
    options = flags.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the packed engine is for processors
    use_cores(1)
    reviews = load(options.data).train.first(options.reviews)
    rows = []
    for name, spec in NETWORKS.items():
        ids = encode(reviews, spec.num_words, spec.max_len)
        ways = [epoch_of(spec.replace(segment=words), ids, reviews.labels) for words in (0, options.segment)]
        seconds = np.min([[way() for way in ways] for _ in range(options.repeats)], axis=0) * EPOCH / len(ids)
        rows.append(
            {
                "network": name,
                "whole_cpu_seconds": float(seconds[0]),
                "pieces_cpu_seconds": float(seconds[1]),
                "whole_over_pieces": float(seconds[0] / seconds[1]),
            }
        )
    show(rows, options.json)


if __name__ == "__main__":
    main()
