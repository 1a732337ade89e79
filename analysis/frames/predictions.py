"""What predictions say of a network, by scikit-learn: its confusion matrix and classification report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import classification_report, confusion_matrix


def classify(probabilities: NDArray[Any]) -> NDArray[np.uint8]:
    """Return class 0 or 1 of each review, uint8 [reviews]: 1 where its probability is above 0.5, as Keras counts."""
    return (np.asarray(probabilities, dtype=np.float32) > 0.5).astype(np.uint8)


def classification(label: NDArray[Any], probabilities: NDArray[Any]) -> pd.DataFrame:
    """Return scikit-learn's classification report: rows 0, 1, accuracy, macro avg, weighted avg."""
    report = classification_report(label, classify(probabilities), labels=[0, 1], output_dict=True, zero_division=0)
    accuracy = float(np.mean(classify(probabilities) == label))
    rows = {name: report[name] for name in ("0", "1")}
    rows["accuracy"] = {"f1-score": accuracy, "support": len(label)}
    rows |= {name: report[name] for name in ("macro avg", "weighted avg")}
    return pd.DataFrame(rows).T[["precision", "recall", "f1-score", "support"]].astype(float)


def confusion(label: NDArray[Any], probabilities: NDArray[Any], classes: Sequence[str]) -> pd.DataFrame:
    """Return scikit-learn's confusion matrix: a row per true class, a column per predicted class, counts."""
    matrix = confusion_matrix(label, classify(probabilities), labels=[0, 1])
    return pd.DataFrame(matrix, index=pd.Index(classes, name="true"), columns=pd.Index(classes, name="predicted"))
