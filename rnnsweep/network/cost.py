"""What a network costs, counted from its spec alone: weights, floating-point operations, memory on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from rnnsweep.cells import CELLS
from rnnsweep.network.output import Output, output_of
from rnnsweep.spec import Spec

GATE_FLOPS = 30  # operations of one unit of a minGRU in a step beside its product, counted in `packed/steps.py`
CUDNN_COLUMNS = 11  # per column of gates, of what cuDNN keeps of a word: of JAX's LSTM, the most that was measured
PREDICT_BATCH = 512  # reviews that `train` predicts at a time


def parameters(spec: Spec, classes: int | Output = 2) -> int:
    """Return the number of trained weights of the network that tells so many classes apart, as Keras counts them."""
    cell, directions = CELLS[spec.cell], _directions(spec)
    total = (spec.embedding_rows + spec.bigram_rows) * table_columns(spec)
    for inputs, units in _layers(spec):
        total += directions * cell.gates * units * (inputs + units * cell.recurrent + cell.biases)
    total += pooled_width(spec) * (spec.pooling == "attention")
    widths = [pooled_width(spec), *([spec.hidden] if spec.hidden else []), output_of(classes).units]
    return total + sum((inputs + 1) * units for inputs, units in pairwise(widths))


def table_columns(spec: Spec) -> int:
    """Return the columns of the table of words: the embedding's, or without one those of all gates it goes into."""
    return spec.embedding_dim or _directions(spec) * CELLS[spec.cell].gates * spec.units[0]


def pooled_width(spec: Spec) -> int:
    """Return the columns of what the dense layer sees: the last layer's in each direction, once per kind of pooling."""
    return len(spec.pooling.split("+")) * _directions(spec) * spec.units[-1]


def training_flops(spec: Spec) -> int:
    """Return the floating-point operations of the recurrent layers in one step of one review, forward and back.

    The way back is twice the way forward; what a word gives is looked up only where it is the same at all its places;
    adversarial noise takes both ways twice.
    """
    looked_up = 2 * _directions(spec) * CELLS[spec.cell].gates * spec.units[0] * spec.embedding_dim
    return 3 * (step_flops(spec) + looked_up * spec.word_by_word) * (2 if spec.adversarial else 1)


def step_flops(spec: Spec) -> int:
    """Return `forward_flops`, or, of cells whose gates see no state, also what the gates take, which is most there."""
    gates = 0 if CELLS[spec.cell].recurrent else GATE_FLOPS * _directions(spec) * sum(spec.units)
    return forward_flops(spec) + gates


def forward_flops(spec: Spec) -> int:
    """Return the floating-point operations of the recurrent layers in one forward time step of one review.

    Two per weight of their kernels, but for the first layer's input kernel: what a word gives there is looked up.
    """
    cell = CELLS[spec.cell]
    weights = sum(units * (inputs + units * cell.recurrent) for inputs, units in _layers(spec))
    return 2 * _directions(spec) * cell.gates * (weights - spec.units[0] * spec.embedding_dim)


def gpu_memory_mb(spec: Spec, classes: int | Output = 2) -> float:
    """Return the MB of arrays that a trial should hold on a GPU, no less than any that was measured: docs/gpu.md.

    Weights, gradient and two moments; of a training batch every step's inputs, gates and states; or of a larger batch
    that is only predicted, what enters and leaves its widest layer. cuDNN keeps several times as much.
    """
    cell, directions = CELLS[spec.cell], _directions(spec)
    columns = CUDNN_COLUMNS * cell.gates if cell.cudnn else cell.gates + 2  # of a word in one unit
    layers = directions * sum(spec.units) * (columns + 1)
    training = spec.batch_size * spec.max_len * (2 * table_columns(spec) + layers)
    widest = directions * max(spec.units) * columns
    predicting = PREDICT_BATCH * spec.max_len * (table_columns(spec) + widest)
    return 4 * (4 * parameters(spec, classes) + max(training, predicting)) / 2**20


def _directions(spec: Spec) -> int:
    return 2 if spec.bidirectional else 1


def _layers(spec: Spec) -> Iterator[tuple[int, int]]:
    """Yield columns of the input and units of each recurrent layer; above a bidirectional one both outputs enter."""
    inputs = spec.embedding_dim
    for units in spec.units:
        yield inputs, units
        inputs = _directions(spec) * units
