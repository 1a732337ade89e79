"""What predictions are measured by beside loss and accuracy, and what rare classes weigh."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsweep.data import DataError
from rnnsweep.network.output import Output, Sigmoids, output_of
from rnnsweep.spec import SELECTIONS, Spec
from rnnsweep.training.scores import auroc, average_precision, f1, micro_f1, of_each, recall
from rnnsweep.types import Floats, Row

OF_CLASSES = ("macro_f1", "balanced_accuracy")
OF_TWO_CLASSES = ("auroc", "average_precision")
OF_LABELS = ("micro_f1", "macro_f1", "average_precision")


def names_of(output: Output) -> tuple[str, ...]:
    """Return what predictions of this output are measured by beside loss and accuracy."""
    if isinstance(output, Sigmoids):
        return OF_LABELS
    return OF_CLASSES if output.shape else OF_CLASSES + OF_TWO_CLASSES


def measures(output: Output, probabilities: Floats, labels: NDArray[Any]) -> dict[str, float]:
    """Return macro F1 and balanced accuracy, and of two classes AUROC and average precision; nan where there is none.

    Of several labels a text, micro F1, macro F1 and the mean of the labels' average precisions. They are of the
    probabilities in half precision, as the ledger stores them. A class counts in macro F1 where a review has it or is
    taken for it, and in balanced accuracy and mean average precision where a review has it.
    """
    if not np.isfinite(probabilities).all():
        return dict.fromkeys(names_of(output), math.nan)
    half = output.half_precision(probabilities)
    if isinstance(output, Sigmoids):
        return of_labels(labels, output.classify(half), half)
    predicted, given = output.classify(half), np.unique(labels)
    counted = np.union1d(given, predicted)
    found = {
        "macro_f1": float(f1(of_each(counted, labels), of_each(counted, predicted)).mean()),
        "balanced_accuracy": float(recall(of_each(given, labels), of_each(given, predicted)).mean()),
    }
    if not output.shape:
        for name, score in zip(OF_TWO_CLASSES, (auroc, average_precision), strict=True):
            found[name] = score(labels == 1, half) if len(given) == 2 else math.nan
    return found


def of_labels(labels: NDArray[Any], predicted: NDArray[Any], scores: NDArray[Any]) -> dict[str, float]:
    """Return the measures `OF_LABELS` of what is said of several labels: all three [reviews, labels]."""
    labels, predicted = labels.astype(bool), predicted.astype(bool)
    counted, had = (labels.any(axis=0) | predicted.any(axis=0)), labels.any(axis=0)
    return {
        "micro_f1": micro_f1(labels, predicted),
        "macro_f1": float(f1(labels, predicted)[counted].mean()) if counted.any() else math.nan,
        "average_precision": _mean_precision(labels[:, had], scores[:, had]) if had.any() else math.nan,
    }


def _mean_precision(labels: NDArray[np.bool_], scores: NDArray[Any]) -> float:
    pairs = zip(labels.T, scores.T, strict=True)
    return float(np.mean([average_precision(given, score) for given, score in pairs]))


def without_copies(output: Output, probabilities: Floats, labels: NDArray[Any], shared: NDArray[np.bool_]) -> Row:
    """Return how many test reviews are copies of training reviews, bool [reviews], and the accuracy without them."""
    rows = ~shared
    accuracy = float(output.right(probabilities[rows], labels[rows]).mean()) if rows.any() else math.nan
    return {"test_shared": int(shared.sum()), "test_accuracy_distinct": accuracy}


def check_selection(spec: Spec, classes: int | Output, said: str = "select") -> None:
    """Raise `DataError` where the best epoch is to be chosen by what the data does not have, or weights it has not.

    `said` is what the message calls the measure.
    """
    output = output_of(classes)
    several = isinstance(output, Sigmoids)
    if several and spec.class_weights != "none":
        raise DataError(
            f"class_weights is {spec.class_weights}, which is of one class a text; {spec.dataset} has several labels: "
            "leave it out"
        )
    own = names_of(output)
    if spec.select.removeprefix("val_") in ("accuracy", "loss", *own):
        return
    others = [name for name in SELECTIONS if name.removeprefix("val_") in ("accuracy", "loss", *own)]
    two = spec.select.removeprefix("val_") in OF_TWO_CLASSES and not several
    of = "of two classes" if two else "of several labels a text" if not several else "of one class a text"
    has = "several labels a text" if several else str(2 if not output.shape else output.units)
    raise DataError(
        f"{said} is {spec.select}, which is {of}; {spec.dataset} has {has}: give {', '.join(others[:-1])} or "
        f"{others[-1]}"
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
