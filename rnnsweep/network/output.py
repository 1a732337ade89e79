"""What a network ends in: units, activation, loss, gradient and class of its last layer, one class per kind.

`Binary` is the only kind today. Another, such as a softmax of k units, is one more class with the interface of
`Output`, and a condition in `output_of`; what builds, trains and evaluates networks asks the kind and stays.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rnnsweep.spec import Spec
from rnnsweep.types import Floats


class Output(Protocol):
    """One kind of last layer; probabilities are float32 [reviews, *shape]."""

    units: int  # of the dense layer
    activation: str  # of the dense layer, by Keras's name
    loss: str  # by Keras's name
    shape: tuple[int, ...]  # of one review's probabilities

    def probabilities(self, logits: Floats) -> Floats:
        """Return the probabilities of float32 [reviews, units], the dense layer's sums before its activation."""

    def loss_and_gradient(self, logits: Floats, labels: NDArray[Any]) -> tuple[Floats, Floats]:
        """Return each review's loss, float32 [reviews], and its gradient by the logits, float32 [reviews, units]."""

    def classify(self, probabilities: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the class of each review, uint8 [reviews]."""

    def metrics(self, probabilities: Floats, labels: NDArray[Any]) -> tuple[float, float]:
        """Return mean loss and accuracy of probabilities against classes [reviews], as Keras defines them."""

    def half_precision(self, probabilities: Floats) -> NDArray[np.float16]:
        """Return the probabilities in half the bytes, so rounded that no review changes its class."""


class Binary:
    """One sigmoid unit under binary cross-entropy: the probability of class 1, of two, float32 [reviews]."""

    units = 1
    activation = "sigmoid"
    loss = "binary_crossentropy"
    shape: tuple[int, ...] = ()
    threshold = 0.5  # above it is class 1, as Keras counts
    epsilon = 1e-7  # Keras's: probabilities are clipped to [epsilon, 1 - epsilon] before their logarithm is taken

    def probabilities(self, logits: Floats) -> Floats:
        """Return 1 / (1 + exp(-logits)) of float32 [reviews, 1], in a form that never overflows: float32 [reviews]."""
        logits = logits[:, 0]
        small = np.exp(-np.abs(logits))
        return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))

    def loss_and_gradient(self, logits: Floats, labels: NDArray[Any]) -> tuple[Floats, Floats]:
        """Return cross-entropy, float32 [reviews], and its gradient by the logits, float32 [reviews, 1].

        It is taken from below the sigmoid, as Keras does: keras/src/backend/tensorflow/nn.py, `_get_logits`.
        """
        truth, z = labels.astype(np.float32), logits[:, 0]
        loss: Floats = np.maximum(z, 0) - z * truth + np.log1p(np.exp(-np.abs(z)))
        return loss, (self.probabilities(logits) - truth)[:, None]

    def classify(self, probabilities: NDArray[Any]) -> NDArray[np.uint8]:
        """Return class 0 or 1 of each review, uint8 [reviews]: 1 where its probability is above 0.5."""
        return (probabilities > self.threshold).astype(np.uint8)

    def metrics(self, probabilities: Floats, labels: NDArray[Any]) -> tuple[float, float]:
        """Return mean binary cross-entropy and accuracy of float32 [reviews] against 0/1 [reviews]."""
        clipped = np.clip(probabilities.astype(np.float64), self.epsilon, 1 - self.epsilon)
        loss = -np.where(labels == 1, np.log(clipped), np.log1p(-clipped)).mean()
        return float(loss), float((self.classify(probabilities) == labels).mean())

    def half_precision(self, probabilities: Floats) -> NDArray[np.float16]:
        """Return float16 [reviews]; what would be rounded to 0.5 from above becomes the next number above it."""
        half = probabilities.astype(np.float16)
        crossed = self.classify(probabilities) > self.classify(half)
        half[crossed] = np.nextafter(np.float16(self.threshold), np.float16(1))
        return half


def output_of(spec: Spec) -> Output:
    """Return the kind of output that a spec's network ends in; every spec's labels are of two classes so far."""
    return Binary()
