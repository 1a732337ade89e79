"""What predictions say of a network, by scikit-learn: its confusion matrix and classification report.

Probabilities are of class 1 [reviews] where there are two classes, and [reviews, classes] where there are more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import classification_report, confusion_matrix

MEASURES = {
    "macro_f1": "macro F1",
    "balanced_accuracy": "balanced accuracy",
    "auroc": "AUROC",
    "average_precision": "average precision",
}


def count_classes(probabilities: NDArray[Any]) -> int:
    """Return how many classes these probabilities tell apart."""
    return 2 if np.ndim(probabilities) == 1 else int(np.shape(probabilities)[1])


def class_names(trial: Mapping[str, Any], count: int) -> list[str]:
    """Return the names of a trial's classes from 0 on, or their numbers where it names no, or not so many, classes."""
    stored = trial.get("class_names")
    names = json.loads(stored) if stored else str(trial["classes"]).split("/")  # an older record joined them
    return [str(name) for name in names] if len(names) == count else [str(number) for number in range(count)]


def classify(probabilities: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class of each review, int64 [reviews], as Keras counts.

    1 where its probability is above 0.5; of several classes the most probable one, the first of equals.
    """
    values = np.asarray(probabilities, dtype=np.float32)
    return (values > 0.5).astype(np.int64) if values.ndim == 1 else values.argmax(axis=1)


def right(label: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which reviews are classified rightly, bool [reviews]: of several labels each, those with all of them."""
    if np.ndim(label) > 1:
        return np.asarray(((np.asarray(probabilities, dtype=np.float32) > 0.5) == label).all(axis=1))
    return np.asarray(classify(probabilities) == label)


def classification(label: NDArray[Any], probabilities: NDArray[Any]) -> pd.DataFrame:
    """Return scikit-learn's classification report: rows 0, 1 and so on, accuracy, macro avg, weighted avg.

    The averages are, as scikit-learn's own, over the classes that a review has or is taken for.
    """
    predicted = classify(probabilities)
    classes = range(count_classes(probabilities))
    report = classification_report(label, predicted, labels=list(classes), output_dict=True, zero_division=0)
    averages = classification_report(label, predicted, output_dict=True, zero_division=0)
    rows = {str(number): report[str(number)] for number in classes}
    rows["accuracy"] = {"f1-score": float(np.mean(predicted == label)), "support": len(label)}
    rows |= {name: averages[name] for name in ("macro avg", "weighted avg")}
    return pd.DataFrame(rows).T[["precision", "recall", "f1-score", "support"]].astype(float)


def confusion(label: NDArray[Any], probabilities: NDArray[Any], classes: Sequence[str]) -> pd.DataFrame:
    """Return scikit-learn's confusion matrix: a row per true class, a column per predicted class, counts."""
    matrix = confusion_matrix(label, classify(probabilities), labels=list(range(len(classes))))
    return pd.DataFrame(matrix, index=pd.Index(classes, name="true"), columns=pd.Index(classes, name="predicted"))


def confused(matrix: pd.DataFrame, most: int) -> list[tuple[str, str, int, float]]:
    """Return the commonest mistakes of a confusion matrix, at most so many: true class, guess, count and its share.

    The share is of the true class's reviews. Equal counts are in the order of the classes.
    """
    counts = matrix.to_numpy()
    mistakes = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:most]
    places = [(int(place) // len(counts), int(place) % len(counts)) for place in order]
    return [
        (matrix.index[row], matrix.columns[column], int(counts[row, column]), counts[row, column] / counts[row].sum())
        for row, column in places
        if mistakes[row, column]
    ]


def commonest(matrix: pd.DataFrame) -> tuple[str, float]:
    """Return the class that most reviews have, the first of equals, and its share: what always naming it would get."""
    reviews = matrix.sum(axis=1).to_numpy()
    return str(matrix.index[int(reviews.argmax())]), float(reviews.max() / reviews.sum())


def measured(done: pd.DataFrame) -> pd.DataFrame:
    """Return a row per measure of `MEASURES` that these trials have: its name, n, and mean and sd by part.

    The columns are measure, n, val, val_sd, test, test_sd; the numbers are of the best epoch.
    """
    rows = []
    for name, title in MEASURES.items():
        values = done[[f"val_{name}", f"test_{name}"]].dropna(how="all")
        if len(values):
            mean, sd = values.mean().to_numpy(), values.std().to_numpy()
            rows.append((title, len(values), mean[0], sd[0], mean[1], sd[1]))
    return pd.DataFrame(rows, columns=["measure", "n", "val", "val_sd", "test", "test_sd"])
