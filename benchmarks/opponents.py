"""The networks that `train_speed.py` holds the packed engine against, as a user of Keras or PyTorch writes them.

PyTorch's run in a process of their own, which imports no TensorFlow: `python benchmarks/opponents.py` is that process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import environment  # noqa: F401  (before NumPy)
import numpy as np
from shared import EPOCH

from rnnsweep.data import encode, load
from rnnsweep.spec import Spec

TORCH_BATCHES = 3  # its packed sequences take minutes per epoch
TORCH_LAYERS = {"simple_rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}  # it has no others


def keras_fit(spec: Spec, ids: np.ndarray, labels: np.ndarray, jit_compile: str | bool) -> float:
    """Return the CPU seconds of an epoch of 20,000 reviews by `compile` and `fit`, fed by tf.data without autotuner.

    The second epoch of these reviews, int32 [whole batches, steps], so that nothing is traced or compiled any more.
    """
    import tensorflow as tf

    from rnnsweep.network.model import build

    untuned = tf.data.Options()
    untuned.autotune.enabled = False
    batches = tf.data.Dataset.from_tensor_slices((ids, labels)).batch(spec.batch_size).with_options(untuned)
    model = build(spec)
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"], jit_compile=jit_compile)
    model.fit(batches.take(1), epochs=1, shuffle=False, verbose=0)
    begun = time.process_time()
    model.fit(batches, epochs=1, shuffle=False, verbose=0)
    return (time.process_time() - begun) * EPOCH / len(ids)


def torch_epoch(spec: Spec, ids: np.ndarray, labels: np.ndarray, packed: bool) -> float:
    """Return the CPU seconds of an epoch of 20,000 reviews by PyTorch's layers, padded in front or as packed sequences.

    On one core; some batches, after one that warms up.
    """
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # else gradients that fade make it many times slower on some processors
    torch.manual_seed(spec.seed)
    embedding, dense = nn.Embedding(spec.embedding_rows, spec.embedding_dim), nn.Linear(spec.units[-1], 1)
    inputs = (spec.embedding_dim, *spec.units[:-1])
    layers = [
        getattr(nn, TORCH_LAYERS[spec.cell])(*sizes, batch_first=True) for sizes in zip(inputs, spec.units, strict=True)
    ]
    weights = [weight for module in (embedding, *layers, dense) for weight in module.parameters()]
    optimizer, loss = torch.optim.Adam(weights, spec.learning_rate), nn.BCEWithLogitsLoss()

    def step(rows: np.ndarray, targets: np.ndarray) -> None:
        lengths = np.maximum(1, rows.shape[1] - (rows == 0).argmin(axis=1))
        if packed:
            rows = np.stack([np.roll(row, n) for row, n in zip(rows, lengths, strict=True)])  # padding behind
        outputs: Any = embedding(torch.from_numpy(rows).long())
        if packed:
            outputs = pack_padded_sequence(outputs, torch.from_numpy(lengths), batch_first=True, enforce_sorted=False)
        for layer in layers:
            outputs, state = layer(outputs)
        last = (state[0] if spec.cell == "lstm" else state)[-1]
        optimizer.zero_grad()
        loss(dense(last)[:, 0], torch.from_numpy(targets).float()).backward()
        optimizer.step()

    size = spec.batch_size
    step(ids[:size], labels[:size])
    counted = range(0, min(len(ids), TORCH_BATCHES * size) - size + 1, size)
    begun = time.process_time()
    for i in counted:
        step(ids[i : i + size], labels[i : i + size])
    return (time.process_time() - begun) * EPOCH / (len(counted) * size)


def by_torch(spec: Spec, data: str, reviews: int) -> dict[str, float]:
    """Return the seconds of `torch_epoch` both ways, from a process of its own; empty where PyTorch is not installed.

    Empty, too, of what its layers do not compute as Keras's do.
    """
    import importlib.util

    plain = spec.cell in TORCH_LAYERS and not (spec.bidirectional or spec.mask_padding) and spec.pooling == "last"
    if not plain or importlib.util.find_spec("torch") is None:
        return {}
    command = [sys.executable, __file__, spec.to_json(), data, str(reviews)]
    child = subprocess.run(
        command, check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    found: dict[str, float] = json.loads(child.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print, as JSON, what PyTorch takes for a spec on so many reviews of some data: the three arguments."""
    spec, count = Spec.from_json(sys.argv[1]), int(sys.argv[3])
    data = sys.argv[2] if sys.argv[2] in ("auto", "imdb", "embedded") else str(Path(sys.argv[2]))
    reviews = load(data).train.first(count)
    ids = encode(reviews, spec.num_words, spec.max_len)
    print(json.dumps({way: torch_epoch(spec, ids, reviews.labels, way == "packed") for way in ("padded", "packed")}))


if __name__ == "__main__":
    main()
