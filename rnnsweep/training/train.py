"""Training of one spec, from its first epoch or from a checkpoint, to the same numbers."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsweep.data import Dataset, Reviews, encode, split
from rnnsweep.data.bigrams import commonest_bigrams
from rnnsweep.data.reviews import Vectors
from rnnsweep.data.split import shared_with_training
from rnnsweep.data.vectors import vectors_of
from rnnsweep.machine.device import device_kind, keras, peak_gpu_memory_mb, reset_peak_gpu_memory
from rnnsweep.machine.memory import peak_memory_mb, reset_peak_memory
from rnnsweep.machine.software import blas_text, processor, revision, versions
from rnnsweep.network.model import build, summary, weights_to_bytes
from rnnsweep.network.output import Output, output_of
from rnnsweep.network.tables import begin_with, begin_with_bigrams
from rnnsweep.spec import Spec
from rnnsweep.training.engines import Engine, KerasEngine, engine_class
from rnnsweep.training.measures import check_selection, measures, weights_of_classes, without_copies
from rnnsweep.training.optimizer import keras_optimizer
from rnnsweep.training.result import Epoch, Result, accuracy_columns, best_epoch, ended
from rnnsweep.training.schedule import rates
from rnnsweep.types import FORMAT, Arrays, Floats, Row, Tokens


def train(
    spec: Spec,
    dataset: Dataset,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    state: Arrays | None = None,
    engine: str = "auto",
) -> Result:
    """Train a spec and evaluate it on the test set; `state`, from an earlier `Epoch`, goes on where that one was made.

    `engine` is `packed` (padding computed once, CPU), `keras` (the Keras layers), or `auto`: packed where it can be.
    Ends with status `diverged` at the first loss that is not finite. Raises `DataError` if the reviews are too few, or
    of too many classes for `select`, and `ValueError` on another engine, or on packed for a spec that it does not
    compute.
    """
    reset_peak_memory()
    output = output_of(len(dataset.classes), dataset.multilabel)
    check_selection(spec, output)
    parts = split(spec, dataset)
    train, validation = _encoded(spec, parts.train), _encoded(spec, parts.validation)
    training = _Training(spec, engine, output, train, vectors_of(spec, dataset))
    if state is not None:
        training.restore(state)
    diverged = not _finite_epochs(training, train, validation, on_epoch)
    facts = _facts(training, dataset) | {
        "train_reviews": len(parts.train),
        "validation_reviews": len(parts.validation),
        "test_reviews": len(parts.test),
    }
    if diverged:
        epoch = len(training.rows) + 1
        facts |= {"status": "diverged", "error": f"the loss is not finite in epoch {epoch}"}
        return Result(facts | accuracy_columns(training.rows, spec.select), b"", b"", {})
    return _evaluated(training, validation, parts.test, shared_with_training(spec, dataset), facts)


@dataclass(frozen=True)
class _Encoded:
    """Reviews as the network reads them."""

    ids: Tokens  # [reviews, max_len]
    labels: NDArray[Any]  # [reviews], classes, or of several labels [reviews, labels]


def _encoded(spec: Spec, reviews: Reviews) -> _Encoded:
    return _Encoded(encode(reviews, spec.num_words, spec.max_len), reviews.labels)


class _Training:
    """A model being trained: its variables, its optimizer's, the rows so far and the best epoch's weights."""

    def __init__(
        self, spec: Spec, engine: str, output: Output, reviews: _Encoded, vectors: Vectors | None = None
    ) -> None:
        """Build a network that begins with these vectors and ends in this output, for these training reviews."""
        keras.utils.clear_session(free_memory=False)  # a reused process must begin each trial like a fresh one
        self.spec, self.output = spec, output
        self.model = build(spec, output)
        if vectors is not None:
            begin_with(self.model, vectors.ids, vectors.values, spec.num_words)
        if spec.bigrams:
            begin_with_bigrams(self.model, commonest_bigrams(reviews.ids, spec.bigrams))
        self.class_weights = weights_of_classes(spec, reviews.labels, output.units if output.shape else 2)
        optimizer = keras_optimizer(spec)
        optimizer.build(self.model.trainable_variables)
        device = device_kind()
        kind = engine_class(engine, spec, device)
        self.device = device if kind is KerasEngine else "cpu"
        reset_peak_gpu_memory(self.device)
        self.engine: Engine = kind(spec, self.model, optimizer, output)
        self.variables = [*self.model.variables, *optimizer.variables]
        self._rate = math.nan  # that the engine was told last in this epoch
        self.rows: list[Row] = []
        self.best: list[NDArray[Any]] = []
        self._mean: list[NDArray[Any]] = []  # of the weights after the epochs that are averaged
        self._unaveraged: list[NDArray[Any]] | None = None  # that training goes on from, while the model has the mean
        self.predicted: Floats | None = None  # of the validation reviews by the last epoch's weights
        self.best_predicted: Floats | None = None  # by the best epoch's, None where another process ran it

    @property
    def best_epoch(self) -> int:
        """The number of the best epoch so far."""
        return best_epoch(self.rows, self.spec.select)

    def start_epoch(self, epoch: int) -> None:
        """Prepare for an epoch, counted from 1."""
        self.engine.start_epoch(epoch)
        self._rate = math.nan  # what the engine knows came from variables, maybe of a checkpoint

    def step(self, reviews: _Encoded, batch: NDArray[np.int64], rate: float) -> tuple[float, float]:
        """Take one training step on these of the reviews at this rate; returns the batch's loss and accuracy."""
        if rate != self._rate:
            self.engine.set_rate(rate)
            self._rate = rate
        ids, labels = reviews.ids[batch], reviews.labels[batch]
        return self.engine.step(ids, labels, None if self.class_weights is None else self.class_weights[labels])

    def add(self, row: Row) -> None:
        """Take up an epoch that has run, and its weights where it is the best so far."""
        self.rows.append(row)
        if self.best_epoch == len(self.rows):
            self.best = [np.array(weight) for weight in self.model.get_weights()]
            self.best_predicted = self.predicted

    def average(self, epoch: int) -> None:
        """Give the model the mean of its weights after the epochs that are averaged up to this one, if it is such one.

        Averaging along the path of training: Polyak and Juditsky 1992; Izmailov and others 2018.
        """
        before = epoch - 1 - (self.spec.full_epochs - self.spec.average_epochs)  # epochs in the mean already
        if before < 0:
            return
        weights = [np.array(weight) for weight in self.model.get_weights()]
        pairs = zip(self._mean if before else weights, weights, strict=True)
        self._mean = [mean + (weight - mean) / np.float32(before + 1) for mean, weight in pairs]
        self.model.set_weights(self._mean)
        self._unaveraged = weights if epoch < self.spec.epochs else None

    def go_on(self) -> None:
        """Give the model the weights that the next epoch begins with, where it has the mean."""
        if self._unaveraged is not None:
            self.model.set_weights(self._unaveraged)
            self._unaveraged = None

    def validation_predictions(self, validation: _Encoded) -> Floats:
        """Return what the best weights, which the model has now, predict of the validation reviews."""
        return self.engine.predict(validation.ids) if self.best_predicted is None else self.best_predicted

    def state(self) -> Arrays:
        """Return all that training goes on from, as arrays by name."""
        arrays = {f"variable{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(self.variables)}
        arrays |= {f"best{i}": weight for i, weight in enumerate(self.best)}
        arrays |= {f"mean{i}": weight for i, weight in enumerate(self._mean)}
        return arrays | {"rows": np.frombuffer(json.dumps(self.rows).encode(), np.uint8)}

    def restore(self, state: Arrays) -> None:
        """Take up what `state` returned."""
        for i, variable in enumerate(self.variables):
            variable.assign(state[f"variable{i}"])
        self.best = [state[f"best{i}"] for i in range(len(self.model.weights))]
        self._mean = [state[f"mean{i}"] for i in range(len(self.best)) if f"mean{i}" in state]
        self.rows = json.loads(state["rows"].tobytes())


def _finite_epochs(
    training: _Training, train: _Encoded, validation: _Encoded, on_epoch: Callable[[Epoch], None]
) -> bool:
    """Run the epochs that are missing; returns whether all of their losses are finite, and stops where one is not."""
    while not ended(training.spec, training.rows):
        row = _one_epoch(training, train, validation)
        if not math.isfinite(row["loss"] + row.get("val_loss", 0.0)):
            return False
        training.add(row)
        training.go_on()
        on_epoch(Epoch(training.rows, training.state))
    return True


def _one_epoch(training: _Training, train: _Encoded, validation: _Encoded) -> Row:
    wall, cpu = time.perf_counter(), time.process_time()
    epoch = len(training.rows) + 1
    training.start_epoch(epoch)
    losses, accuracies, sizes = [], [], []
    batches = list(_batches(training.spec, len(train.ids), epoch))
    for batch, rate in zip(batches, rates(training.spec, training.rows, len(batches)), strict=True):
        loss, accuracy = training.step(train, batch, rate)
        losses.append(loss)
        accuracies.append(accuracy)
        sizes.append(len(batch))
        if not math.isfinite(loss):
            return {"loss": loss}
    training.engine.end_epoch()
    training.average(epoch)
    row = {
        "epoch": epoch,
        "loss": float(np.average(losses, weights=sizes)),
        "accuracy": float(np.average(accuracies, weights=sizes)),
    }
    if len(validation.ids):
        training.predicted = training.engine.predict(validation.ids)
        row["val_loss"], row["val_accuracy"] = training.output.metrics(training.predicted, validation.labels)
    row |= {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    return row | _selected(training, validation.labels, row)


def _selected(training: _Training, labels: NDArray[Any], row: Row) -> Row:
    """Return what the best epoch is chosen by, where the row does not have it and there are reviews to choose by."""
    select = training.spec.select
    if select in row or training.predicted is None:
        return {}
    return {select: measures(training.output, training.predicted, labels)[select.removeprefix("val_")]}


def _batches(spec: Spec, reviews: int, epoch: int) -> Iterator[NDArray[np.int64]]:
    # The order depends on seed and epoch alone, so that a resumed trial needs no random state to see the same batches.
    order = np.random.default_rng((spec.seed, epoch)).permutation(reviews)
    end = reviews - reviews % spec.batch_size if spec.drop_remainder else reviews
    for start in range(0, end, spec.batch_size):
        yield order[start : start + spec.batch_size]


def _evaluated(
    training: _Training, validation: _Encoded, reviews: Reviews, shared: NDArray[np.bool_], facts: Row
) -> Result:
    """Return the result of a training that has ended: last and best weights, and what each predicts of the test set.

    `shared`, bool [test reviews], is true for copies of training reviews.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    output, test = training.output, _encoded(training.spec, reviews)
    last_weights, last = weights_to_bytes(training.model), training.engine.predict(test.ids)
    best_weights, best = last_weights, last
    if training.best_epoch < len(training.rows):
        training.model.set_weights(training.best)
        best_weights, best = weights_to_bytes(training.model), training.engine.predict(test.ids)
    row = facts | {"status": "finished"} | accuracy_columns(training.rows, training.spec.select)
    row["test_loss"], row["test_accuracy"] = output.metrics(best, test.labels)
    row["last_test_loss"], row["last_test_accuracy"] = output.metrics(last, test.labels)
    row["seconds"] += time.perf_counter() - wall
    row["cpu_seconds"] += time.process_time() - cpu
    row["peak_memory_mb"] = peak_memory_mb()
    row["peak_gpu_memory_mb"] = peak_gpu_memory_mb(training.device)
    predictions: Arrays = {"label": test.labels, "best": output.half_precision(best)}
    predictions["last"] = output.half_precision(last)
    said = [("test", best, test.labels)]
    if len(validation.ids):
        validated = training.validation_predictions(validation)
        predictions |= {"validation": output.half_precision(validated), "validation_label": validation.labels}
        said.insert(0, ("val", validated, validation.labels))
    # Behind the clock and the memory, which are of the network and not of scikit-learn.
    for part, found, labels in said:
        row |= {f"{part}_{name}": value for name, value in measures(output, found, labels).items()}
    row |= without_copies(output, best, test.labels, shared)
    return Result(row, best_weights, last_weights, predictions)


def _facts(training: _Training, dataset: Dataset) -> Row:
    return {
        "format": FORMAT,
        "params": training.model.count_params(),
        "layers": summary(training.model),
        "path": training.engine.name,
        "device": training.device,
        "classes": "/".join(dataset.classes),
        "class_names": list(dataset.classes),
        **({"multilabel": True} if dataset.multilabel else {}),
        "real_data": dataset.real,
        "seconds": sum(row["seconds"] for row in training.rows),
        "cpu_seconds": sum(row["cpu_seconds"] for row in training.rows),
        "peak_memory_mb": peak_memory_mb(),
        "peak_gpu_memory_mb": None,
        "revision": revision(),
        "versions": versions(),
        "blas": blas_text(),
        "processor": processor(),
    }
