import io

import pytest
from rich.console import Console

from rnnsweep.spec import Spec
from rnnsweep.sweep import Progress, duration

SPEC = Spec(epochs=2)
ROW = {"epoch": 1, "accuracy": 0.8, "val_accuracy": 0.7, "seconds": 20.0}
RESULT = {"status": "finished", "val_accuracy": 0.7, "test_accuracy": 0.71, "best_epoch": 1, "seconds": 40.0}


@pytest.fixture
def plain():
    return Console(file=io.StringIO(), width=120, highlight=False)


def text(console):
    return console.file.getvalue()


def test_off_a_terminal_each_finished_trial_is_one_plain_line(plain):
    with Progress(plain, {SPEC.key: 1.0}) as progress:
        progress.on_start(SPEC)
        progress.on_end(SPEC, RESULT)
    assert text(plain).splitlines() == [
        f"1/1  {SPEC.key}  {SPEC.label() + ' · seed 1':<50}  val 0.7000  test 0.7100  epoch 1/2  40 s"
    ]
    assert progress.finished_keys == [SPEC.key]


def test_off_a_terminal_only_slow_epochs_get_a_line(plain):
    with Progress(plain, {SPEC.key: 1.0}) as progress:
        progress.on_start(SPEC)
        progress.on_epoch(SPEC, ROW | {"seconds": 1.0})
        assert text(plain) == ""
        progress.on_epoch(SPEC, ROW | {"epoch": 1, "seconds": 39.0})
    assert "epoch 1/2  train 0.8000  val 0.7000  20 s left" in text(plain)


def test_a_failed_trial_is_named_with_the_last_line_of_its_traceback(plain):
    with Progress(plain, {SPEC.key: 1.0}) as progress:
        progress.on_end(SPEC, {"status": "failed", "error": "Traceback\n  File x\nValueError: no"})
    assert f"{SPEC.key}" in text(plain)
    assert "failed: ValueError: no" in text(plain)
    assert progress.failed_keys == {SPEC.key: "ValueError: no"}


def test_a_retry_speaks_of_a_checkpoint_only_where_an_epoch_has_ended(plain):
    with Progress(plain, {SPEC.key: 1.0}) as progress:
        progress.on_start(SPEC)
        progress.on_retry(SPEC)
        progress.on_epoch(SPEC, ROW | {"seconds": 1.0})
        progress.on_retry(SPEC)
    first, second = text(plain).splitlines()
    assert first.endswith("failed; is tried again")
    assert second.endswith("failed; goes on from its last checkpoint")


def test_a_diverged_trial_counts_as_failed_and_says_so(plain):
    with Progress(plain, {SPEC.key: 1.0}) as progress:
        progress.on_end(SPEC, {"status": "diverged", "error": "the loss is not finite in epoch 2"})
    assert "diverged: the loss is not finite in epoch 2" in text(plain)
    assert list(progress.failed_keys) == [SPEC.key]


def test_on_a_terminal_a_running_trial_has_a_live_line_with_its_remaining_time():
    console = Console(file=io.StringIO(), force_terminal=True, width=140, color_system=None)
    with Progress(console, {SPEC.key: 60.0, "waiting": 30.0}, slots=2) as progress:
        progress.on_start(SPEC)
        progress.on_epoch(SPEC, ROW)
        console.print(progress._view())
    assert f"{SPEC.key}" in text(console)
    assert "epoch 1/2" in text(console)
    assert "train 0.8000  val 0.7000" in text(console)
    assert "20 s left" in text(console)
    assert "0/2 trials, 1 running, about 25 s left" in text(console)


def test_thousands_that_wait_count_as_work_that_every_slot_shares():
    console = Console(file=io.StringIO(), force_terminal=True, width=140, color_system=None)
    waiting = {f"waiting {number}": 7.0 for number in range(2000)}
    with Progress(console, {SPEC.key: 60.0} | waiting, slots=2, cores=2) as progress:
        progress.on_start(SPEC)
        console.print(progress._view())
    assert "0/2001 trials, 1 running, about 1 h 57 min left" in text(console)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.84, "0.8 s"), (9.96, "10 s"), (59.4, "59 s"), (59.9, "1 min 0 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")],
)
def test_durations_read_like_a_person_says_them(seconds, words):
    assert duration(seconds) == words


def test_more_trials_than_were_guessed_count_themselves(plain):
    with Progress(plain, {}, unnamed=(1, 1.0)) as progress:
        for seed in (1, 2):
            progress.on_start(SPEC.replace(seed=seed))
            progress.on_end(SPEC.replace(seed=seed), {"status": "pruned"})
    assert [line.split()[0] for line in text(plain).splitlines()] == ["1/1", "2/2"]
