"""What has to be said to, or asked of, each of Keras's backends in its own words: threads, GPUs.

The only place that knows backends apart. One that is not in the table computes on what it finds, and says nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from rnnsweep.machine.gpu import fraction, installed, memory_limit_mb, smallest_mb
from rnnsweep.machine.imports import without
from rnnsweep.machine.keras_backend import USUAL, backend_name
from rnnsweep.machine.quiet import quiet

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Keras and TensorFlow import these, where they are installed, for pictures, scikit-learn's interface and Google's TPUs,
# and TensorFlow JAX, to convert its networks: a third of their start. Other backends may need JAX.
_UNUSED = ["matplotlib", "sklearn", "IPython", "googleapiclient", "oauth2client"]
if backend_name() == USUAL:
    _UNUSED.append("jax")
with quiet(), without(*_UNUSED):  # TensorFlow writes before its own log level counts
    import keras as keras

# A file in the user's folder (keras.json) may say otherwise, and would give other numbers under the same key.
keras.config.set_floatx("float32")
keras.config.set_dtype_policy("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_image_data_format("channels_last")


class _Backend:
    """What is done and answered where nothing is known of a backend; the functions below say what each is for."""

    jit_compile: bool | str = "auto"

    def keep_float32(self) -> None: ...

    def use_cores(self, cores: int, gpu_share: float | None) -> None: ...

    def device_kind(self) -> str:
        return "cpu"

    def reset_peak_gpu_memory(self) -> None: ...

    def peak_gpu_memory_mb(self) -> float | None:
        return None

    def make_gradients_dense(self, optimizer: keras.optimizers.Optimizer) -> None: ...


class _TensorFlow(_Backend):
    jit_compile = False  # XLA makes recurrences several times slower on a CPU and hides cuDNN's on a GPU

    def keep_float32(self) -> None:
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(False)

    def use_cores(self, cores: int, gpu_share: float | None) -> None:
        import tensorflow as tf

        try:
            tf.config.threading.set_intra_op_parallelism_threads(cores)
            tf.config.threading.set_inter_op_parallelism_threads(1)
            for device in tf.config.list_physical_devices("GPU"):
                _limit_tensorflow(device, gpu_share)
        except RuntimeError:  # already running: a reused worker, or a caller who made the choice
            return

    def device_kind(self) -> str:
        import tensorflow as tf

        return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"

    def reset_peak_gpu_memory(self) -> None:
        import tensorflow as tf

        tf.config.experimental.reset_memory_stats("GPU:0")

    def peak_gpu_memory_mb(self) -> float:
        import tensorflow as tf

        return float(tf.config.experimental.get_memory_info("GPU:0")["peak"]) / 2**20

    def make_gradients_dense(self, optimizer: keras.optimizers.Optimizer) -> None:
        import tensorflow as tf

        apply = optimizer.apply
        optimizer.apply = lambda gradients, variables=None: apply(
            [tf.convert_to_tensor(gradient) for gradient in gradients], variables
        )


def _limit_tensorflow(device: Any, share: float | None) -> None:
    import tensorflow as tf

    total = smallest_mb(installed()) if share and share < 1 else None
    if share and total:
        limit = tf.config.LogicalDeviceConfiguration(memory_limit=memory_limit_mb(total, share))
        tf.config.set_logical_device_configuration(device, [limit])
    else:
        tf.config.experimental.set_memory_growth(device, True)


class _Torch(_Backend):
    def keep_float32(self) -> None:
        import torch

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False

    def use_cores(self, cores: int, gpu_share: float | None) -> None:
        import torch

        torch.set_num_threads(cores)
        if gpu_share and gpu_share < 1 and torch.cuda.is_available():
            total = torch.cuda.get_device_properties(0).total_memory / 2**20
            torch.cuda.set_per_process_memory_fraction(fraction(total, gpu_share))

    def device_kind(self) -> str:
        import torch

        return "gpu" if torch.cuda.is_available() else "cpu"

    def reset_peak_gpu_memory(self) -> None:
        import torch

        torch.cuda.reset_peak_memory_stats()

    def peak_gpu_memory_mb(self) -> float:
        import torch

        return float(torch.cuda.max_memory_allocated()) / 2**20


class _Jax(_Backend):  # its share of a GPU is said by its environment, before it is imported
    def keep_float32(self) -> None:
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")

    def device_kind(self) -> str:
        import jax

        return str(jax.default_backend())

    def peak_gpu_memory_mb(self) -> float:
        import jax

        return float(jax.devices()[0].memory_stats()["peak_bytes_in_use"]) / 2**20


_BACKENDS: dict[str, _Backend] = {"tensorflow": _TensorFlow(), "torch": _Torch(), "jax": _Jax()}


def _backend() -> _Backend:
    return _BACKENDS.get(keras.backend.backend(), _Backend())


# A GPU would round the factors of products to 10 bits, TensorFloat-32: a float32 in name alone.
_backend().keep_float32()

_CORES: list[Callable[[], int]] = [lambda: 1]  # says how many this process keeps to


def use_cores(cores: int | Callable[[], int], gpu_share: float | None = None) -> None:
    """Keep this process to a number of cores and a share of its GPU, before any layer is built.

    A function says anew, whenever it is asked, how many cores the packed network may use; Keras's own layers, whose
    last digits depend on the number, keep to one then. Without a share, or where a GPU does not say how large it is,
    TensorFlow takes the GPU memory it needs.
    """
    fixed = 1 if callable(cores) else cores
    _CORES[0] = cores if callable(cores) else lambda: fixed
    _backend().use_cores(fixed, gpu_share)


def cores_in_use() -> int:
    """Return the number of cores that this process keeps to now, 1 before it was told."""
    return _CORES[0]()


def device_kind() -> str:
    """Return `cpu`, or the kind of device Keras's backend would compute on."""
    return _backend().device_kind()


def reset_peak_gpu_memory(device: str) -> None:
    """Begin the peak of the GPU's memory anew; nothing on another device, or on JAX."""
    if device == "gpu":
        _backend().reset_peak_gpu_memory()


def peak_gpu_memory_mb(device: str) -> float | None:
    """Return the MB of arrays that the trial held on its GPU at most (JAX: the process, since it began); else None."""
    return _backend().peak_gpu_memory_mb() if device == "gpu" else None


def jit_compile() -> bool | str:
    """Return what `model.compile` is told of compiling: nothing on TensorFlow, elsewhere as Keras thinks best."""
    return _backend().jit_compile


def make_gradients_dense(optimizer: keras.optimizers.Optimizer) -> None:
    """Have the optimizer add up an embedding's gradient per row, as other backends and the packed engine do.

    On TensorFlow, Keras 3 squares the pieces of a sparse gradient before it adds them up, so that a word that stands
    in a batch twice changes Adam's second moment in another way: docs/decisions/embedding-gradient.md.
    """
    _backend().make_gradients_dense(optimizer)
