"""A trial's share of a GPU, worked out for GPUs of a known size; none is needed."""

import pytest

from rnnsweep.machine import gpu
from tests.helpers.gpus import say_of_gpus


def test_shares_of_one_gpu_with_their_contexts_fit_it():
    for k in range(1, gpu.PER_GPU + 1):
        assert k * (gpu.memory_limit_mb(80_000, 1 / k) + gpu.CONTEXT_MB) <= 80_000


@pytest.fixture(autouse=True)
def _asked_anew():
    gpu.installed.cache_clear()
    yield
    gpu.installed.cache_clear()


def test_a_trial_without_a_share_sees_no_gpu_and_jax_is_told_a_part_that_leaves_room_for_its_context(monkeypatch):
    assert gpu.environment(0) == {"CUDA_VISIBLE_DEVICES": ""}
    assert gpu.environment(1) == {}
    assert gpu.environment(0.25) == {}  # no GPU is here
    monkeypatch.setattr(gpu, "installed", lambda: [("A100", 80_000.0), ("T4", 16_000.0)])
    told = float(gpu.environment(0.25)["XLA_PYTHON_CLIENT_MEM_FRACTION"])
    assert 4 * (told * 16_000 + gpu.CONTEXT_MB) == pytest.approx(16_000, abs=5)


def test_the_machines_own_tool_says_what_gpus_there_are(tmp_path, monkeypatch):
    there = say_of_gpus(tmp_path, "NVIDIA A100-SXM4-80GB, 81920", "Tesla T4, 15360")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert gpu.installed() == []
    gpu.installed.cache_clear()
    monkeypatch.setenv("PATH", there)
    assert gpu.installed() == [("NVIDIA A100-SXM4-80GB", 81920.0), ("Tesla T4", 15360.0)]
