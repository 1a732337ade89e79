"""A spec's network, on the Keras 3 API alone: embedding, recurrent layers, pooling, dropout, one sigmoid unit."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnsweep.gpu import installed, memory_limit_mb
from rnnsweep.spec import Spec


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep TensorFlow's start-up lines, written before its own log level counts, off the sweep's display."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with _quiet():
    import keras

RECURRENT = {"simple_rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


def build(spec: Spec) -> keras.Sequential:
    """Return the untrained network: int32 [batch, max_len] -> float32 [batch, 1], the probability of class 1.

    Weights depend on the spec's seed alone; layers are named as Keras names those of a program's first model.
    """
    keras.utils.set_random_seed(spec.seed)
    layers = [
        keras.Input((spec.max_len,), dtype="int32", name="tokens"),
        keras.layers.Embedding(spec.embedding_rows, spec.embedding_dim, mask_zero=spec.mask_padding, name="embedding"),
        *(_recurrent(spec, index) for index in range(spec.depth)),
    ]
    if spec.pooling == "mean":
        layers.append(keras.layers.GlobalAveragePooling1D(name="pooling"))
    elif spec.pooling == "max":
        layers.append(keras.layers.GlobalMaxPooling1D(name="pooling"))
    if spec.dropout:
        layers.append(keras.layers.Dropout(spec.dropout, seed=spec.seed, name="dropout"))
    layers.append(keras.layers.Dense(1, activation="sigmoid", name="dense"))
    return keras.Sequential(layers, name="sequential")


def _recurrent(spec: Spec, index: int) -> keras.layers.Layer:
    last = index == spec.depth - 1
    name = spec.cell if index == 0 else f"{spec.cell}_{index}"
    layer = RECURRENT[spec.cell](spec.units[index], return_sequences=not last or spec.pooling != "last", name=name)
    return keras.layers.Bidirectional(layer, name=f"bidirectional_{name}") if spec.bidirectional else layer


def summary(model: keras.Sequential) -> list[dict[str, Any]]:
    """Return name, type, output_shape (None for the batch) and params of each layer, as Keras's summary prints them."""
    return [
        {
            "name": layer.name,
            "type": type(layer).__name__,
            "output_shape": list(layer.output.shape),
            "params": layer.count_params(),
        }
        for layer in model.layers
    ]


def weights_to_bytes(model: keras.Sequential) -> bytes:
    """Return the weights as the bytes of a Keras `.weights.h5` file, which `model.load_weights` reads."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.weights.h5"
        model.save_weights(file)
        return file.read_bytes()


def use_cores(cores: int, gpu_share: float | None = None) -> None:
    """Keep this process to a number of cores and a share of its GPU, before any layer is built.

    Without a share, or where a GPU does not say how large it is, TensorFlow takes the GPU memory it needs.
    """
    backend = keras.backend.backend()
    if backend == "torch" and gpu_share and gpu_share < 1:
        import torch

        if torch.cuda.is_available():
            torch.cuda.set_per_process_memory_fraction(gpu_share)
    if backend != "tensorflow":  # JAX was told by its environment, before it was imported
        return
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(cores)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        for device in tf.config.list_physical_devices("GPU"):
            _limit_tensorflow(device, gpu_share)
    except RuntimeError:  # already running: a reused worker, or a caller who made the choice
        return


def _limit_tensorflow(device: Any, share: float | None) -> None:
    import tensorflow as tf

    sizes = [memory for _, memory in installed()] if share and share < 1 else []
    if share and sizes:
        limit = tf.config.LogicalDeviceConfiguration(memory_limit=memory_limit_mb(min(sizes), share))
        tf.config.set_logical_device_configuration(device, [limit])
    else:
        tf.config.experimental.set_memory_growth(device, True)
