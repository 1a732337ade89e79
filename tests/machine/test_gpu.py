"""Shares of a GPU, worked out for GPUs of a known size; none is needed."""

import os

import pytest

from rnnsweep import gpu, model
from rnnsweep.network.cost import gpu_memory_mb
from rnnsweep.spec import Spec

SPEC = Spec(cell="gru", units=(100, 50), num_words=1000, max_len=500)
OTHER = SPEC.replace(max_len=80)


def test_a_trial_packs_by_the_largest_peak_of_its_shape():
    known = [(SPEC.replace(seed=2), 1000.0), (SPEC.replace(epochs=9), 2000.0), (OTHER, 9000.0)]
    needed = 2000 * gpu.SLACK + gpu.CONTEXT_MB
    assert gpu.packed_share(SPEC, known, 3.5 * needed) == 1 / 3
    assert gpu.packed_share(SPEC, known, 2 * needed) == 1 / 2


def test_a_shape_that_never_ran_packs_by_its_estimate_scaled_to_the_worst_of_others():
    estimated = gpu_memory_mb(SPEC)
    total = 4.5 * (gpu.SLACK * estimated + gpu.CONTEXT_MB)
    assert gpu.packed_share(SPEC, [], total) == 1 / 4
    twice = [(OTHER, 2 * gpu_memory_mb(OTHER))]
    assert gpu.packed_share(SPEC, twice, 2.5 * (gpu.SLACK * 2 * estimated + gpu.CONTEXT_MB)) == 1 / 2


def test_a_gpu_too_small_or_of_unknown_size_is_given_whole_and_a_huge_one_has_a_bound():
    assert gpu.packed_share(SPEC, [], 10.0) == 1
    assert gpu.packed_share(SPEC, [], None) == 1
    assert gpu.packed_share(SPEC, [(SPEC, 1.0)], 1e9) == 1 / gpu.PER_GPU


def test_shares_of_one_gpu_with_their_contexts_fit_it():
    for k in range(1, gpu.PER_GPU + 1):
        assert k * (gpu.memory_limit_mb(80_000, 1 / k) + gpu.CONTEXT_MB) <= 80_000


def test_the_estimate_grows_with_everything_that_takes_memory():
    for more in ({"units": (200, 50)}, {"max_len": 1000}, {"batch_size": 1024}, {"bidirectional": True}):
        assert gpu_memory_mb(SPEC.replace(**more)) > gpu_memory_mb(SPEC)


def test_peaks_are_those_that_results_recorded():
    specs = {spec.key: spec for spec in (SPEC, OTHER)}
    results = {SPEC.key: {"peak_gpu_memory_mb": 7.0}, OTHER.key: {"peak_gpu_memory_mb": None}}
    assert gpu.peaks(specs, results) == [(SPEC, 7.0)]


def test_a_trial_without_a_share_sees_no_gpu_and_jax_is_told_its_fraction():
    assert gpu.environment(0) == {"CUDA_VISIBLE_DEVICES": ""}
    assert gpu.environment(0.25) == {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.2500"}
    assert gpu.environment(1) == {}


def test_the_machines_own_tool_says_what_gpus_there_are(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu.installed() == []
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA A100-SXM4-80GB, 81920'\necho 'Tesla T4, 15360'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    assert gpu.installed() == [("NVIDIA A100-SXM4-80GB", 81920.0), ("Tesla T4", 15360.0)]


@pytest.mark.parametrize(
    ("share", "sizes", "told"),
    [
        (0.25, [40_000.0], ("limit", 9_400)),
        (0.25, [], ("grow",)),
        (1.0, [40_000.0], ("grow",)),
        (None, [40_000.0], ("grow",)),
    ],
)
def test_tensorflow_is_kept_to_the_share_before_any_layer_is_built(monkeypatch, share, sizes, told):
    import tensorflow as tf

    heard = []
    monkeypatch.setattr(model, "installed", lambda: [("GPU", size) for size in sizes])
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["device"])
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", lambda cores: None)
    monkeypatch.setattr(tf.config.threading, "set_inter_op_parallelism_threads", lambda cores: None)
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda device, grow: heard.append(("grow",)))
    monkeypatch.setattr(
        tf.config,
        "set_logical_device_configuration",
        lambda device, parts: heard.append(("limit", parts[0].memory_limit)),
    )
    model.use_cores(1, share)
    assert heard == [told]
