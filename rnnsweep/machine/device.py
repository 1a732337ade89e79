"""TODO docstring of rnnsweep/machine/device.py."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rnnsweep.machine.gpu import installed, memory_limit_mb


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
    import keras as keras


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


def device_kind() -> str:
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


def reset_peak_memory() -> None:
    with suppress(OSError):  # Linux only; elsewhere the peak is that of the whole process
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mb() -> float:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def reset_peak_gpu_memory(device: str) -> None:
    if device != "gpu":
        return
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.reset_memory_stats("GPU:0")
    elif keras.backend.backend() == "torch":
        import torch

        torch.cuda.reset_peak_memory_stats()


def peak_gpu_memory_mb(device: str) -> float | None:
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
