"""TODO docstring of rnnsweep/network/cost.py."""

from __future__ import annotations

from rnnsweep.cells import CELLS
from rnnsweep.spec import Spec

PREDICT_BATCH = 512  # reviews that `train` predicts at a time


def gpu_memory_mb(spec: Spec) -> float:
    """Return the MB of arrays that a trial should hold on a GPU; no GPU was at hand to measure it on.

    Weights, gradient and two moments; of a training batch every step's inputs, gates and states; or of a larger batch
    that is only predicted, what enters and leaves its widest layer.
    """
    directions = 2 if spec.bidirectional else 1
    layers = directions * sum(spec.units) * (CELLS[spec.cell].gates + 3)
    training = spec.batch_size * spec.max_len * (2 * spec.embedding_dim + layers)
    widest = directions * max(spec.units) * (CELLS[spec.cell].gates + 2)
    predicting = PREDICT_BATCH * spec.max_len * (spec.embedding_dim + widest)
    return 4 * (4 * parameters(spec) + max(training, predicting)) / 2**20


def parameters(spec: Spec) -> int:
    """Return the number of weights of the network, as Keras counts them."""
    total, width = spec.embedding_rows * spec.embedding_dim, spec.embedding_dim
    directions = 2 if spec.bidirectional else 1
    biases = CELLS[spec.cell].biases
    for units in spec.units:
        total += directions * CELLS[spec.cell].gates * units * (width + units + biases)
        width = directions * units
    return total + width + 1


def flops(spec: Spec) -> float:
    """Return the floating-point operations of one forward time step of one review."""
    total, width = 0, 0  # the first layer's input is looked up, not multiplied
    for units in spec.units:
        total += 2 * CELLS[spec.cell].gates * units * (width + units)
        width = units
    return total * (2 if spec.bidirectional else 1)
