"""One rule chooses: what it counts, and that the command line and the report name the same winner by it."""

import re

import pytest

from analysis.report import report
from rnnsweep import choice
from rnnsweep.cli import run_search
from rnnsweep.cli.search import search
from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.spec import HINTS, Spec
from rnnsweep.sweep import SpecList
from tests.helpers.searches import Trainer
from tests.helpers.sweeps import HERE

# Validation accuracy by cell and seed. Of the two seeds that a search plans, the GRU's are better; of all, the LSTM's.
ACCURACY = {"gru": {1: 0.80, 2: 0.82}, "lstm": {1: 0.79, 2: 0.81, 9: 0.98}}
GRU, LSTM = Spec(cell="gru", dataset="tiny"), Spec(cell="lstm", dataset="tiny")


class Given(Trainer):
    """Stands in for `train`, with the accuracies of the table."""

    def __call__(self, spec, dataset, on_epoch, state):
        result = super().__call__(spec, dataset, on_epoch, state)
        value = ACCURACY[spec.cell][spec.seed]
        result.row |= {"val_accuracy": value, "test_accuracy": value - 0.1, "test_reviews": 1000}
        return result


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "results")
    specs = [spec.replace(seed=seed) for spec in (GRU, LSTM) for seed in ACCURACY[spec.cell]]
    run(SpecList(specs), ledger, None, HERE, trainer=Given())
    return ledger


def test_a_network_is_every_field_of_a_spec_but_its_seed():
    assert {*choice.NETWORK, "seed"} == set(HINTS)


def test_networks_are_ranked_by_the_mean_over_all_their_seeds(ledger):
    found = choice.networks(ledger.load().trials)
    assert found["cell"].tolist() == ["lstm", "gru"]
    assert found["n"].tolist() == [3, 2]
    assert found["val_accuracy"].tolist() == pytest.approx([0.86, 0.81])
    assert found["test_accuracy"].tolist() == pytest.approx([0.76, 0.71])


def test_trials_of_all_reviews_are_no_seeds_of_those_of_fewer(ledger):
    run(SpecList([GRU.replace(reviews=10)]), ledger, None, HERE, trainer=Given())
    assert sorted(choice.networks(ledger.load().trials)["n"]) == [1, 2, 3]


def test_a_confirmed_spec_is_judged_by_the_planned_seeds_and_no_others(ledger):
    found = choice.confirmed(ledger.load().trials, [LSTM.key, GRU.key], 2)
    assert found["key"].tolist() == [GRU.key, LSTM.key]
    assert found["n"].tolist() == [2, 2]
    assert found["val"].tolist() == pytest.approx([0.81, 0.80])
    assert found["mean"].tolist() == pytest.approx([0.71, 0.70])


def test_planned_seeds_begin_with_the_confirmed_specs_own(ledger):
    later = LSTM.replace(seed=2)
    assert choice.planned(ledger.load().trials, later.key, 2)["seed"].tolist() == [2]
    assert sorted(choice.planned(ledger.load().trials, later.key, 8)["seed"]) == [2, 9]


def test_equals_keep_the_order_of_the_search_and_what_never_finished_is_left_out(ledger):
    trials = ledger.load().trials.assign(val_accuracy=0.5)
    for keys in ([GRU.key, LSTM.key], [LSTM.key, GRU.key]):
        assert choice.confirmed(trials, [*keys, "0" * 12], 2)["key"].tolist() == keys
    assert not len(choice.confirmed(trials.assign(status="failed"), [GRU.key], 2))


def test_the_command_line_and_the_report_name_the_same_winner(tmp_path, capsys, monkeypatch):
    def fake(queue, ledger, dataset, machines, listener):
        run(queue, ledger, dataset, machines, listener, Given())

    monkeypatch.setattr(run_search, "run", fake)
    results = str(tmp_path / "results")
    one_each = {"num-words": 100, "max-len": 20, "embedding-dim": 4, "units": 4, "batch-size": 32, "dropout": 0}
    one_each |= {"learning-rate": 0.01, "optimizer": "adam", "pooling": "last", "bidirectional": "no", "epochs": 2}
    fixed = [word for name, value in one_each.items() for word in (f"--{name}", str(value))]
    command = ["--trials", "2", "--cell", "gru", "lstm", *fixed, "--reviews", "300", "--data", "embedded"]
    command += ["--in-process", "--confirm", "2", "--seeds", "2", "--results", results]
    assert search("A search.", command) == 0
    ledger = Ledger(results)
    (lstm,) = [spec for spec in ledger.load().specs.values() if spec.cell == "lstm" and spec.seed == 1]
    run(SpecList([lstm.replace(seed=9)]), ledger, None, HERE, trainer=Given())  # another sweep's extra seed

    capsys.readouterr()
    assert search("A search.", command) == 0
    by_command = re.search(r"again +python sweeps/one.py --cell (\w+)", capsys.readouterr().out)[1]
    text = report(ledger.load(), ledger.predictions)["report.md"].decode()
    by_report = re.search(r"The winner is trained again by\W+python sweeps/one.py --cell (\w+)", text)[1]
    assert by_command == by_report == "gru"
    assert choice.networks(ledger.load().trials)["cell"].iloc[0] == "lstm", "by all seeds in the ledger it is another"
