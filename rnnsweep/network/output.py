"""What a network ends in: units, activation, loss, gradient and class of its last layer, one class per kind.

`Binary` is for two classes, `Softmax` for more, `Sigmoids` for several labels a review. Another is one more class with
the interface of `Output`, and a condition in `output_of`; what builds, trains and evaluates networks asks the kind and
stays.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rnnsweep.types import Floats

Classes = NDArray[np.uint8] | NDArray[np.uint16]
EPSILON = 1e-7  # Keras's: probabilities are clipped to [EPSILON, 1 - EPSILON] before their logarithm is taken


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

    def targets(self, labels: NDArray[Any]) -> Floats:
        """Return 1 for each unit that should say yes, else 0: float32 [reviews, units]."""

    def classify(self, probabilities: NDArray[Any]) -> Classes:
        """Return the class of each review [reviews], uint8, or uint16 from 257 classes on.

        Of several labels a review, 1 for those that it has: uint8 [reviews, labels].
        """

    def right(self, probabilities: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which reviews are classified rightly, bool [reviews]: their mean is the accuracy."""

    def metrics(self, probabilities: Floats, labels: NDArray[Any]) -> tuple[float, float]:
        """Return mean loss and accuracy, as Keras defines them, of probabilities against what `classify` returns."""

    def half_precision(self, probabilities: Floats) -> NDArray[np.float16]:
        """Return the probabilities in half the bytes, so rounded that no review changes its class."""


