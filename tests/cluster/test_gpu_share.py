"""Shares of a GPU that trials need, worked out for GPUs of a known size; none is needed."""

from rnnsweep.cluster.gpu_share import SLACK, packed_share, peaks
from rnnsweep.machine.gpu import CONTEXT_MB, PER_GPU
from rnnsweep.network.cost import gpu_memory_mb
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec

SPEC = Spec(cell="gru", units=(100, 50), num_words=1000, max_len=500)
OTHER = SPEC.replace(max_len=80)


def test_a_trial_packs_by_the_largest_peak_of_its_shape():
    known = [(SPEC.replace(seed=2), 1000.0), (SPEC.replace(epochs=9), 2000.0), (OTHER, 9000.0)]
    needed = 2000 * SLACK + CONTEXT_MB
    assert packed_share(SPEC, known, 3.5 * needed) == 1 / 3
    assert packed_share(SPEC, known, 2 * needed) == 1 / 2


def test_a_shape_that_never_ran_packs_by_its_estimate_scaled_to_the_worst_of_others():
    estimated = gpu_memory_mb(SPEC)
    total = 4.5 * (SLACK * estimated + CONTEXT_MB)
    assert packed_share(SPEC, [], total) == 1 / 4
    twice = [(OTHER, 2 * gpu_memory_mb(OTHER))]
    assert packed_share(SPEC, twice, 2.5 * (SLACK * 2 * estimated + CONTEXT_MB)) == 1 / 2


def test_a_gpu_too_small_or_of_unknown_size_is_given_whole_and_a_huge_one_has_a_bound():
    assert packed_share(SPEC, [], 10.0) == 1
    assert packed_share(SPEC, [], None) == 1
    assert packed_share(SPEC, [(SPEC, 1.0)], 1e9) == 1 / PER_GPU


def test_the_estimate_grows_with_everything_that_takes_memory():
    for more in ({"units": (200, 50)}, {"max_len": 1000}, {"batch_size": 1024}, {"bidirectional": True}):
        assert gpu_memory_mb(SPEC.replace(**more)) > gpu_memory_mb(SPEC)


def test_no_network_that_cudnn_computes_took_more_than_is_estimated():
    """Peaks of PyTorch and JAX on an H200, in MB, the larger of both: docs/gpu.md."""
    took = {
        "gru-3x-1k": 1835,
        "gru-2x-10k-80": 501,
        "gru-2x-10k-500": 2630,
        "lstm-1x-5k": 3941,
        "lstm-1x-1k": 3940,
        "lstm-3x-1k": 3940,
    }
    for name, peak in took.items():
        assert peak < gpu_memory_mb(SYSTEMS[name]) < 2 * peak


def test_peaks_are_those_that_results_recorded():
    specs = {spec.key: spec for spec in (SPEC, OTHER)}
    results = {SPEC.key: {"peak_gpu_memory_mb": 7.0}, OTHER.key: {"peak_gpu_memory_mb": None}}
    assert peaks(specs, results) == [(SPEC, 7.0)]
