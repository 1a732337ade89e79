"""What predictions say of a network: its confusion matrix and classification report.

They are a count and its shares; scikit-learn, whose numbers a test holds them to, takes a second to import.
Probabilities are of class 1 [reviews] where there are two classes, and [reviews, classes] where there are more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnsweep.choice import classify

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


def classification(label: NDArray[Any], probabilities: NDArray[Any]) -> pd.DataFrame:
    """Return what scikit-learn's classification report has: rows 0, 1 and so on, accuracy, macro avg, weighted avg.

    The averages are, as scikit-learn's own, over the classes that a review has or is taken for.
    """
    counts = _counts(label, classify(probabilities), count_classes(probabilities))
    hits, support, named = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    columns = [_share(hits, named), _share(hits, support), _share(2 * hits, support + named), support.astype(float)]
    values, there = np.column_stack(columns), support + named > 0
    rows = {str(number): row for number, row in enumerate(values)}
    rows["accuracy"] = np.array([np.nan, np.nan, hits.sum() / len(label), len(label)])
    for name, weights in (("macro avg", None), ("weighted avg", support[there])):
        rows[name] = np.array([*np.average(values[there, :3], axis=0, weights=weights), len(label)])
    return pd.DataFrame.from_dict(rows, orient="index", columns=["precision", "recall", "f1-score", "support"])


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Return part / whole, 0 of nothing."""
    return np.asarray(np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0))


def _counts(label: NDArray[Any], predicted: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Return how many reviews of each class, in rows, are taken for each, in columns."""
    places = np.asarray(label, dtype=np.int64) * classes + predicted
    return np.bincount(places, minlength=classes**2).reshape(classes, classes)


def confusion(label: NDArray[Any], probabilities: NDArray[Any], classes: Sequence[str]) -> pd.DataFrame:
    """Return the confusion matrix: a row per true class, a column per predicted class, counts."""
    matrix = _counts(label, classify(probabilities), len(classes))
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
