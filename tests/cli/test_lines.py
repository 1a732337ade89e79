"""Linear lines of a sweep: for which settings, on which reviews, and how a network is set against them."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from rnnsweep import baselines as module
from rnnsweep.baselines import BaselineSettings, baseline_key
from rnnsweep.cli import lines, lines_beside
from rnnsweep.data import Dataset, Reviews
from rnnsweep.ledger import Ledger
from rnnsweep.spec import Spec
from rnnsweep.sweep import SpecList
from tests.helpers.searches import Trainer
from tests.helpers.sweeps import HERE

SMALL = Spec(num_words=30, max_len=12, batch_size=16, dataset="tiny", data_sha256="0" * 64)


@pytest.fixture
def console():
    return Console(file=io.StringIO(), highlight=False, width=300)


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "results")


def settings(specs):
    return sorted((spec.num_words, spec.max_len) for spec in lines.settings_of(specs).values())


def grid(words, lengths):
    return [Spec(num_words=n, max_len=length, seed=seed) for n in words for length in lengths for seed in (1, 2)]


def test_networks_of_one_setting_share_their_lines():
    assert settings(grid([1000, 5000], [80, 500])) == [(1000, 80), (1000, 500), (5000, 80), (5000, 500)]
    assert len(lines.settings_of([Spec(), Spec(cell="lstm", units=(3,), epochs=9, dropout=0.5)])) == 1


def test_other_validation_reviews_are_another_setting_and_batches_only_where_the_first_is_held_out():
    specs = [
        Spec(),
        Spec(validation="test"),
        Spec(validation="grouped"),
        Spec(validation="grouped", validation_share=0.3),
    ]
    assert len(lines.settings_of([*specs, Spec(reviews=50)])) == 5
    assert len(lines.settings_of([Spec(), Spec(batch_size=64)])) == 1
    first = Spec(validation="first_batch")
    assert len(lines.settings_of([first, first.replace(batch_size=64)])) == 2


def test_of_many_settings_each_vocabulary_is_taken_at_the_largest_length_and_of_still_more_the_largest_one():
    assert settings(grid([1000, 2000, 5000], [80, 100, 200, 300, 500])) == [(1000, 500), (2000, 500), (5000, 500)]
    assert settings(grid(range(1000, 2300, 100), [80, 500])) == [(2200, 500)]


def test_lines_are_computed_once_and_say_what_they_are_of(console, ledger, tiny):
    options = type("Options", (), {"baselines": True})()
    ledger.list_files()
    assert lines.lacking([SMALL], ledger, options) == [SMALL]
    lines.compute(console, [SMALL], ledger, tiny)
    frames = ledger.load()
    assert lines.lacking([SMALL], ledger, options) == []
    row = frames.baselines.set_index("model").loc["nbsvm_2"]
    assert (row["dataset"], row["data_sha256"], row["validation"]) == ("tiny", "0" * 64, "0.2")
    assert (row["num_words"], row["max_len"], row["classes"], row["train_reviews"]) == (30, 12, 2, 80)
    assert (row["validation_reviews"], row["test_reviews"]) == (20, 60)
    assert row["key"] == baseline_key(BaselineSettings.of(SMALL))
    assert frames.baselines["reviews"].isna().all()
    assert frames.warnings == []
    rows, predictions = ledger.read_baselines(row["key"])
    found = {line.row["model"]: line for line in module.read_baselines(rows, predictions)}
    assert row["test_accuracy"] == (found["nbsvm_2"].predicted == tiny.test.labels).mean()


def test_without_copies_a_line_has_another_accuracy(console, ledger):
    train = Reviews(
        np.tile([1, 5, 1, 6], 20).astype(np.int32), np.arange(0, 81, 2), np.tile([0, 1], 20).astype(np.uint8)
    )
    test = Reviews(np.array([1, 5, 1, 7, 1, 5], np.int32), np.arange(0, 7, 2), np.array([0, 0, 0], np.uint8))
    data = Dataset("copied", "1" * 64, False, ("no", "yes"), train, test)
    lines.compute(console, [SMALL.replace(dataset="copied", data_sha256="1" * 64)], ledger, data)
    rows = ledger.load().baselines
    assert rows["test_shared"].tolist() == [2] * 4
    assert ((3 * rows["test_accuracy"] - 2) - rows["test_accuracy_distinct"]).abs().max() < 1e-9


def test_what_has_no_lines_is_a_warning_and_not_the_end(console, ledger, tiny, monkeypatch):
    def fail(parts, settings):
        raise ValueError("The number of classes has to be greater than one")

    monkeypatch.setattr(lines_beside, "baselines", fail)
    lines.compute(console, [SMALL], ledger, tiny)
    assert "warning: no linear lines for 30 words, 12 steps: The number of classes" in console.file.getvalue()
    assert not len(ledger.load().baselines)


def test_lines_are_computed_beside_the_trials_where_that_is_worth_a_process_and_there_is_memory(
    console, ledger, tiny, monkeypatch
):
    with lines.while_training(console, [SMALL], ledger, tiny, 1e6):
        assert len(ledger.load().baselines), "in less time than a process takes to begin"
    beside = []
    monkeypatch.setattr(lines, "WORTH_A_PROCESS", 0.0)
    monkeypatch.setattr(lines, "beside", lambda asked, take, waiting, *others: beside.append((*others, take)))
    lines.while_training(console, [SMALL], ledger, tiny, 100.0)
    assert not beside, "of 100 MB"
    for free, cores in ((1e6, 1), (1e6, 8), (450.0, 8)):
        lines.while_training(console, [SMALL] * 3, ledger, tiny, free, cores)
    assert [others[:2] for others in beside] == [(1, 60.0), (3, 60.0), (2, 60.0)]
    take = beside[0][-1]
    take(0, ValueError("one class"))
    assert "warning: no linear lines for 30 words, 12 steps: one class" in console.file.getvalue()


def test_the_best_network_by_validation_stands_beside_the_best_line_of_its_data(console, ledger, tiny):
    from rnnsweep.run import run

    specs = [SMALL, SMALL.replace(cell="lstm"), SMALL.replace(reviews=50)]
    run(SpecList(specs), ledger, None, HERE, trainer=Trainer())
    lines.print_best(console, ledger.load(), specs[:2])
    assert console.file.getvalue() == "", "nothing to stand beside"
    lines.compute(console, [SMALL], ledger, tiny)
    lines.print_best(console, ledger.load(), specs[:2])
    text = console.file.getvalue()
    assert text.startswith("bar      best network so far: lstm 100 · 30 words · 12 steps, test 0.")
    assert "(n = 1); best linear line: " in text
    before = len(text)
    lines.print_against(console, ledger.load(), specs[2], 0.9, 1)
    assert console.file.getvalue()[before:] == "", "other reviews have other lines"
    best = float(re.findall(r"steps, test ([\d.]+) in", text)[0])
    for ahead, verdict in ((0.01, "the network is 1.0 points"), (-0.01, "the line is 1.0"), (0.0004, "they are level")):
        lines.print_against(console, ledger.load(), SMALL, best + ahead, 2)
        assert verdict in console.file.getvalue().splitlines()[-1]
