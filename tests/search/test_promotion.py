"""Trials that are paused at a rung and promoted, and searches that end when their time is up."""

import pytest
from optuna.trial import TrialState

from rnnsweep.ledger import Ledger, Record
from rnnsweep.run import run
from rnnsweep.search import Goal
from rnnsweep.search.promotion import promoted, rungs
from rnnsweep.search.search import Search
from rnnsweep.search.studies import Known
from rnnsweep.space import Choice, SearchSpace
from rnnsweep.spec import Spec
from rnnsweep.sweep.queue import Wait
from tests.helpers.searches import Trainer, go, record
from tests.helpers.sweeps import HERE

SPACE = SearchSpace(Spec(num_words=100, embedding_dim=4, epochs=9),
                    {"cell": Choice(("gru", "lstm")), "max_len": Choice(tuple(range(10, 110, 10)))})  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "results")


@pytest.mark.parametrize(
    ("epochs", "found"), [(2, []), (4, [1]), (9, [1, 3]), (10, [1, 3]), (20, [2, 6]), (27, [3, 9])]
)
def test_rungs_are_at_a_ninth_and_a_third_of_the_epochs(epochs, found):
    assert rungs(epochs) == found


def test_only_the_best_third_of_a_rung_is_promoted_and_the_highest_rung_first():
    def known(paused, *values):
        return Known(Spec(), 0, {}, [], watched=dict(enumerate(values, 1)), paused=paused)

    low = [known(True, value) for value in (0.5, 0.6, 0.7)]
    assert promoted(low, 9, maximize=True) is low[2]
    assert promoted(low, 9, maximize=False) is low[0]
    assert promoted(low[:2], 9, maximize=True) is None
    high = [known(True, 0.1, 0.1, value) for value in (0.2, 0.3, 0.25)]
    assert promoted(low + high, 9, maximize=True) is high[1]
    low[2].paused = False
    assert promoted(low, 9, maximize=True) is None


class Killed(Trainer):
    """Dies at the end of its so manieth epoch, before that is in the ledger."""

    def __init__(self, epochs):
        super().__init__()
        self.left = epochs

    def __call__(self, spec, dataset, on_epoch, state):
        def dying(epoch):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
            on_epoch(epoch)

        return super().__call__(spec, dataset, dying, state)


@pytest.mark.parametrize("killed", [0, 12, 25], ids=["whole", "killed", "killed later"])
def test_a_paused_trial_goes_on_from_its_checkpoint_and_no_epoch_is_run_twice(ledger, killed):
    first, second = Killed(killed), Trainer()
    if killed:
        with pytest.raises(KeyboardInterrupt):
            go(SPACE, 15, ledger, trainer=first, pruner="asha")
    trials, _ = go(SPACE, 15, ledger, trainer=second, pruner="asha")
    assert {trial.state for trial in trials} == {TrialState.COMPLETE, TrialState.PRUNED}
    ran = first.epochs + second.epochs
    again = {where: count for where, count in ran.items() if count > 1}
    assert len(again) <= bool(killed), "the epoch that was cut off alone"
    best_of_all = max(trials, key=lambda trial: trial.intermediate_values[1])
    assert best_of_all.state == TrialState.COMPLETE
    reached = [max(trial.intermediate_values) for trial in trials]
    assert set(reached) <= {1, 3, 9}
    assert reached.count(9) < 15 / 3
    assert len(second.trained + first.trained) > 15, "some were begun again"
    assert ledger.load().suggestions["state"].isin(["finished", "pruned"]).all()


def test_the_checkpoint_of_a_paused_trial_is_kept(ledger):
    trials, _ = go(SPACE, 6, ledger, pruner="asha")
    for trial in trials:
        if trial.state == TrialState.PRUNED:
            assert ledger.record(trial.user_attrs["key"]).read_arrays(Record.CHECKPOINT) is not None


def test_a_queue_waits_for_running_trials_that_may_be_promoted(ledger):
    with Search(SPACE, Goal(), 3, ledger, pruner="asha") as search:
        specs = [search.ask() for _ in range(3)]
        assert isinstance(search.ask(), Wait)
        for value, spec in zip((0.7, 0.6, 0.5), specs, strict=True):
            if search.report(spec, {"epoch": 1, "val_accuracy": value, "seconds": 1.0}):
                search.tell(spec, {"status": "pruned"})
        assert isinstance(search.ask(), Wait)
        assert search.states() == {"running": 1, "paused": 2}
        search.tell(specs[0], {"status": "failed", "error": "no"})
        assert search.ask() is None
        assert search.states() == {"failed": 1, "pruned": 2}


def test_no_trial_is_begun_that_the_budget_has_no_room_for(ledger):
    def seconds(spec):
        return 1000.0 if spec.cell == "lstm" else 1.0

    with Search(SPACE, Goal(), None, ledger, budget=500.0, seconds_of=seconds, pruner=None) as search:
        run(search, ledger, None, HERE, trainer=Trainer())
        search.describe()
    trials = record(search)
    assert len(trials) == 10
    assert {trial.params["cell"] for trial in trials} == {"gru"}
    assert ledger.study(search.name)["trials"] == 10


@pytest.fixture
def slow(monkeypatch):
    """Return trainers each of whose trials takes 100 s of the search's clock."""
    now = [0.0]
    monkeypatch.setattr("rnnsweep.search.search.time.monotonic", lambda: now[0])

    class Slow(Trainer):
        def __call__(self, *given):
            now[0] += 100.0
            return super().__call__(*given)

    return Slow


def test_a_spent_budget_begins_nothing_and_the_next_run_goes_on(ledger, slow):
    for trials in (3, 6):
        with Search(SPACE, Goal(), None, ledger, budget=250.0, pruner=None) as search:
            run(search, ledger, None, HERE, trainer=slow())
            assert len(record(search)) == trials


def test_what_a_spent_budget_leaves_paused_is_counted_so_and_not_as_running(ledger, slow):
    with Search(SPACE, Goal(), None, ledger, budget=550.0, pruner="asha") as search:
        run(search, ledger, None, HERE, trainer=slow())
    states = search.states()
    assert states["paused"] > 0
    assert "running" not in states
    assert sum(states.values()) == search.begun
    assert (ledger.load().suggestions["state"] == "paused").sum() == states["paused"]
