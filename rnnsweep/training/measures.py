"""What predictions are measured by beside loss and accuracy, by scikit-learn, and what rare classes weigh."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsweep.data import DataError
from rnnsweep.network.output import Output
from rnnsweep.spec import SELECTIONS, Spec
from rnnsweep.types import Floats, Row

OF_CLASSES = ("macro_f1", "balanced_accuracy")
OF_TWO_CLASSES = ("auroc", "average_precision")


def measures(output: Output, probabilities: Floats, labels: NDArray[Any]) -> dict[str, float]:
    """Return macro F1 and balanced accuracy, and of two classes AUROC and average precision; nan where there is none.

    They are of the probabilities in half precision, as the ledger stores them. A class counts in macro F1 where a
    review has it or is taken for it, and in balanced accuracy where a review has it, as in scikit-learn.
    """
    names = OF_CLASSES if output.shape else OF_CLASSES + OF_TWO_CLASSES
    if not np.isfinite(probabilities).all():
        return dict.fromkeys(names, math.nan)
    from sklearn.metrics import average_precision_score, f1_score, recall_score, roc_auc_score

    half = output.half_precision(probabilities)
    predicted, given = output.classify(half), np.unique(labels)
    found = {
        "macro_f1": float(f1_score(labels, predicted, average="macro", zero_division=0)),
        # What `balanced_accuracy_score` returns; that one warns of a class which no review has.
        "balanced_accuracy": float(recall_score(labels, predicted, labels=given, average="macro", zero_division=0)),
    }
    if not output.shape:
        for name, score in zip(OF_TWO_CLASSES, (roc_auc_score, average_precision_score), strict=True):
            found[name] = float(score(labels, half)) if len(given) == 2 else math.nan
    return found


def without_copies(output: Output, probabilities: Floats, labels: NDArray[Any], shared: NDArray[np.bool_]) -> Row:
    """Return how many test reviews are copies of training reviews, bool [reviews], and the accuracy without them."""
    rows = ~shared
    accuracy = float((output.classify(probabilities[rows]) == labels[rows]).mean()) if rows.any() else math.nan
    return {"test_shared": int(shared.sum()), "test_accuracy_distinct": accuracy}


def check_selection(spec: Spec, classes: int) -> None:
    """Raise `DataError` where the best epoch is to be chosen by what only two classes have, and there are more."""
    if classes > 2 and spec.select.removeprefix("val_") in OF_TWO_CLASSES:
        others = [name for name in SELECTIONS if name.removeprefix("val_") not in OF_TWO_CLASSES]
        raise DataError(
            f"select is {spec.select}, which is of two classes; {spec.dataset} has {classes}: give "
            f"{', '.join(others[:-1])} or {others[-1]}"
        )


def weights_of_classes(spec: Spec, labels: NDArray[Any], classes: int) -> Floats | None:
    """Return what a review of each class weighs in the loss, float32 [classes], None where all weigh the same.

    `balanced` is scikit-learn's n / (k * count), of the k classes that the training reviews `labels` have.
    """
    if spec.class_weights == "none":
        return None
    counts = np.bincount(labels, minlength=classes)
    weights = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return weights.astype(np.float32)
