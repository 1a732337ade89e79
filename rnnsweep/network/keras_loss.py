"""The losses of `loss.py` for the Keras layers: by name where it is the plain cross-entropy, else as a Keras loss."""

from __future__ import annotations

from typing import Any

from rnnsweep.machine.device import keras
from rnnsweep.network.loss import is_plain, smoothed
from rnnsweep.network.output import EPSILON, Output, Softmax
from rnnsweep.spec import Spec


def keras_loss(spec: Spec, output: Output) -> str | keras.losses.Loss:
    """Return what `model.compile` takes as the loss of a spec's training."""
    return output.loss if is_plain(spec) else _OfTargets(spec, output)


class _OfTargets(keras.losses.Loss):  # type: ignore[misc]  # Keras has no types
    """Square loss, or cross-entropy of smoothed labels; both are taken from below the activation."""

    def __init__(self, spec: Spec, output: Output) -> None:
        super().__init__(name=spec.loss)
        self._spec, self._output = spec, output

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return each review's loss [reviews] of its labels and probabilities."""
        ops, softmax = keras.ops, isinstance(self._output, Softmax)
        logits = _logits(y_pred, softmax)
        targets = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), self._output.units) if softmax else y_true
        targets = smoothed(ops.reshape(targets, (-1, self._output.units)), self._spec.label_smoothing, self._output)
        if self._spec.loss == "square":
            return ops.mean(ops.square(logits - (2 * targets - 1)), axis=-1)
        if softmax:
            return -ops.sum(targets * ops.log_softmax(logits), axis=-1)
        return ops.mean(ops.softplus(logits) - logits * targets, axis=-1)


def _logits(probabilities: Any, softmax: bool) -> Any:
    """Return the sums below the activation: Keras leaves them with its result, where the backend's arrays take notes.

    Else they are computed back, those below a softmax up to one number for all classes of a review.
    """
    kept = getattr(probabilities, "_keras_logits", None)
    if kept is not None:
        return kept
    clipped = keras.ops.clip(probabilities, EPSILON, 1 - EPSILON)
    return keras.ops.log(clipped) - (0 if softmax else keras.ops.log1p(-clipped))
