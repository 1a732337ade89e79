"""TODO docstring of rnnsweep/network/packed/passes.py."""

from __future__ import annotations

from dataclasses import dataclass

from rnnsweep.types import Floats


@dataclass
class Layer:
    """One recurrent layer's weights, and its gradients where there are any."""

    units: int
    kernel: Floats
    recurrent: Floats
    bias: Floats  # [gates * units]: all that is simply added
    recurrent_bias: Floats  # [units]: GRU's bias inside the reset gate's reach
    gradients: list[Floats]


@dataclass
class Tape:
    """States h and c of each layer, and what else its backward pass needs."""

    states: list[tuple[Floats, Floats]]
    saved: list[Floats]
