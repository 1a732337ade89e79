"""How much sooner is the whole report there? The report preset as a sweep, against a plain Keras script, one by one.

    python benchmarks/sweep_speed.py --data imdb --reviews 25000    (the published epochs: two hours on two cores)
    python benchmarks/sweep_speed.py --data embedded --reviews 300 --epochs 1    (scaled down, for CI)

Both sides are started as a user starts them, as a program that imports what it needs, and both may use every core. They
train the same eight networks with the same batches, epochs, validation and test. Wall seconds, from start to end. What
is done once per machine, converting the reviews and compiling the recurrences, is done before.
The plain script feeds Keras by a tf.data pipeline with autotuning off, which is faster than arrays on a CPU.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shared import parser, show

from rnnsweep.data import encode, load, split
from rnnsweep.space import SYSTEMS, preset

GRID = Path(__file__).parents[1] / "sweeps" / "grid.py"


def plain_keras(data: str, own: dict[str, list[int]]) -> None:
    """Train the eight systems one after another as a Keras user would, and evaluate each on the test set."""
    import keras
    import tensorflow as tf

    layers = {"simple_rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
    dataset = load(data)
    for spec in preset("report", own):
        parts = split(spec, dataset)
        model = keras.Sequential([keras.Input((spec.max_len,), dtype="int32")])
        model.add(keras.layers.Embedding(spec.embedding_rows, spec.embedding_dim))
        for index, units in enumerate(spec.units):
            model.add(layers[spec.cell](units, return_sequences=index < spec.depth - 1))
        model.add(keras.layers.Dense(1, activation="sigmoid"))
        model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
        ids, labels = encode(parts.train, spec.num_words, spec.max_len), parts.train.labels
        batches = tf.data.Dataset.from_tensor_slices((ids, labels)).shuffle(len(ids), seed=1)
        batches = batches.batch(spec.batch_size, drop_remainder=spec.drop_remainder)
        untuned = tf.data.Options()
        untuned.autotune.enabled = False

        def held(part):  # one validation or test set
            pairs = (encode(part, spec.num_words, spec.max_len), part.labels)  # noqa: B023  (used at once)
            return tf.data.Dataset.from_tensor_slices(pairs).batch(512).with_options(untuned)  # noqa: B023

        model.fit(batches.with_options(untuned), epochs=spec.epochs, validation_data=held(parts.validation), verbose=0)
        model.evaluate(held(parts.test), verbose=0)


def timed(command: list[str]) -> float:
    """Return the wall seconds that a command takes; raises CalledProcessError if it fails."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


def main() -> None:
    """Time both sides, print the ratio and, if asked, write a JSON line."""
    flags = parser(__doc__)
    flags.add_argument("--data", default="embedded")
    flags.add_argument("--reviews", type=int, default=1000)
    flags.add_argument("--epochs", type=int, help="of every system; by default as many as were published of each")
    flags.add_argument("--plain-keras", action="store_true", help=argparse.SUPPRESS)
    options = flags.parse_args()
    own = {"reviews": [options.reviews]} | ({"epochs": [options.epochs]} if options.epochs else {})
    if options.plain_keras:
        plain_keras(options.data, own)
        return
    flags = ["--data", options.data, *(f"--{name}={value}" for name, (value,) in own.items())]
    load(options.data)  # converts it once, for both sides
    command = [sys.executable, str(GRID), "--preset", "report"]
    with tempfile.TemporaryDirectory() as folder:  # once per machine, the recurrences are compiled
        timed([*command, "--data", "embedded", "--reviews", "300", "--epochs", "1", "--results", folder])
    with tempfile.TemporaryDirectory() as folder:
        sweep = timed([*command, "--results", folder, *flags])
    keras = timed([sys.executable, __file__, "--plain-keras", *flags])
    row = {
        "systems": len(SYSTEMS),
        "reviews": options.reviews,
        "epochs": options.epochs or "as published",
        "sweep_seconds": round(sweep, 1),
        "plain_keras_seconds": round(keras, 1),
        "ratio": round(keras / sweep, 2),
    }
    show([row], options.json)


if __name__ == "__main__":
    main()
