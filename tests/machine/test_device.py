"""What each backend of Keras is told and asked, with fakes of those that are not installed."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from rnnsweep.machine import device
from rnnsweep.machine.device import keras
from rnnsweep.machine.gpu import CONTEXT_MB


@pytest.mark.parametrize(
    ("share", "sizes", "told"),
    [
        (0.25, [40_000.0], ("limit", 10_000 - CONTEXT_MB)),
        (0.25, [], ("grow",)),
        (1.0, [40_000.0], ("grow",)),
        (None, [40_000.0], ("grow",)),
    ],
)
def test_tensorflow_is_kept_to_the_share_before_any_layer_is_built(monkeypatch, share, sizes, told):
    import tensorflow as tf

    heard = []
    monkeypatch.setattr(device, "installed", lambda: [("GPU", size) for size in sizes])
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["device"])
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", lambda cores: None)
    monkeypatch.setattr(tf.config.threading, "set_inter_op_parallelism_threads", lambda cores: None)
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda device, grow: heard.append(("grow",)))
    monkeypatch.setattr(
        tf.config,
        "set_logical_device_configuration",
        lambda device, parts: heard.append(("limit", parts[0].memory_limit)),
    )
    device.use_cores(1, share)
    assert heard == [told]


def test_a_function_says_anew_how_many_cores_there_are_and_keras_keeps_to_one(monkeypatch):
    told, free = [], [4]
    monkeypatch.setattr(device, "_CORES", [lambda: 1])
    monkeypatch.setattr(device, "_backend", lambda: SimpleNamespace(use_cores=lambda *limits: told.append(limits)))
    device.use_cores(lambda: free[0])
    assert device.cores_in_use() == 4
    free[0] = 2
    assert device.cores_in_use() == 2
    device.use_cores(3)
    assert device.cores_in_use() == 3
    assert told == [(1, None), (3, None)]


@pytest.fixture
def torch(monkeypatch):
    """Return a PyTorch that sees one GPU of 16,000 MB and remembers what it was told."""
    size = SimpleNamespace(total_memory=16_000 * 2**20)
    cuda = SimpleNamespace(is_available=lambda: True, max_memory_allocated=lambda: 3 * 2**20)
    cuda.get_device_properties = lambda index: size
    cuda.set_per_process_memory_fraction = lambda part: setattr(cuda, "part", part)
    backends = SimpleNamespace(cuda=SimpleNamespace(matmul=SimpleNamespace()), cudnn=SimpleNamespace())
    fake = SimpleNamespace(cuda=cuda, backends=backends, set_num_threads=lambda cores: setattr(cuda, "cores", cores))
    monkeypatch.setitem(sys.modules, "torch", fake)
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    return fake


def test_pytorch_is_kept_to_its_cores_and_a_share_with_its_context_and_says_its_peak(torch):
    device.use_cores(2, 0.25)
    assert torch.cuda.cores == 2
    assert 4 * (torch.cuda.part * 16_000 + CONTEXT_MB) == pytest.approx(16_000)
    assert device.device_kind() == "gpu"
    assert device.peak_gpu_memory_mb("gpu") == 3.0


def test_pytorch_multiplies_float32_and_no_shorter_numbers(torch):
    device._backend().keep_float32()
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32


def test_tensorflow_multiplies_float32_and_no_shorter_numbers():
    import tensorflow as tf

    assert not tf.config.experimental.tensor_float_32_execution_enabled()


def test_a_trial_trains_and_goes_on_to_the_same_bits_on_jax(tmp_path):
    """What asks TensorFlow alone for something fails here: another backend, on which no TensorFlow is loaded."""
    (tmp_path / "tensorflow.py").write_text("raise ImportError('not installed')")
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(tmp_path)}
    script = Path(__file__).with_name("on_jax.py")
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["packed", "True", "keras", "True", "highest", "jax"]


def test_jax_says_its_device_and_its_peak(monkeypatch):
    gpu = SimpleNamespace(memory_stats=lambda: {"peak_bytes_in_use": 5 * 2**20})
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(default_backend=lambda: "tpu", devices=lambda: [gpu]))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert device.device_kind() == "tpu"
    assert device.peak_gpu_memory_mb("gpu") == 5.0


def test_a_backend_that_nothing_is_known_of_computes_on_what_it_finds(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    device.use_cores(1, 0.5)
    device.reset_peak_gpu_memory("gpu")
    assert device.device_kind() == "cpu"
    assert device.peak_gpu_memory_mb("gpu") is None
    assert device.jit_compile() == "auto"


def test_a_trial_on_a_cpu_has_no_peak_of_a_gpu():
    assert device.peak_gpu_memory_mb("cpu") is None


def test_tensorflow_squares_an_embeddings_gradient_after_adding_up_what_one_word_gave():
    import tensorflow as tf

    heard = []
    optimizer = SimpleNamespace(apply=lambda gradients, variables=None: heard.extend(gradients))
    device.make_gradients_dense(optimizer)
    optimizer.apply([tf.IndexedSlices(tf.constant([[1.0], [2.0]]), tf.constant([1, 1]), tf.constant([3, 1]))])
    assert heard[0].numpy().tolist() == [[0.0], [3.0], [0.0]]
