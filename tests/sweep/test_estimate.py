import pytest

from rnnsweep.search import Goal
from rnnsweep.spec import Spec
from rnnsweep.sweep import Estimate, Machines, cores_to_share, correction, estimate, longest_first, wall_seconds
from rnnsweep.sweep.estimate import FURTHER_CORE

SPEC = Spec(units=(5,), num_words=30, max_len=12, batch_size=16)


@pytest.mark.parametrize("more", [{"epochs": 10}, {"units": (5, 5)}, {"max_len": 40}, {"cell": "lstm"}])
def test_more_work_is_estimated_to_take_longer(tiny, more):
    base = SPEC.replace(cell="simple_rnn") if "cell" in more else SPEC
    assert estimate(base.replace(**more), tiny).seconds > estimate(base, tiny).seconds


def test_padding_costs_nothing_but_where_it_is_fed_from_both_ends(tiny):
    free = [SPEC, SPEC.replace(mask_padding=True), SPEC.replace(mask_padding=True, bidirectional=True)]
    longest = int(max(tiny.train.lengths.max(), tiny.test.lengths.max()))

    def added(spec):
        seconds = [estimate(spec.replace(max_len=steps), tiny).seconds for steps in (longest, 10 * longest)]
        return seconds[1] - seconds[0]

    assert [added(spec) for spec in free] == pytest.approx([0, 0, 0])
    assert added(SPEC.replace(bidirectional=True)) > 0


def test_more_weights_and_reviews_are_estimated_to_need_more_memory(tiny):
    base = estimate(SPEC, tiny).memory_mb
    assert estimate(SPEC.replace(vocab_size=100_000), tiny).memory_mb > base + 100
    assert estimate(SPEC.replace(max_len=5000), tiny).memory_mb > base


def test_the_correction_is_the_median_of_measured_over_estimated():
    estimates = {key: Estimate(10.0, 1.0) for key in "abc"}
    assert correction(estimates, {"a": {"seconds": 5}, "b": {"seconds": 20}, "c": {"seconds": 1000}}) == 2.0
    assert correction({}, {}) == 1.0


def test_a_trial_on_several_cores_corrects_by_its_cpu_seconds_and_one_on_a_gpu_by_its_wall():
    row = {"seconds": 6.0, "cpu_seconds": 10.0}
    assert correction({"a": Estimate(10.0, 1.0)}, {"a": row}) == 1.0
    assert correction({"a": Estimate(10.0, 1.0)}, {"a": row | {"device": "gpu"}}) == 0.6


def test_cores_that_nothing_waits_for_shorten_the_end_of_a_sweep():
    faster = 1 + FURTHER_CORE
    assert (wall_seconds([5, 3, 2], 2), wall_seconds([5], 2), wall_seconds([], 2)) == (5, 5, 0)
    assert (wall_seconds([5, 3, 2], 2, 2), wall_seconds([], 2, 2)) == (5, 0)
    assert wall_seconds([10, 4], 2, 2) == pytest.approx(4 + 6 / faster)
    assert wall_seconds([10, 4], 1, 2) == pytest.approx(14 / faster), "a search narrower than the machine"


def test_the_longest_trial_comes_first_and_equals_by_key():
    specs = [SPEC.replace(seed=seed) for seed in (1, 2, 3)]
    seconds = dict(zip((spec.key for spec in specs), (1.0, 9.0, 1.0), strict=True))
    ordered = longest_first(specs, {key: Estimate(value, 0.0) for key, value in seconds.items()})
    assert ordered[0] == specs[1]
    assert [spec.key for spec in ordered[1:]] == sorted(spec.key for spec in (specs[0], specs[2]))


def test_a_search_that_asks_for_times_has_every_trial_keep_to_its_own_cores():
    assert Goal(objectives=("val_accuracy", "seconds")).timed
    assert Goal(max_seconds=9).timed
    assert not Goal(max_params=9).timed
    alone = Machines(backend="in-process").unshared()
    assert (alone.cpus_per_trial, cores_to_share(alone)) == (1, None)
    assert Machines(cpus_per_trial=3).unshared().cpus_per_trial == 3
