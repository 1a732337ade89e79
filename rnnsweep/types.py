"""The shapes of values that pass between rooms, each named once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NotRequired, Required, TypedDict

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int32]
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]
Predictions = Callable[[str], Mapping[str, NDArray[Any]] | None]  # of a trial, by its key
Row = dict[str, Any]  # what is known of an epoch or a trial, by name


# Of records; raised where an older program would read a new one wrongly, which it refuses then. A record without is 1.
FORMAT = 1


class EpochRow(TypedDict):
    """What a record holds of an epoch: a line of epochs.jsonl."""

    epoch: int  # from 1
    loss: float  # mean over the training reviews, each at its own step's weights
    accuracy: float  # the same
    val_loss: NotRequired[float]  # after the epoch's last step; neither where nothing is held out
    val_accuracy: NotRequired[float]
    seconds: float  # training and validation, by the clock
    cpu_seconds: float  # the same, of all of the process's threads
    val_micro_f1: NotRequired[float]  # this one and those below where the best epoch is chosen by it
    val_macro_f1: NotRequired[float]
    val_balanced_accuracy: NotRequired[float]
    val_auroc: NotRequired[float]
    val_average_precision: NotRequired[float]


class ResultRow(TypedDict, total=False):
    """What a record holds of an ended trial: its result.json.

    How a trial ended is always there. A diverged one has no test set's numbers, a failed one only its error, and a
    number that is not finite is null. Accuracies and losses are those of the best epoch, and behind `last_` those of
    the last one.
    """

    status: Required[str]  # finished or diverged; of a trial that left no result: failed or pruned
    format: int  # `FORMAT`
    error: str  # one line, where it did not finish
    params: int
    layers: list[Row]  # name, type, output_shape and params of each
    path: str  # the engine: packed or keras
    device: str  # cpu or gpu
    classes: str  # the names of the classes from 0 on, strokes between them
    class_names: list[str]  # the same, apart; an older record has none
    multilabel: bool  # where a text may have several of them
    real_data: bool
    train_reviews: int
    validation_reviews: int
    test_reviews: int
    best_epoch: int  # from 1
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    test_loss: float
    test_accuracy: float
    val_micro_f1: float  # this one and those below of the best epoch alone; of several labels a text only
    val_macro_f1: float  # an older record has none
    val_balanced_accuracy: float  # not of several labels a text
    val_auroc: float  # of two classes only
    val_average_precision: float  # of two classes, or of several labels a text their mean
    test_micro_f1: float
    test_macro_f1: float
    test_balanced_accuracy: float
    test_auroc: float
    test_average_precision: float
    test_shared: int  # test reviews that are copies of a training review
    test_accuracy_distinct: float  # of the best epoch, without those
    last_train_loss: float
    last_train_accuracy: float
    last_val_loss: float
    last_val_accuracy: float
    last_test_loss: float
    last_test_accuracy: float
    seconds: float  # of all epochs and the test set, by the clock
    cpu_seconds: float  # the same, of all of the process's threads
    peak_memory_mb: float
    peak_gpu_memory_mb: float | None  # None on a CPU
    revision: str  # of the code, as git describes it
    versions: dict[str, str]  # of Python and the libraries
    blas: str  # library, version and kernel that computed the products
    processor: str  # as it names itself; an older record has none
