"""TODO docstring of rnnsweep/network/output.py."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnsweep.types import Floats


def binary_metrics(probabilities: Floats, labels: NDArray[np.uint8]) -> tuple[float, float]:
    """Return mean binary cross-entropy and accuracy of float32 [reviews] against 0/1 [reviews], as Keras defines them.

    Probabilities are clipped to [1e-7, 1 - 1e-7], Keras's epsilon; above 0.5 counts as class 1.
    """
    clipped = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    loss = -np.where(labels == 1, np.log(clipped), np.log1p(-clipped)).mean()
    return float(loss), float(((probabilities > 0.5) == (labels == 1)).mean())


def half_precision(probabilities: Floats) -> NDArray[np.float16]:
    half = probabilities.astype(np.float16)
    half[(probabilities > 0.5) & (half <= 0.5)] = np.nextafter(np.float16(0.5), np.float16(1))  # keep its side
    return half