class Binary:
    """One sigmoid unit under binary cross-entropy: the probability of class 1, of two, float32 [reviews]."""

    units = 1
    activation = "sigmoid"
    loss = "binary_crossentropy"
    shape: tuple[int, ...] = ()
    threshold = 0.5  # above it is class 1, as Keras counts

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

    def targets(self, labels: NDArray[Any]) -> Floats:
        """Return the classes 0 and 1 as float32 [reviews, 1]."""
        return labels.astype(np.float32)[:, None]

    def classify(self, probabilities: NDArray[Any]) -> NDArray[np.uint8]:
        """Return class 0 or 1 of each review, uint8 [reviews]: 1 where its probability is above 0.5."""
        return (probabilities > self.threshold).astype(np.uint8)

    def right(self, probabilities: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which reviews are classified rightly, bool [reviews]."""
        return np.asarray(self.classify(probabilities) == labels)

    def metrics(self, probabilities: Floats, labels: NDArray[Any]) -> tuple[float, float]:
        """Return mean binary cross-entropy and accuracy of float32 [reviews] against 0/1 [reviews]."""
        clipped = np.clip(probabilities.astype(np.float64), EPSILON, 1 - EPSILON)
        loss = -np.where(labels == 1, np.log(clipped), np.log1p(-clipped)).mean()
        return float(loss), float(self.right(probabilities, labels).mean())

    def half_precision(self, probabilities: Floats) -> NDArray[np.float16]:
        """Return float16 [reviews]; what would be rounded to 0.5 from above becomes the next number above it."""
        half = probabilities.astype(np.float16)
        crossed = self.classify(probabilities) > self.classify(half)
        half[crossed] = np.nextafter(np.float16(self.threshold), np.float16(1))
        return half


class Softmax:
    """A softmax unit per class under sparse categorical cross-entropy: probabilities float32 [reviews, classes]."""

    activation = "softmax"
    loss = "sparse_categorical_crossentropy"

    def __init__(self, classes: int) -> None:
        self.units = classes
        self.shape: tuple[int, ...] = (classes,)
        self._dtype = np.uint8 if classes <= 256 else np.uint16

    def probabilities(self, logits: Floats) -> Floats:
        """Return exp(logits) by their sum over the classes, in a form that never overflows."""
        powers: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
        powers /= powers.sum(axis=1, keepdims=True)
        return powers

    def loss_and_gradient(self, logits: Floats, labels: NDArray[Any]) -> tuple[Floats, Floats]:
        """Return cross-entropy, float32 [reviews], and its gradient by the logits, float32 [reviews, classes].

        It is taken from below the softmax, as Keras does: keras/src/backend/tensorflow/nn.py, `_get_logits`.
        """
        rows, truth = np.arange(len(labels)), labels.astype(np.intp)
        below = logits - logits.max(axis=1, keepdims=True)
        powers = np.exp(below)
        total = powers.sum(axis=1)
        gradient: Floats = powers / total[:, None]
        gradient[rows, truth] -= 1
        return np.log(total) - below[rows, truth], gradient

    def targets(self, labels: NDArray[Any]) -> Floats:
        """Return 1 for each review's class, 0 for the others: float32 [reviews, classes]."""
        targets: Floats = np.equal.outer(labels, np.arange(self.units)).astype(np.float32)
        return targets

    def classify(self, probabilities: NDArray[Any]) -> Classes:
        """Return the most probable class of each review, the first of equals, as Keras counts."""
        found: Classes = probabilities.argmax(axis=1).astype(self._dtype)
        return found

    def right(self, probabilities: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which reviews are classified rightly, bool [reviews]."""
        return np.asarray(self.classify(probabilities) == labels)

    def metrics(self, probabilities: Floats, labels: NDArray[Any]) -> tuple[float, float]:
        """Return mean cross-entropy and accuracy of float32 [reviews, classes] against classes [reviews]."""
        given = probabilities[np.arange(len(labels)), labels.astype(np.intp)].astype(np.float64)
        loss = -np.log(np.clip(given, EPSILON, 1 - EPSILON)).mean()
        return float(loss), float(self.right(probabilities, labels).mean())

    def half_precision(self, probabilities: Floats) -> NDArray[np.float16]:
        """Return float16 [reviews, classes]; what would be rounded to a tie becomes the next number above it."""
        half = probabilities.astype(np.float16)
        classes = self.classify(probabilities)
        rows = np.flatnonzero(self.classify(half) != classes)
        half[rows, classes[rows]] = np.nextafter(half[rows, classes[rows]], np.float16(1))
        return half


class Sigmoids:
    """A sigmoid unit per label under binary cross-entropy, its mean over the labels: float32 [reviews, labels].

    A review is classified rightly where all of its labels are: scikit-learn's accuracy of several labels.
    """

    activation = "sigmoid"
    loss = "binary_crossentropy"
    threshold = 0.5  # above it a review has the label

    def __init__(self, labels: int) -> None:
        self.units = labels
        self.shape: tuple[int, ...] = (labels,)

    def probabilities(self, logits: Floats) -> Floats:
        """Return 1 / (1 + exp(-logits)), in a form that never overflows: float32 [reviews, labels]."""
        small = np.exp(-np.abs(logits))
        return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))

    def loss_and_gradient(self, logits: Floats, labels: NDArray[Any]) -> tuple[Floats, Floats]:
        """Return mean cross-entropy, float32 [reviews], and its gradient by the logits, float32 [reviews, labels].

        It is taken from below the sigmoid, as Keras does: keras/src/backend/tensorflow/nn.py, `_get_logits`.
        """
        truth = labels.astype(np.float32)
        losses: Floats = np.maximum(logits, 0) - logits * truth + np.log1p(np.exp(-np.abs(logits)))
        return losses.mean(axis=1), (self.probabilities(logits) - truth) / np.float32(self.units)

    def targets(self, labels: NDArray[Any]) -> Floats:
        """Return the labels 0 and 1 as float32 [reviews, labels]."""
        return labels.astype(np.float32)

    def classify(self, probabilities: NDArray[Any]) -> NDArray[np.uint8]:
        """Return 1 for the labels whose probability is above 0.5: uint8 [reviews, labels]."""
        return (probabilities > self.threshold).astype(np.uint8)

    def right(self, probabilities: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which reviews have just the labels that they are said to have, bool [reviews]."""
        return np.asarray((self.classify(probabilities) == labels).all(axis=1))

    def metrics(self, probabilities: Floats, labels: NDArray[Any]) -> tuple[float, float]:
        """Return mean binary cross-entropy and accuracy of float32 [reviews, labels] against 0/1 of that shape."""
        clipped = np.clip(probabilities.astype(np.float64), EPSILON, 1 - EPSILON)
        loss = -np.where(labels == 1, np.log(clipped), np.log1p(-clipped)).mean()
        return float(loss), float(self.right(probabilities, labels).mean())

    def half_precision(self, probabilities: Floats) -> NDArray[np.float16]:
        """Return float16 [reviews, labels]; what would be rounded to 0.5 from above becomes the next one above it."""
        half = probabilities.astype(np.float16)
        half[self.classify(probabilities) > self.classify(half)] = np.nextafter(np.float16(0.5), np.float16(1))
        return half


def output_of(classes: int | Output, multilabel: bool = False) -> Output:
    """Return the kind of output that tells so many classes apart, or, of `multilabel`, so many labels a review.

    A kind is returned as it is, so that what needs one takes either. Raises `ValueError` below two.
    """
    if not isinstance(classes, int):
        return classes
    if classes < 2:
        raise ValueError(f"classes is {classes}; give at least 2")
    if multilabel:
        return Sigmoids(classes)
    return Binary() if classes == 2 else Softmax(classes)
