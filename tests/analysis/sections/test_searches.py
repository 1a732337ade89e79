"""What the report says of searches: pictures and words from a ledger that a search wrote."""

import re

import pytest

from analysis.frames import searches
from analysis.frames.trials import prepared
from analysis.report import report
from rnnsweep import choice
from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.search import Goal
from rnnsweep.space import search_space
from rnnsweep.spec import Spec
from rnnsweep.sweep import SpecList
from tests.helpers.commands import fields_of
from tests.helpers.searches import FIELDS, Trainer, go
from tests.helpers.sweeps import HERE


class Whole(Trainer):
    """The closed form, with all that a report reads."""

    def __call__(self, spec, dataset, on_epoch, state):
        result = super().__call__(spec, dataset, on_epoch, state)
        result.row |= {"test_reviews": 1000, "test_accuracy": result.row["test_accuracy"] - 0.01 * spec.seed}
        return result


def beside():
    """Return the specs of a small grid."""
    base = search_space(FIELDS).base
    return [
        base.replace(cell=cell, units=(units,), max_len=steps)
        for cell in ("gru", "lstm") for units in (16, 64) for steps in (80, 500)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Return a ledger of a search with a confirmed winner, one for two objectives, and a small grid beside them."""
    ledger = Ledger(tmp_path_factory.mktemp("searched"))
    space = search_space(FIELDS)
    run(SpecList(beside()), ledger, None, HERE, None, Whole())
    go(space, 25, ledger, trainer=Whole(), name="single", warm=False)
    go(space, 12, ledger, Goal(objectives=("val_accuracy", "params")), trainer=Whole(), name="two")
    key = ledger.load().suggestions.query("study == 'single' and state == 'finished'")["key"].iloc[0]
    spec = ledger.specs([key])[key]
    run(SpecList([spec.replace(seed=seed) for seed in (2, 3)]), ledger, None, HERE, None, Whole())
    ledger.write_study("single", ledger.study("single") | {"confirmed": [key], "seeds": 2, "winner": key})
    return ledger, key


@pytest.fixture(scope="module")
def files(searched):
    return report(searched[0].load(), searched[0].predictions)


def test_of_the_best_network_fresh_seeds_are_told_from_the_one_that_chose_it(searched, files):
    ledger, key = searched
    trials = ledger.load().trials.set_index("key")
    spec = ledger.specs([key])[key]
    fresh = trials.loc[[spec.replace(seed=seed).key for seed in (2, 3)]]
    said = files["report.md"].decode().split("## The best network")[1].split("##")[0]
    assert (
        "1 of these seeds chose it, in a search, so that both accuracies are somewhat too high on average; the others, "
        f"2 fresh ones, have {fresh['val_accuracy'].mean():.4f} and {fresh['test_accuracy'].mean():.4f} by themselves."
    ) in said


def test_the_grid_beside_a_search_is_of_its_seed_and_epochs_and_none_that_it_suggested(searched):
    ledger, _ = searched
    contents = ledger.load()
    trials = prepared(contents.trials)
    frame = searches.trials(contents.suggestions, trials, contents.epochs, "single")
    grid = searches.rest(trials, frame, ledger.study("single")["base"])
    assert {spec.key for spec in beside()} <= set(grid["key"]), (
        "also those that the search was told, or asked for first"
    )
    assert set(grid["seed"]) == {1}, "the confirming seeds are no grid"
    suggested = contents.suggestions.query("study == 'single' and not known")
    assert not set(suggested["key"]) & set(grid["key"])


def test_confirmed_specs_are_means_over_their_fresh_seeds(searched):
    ledger, key = searched
    trials = prepared(ledger.load().trials)
    (row,) = choice.confirmed(trials, [key], 2).to_dict("records")
    first = trials.set_index("key").loc[key, "test_accuracy"]
    assert (row["n"], row["mean"]) == (2, pytest.approx(first - 0.015))


def test_the_report_shows_every_search_in_words_tables_and_pictures(files, searched):
    html = files["report.html"].decode()
    for name in ("single", "two"):
        assert re.search(rf'<h3 id="[^"]+">{name}<', html)
    for picture in ("history", "cost", "importance", "parallel", "slices", "contour", "front"):
        assert f"figures/search-1-{picture}.png" in files
    assert "figures/search-2-front.png" in files
    assert "Confirmed with fresh seeds" in html
    assert searches.EVALUATOR.split(",")[0] in html
    assert "best validation accuracy is" in html
    assert "The Pareto front" in html
    assert "pruned" in files["tables/trials.csv"].decode()
    assert "## Searches" in files["report.md"].decode()


def test_the_winners_command_makes_the_winners_spec(files, searched):
    ledger, key = searched
    text = files["report.md"].decode()
    commands = [line for line in text.splitlines() if line.startswith("python sweeps/one.py --cell")]
    spec = ledger.specs([key])[key]
    of_data = {"dataset": spec.dataset, "data_sha256": spec.data_sha256}
    assert key in {Spec(**fields_of(command)[1], **of_data).key for command in commands}


def test_the_same_ledger_gives_the_same_bytes(files, searched):
    assert report(searched[0].load(), searched[0].predictions) == files
