"""Training of one spec, from its first epoch or from a checkpoint, to the same numbers."""

from __future__ import annotations

import json
import math
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rnnsweep.data import Dataset, encode, split
from rnnsweep.estimate import PREDICT_BATCH
from rnnsweep.model import build, summary, weights_to_bytes
from rnnsweep.recurrence import Network, supports
from rnnsweep.spec import Spec
from rnnsweep.versions import revision, versions

import keras  # isort: skip  (after model, which keeps TensorFlow's first lines off the display)

Arrays = dict[str, NDArray[Any]]
Tokens = NDArray[np.int32]
Floats = NDArray[np.float32]
Row = dict[str, Any]


@dataclass(frozen=True)
class Epoch:
    """What `on_epoch` is told: the rows of all epochs so far, and how to get the arrays that training goes on from."""

    rows: list[Row]
    state: Callable[[], Arrays]


@dataclass(frozen=True)
class Result:
    """A trained spec: its flat row, both sets of weights as Keras `.weights.h5` bytes, the test set's predictions."""

    row: Row
    best_weights: bytes
    last_weights: bytes
    predictions: Arrays


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
    _reset_peak_memory()
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
        return Result(facts | _accuracies(training.rows), b"", b"", {})
    return _evaluated(training, parts.test, facts)


def binary_metrics(probabilities: Floats, labels: NDArray[np.uint8]) -> tuple[float, float]:
    """Return mean binary cross-entropy and accuracy of float32 [reviews] against 0/1 [reviews], as Keras defines them.

    Probabilities are clipped to [1e-7, 1 - 1e-7], Keras's epsilon; above 0.5 counts as class 1.
    """
    clipped = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    loss = -np.where(labels == 1, np.log(clipped), np.log1p(-clipped)).mean()
    return float(loss), float(((probabilities > 0.5) == (labels == 1)).mean())


def best_epoch(rows: list[Row]) -> int:
    """Return the number of the epoch with the best validation accuracy, the first of equals: the selection rule."""
    return 1 + int(np.argmax([row["val_accuracy"] for row in rows]))


class _Path(Protocol):
    """One way to compute a network: a training step, and the probabilities of many reviews."""

    name: str

    def start_epoch(self, epoch: int) -> None: ...

    def step(self, ids: Tokens, labels: NDArray[np.uint8]) -> tuple[float, float]: ...

    def predict(self, ids: Tokens) -> Floats: ...


class _KerasPath:
    """The Keras layers, on whatever backend and device Keras runs on."""

    name = "keras"

    def __init__(self, model: keras.Sequential, optimizer: keras.optimizers.Optimizer) -> None:
        # XLA makes recurrences several times slower on a CPU and hides cuDNN's on a GPU; JAX has nothing else.
        jit = False if keras.backend.backend() == "tensorflow" else "auto"
        _make_gradients_dense(optimizer)
        model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"], jit_compile=jit)
        self._model = model

    def start_epoch(self, epoch: int) -> None:
        """Nothing: the dropout's random state is a variable of the model."""

    def step(self, ids: Tokens, labels: NDArray[np.uint8]) -> tuple[float, float]:
        # One call per batch, without tf.data, whose autotuner can stall at the end of an epoch for seconds.
        loss, accuracy = self._model.train_on_batch(ids, labels.astype(np.float32))
        return float(loss), float(accuracy)

    def predict(self, ids: Tokens) -> Floats:
        # In full batches, so that nothing is traced again for the last one.
        whole = -len(ids) % PREDICT_BATCH if len(ids) > PREDICT_BATCH else 0
        padded = np.pad(ids, ((0, whole), (0, 0)))
        batches = [
            self._model.predict_on_batch(padded[i : i + PREDICT_BATCH]) for i in range(0, len(padded), PREDICT_BATCH)
        ]
        return np.concatenate(batches)[: len(ids), 0].astype(np.float32)


def _make_gradients_dense(optimizer: keras.optimizers.Optimizer) -> None:
    """Have the optimizer add up an embedding's gradient per row, as other backends and the packed path do.

    On TensorFlow, Keras 3 squares the pieces of a sparse gradient before it adds them up, so that a word that stands
    in a batch twice changes Adam's second moment in another way: docs/decisions/embedding-gradient.md.
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    apply = optimizer.apply
    optimizer.apply = lambda gradients, variables=None: apply(
        [tf.convert_to_tensor(gradient) for gradient in gradients], variables
    )


def _compiled(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the function as one TensorFlow graph: the many small operations of an optimizer's step, without Python."""
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    compiled: Callable[[Any], Any] = tf.function(function)
    return compiled


