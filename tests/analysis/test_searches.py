"""What the report says of searches: its numbers by hand, its pictures and words from a ledger that a search wrote."""

import itertools
import shlex

import numpy as np
import pandas as pd
import pytest
from test_search import FIELDS, Trainer, go
from test_sweep import Heard

from analysis import searches, tables
from analysis.report import report
from rnnsweep import cli
from rnnsweep.ledger import Ledger
from rnnsweep.search import Goal
from rnnsweep.space import search_space
from rnnsweep.run import run
from rnnsweep.sweep import SpecList
from rnnsweep.sweep import Machines


def frame(**columns):
    count = len(next(iter(columns.values())))
    usual = {"state": ["finished"] * count, "known": [False] * count, "spent": [1.0] * count, "number": range(count)}
    return pd.DataFrame(usual | columns)


def test_progress_counts_trainings_and_seconds_and_leaves_out_what_the_ledger_answered():
    found = searches.progress(
        frame(
            reached=[0.7, 0.9, 0.8, 0.85],
            state=["finished", "pruned", "finished", "finished"],
            known=[False, False, True, False],
            spent=[10.0, 4.0, 0.0, 8.0],
        )
    )
    assert found["trainings"].tolist() == [1, 2, 2, 3]
    assert found["seconds"].tolist() == [10.0, 14.0, 14.0, 22.0]
    assert found["best"].tolist() == [0.7, 0.7, 0.8, 0.85], "a pruned trial is not the best"


def test_a_grid_in_random_order_reaches_the_mean_of_the_best_of_all_orders():
    values = [0.5, 0.9, 0.6, 0.8]
    orders = [np.maximum.accumulate(order) for order in itertools.permutations(values)]
    found = searches.random_order(pd.DataFrame({"val_accuracy": values, "seconds": [1.0, 2.0, 3.0, 4.0]}))
    assert found["best"].to_numpy() == pytest.approx(np.mean(orders, axis=0))
    assert found["seconds"].tolist() == [2.5, 5.0, 7.5, 10.0]


def test_the_front_holds_what_nothing_beats_in_every_objective():
    points = frame(val_accuracy=[0.9, 0.8, 0.7, 0.85], params=[100, 50, 60, 200])
    assert searches.front(points, ["val_accuracy", "params"], ["params"]).index.tolist() == [0, 1]


def test_the_grid_beside_a_search_is_of_its_seed_and_epochs_and_none_that_it_suggested(searched):
    ledger, _ = searched
    contents = ledger.load()
    trials = tables.prepared(contents.trials)
    frame = searches.trials(contents.suggestions, trials, contents.epochs, "single")
    grid = searches.rest(trials, frame, ledger.study("single")["base"])
    assert len(grid[~grid["key"].isin(contents.suggestions["key"])]) == 8, "the confirming seeds are no grid"
    assert set(grid["seed"]) == {1}


def test_importance_is_that_of_the_axis_that_matters():
    random = np.random.default_rng(0)
    count = 40
    rate, units = random.uniform(0.001, 0.1, count), random.integers(8, 64, count)
    trials = frame(learning_rate=rate, units_1=units, cell=["gru"] * count, reached=10 * rate + units * 1e-5)
    found = searches.importance(trials, ["cell", "learning_rate", "units"])
    assert found["axis"].iloc[0] == "learning_rate"
    assert found["share"].iloc[0] > 0.9
    assert "cell" not in set(found["axis"]), "it took one value only"
    assert not len(searches.importance(trials.head(searches.ENOUGH - 1), ["learning_rate"]))


class Whole(Trainer):
    """The closed form, with all that a report reads."""

    def __call__(self, spec, dataset, on_epoch, state):
        result = super().__call__(spec, dataset, on_epoch, state)
        result.row |= {"test_reviews": 1000, "test_accuracy": result.row["test_accuracy"] - 0.01 * spec.seed}
        return result


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Return a ledger of a search with a confirmed winner, one for two objectives, and a small grid beside them."""
    ledger = Ledger(tmp_path_factory.mktemp("searched"))
    space = search_space(FIELDS)
    grid = [
        space.base.replace(cell=cell, units=(units,), max_len=steps)
        for cell in ("gru", "lstm") for units in (16, 64) for steps in (80, 500)
    ]  # fmt: skip
    machines = Machines(in_process=True)
    run(SpecList(grid), ledger, None, machines, Heard(), Whole())
    go(space, 25, ledger, trainer=Whole(), name="single")
    go(space, 12, ledger, Goal(objectives=("val_accuracy", "params")), trainer=Whole(), name="two")
    key = ledger.load().suggestions.query("study == 'single' and state == 'finished'")["key"].iloc[0]
    spec = ledger.specs([key])[key]
    run(SpecList([spec.replace(seed=seed) for seed in (2, 3)]), ledger, None, machines, Heard(), Whole())
    ledger.write_study("single", ledger.study("single") | {"confirmed": [key], "winner": key})
    return ledger, key


@pytest.fixture(scope="module")
def files(searched):
    return report(searched[0].load(), searched[0].predictions)


def test_confirmed_specs_are_means_over_their_seeds(searched):
    ledger, key = searched
    trials = tables.prepared(ledger.load().trials)
    (row,) = searches.confirmed(trials, [key]).to_dict("records")
    first = trials.set_index("key").loc[key, "test_accuracy"]
    assert (row["n"], row["mean"]) == (3, pytest.approx(first - 0.01))


def test_the_report_shows_every_search_in_words_tables_and_pictures(files, searched):
    html = files["report.html"].decode()
    for name in ("single", "two"):
        assert f">{name}</h3>" in html
    for picture in ("history", "cost", "importance", "parallel", "slices", "contour", "front"):
        assert f"figures/search-1-{picture}.png" in files
    assert "figures/search-2-front.png" in files
    assert "Confirmed with new seeds" in html
    assert searches.EVALUATOR.split(",")[0] in html
    assert "best validation accuracy is" in html
    assert "The Pareto front" in html
    assert "pruned" in files["tables/trials.csv"].decode()
    assert "## Searches" in files["report.md"].decode()


def test_the_winners_command_makes_the_winners_spec(files, searched):
    ledger, key = searched
    text = files["report.md"].decode()
    commands = [line for line in text.splitlines() if line.startswith("python sweeps/one.py --cell")]
    found = set()
    for command in commands:
        words = shlex.split(command)[2:]
        parser = cli.Parser("x")
        cli._add_spec_flags(parser, many=False)
        parser.add_argument("--data")
        options = parser.parse_args(words)
        options.system = None
        spec = ledger.specs([key])[key]
        found.add(type(spec)(**cli._given(options), dataset=spec.dataset, data_sha256=spec.data_sha256).key)
    assert key in found


def test_the_same_ledger_gives_the_same_bytes(files, searched):
    assert report(searched[0].load(), searched[0].predictions) == files
