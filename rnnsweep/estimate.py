"""How long a trial will take and how much memory it will need, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from rnnsweep.data import Dataset, Reviews, split
from rnnsweep.spec import Spec

GATES = {"simple_rnn": 1, "gru": 3, "lstm": 4}

# One core of a 2024 server. They only seed the estimate: trials that the ledger holds already correct it.
FLOPS = 4e10  # multiply-adds counted twice, of the recurrences
STEP_OVERHEAD = 3e-6  # seconds per time step, layer and direction, whatever the batch
WEIGHT_SECONDS = 4e-9  # per weight and training step, for the optimizer
BASE_MB = 700.0  # a worker that has imported TensorFlow


@dataclass(frozen=True)
class Estimate:
    """Wall seconds of a whole trial on one core, and its peak memory in MB."""

    seconds: float
    memory_mb: float


def estimate(spec: Spec, dataset: Dataset) -> Estimate:
    """Return what a trial should take: the floating-point operations of its real time steps, and its arrays."""
    parts = split(spec, dataset)
    train, validation, test = (_steps(part, spec.max_len) for part in (parts.train, parts.validation, parts.test))
    per_step = _flops(spec)
    batches = -(-len(parts.train) // spec.batch_size)
    epoch = (3 * train + validation) * per_step / FLOPS  # the backward pass costs twice the forward pass
    epoch += batches * (2 * spec.max_len * spec.depth * STEP_OVERHEAD + weights(spec) * WEIGHT_SECONDS)
    ids = 4 * spec.max_len * (len(parts.train) + len(parts.validation) + len(parts.test))
    saved = 4 * spec.batch_size * spec.max_len * sum(spec.units) * (GATES[spec.cell] + 3)
    return Estimate(
        seconds=spec.epochs * epoch + 2 * test * per_step / FLOPS,
        memory_mb=BASE_MB + (ids + saved + 6 * 4 * weights(spec)) / 2**20,
    )


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


def _steps(reviews: Reviews, max_len: int) -> int:
    return int(np.minimum(np.diff(reviews.offsets), max_len).sum())


def _flops(spec: Spec) -> float:
    """Return the floating-point operations of one forward time step of one review."""
    total, width = 0, 0  # the first layer's input is looked up, not multiplied
    for units in spec.units:
        total += 2 * GATES[spec.cell] * units * (width + units)
        width = units
    return total * (2 if spec.bidirectional else 1)