class _PackedPath:
    """The same network with padding computed once per batch; Keras keeps the weights and takes the optimizer's step."""

    name = "packed"

    def __init__(self, spec: Spec, model: keras.Sequential, optimizer: keras.optimizers.Optimizer) -> None:
        self._spec, self._model = spec, model
        self._apply = _compiled(lambda gradients: optimizer.apply(gradients, model.trainable_variables))
        self._network = Network(spec)
        self._random = np.random.default_rng()

    def start_epoch(self, epoch: int) -> None:
        self._random = np.random.default_rng((self._spec.seed, epoch, 1))

    def step(self, ids: Tokens, labels: NDArray[np.uint8]) -> tuple[float, float]:
        with np.errstate(all="ignore"):  # a loss that is not finite is the caller's to see
            loss, probabilities, gradients = self._network.loss_and_gradients(
                self._weights(), ids, labels, self._dropout(len(ids))
            )
        if math.isfinite(loss):
            self._apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients])
        return float(loss), float(((probabilities > 0.5) == (labels == 1)).mean())

    def predict(self, ids: Tokens) -> Floats:
        return self._network.predict(self._weights(), ids)

    def _weights(self) -> list[Floats]:
        return [keras.ops.convert_to_numpy(variable) for variable in self._model.trainable_variables]

    def _dropout(self, reviews: int) -> Floats | None:
        rate = self._spec.dropout
        if not rate:
            return None
        kept = self._random.random((reviews, self._spec.units[-1]), dtype=np.float32) >= rate
        return kept.astype(np.float32) / np.float32(1 - rate)


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
        self.device = _device()
        _reset_peak_gpu_memory(self.device)
        packed = path == "packed" or (path == "auto" and self.device == "cpu" and supports(spec))
        self.path: _Path = _PackedPath(spec, self.model, optimizer) if packed else _KerasPath(self.model, optimizer)
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
    row = facts | {"status": "finished"} | _accuracies(training.rows)
    row["test_loss"], row["test_accuracy"] = binary_metrics(best, test.labels)
    row["last_test_loss"], row["last_test_accuracy"] = binary_metrics(last, test.labels)
    row["seconds"] += time.perf_counter() - wall
    row["cpu_seconds"] += time.process_time() - cpu
    row["peak_memory_mb"] = _peak_memory_mb()
    row["peak_gpu_memory_mb"] = _peak_gpu_memory_mb(training.device)
    predictions = {"label": test.labels, "best": _half(best), "last": _half(last)}
    return Result(row, best_weights, last_weights, predictions)


def _accuracies(rows: list[Row]) -> Row:
    if not rows:
        return {}
    best = best_epoch(rows)
    found = {"best_epoch": best}
    for prefix, row in (("", rows[best - 1]), ("last_", rows[-1])):
        found |= {f"{prefix}train_loss": row["loss"], f"{prefix}train_accuracy": row["accuracy"]}
        found |= {f"{prefix}val_loss": row["val_loss"], f"{prefix}val_accuracy": row["val_accuracy"]}
    return found


def _half(probabilities: Floats) -> NDArray[np.float16]:
    half = probabilities.astype(np.float16)
    half[(probabilities > 0.5) & (half <= 0.5)] = np.nextafter(np.float16(0.5), np.float16(1))  # keep its side
    return half


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
        "peak_memory_mb": _peak_memory_mb(),
        "peak_gpu_memory_mb": None,
        "revision": revision(),
        "versions": versions(),
    }


def _device() -> str:
    """Return `cpu`, or the kind of device Keras's backend would compute on."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"
    if backend == "torch":
        import torch

        return "gpu" if torch.cuda.is_available() else "cpu"
    if backend == "jax":
        import jax

        return str(jax.default_backend())
    return "cpu"


def _reset_peak_memory() -> None:
    with suppress(OSError):  # Linux only; elsewhere the peak is that of the whole process
        Path("/proc/self/clear_refs").write_text("5")


def _peak_memory_mb() -> float:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _reset_peak_gpu_memory(device: str) -> None:
    if device != "gpu":
        return
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.reset_memory_stats("GPU:0")
    elif keras.backend.backend() == "torch":
        import torch

        torch.cuda.reset_peak_memory_stats()


def _peak_gpu_memory_mb(device: str) -> float | None:
    """Return the MB of arrays that the trial held on its GPU at most (JAX: the process, since it began); else None."""
    if device != "gpu":
        return None
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return float(tf.config.experimental.get_memory_info("GPU:0")["peak"]) / 2**20
    if keras.backend.backend() == "torch":
        import torch

        return float(torch.cuda.max_memory_allocated()) / 2**20
    import jax

    return float(jax.devices()[0].memory_stats()["peak_bytes_in_use"]) / 2**20
