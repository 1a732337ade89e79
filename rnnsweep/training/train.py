"""Training of one spec, from its first epoch or from a checkpoint, to the same numbers."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsweep.data import Dataset, encode, split
from rnnsweep.machine.device import (
    device_kind,
    keras,
    peak_gpu_memory_mb,
    peak_memory_mb,
    reset_peak_gpu_memory,
    reset_peak_memory,
)
from rnnsweep.machine.software import revision, versions
from rnnsweep.network.model import build, summary, weights_to_bytes
from rnnsweep.network.output import binary_metrics, half_precision
from rnnsweep.network.packed.network import supports
from rnnsweep.spec import Spec
from rnnsweep.training.engines import Engine, KerasEngine, PackedEngine
from rnnsweep.training.result import Epoch, Result, accuracy_columns, best_epoch
from rnnsweep.types import Arrays, Row, Tokens


def train(
    spec: Spec,
    dataset: Dataset,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    state: Arrays | None = None,
    path: str = "auto",
) -> Result:
    """Train a spec and evaluate it on the test set; `state`, from an earlier `Epoch`, goes on where that one was made.

    `path` is `packed` (padding computed once, CPU), `keras` (the Keras layers), or `auto`: packed where it can be.
    Ends with status `diverged` at the first loss that is not finite. Raises `DataError` if the reviews are too few.
    """
    reset_peak_memory()
    parts = split(spec, dataset)
    ids, validation_ids = (encode(part, spec.num_words, spec.max_len) for part in (parts.train, parts.validation))
    training = _Training(spec, path)
    if state is not None:
        training.restore(state)
    diverged = False
    while len(training.rows) < spec.epochs and not diverged:
        row = _one_epoch(training, ids, parts.train.labels, validation_ids, parts.validation.labels)
        diverged = not math.isfinite(row["loss"] + row["val_loss"])
        if not diverged:
            training.add(row)
            on_epoch(Epoch(training.rows, training.state))
    facts = _facts(training, dataset) | {
        "train_reviews": len(parts.train),
        "validation_reviews": len(parts.validation),
        "test_reviews": len(parts.test),
    }
    if diverged:
        epoch = len(training.rows) + 1
        facts |= {"status": "diverged", "error": f"{spec.key}: the loss is not finite in epoch {epoch}"}
        return Result(facts | accuracy_columns(training.rows), b"", b"", {})
    return _evaluated(training, parts.test, facts)


class _Training:
    """A model being trained: its variables, its optimizer's, the rows so far and the best epoch's weights."""

    def __init__(self, spec: Spec, path: str) -> None:
        keras.utils.clear_session(free_memory=False)  # a reused process must begin each trial like a fresh one
        self.spec = spec
        self.model = build(spec)
        self.layers = summary(self.model)
        self.params = self.model.count_params()
        optimizer = keras.optimizers.get(
            {"class_name": spec.optimizer, "config": {"learning_rate": spec.learning_rate}}
        )
        optimizer.build(self.model.trainable_variables)
        self.device = device_kind()
        reset_peak_gpu_memory(self.device)
        packed = path == "packed" or (path == "auto" and self.device == "cpu" and supports(spec))
        self.path: Engine = PackedEngine(spec, self.model, optimizer) if packed else KerasEngine(self.model, optimizer)
        self.variables = [*self.model.variables, *optimizer.variables]
        self.rows: list[Row] = []
        self.best: list[NDArray[Any]] = []

    def add(self, row: Row) -> None:
        self.rows.append(row)
        if best_epoch(self.rows) == len(self.rows):
            self.best = [np.array(weight) for weight in self.model.get_weights()]

    def state(self) -> Arrays:
        arrays = {f"variable{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(self.variables)}
        arrays |= {f"best{i}": weight for i, weight in enumerate(self.best)}
        return arrays | {"rows": np.frombuffer(json.dumps(self.rows).encode(), np.uint8)}

    def restore(self, state: Arrays) -> None:
        for i, variable in enumerate(self.variables):
            variable.assign(state[f"variable{i}"])
        self.best = [state[f"best{i}"] for i in range(len(self.model.weights))]
        self.rows = json.loads(state["rows"].tobytes())


def _one_epoch(
    training: _Training,
    ids: Tokens,
    labels: NDArray[np.uint8],
    validation_ids: Tokens,
    validation_labels: NDArray[np.uint8],
) -> Row:
    wall, cpu = time.perf_counter(), time.process_time()
    epoch = len(training.rows) + 1
    training.path.start_epoch(epoch)
    losses, accuracies, sizes = [], [], []
    for batch in _batches(training.spec, len(ids), epoch):
        loss, accuracy = training.path.step(ids[batch], labels[batch])
        losses.append(loss)
        accuracies.append(accuracy)
        sizes.append(len(batch))
        if not math.isfinite(loss):
            return {"loss": loss, "val_loss": math.nan}
    row = {
        "epoch": epoch,
        "loss": float(np.average(losses, weights=sizes)),
        "accuracy": float(np.average(accuracies, weights=sizes)),
    }
    row["val_loss"], row["val_accuracy"] = binary_metrics(training.path.predict(validation_ids), validation_labels)
    return row | {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}


def _batches(spec: Spec, reviews: int, epoch: int) -> Iterator[NDArray[np.int64]]:
    # The order depends on seed and epoch alone, so that a resumed trial needs no random state to see the same batches.
    order = np.random.default_rng((spec.seed, epoch)).permutation(reviews)
    end = reviews - reviews % spec.batch_size if spec.drop_remainder else reviews
    for start in range(0, end, spec.batch_size):
        yield order[start : start + spec.batch_size]


def _evaluated(training: _Training, test: Any, facts: Row) -> Result:
    wall, cpu = time.perf_counter(), time.process_time()
    spec = training.spec
    ids = encode(test, spec.num_words, spec.max_len)
    last_weights = weights_to_bytes(training.model)
    last = training.path.predict(ids)
    best, best_weights = last, last_weights
    if best_epoch(training.rows) < len(training.rows):
        training.model.set_weights(training.best)
        best_weights = weights_to_bytes(training.model)
        best = training.path.predict(ids)
    row = facts | {"status": "finished"} | accuracy_columns(training.rows)
    row["test_loss"], row["test_accuracy"] = binary_metrics(best, test.labels)
    row["last_test_loss"], row["last_test_accuracy"] = binary_metrics(last, test.labels)
    row["seconds"] += time.perf_counter() - wall
    row["cpu_seconds"] += time.process_time() - cpu
    row["peak_memory_mb"] = peak_memory_mb()
    row["peak_gpu_memory_mb"] = peak_gpu_memory_mb(training.device)
    predictions = {"label": test.labels, "best": half_precision(best), "last": half_precision(last)}
    return Result(row, best_weights, last_weights, predictions)


def _facts(training: _Training, dataset: Dataset) -> Row:
    return {
        "params": training.params,
        "layers": training.layers,
        "path": training.path.name,
        "device": training.device,
        "classes": "/".join(dataset.classes),
        "real_data": dataset.real,
        "seconds": sum(row["seconds"] for row in training.rows),
        "cpu_seconds": sum(row["cpu_seconds"] for row in training.rows),
        "peak_memory_mb": peak_memory_mb(),
        "peak_gpu_memory_mb": None,
        "revision": revision(),
        "versions": versions(),
    }
