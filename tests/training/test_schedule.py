import pytest

from rnnsweep.spec import SCHEDULES, Spec
from rnnsweep.training.schedule import rates


def curve(schedule, epochs=10, steps=4, accuracies=()):
    """Return the learning rate of each step of a training whose highest one is 2."""
    spec = Spec(schedule=schedule, epochs=epochs, learning_rate=2)
    rows = [{"val_accuracy": accuracy} for accuracy in accuracies or range(epochs)]
    return [rate for epoch in range(epochs) for rate in rates(spec, rows[:epoch], steps)]


def test_constant_is_the_rate_itself_and_steps_a_tenth_of_it_after_four_fifths_of_the_epochs():
    assert set(curve("constant")) == {2}
    assert curve("steps") == [2] * 32 + [pytest.approx(0.2)] * 8
    assert curve("steps", epochs=1) == [2] * 4


def test_a_cosine_falls_from_the_whole_rate_to_almost_none():
    found = curve("cosine")
    assert found[0] == 2
    assert found[20] == pytest.approx(1)
    assert found == sorted(found, reverse=True)
    assert 0 < found[-1] < 0.01


def test_one_cycle_rises_for_three_tenths_of_the_steps_and_then_falls_to_a_trace():
    found = curve("one_cycle")
    assert found[0] == pytest.approx(2 / 25)
    assert max(found) == found[12] == 2
    assert found[:13] == sorted(found[:13])
    assert found[12:] == sorted(found[12:], reverse=True)
    assert found[-1] < 0.01


def test_on_a_plateau_the_rate_is_halved_after_each_epoch_that_is_not_the_best_so_far():
    found = curve("plateau", epochs=5, steps=1, accuracies=(0.5, 0.6, 0.6, 0.55, 0.7))
    assert found == [2, 2, 2, 1, 0.5]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_no_schedule_exceeds_the_spec_s_learning_rate(schedule):
    assert max(curve(schedule, epochs=3, steps=7)) <= 2
