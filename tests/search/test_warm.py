"""A warm start: what the sampler learns from the ledger before it suggests anything, and what is tried first."""

import pytest

from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.search import Goal
from rnnsweep.search.search import Search
from rnnsweep.space import Choice, SearchSpace
from rnnsweep.spec import Spec
from rnnsweep.sweep import SpecList
from tests.helpers.searches import Trainer, accuracy, go, keys
from tests.helpers.sweeps import HERE

SPACE = SearchSpace(Spec(num_words=100, embedding_dim=4, epochs=4),
                    {"cell": Choice(("gru", "lstm")), "max_len": Choice(tuple(range(10, 110, 10)))})  # fmt: skip
ALL = [SPACE.draw(lambda name, axis, cell=cell: cell[name]) for cell in SPACE.cells()]
BEST = sorted(ALL, key=accuracy, reverse=True)


def trained(ledger, specs):
    run(SpecList(specs), ledger, None, HERE, trainer=Trainer())
    return ledger


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "results")


@pytest.mark.parametrize("fields", [{"epochs": 1}, {"reviews": 10}, {"seed": 7}], ids=str)
def test_a_new_search_begins_with_the_best_that_any_sweep_has_trained_of_its_space(ledger, fields):
    trained(ledger, [spec.replace(**fields) for spec in ALL])
    trials, trainer = go(SPACE, 6, ledger)
    assert keys(trials)[:5] == [spec.key for spec in BEST[:5]] == trainer.trained[:5]


def test_of_several_fidelities_that_with_the_most_networks_says_what_is_best(ledger):
    trained(ledger, [spec.replace(epochs=1) for spec in ALL] + [BEST[-1].replace(epochs=2)])
    trials, _ = go(SPACE, 5, ledger)
    assert BEST[-1].key not in keys(trials)


def test_the_sampler_learns_values_of_the_same_epochs_and_reviews_alone(ledger):
    trained(ledger, [spec.replace(seed=7) for spec in ALL] + [spec.replace(epochs=1) for spec in ALL])
    with Search(SPACE, Goal(), 1, ledger) as search:
        assert search.warmed == len(ALL)
        assert search.begun == 0
    with Search(SPACE, Goal(), 1, ledger, name="cold", warm=False) as search:
        assert search.warmed == 0


def test_a_warm_search_of_several_objectives_has_a_front_of_its_own_trials(ledger):
    trained(ledger, [spec.replace(seed=7) for spec in ALL])
    goal = Goal(objectives=("val_accuracy", "params"))
    with Search(SPACE, goal, 4, ledger, sampler="random") as search:
        run(search, ledger, None, HERE, trainer=Trainer())
        assert 0 < len(search.best(10)) <= search.begun == 4


def test_other_data_and_other_fixed_fields_are_nothing_to_begin_with(ledger):
    others = [spec.replace(**{name: value}) for spec in ALL
              for name, value in {"data_sha256": "b", "dropout": 0.5, "max_len": 15}.items()]  # fmt: skip
    trained(ledger, dict.fromkeys(others))
    with Search(SPACE, Goal(), 1, ledger) as search:
        assert search.warmed == 0
