"""What follows the pooling, packed: the hidden dense layer, if there is one, and the output's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnsweep.spec import Spec
from rnnsweep.types import Floats


class Head:
    """The dense layers between what is pooled and the logits; all but the last end in a relu.

    Its weights are the last of the network's: kernel [inputs, outputs] and bias [outputs] of each layer.
    """

    def __init__(self, spec: Spec) -> None:
        self._layers = 2 if spec.hidden else 1

    @property
    def arrays(self) -> int:
        """How many of the network's last weights are its own."""
        return 2 * self._layers

    def forward(self, weights: list[Floats], pooled: Floats) -> list[Floats]:
        """Return what enters each layer, from float32 [texts, width] on, and last the logits [texts, outputs]."""
        values = [pooled]
        for i in range(-self.arrays, 0, 2):
            sums = values[-1] @ weights[i] + weights[i + 1]
            values.append(sums if i == -2 else np.maximum(sums, 0))
        return values

    def backward(
        self,
        weights: list[Floats],
        gradients: list[Floats],
        values: list[Floats],
        dlogits: Floats,
        add: Callable[[Floats, Floats], None],
    ) -> Floats:
        """Add the layers' gradients by `add(total, value)`; return that of what is pooled, float32 [texts, width]."""
        d = dlogits
        for layer in range(1, self._layers + 1):
            i, entered = -2 * layer, values[-1 - layer]
            add(gradients[i], entered.T @ d)
            add(gradients[i + 1], d.sum(axis=0))
            d = d @ weights[i].T
            if layer < self._layers:
                d = d * (entered > 0)
        return d
