"""One rule chooses: what it counts, and that the command line and the report name the same winner by it."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report import report
from rnnsweep import choice
from rnnsweep.cli import run_search
from rnnsweep.cli.search import search
from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.spec import HINTS, Spec
from rnnsweep.sweep import SpecList
from tests.helpers.properties import quick
from tests.helpers.searches import Trainer
from tests.helpers.sweeps import HERE

# Validation accuracy by cell and seed. By seed 1, and of all, the LSTM is better; of the fresh seeds 2 and 3, the GRU.
ACCURACY = {"gru": {1: 0.78, 2: 0.80, 3: 0.82}, "lstm": {1: 0.79, 2: 0.79, 3: 0.81, 9: 0.98}}
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


def test_networks_are_ranked_by_equally_many_seeds_and_the_others_stand_below(ledger):
    trials = ledger.load().trials
    found = choice.networks(trials)
    assert found["cell"].tolist() == ["lstm", "gru"]
    assert (found["n"].tolist(), found["ranked"].tolist()) == ([4, 3], [True, False])
    three = pd.concat([trials, trials[trials["cell"] == "gru"].assign(cell="simple_rnn", val_accuracy=0.1)])
    found = choice.networks(three.reset_index(drop=True))
    assert found["cell"].tolist() == ["gru", "lstm", "simple_rnn"]
    assert (found["n"].tolist(), found["ranked"].tolist()) == ([3] * 3, [True] * 3)
    assert found["val_accuracy"].tolist() == pytest.approx([0.80, (0.79 + 0.79 + 0.81) / 3, 0.1])
    assert found["test_accuracy"].tolist()[:2] == pytest.approx([0.70, (0.69 + 0.69 + 0.71) / 3])
    assert [len(keys) for keys in found["keys"]] == [3] * 3


def test_networks_of_one_seed_each_are_ranked_and_one_seed_is_not_beside_several(ledger):
    trials = ledger.load().trials
    ones = choice.networks(trials[trials["seed"] == 1])
    assert (ones["cell"].tolist(), ones["ranked"].tolist()) == (["lstm", "gru"], [True, True])
    lucky = trials[(trials["cell"] == "gru") | (trials["seed"] == 9)]
    found = choice.networks(lucky)
    assert (found["cell"].tolist(), found["ranked"].tolist()) == (["gru", "lstm"], [True, False])


@given(st.lists(st.integers(1, 12), min_size=1))
@quick
def test_half_of_the_networks_with_two_seeds_have_as_many_as_are_compared(counts):
    used = choice.common(counts)
    several = [count for count in counts if count > 1]
    assert (used == 0) == (not several)
    assert 2 * sum(count >= used for count in several) >= len(several)
    assert 2 * sum(count >= used + 1 for count in several) < len(several) or not several


def test_trials_of_all_reviews_are_no_seeds_of_those_of_fewer(ledger):
    run(SpecList([GRU.replace(reviews=10)]), ledger, None, HERE, trainer=Given())
    assert sorted(choice.networks(ledger.load().trials)["n"]) == [1, 3, 4]


def test_a_confirmed_spec_is_judged_by_the_fresh_seeds_that_were_planned_and_no_others(ledger):
    found = choice.confirmed(ledger.load().trials, [LSTM.key, GRU.key], 2)
    assert found["key"].tolist() == [GRU.key, LSTM.key]
    assert found["n"].tolist() == [2, 2]
    assert found["val"].tolist() == pytest.approx([0.81, 0.80])
    assert found["mean"].tolist() == pytest.approx([0.71, 0.70])


def test_planned_seeds_begin_behind_the_one_that_chose(ledger):
    later = LSTM.replace(seed=2)
    assert choice.planned(ledger.load().trials, later.key, 2)["seed"].tolist() == [3]
    assert sorted(choice.planned(ledger.load().trials, later.key, 8)["seed"]) == [3, 9]


def test_a_spec_with_fewer_fresh_seeds_than_another_is_listed_below_it(ledger):
    trials = ledger.load().trials
    lacking = trials[(trials["cell"] != "gru") | (trials["seed"] != 3)].assign(val_accuracy=0.5)
    lacking.loc[lacking["cell"] == "gru", "val_accuracy"] = 0.9
    found = choice.confirmed(lacking, [GRU.key, LSTM.key], 2)
    assert (found["key"].tolist(), found["n"].tolist()) == ([LSTM.key, GRU.key], [2, 1])


def test_what_nothing_confirms_is_shown_by_the_seed_that_chose_it(ledger):
    found = choice.chosen(ledger.load().trials, [LSTM.key, GRU.key])
    assert (found["key"].tolist(), found["n"].tolist()) == ([LSTM.key, GRU.key], [1, 1])
    assert found["val"].tolist() == pytest.approx([0.79, 0.78])


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
    one_each |= {
        "learning-rate": 0.01,
        "optimizer": "adam",
        "pooling": "last",
        "bidirectional": "no",
        "epochs": 2,
        "bigrams": 0,
    }
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


def test_networks_are_ranked_by_what_all_of_them_select_epochs_by(ledger):
    trials = ledger.load().trials
    assert set(choice.networks(trials)["measure"]) == {"val_accuracy"}
    of_f1 = trials.assign(select="val_macro_f1", val_macro_f1=trials["cell"].map({"gru": 0.7, "lstm": 0.6}))
    three = of_f1[of_f1["seed"] < 9]
    found = choice.networks(three)
    assert (found["cell"].tolist(), found["val"].tolist()) == (["gru", "lstm"], pytest.approx([0.7, 0.6]))
    assert set(found["measure"]) == {"val_macro_f1"}
    assert choice.title_of("val_macro_f1") == "validation macro F1"
    by_loss = three.assign(select="val_loss", val_loss=three["cell"].map({"gru": 0.7, "lstm": 0.6}))
    assert choice.networks(by_loss)["cell"].tolist() == ["lstm", "gru"]  # the less the better


def test_trials_that_select_by_different_measures_or_lack_a_value_are_ranked_by_accuracy(ledger):
    trials = ledger.load().trials
    mixed = trials.assign(select=["val_macro_f1", *["val_accuracy"] * (len(trials) - 1)], val_macro_f1=0.5)
    assert choice.measure_of(mixed) == "val_accuracy"
    assert choice.measure_of(trials.assign(select="val_macro_f1")) == "val_accuracy"


def test_the_winner_of_fresh_seeds_is_of_the_same_measure(ledger):
    trials = ledger.load().trials.assign(select="val_loss")
    trials["val_loss"] = trials["cell"].map({"gru": 0.7, "lstm": 0.6})
    keys = [GRU.replace(seed=1).key, LSTM.replace(seed=1).key]
    found = choice.confirmed(trials, keys, 2)
    assert found["key"].tolist() == keys[::-1]
    assert found["val"].tolist() == pytest.approx([0.6, 0.7])
    assert choice.chosen(trials, keys)["val"].tolist() == pytest.approx([0.7, 0.6])
