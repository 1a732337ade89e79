"""How long a trial will take and how much memory it will need, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from rnnsweep.data import Dataset, Reviews, split
from rnnsweep.spec import GATES, Spec

# One core of a 2024 server. They only seed the estimate: trials that the ledger holds already correct it.
PACKED_FLOPS = 5.5e10  # per second, multiplications and additions of the real time steps, padding computed once
KERAS_FLOPS = 2.5e10  # the Keras layers, which compute every step
STEP_SECONDS = 0.003  # of a training step, whatever its size: the optimizer's graph, and copies
WEIGHT_SECONDS = 4e-9  # per weight and training step, for the optimizer
TRIAL_SECONDS = 0.4  # to build a network and trace its optimizer
PREDICT_BATCH = 512  # reviews that `train` predicts at a time
BASE_MB = 1350.0  # a worker that has imported TensorFlow, compiled the recurrences and trained before


@dataclass(frozen=True)
class Estimate:
    """Wall seconds of a whole trial on one core, and its peak memory in MB."""

    seconds: float
    memory_mb: float


def estimate(spec: Spec, dataset: Dataset) -> Estimate:
    """Return what a trial should take: the floating-point operations of its time steps, and its arrays."""
    parts = split(spec, dataset)
    packed = spec.packable
    train, validation, test = (_steps(part, spec, packed) for part in (parts.train, parts.validation, parts.test))
    per_step = _flops(spec) / (PACKED_FLOPS if packed else KERAS_FLOPS)
    batches = -(-len(parts.train) // spec.batch_size)
    epoch = (3 * train + validation) * per_step  # the backward pass costs twice the forward pass
    epoch += batches * (STEP_SECONDS + weights(spec) * WEIGHT_SECONDS)
    ids = spec.max_len * (len(parts.train) + len(parts.validation) + len(parts.test))
    kept = 0 if packed else spec.batch_size * spec.max_len * sum(spec.units) * (GATES[spec.cell] + 3)
    return Estimate(
        seconds=TRIAL_SECONDS + spec.epochs * epoch + 2 * test * per_step,
        memory_mb=BASE_MB + 4 * (2 * ids + kept + 10 * weights(spec)) / 2**20,
    )


def gpu_memory_mb(spec: Spec) -> float:
    """Return the MB of arrays that a trial should hold on a GPU; no GPU was at hand to measure it on.

    Weights, gradient and two moments; of a training batch every step's inputs, gates and states; or of a larger batch
    that is only predicted, what enters and leaves its widest layer.
    """
    directions = 2 if spec.bidirectional else 1
    layers = directions * sum(spec.units) * (GATES[spec.cell] + 3)
    training = spec.batch_size * spec.max_len * (2 * spec.embedding_dim + layers)
    widest = directions * max(spec.units) * (GATES[spec.cell] + 2)
    predicting = PREDICT_BATCH * spec.max_len * (spec.embedding_dim + widest)
    return 4 * (4 * weights(spec) + max(training, predicting)) / 2**20


def correction(estimates: Mapping[str, Estimate], results: Mapping[str, Mapping[str, Any]]) -> float:
    """Return by what estimated seconds must be multiplied to fit the results of the same keys.

    The median of measured over estimated, 1 where there is nothing to learn from.
    """
    ratios = [results[key]["seconds"] / estimates[key].seconds for key in estimates]
    return median(ratios) if ratios else 1.0


def weights(spec: Spec) -> int:
    """Return the number of weights of the network, as Keras counts them."""
    total, width = spec.embedding_rows * spec.embedding_dim, spec.embedding_dim
    directions = 2 if spec.bidirectional else 1
    biases = 2 if spec.cell == "gru" else 1  # reset_after has one for the input and one for the state
    for units in spec.units:
        total += directions * GATES[spec.cell] * units * (width + units + biases)
        width = directions * units
    return total + width + 1


def longest_first(specs: Iterable[Spec], estimates: Mapping[str, Estimate]) -> list[Spec]:
    """Return the specs by falling estimated time, so that no long trial is left for the end; ties by key."""
    return sorted(specs, key=lambda spec: (-estimates[spec.key].seconds, spec.key))


def _steps(reviews: Reviews, spec: Spec, packed: bool) -> int:
    return int(np.minimum(reviews.lengths, spec.max_len).sum()) if packed else len(reviews) * spec.max_len


def _flops(spec: Spec) -> float:
    """Return the floating-point operations of one forward time step of one review."""
    total, width = 0, 0  # the first layer's input is looked up, not multiplied
    for units in spec.units:
        total += 2 * GATES[spec.cell] * units * (width + units)
        width = units
    return total * (2 if spec.bidirectional else 1)
