"""A long search: what its sampler and pruner still see, while the record and the ledger keep everything."""

import pytest
from optuna.trial import TrialState

from rnnsweep.ledger import Ledger
from rnnsweep.search import Goal
from rnnsweep.search import studies as studies_module
from rnnsweep.search.search import Search
from rnnsweep.space import Range, SearchSpace
from rnnsweep.spec import Spec
from tests.helpers.searches import go, keys

EPOCHS = range(1, 10)
SPACE = SearchSpace(Spec(epochs=9), {"learning_rate": Range(0.0001, 0.1, log=True), "max_len": Range(10, 400)})


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    monkeypatch.setattr(studies_module, "REMEMBERED", 10)
    monkeypatch.setattr(studies_module, "BEST", 4)
    return Ledger(tmp_path / "results")


@pytest.mark.parametrize(
    ("sampler", "pruner"), [("tpe", "median"), ("tpe", "asha"), ("random", "hyperband"), ("nsga2", None)]
)
def test_a_search_that_forgets_trains_and_records_every_trial_once(ledger, sampler, pruner):
    trials, trainer = go(SPACE, 45, ledger, sampler=sampler, pruner=pruner)
    assert len(set(keys(trials))) == len(trials) == 45
    assert set(trainer.trained) == set(keys(trials))
    assert max(trainer.epochs.values()) == 1
    assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert len(ledger.suggestions(SPACE.name)) == 45


def test_the_sampler_keeps_the_best_and_the_latest_and_its_study_stays_bounded(ledger):
    sizes = []
    with Search(SPACE, Goal(), 60, ledger, pruner=None) as search:
        told = []
        while (spec := search.ask()) is not None:
            value = 0.9 if len(told) in (3, 7) else 0.5 + len(told) / 1000
            search.tell(spec, {"status": "finished", "val_accuracy": value, "seconds": 1.0})
            told.append(value)
            sizes.append(len(search._studies.asked.trials))
        kept = [trial.value for trial in search._studies.asked.trials if trial.state == TrialState.COMPLETE]
    assert max(sizes) <= 20
    assert sorted(kept)[-2:] == [0.9, 0.9], "the best, though they were early"
    assert kept[-6:] == told[-6:]
    assert min(kept) > min(told), "those that were early and not the best are forgotten"


def test_best_means_within_the_limits_and_by_each_objective(ledger):
    goal = Goal(objectives=("val_accuracy", "seconds"), max_seconds=50.0)
    odd = {2: {"val_accuracy": 0.9}, 3: {"seconds": 1.0}, 4: {"val_accuracy": 0.99, "seconds": 99.0}}
    with Search(SPACE, goal, 60, ledger, pruner=None) as search:
        told = 0
        while (spec := search.ask()) is not None:
            row = {"status": "finished", "val_accuracy": 0.6, "seconds": 30.0 + told / 10}
            search.tell(spec, row | odd.get(told, {}))
            told += 1
        kept = [trial.values for trial in search._studies.asked.trials if trial.values is not None]
    assert [0.9, 30.2] in kept
    assert [0.6, 1.0] in kept
    assert [0.99, 99.0] not in kept, "longer than --max-seconds allows"


def test_trials_that_run_while_others_are_forgotten_are_reported_pruned_and_told(ledger):
    with Search(SPACE, Goal(), 60, ledger) as search:
        slow = [search.ask(), search.ask()]
        while search.begun < 59:
            spec = search.ask()
            for epoch in EPOCHS:
                search.report(spec, {"epoch": epoch, "val_accuracy": 0.8, "seconds": 1.0})
            search.tell(spec, {"status": "finished", "val_accuracy": 0.8, "seconds": 4.0})
        assert [search.report(slow[0], {"epoch": e, "val_accuracy": 0.1, "seconds": 1.0}) for e in EPOCHS][-1]
        search.tell(slow[0], {"status": "pruned"})
        assert not any(search.report(slow[1], {"epoch": e, "val_accuracy": 0.9, "seconds": 1.0}) for e in EPOCHS)
        search.tell(slow[1], {"status": "finished", "val_accuracy": 0.9, "seconds": 4.0})
        assert search.best(1) == [slow[1]]
        assert search.states() == {"finished": 58, "pruned": 1}
        asked = [trial.state for trial in search._studies.asked.trials]
        assert TrialState.PRUNED in asked
        assert TrialState.RUNNING not in asked


def test_a_search_that_forgot_goes_on_after_its_driver_is_gone(ledger):
    go(SPACE, 30, ledger)
    trials, trainer = go(SPACE, 50, ledger)
    assert len(trainer.trained) == 20
    assert len(set(keys(trials))) == 50
