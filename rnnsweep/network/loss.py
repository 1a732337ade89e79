"""What training makes small, where that is not the plain cross-entropy of `Output`: square loss, smoothed labels.

One formula of logits and targets for all kinds of output; `keras_loss.py` has the same for the Keras layers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsweep.network.output import Output, Softmax
from rnnsweep.spec import Spec
from rnnsweep.types import Floats

Loss = Callable[[Floats, NDArray[Any]], tuple[Floats, Floats]]
"""Logits float32 [reviews, units] and labels -> each review's loss, [reviews], and its gradient by the logits."""


def loss_of(spec: Spec, output: Output) -> Loss:
    """Return the loss of a spec's training, as a function like `Output.loss_and_gradient`, which it is by default."""
    if is_plain(spec):
        return output.loss_and_gradient
    of_targets = _square if spec.loss == "square" else _softmax if isinstance(output, Softmax) else _sigmoid

    def loss(logits: Floats, labels: NDArray[Any]) -> tuple[Floats, Floats]:
        return of_targets(logits, smoothed(output.targets(labels), spec.label_smoothing, output))

    return loss


def is_plain(spec: Spec) -> bool:
    """Return whether a spec's training makes the plain cross-entropy small."""
    return spec.loss == "cross_entropy" and not spec.label_smoothing


def smoothed(targets: Any, share: float, output: Output) -> Any:
    """Return targets [reviews, units] a share of the way towards all classes alike (Szegedy and others 2016)."""
    classes = output.units if isinstance(output, Softmax) else 2
    return targets * (1 - share) + share / classes if share else targets


def _square(logits: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Return the mean over the units of (z - (2 t - 1))^2: Johnson and Zhang 2016."""
    away: Floats = logits - (2 * targets - 1)
    return (away * away).mean(axis=1), away * np.float32(2 / away.shape[1])


def _sigmoid(logits: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Return the mean over the units of max(z, 0) - z t + log(1 + exp(-|z|)), the cross-entropy below a sigmoid."""
    small = np.exp(-np.abs(logits))
    losses: Floats = np.maximum(logits, 0) - logits * targets + np.log1p(small)
    found = np.where(logits >= 0, 1 / (1 + small), small / (1 + small))
    return losses.mean(axis=1), (found - targets) / np.float32(logits.shape[1])


def _softmax(logits: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Return the cross-entropy below a softmax, the sum over classes of -t log p; the targets of a review sum to 1."""
    below = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(below)
    total = powers.sum(axis=1, keepdims=True)
    losses: Floats = (targets * (np.log(total) - below)).sum(axis=1)
    return losses, powers / total - targets
