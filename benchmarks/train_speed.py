"""How much faster is a training epoch on the packed engine than with Keras and PyTorch, and is it the same training?

    python benchmarks/train_speed.py --data imdb --reviews 1024 --json train_speed.jsonl

For the report's eight systems, three networks of 1,000 steps, and four that mask, pool or read both ways: CPU seconds
of the whole process on one core, training steps only, scaled to an epoch of 20,000 reviews, all measured in this run.
Keras is measured as a user writes it: `compile` and `fit` on a tf.data pipeline with its autotuner off, jit_compile
auto and off, the faster counts. PyTorch, where it is installed, has padded batches and packed sequences, the faster
counts. What is traced or compiled once is done before the clock starts.

The loss difference is the largest relative one of any batch, when the engine and Keras's layers start from the same
weights and see the same batches, with the embedding's gradient dense on both sides, as JAX and PyTorch have it. A
SimpleRNN of 1,000 steps is chaotic once it has trained for a few steps: there the two part for rounding alone.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

import environment  # noqa: F401  (before NumPy)
import numpy as np
from epoch import fresh, steps
from opponents import by_torch, keras_fit
from rich.console import Console
from rich.table import Column, Table
from shared import EPOCH, machine, parser

from rnnsweep.cells import BUILT_IN
from rnnsweep.data import encode, load
from rnnsweep.machine.device import keras, use_cores
from rnnsweep.network.model import build
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec

LONG = {f"{cell}-1000-steps": Spec(cell=cell, num_words=10_000, max_len=1000) for cell in BUILT_IN}
KINDS = {
    "lstm-masked": {"mask_padding": True},
    "lstm-bidirectional": {"bidirectional": True},
    "lstm-mean": {"pooling": "mean"},
    "lstm-max": {"pooling": "max"},
}
OTHERS = {name: Spec(cell="lstm", **fields) for name, fields in KINDS.items()}
NETWORKS = SYSTEMS | LONG | OTHERS
HEADINGS = {
    "keras_auto": "Keras, jit auto",
    "keras_off": "jit off",
    "torch_padded": "PyTorch padded",
    "torch_packed": "packed",
    "engine_cpu_seconds": "rnnsweep",
    "times_keras": "times Keras",
    "times_torch": "times PyTorch",
    "largest_loss_difference": "loss differs by",
    "first_step_seconds": "first step",
}

Step = Callable[[np.ndarray, np.ndarray], float]


def dense_step(spec: Spec) -> Step:
    """Return a training step of the Keras layers, with the embedding's gradient dense, that returns the loss."""
    import tensorflow as tf

    model, optimizer = build(spec), keras.optimizers.Adam(spec.learning_rate)
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=False)
    def traced(ids, labels):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(labels, model(ids, training=True)))
        gradients = tape.gradient(loss, model.trainable_variables)
        gradients[0] = tf.convert_to_tensor(gradients[0])  # dense
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    return lambda ids, labels: float(traced(tf.constant(ids), tf.constant(labels[:, None], tf.float32)))


def engine_epoch(spec: Spec, ids: np.ndarray, labels: np.ndarray) -> tuple[str, float, float, list[float]]:
    """Return the engine's name, CPU seconds of the first step and of an epoch of 20,000 reviews, each batch's loss."""

    def begun_engine():
        engine, _ = fresh(spec, "auto")
        engine.start_epoch(1)
        return engine

    size = spec.batch_size
    begun = time.process_time()
    begun_engine().step(ids[:size], labels[:size])  # compiling and first allocations, or reading the compiled code
    first, engine = time.process_time() - begun, begun_engine()
    begun = time.process_time()
    losses = steps(engine, size, ids, labels)
    engine.end_epoch()
    return engine.name, first, (time.process_time() - begun) * EPOCH / len(ids), losses


def measure(name: str, spec: Spec, data: str, ids: np.ndarray, labels: np.ndarray) -> dict[str, object]:
    """Return one network's figures: seconds of each side, ratios, and the largest difference in loss."""
    size = spec.batch_size
    engine, first, ours, our_losses = engine_epoch(spec, ids, labels)
    keras_seconds = {way: keras_fit(spec, ids, labels, jit) for way, jit in (("auto", "auto"), ("off", False))}
    step = dense_step(spec)
    their_losses = [step(ids[i : i + size], labels[i : i + size]) for i in range(0, len(ids), size)]
    torch_seconds = by_torch(spec, data, len(ids))
    return {
        "network": name,
        "reviews": len(ids),
        **{f"keras_{way}": round(seconds, 2) for way, seconds in keras_seconds.items()},
        **{f"torch_{way}": round(torch_seconds[way], 2) if torch_seconds else None for way in ("padded", "packed")},
        "engine": engine,
        "engine_cpu_seconds": round(ours, 2),
        "times_keras": round(min(keras_seconds.values()) / ours, 2),
        "times_torch": round(min(torch_seconds.values()) / ours, 2) if torch_seconds else None,
        "largest_loss_difference": float(
            f"{max(abs(a - b) / b for a, b in zip(our_losses, their_losses, strict=True)):.2g}"
        ),
        "first_step_seconds": round(first, 2),
        **machine(),
    }


def text(name: str, value: float | None) -> str:
    """Return a figure as the table has it."""
    if value is None:
        return "-"
    return f"{value:.0e}" if name == "largest_loss_difference" else f"{value:.1f}"


def main() -> None:
    """Measure the networks asked for; print a table, and append a JSON line each where asked."""
    flags = parser(__doc__)
    flags.add_argument("--data", default="auto", help="auto, imdb, embedded or a file (default: auto)")
    flags.add_argument("--reviews", type=int, default=1024, help="training reviews to measure on (default: 1024)")
    flags.add_argument(
        "--systems", nargs="+", default=list(NETWORKS), choices=list(NETWORKS), metavar="ID", help=", ".join(NETWORKS)
    )
    options = flags.parse_args()

    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the packed engine is for processors
    use_cores(1)
    reviews = load(options.data).train.first(options.reviews)
    table = Table(
        Column("network", no_wrap=True),
        *(Column(heading, justify="right") for heading in HEADINGS.values()),
        title=f"CPU seconds per epoch of {EPOCH:,} reviews, one core, from {len(reviews):,} reviews; "
        + ", ".join(machine().values()),
    )
    console = Console(width=140)
    for name in options.systems:
        spec = NETWORKS[name]
        whole = len(reviews) - len(reviews) % spec.batch_size
        if not whole:
            flags.error(f"{len(reviews)} reviews are less than a batch of {name}; give at least {spec.batch_size}")
        used = reviews.first(whole)
        with console.status(name):
            row = measure(name, spec, options.data, encode(used, spec.num_words, spec.max_len), used.labels)
        table.add_row(name, *(text(figure, row[figure]) for figure in HEADINGS))
        if options.json:
            with options.json.open("a") as file:
                file.write(json.dumps(row) + "\n")
    console.print(table)


if __name__ == "__main__":
    main()
