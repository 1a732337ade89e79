"""How much faster is a training epoch on the packed path than on the plain Keras layers, and is it the same training?

    python benchmarks/train_speed.py --data imdb --reviews 2000 --json train_speed.jsonl

For the report's eight systems and three networks of 1,000 steps: CPU seconds of the whole process on one core, scaled
to an epoch of 20,000 reviews, both measured in this run, and the largest relative difference in loss of any batch when
both start from the same weights and see the same batches. A step is loss, gradients and Adam's update; Keras's is one
`tf.function`, traced before the clock starts. Both give Adam the embedding's gradient dense, as JAX and PyTorch do:
Keras on TensorFlow else adds up the squares of single rows where Adam wants the square of their sum. A SimpleRNN of
1,000 steps is chaotic once it has trained for a few steps: there the two part for rounding alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Column, Table

from rnnsweep.cells import CELLS
from rnnsweep.data import encode, load
from rnnsweep.machine.device import keras, use_cores
from rnnsweep.network.model import build
from rnnsweep.network.packed.network import Network
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec

EPOCH = 20_000
LONG = {f"{cell}-1000-steps": Spec(cell=cell, num_words=10_000, max_len=1000) for cell in CELLS}
NETWORKS = SYSTEMS | LONG

Step = Callable[[np.ndarray, np.ndarray], float]


def keras_step(spec: Spec) -> tuple[Step, Callable[[], list]]:
    """Return a training step of the plain Keras layers, and what gives all variables that it changes."""
    import tensorflow as tf

    model, optimizer = build(spec), keras.optimizers.Adam(spec.learning_rate)
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=False)  # XLA makes recurrences several times slower on a CPU
    def traced(ids, labels):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(labels, model(ids, training=True)))
        gradients = tape.gradient(loss, model.trainable_variables)
        gradients[0] = tf.convert_to_tensor(gradients[0])  # dense
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    def step(ids: np.ndarray, labels: np.ndarray) -> float:
        return float(traced(tf.constant(ids), tf.constant(labels[:, None], tf.float32)))

    return step, lambda: [*model.variables, *optimizer.variables]


def packed_step(spec: Spec) -> tuple[Step, Callable[[], list]]:
    """Return a training step of the packed path, and what gives all variables that it changes."""
    import tensorflow as tf

    model, optimizer = build(spec), keras.optimizers.Adam(spec.learning_rate)
    optimizer.build(model.trainable_variables)
    network = Network(spec)

    @tf.function(jit_compile=False)
    def update(gradients):
        optimizer.apply(gradients, model.trainable_variables)

    def step(ids: np.ndarray, labels: np.ndarray) -> float:
        weights = [variable.numpy() for variable in model.trainable_variables]
        loss, _, gradients = network.loss_and_gradients(weights, ids, labels)
        update([tf.convert_to_tensor(gradient) for gradient in gradients])
        return loss

    return step, lambda: [*model.variables, *optimizer.variables]


def epoch(
    make: Callable[[Spec], tuple[Step, Callable[[], list]]], spec: Spec, ids: np.ndarray, labels: np.ndarray
) -> tuple[float, float, list[float]]:
    """Return CPU seconds of the first step, CPU seconds of an epoch of 20,000 reviews, and the loss of each batch."""
    step, variables = make(spec)
    initial = [keras.ops.convert_to_numpy(variable) for variable in variables()]
    size = spec.batch_size
    begin = time.process_time()
    step(ids[:size], labels[:size])  # tracing, compiling and first allocations, or reading the compiled code
    first = time.process_time() - begin
    for variable, value in zip(variables(), initial, strict=True):
        variable.assign(value)
    batches = range(0, len(ids) - size + 1, size)
    begin = time.process_time()
    losses = [step(ids[i : i + size], labels[i : i + size]) for i in batches]
    return first, (time.process_time() - begin) * EPOCH / (len(batches) * size), losses


def measure(name: str, spec: Spec, ids: np.ndarray, labels: np.ndarray) -> dict[str, object]:
    """Return one network's figures: seconds on both paths, their ratio, and the largest difference in loss."""
    first, ours, our_losses = epoch(packed_step, spec, ids, labels)
    _, theirs, their_losses = epoch(keras_step, spec, ids, labels)
    difference = max(abs(a - b) / b for a, b in zip(our_losses, their_losses, strict=True))
    return {
        "network": name,
        "reviews": len(ids),
        "keras_cpu_seconds": round(theirs, 2),
        "packed_cpu_seconds": round(ours, 2),
        "times_faster": round(theirs / ours, 2),
        "largest_loss_difference": float(f"{difference:.2g}"),
        "packed_first_step_seconds": round(first, 2),
        "machine": platform.processor() or platform.machine(),
    }


def main() -> None:
    """Measure the networks asked for; print a table, and append a JSON line each where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="auto", help="auto, imdb, embedded or a file (default: auto)")
    parser.add_argument("--reviews", type=int, default=2000, help="training reviews to measure on (default: 2000)")
    parser.add_argument(
        "--systems", nargs="+", default=list(NETWORKS), choices=list(NETWORKS), metavar="ID", help=", ".join(NETWORKS)
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="append one JSON line per network")
    arguments = parser.parse_args()

    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the packed path is for processors
    use_cores(1)
    reviews = load(arguments.data).train.first(arguments.reviews)
    table = Table(
        Column("network", no_wrap=True),
        title=f"CPU seconds per epoch of {EPOCH:,} reviews, one core, from {len(reviews):,} reviews",
    )
    for heading in ("Keras layers", "packed", "times faster", "loss differs by", "first step"):
        table.add_column(heading, justify="right")
    console = Console()
    for name in arguments.systems:
        spec = NETWORKS[name]
        if len(reviews) < spec.batch_size:
            parser.error(f"{len(reviews)} reviews are less than a batch of {name}; give at least {spec.batch_size}")
        with console.status(name):
            row = measure(name, spec, encode(reviews, spec.num_words, spec.max_len), reviews.labels)
        table.add_row(
            name,
            f"{row['keras_cpu_seconds']:.1f}",
            f"{row['packed_cpu_seconds']:.1f}",
            f"{row['times_faster']:.1f}",
            f"{row['largest_loss_difference']:.0e}",
            f"{row['packed_first_step_seconds']:.1f}",
        )
        if arguments.json:
            with arguments.json.open("a") as file:
                file.write(json.dumps(row) + "\n")
    console.print(table)


if __name__ == "__main__":
    main()
