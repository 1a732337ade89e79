"""The shapes of values that pass between rooms, each named once."""

from __future__ import annotations

from typing import Any, Required, TypedDict

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int32]
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]
Row = dict[str, Any]  # what is known of an epoch or a trial, by name


class EpochRow(TypedDict):
    """What a record holds of an epoch: a line of epochs.jsonl."""

    epoch: int  # from 1
    loss: float  # mean over the training reviews, each at its own step's weights
    accuracy: float  # the same
    val_loss: float  # after the epoch's last step
    val_accuracy: float
    seconds: float  # training and validation, by the clock
    cpu_seconds: float  # the same, of all of the process's threads


class ResultRow(TypedDict, total=False):
    """What a record holds of an ended trial: its result.json.

    How a trial ended is always there. A diverged one has no test set's numbers, a failed one only its error, and a
    number that is not finite is null. Accuracies and losses are those of the best epoch, and behind `last_` those of
    the last one.
    """

    status: Required[str]  # finished or diverged; of a trial that left no result: failed or pruned
    error: str  # one line, where it did not finish
    params: int
    layers: list[Row]  # name, type, output_shape and params of each
    path: str  # the engine: packed or keras
    device: str  # cpu or gpu
    classes: str  # the names of class 0 and class 1, a stroke between them
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
