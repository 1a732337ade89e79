"""`--refit`: the chosen network, and the linear lines, trained again on all texts and said beside what they had."""

import json
import re

import numpy as np
import pytest

from rnnsweep.cli.grid import grid, one
from rnnsweep.cli.search import search
from rnnsweep.ledger import Ledger
from rnnsweep.refits import reason_against, refits
from rnnsweep.spec import Spec

FLAGS = [
    "--data", "embedded", "--reviews", "300", "--epochs", "3", "--units", "4", "--embedding-dim", "4",
    "--max-len", "12", "--num-words", "100", "--batch-size", "32", "--learning-rate", "0.01", "--in-process",
]  # fmt: skip


def refitted(results):
    """Return the ledger's trials that held nothing out, and the others."""
    trials = Ledger(results).load().trials
    return trials[trials["validation"] == "none"], trials[trials["validation"] != "none"]


def mean_accuracy(results, keys):
    """Return the test accuracy of the mean of the logits of these trials of two classes."""
    said = [Ledger(results).predictions(key) for key in keys]
    logits = np.mean([np.log(one["best"].astype(float) / (1 - one["best"].astype(float))) for one in said], axis=0)
    return float(np.mean((logits > 0) == said[0]["label"]))


def test_the_best_network_of_a_grid_is_trained_on_all_texts_with_fresh_seeds(tmp_path, capsys):
    command = ["--cell", "gru", "lstm", "--depth", "1", "--seeds", "2", "--refit", "--results", str(tmp_path), *FLAGS]
    assert grid("A grid.", [*command, "--plan"]) == 0
    assert "at the end, the best network on all texts: 2 trials, about" in capsys.readouterr().out
    assert grid("A grid.", [*command, "--json"]) == 0
    printed = capsys.readouterr()
    row = json.loads(printed.out)["summary"]["refit"]
    after, before = refitted(tmp_path)
    best = before.groupby("cell")["val_accuracy"].mean().idxmax()
    chosen = before[before["cell"] == best].sort_values("seed")
    assert list(after["seed"].sort_values()) == [3, 4]
    assert set(after["cell"]) == {best}
    assert set(after["epochs"]) == {min(chosen["best_epoch"])}, "of two the lower median"
    assert (row["n"], row["refit_n"]) == (2, 2)
    assert row["test_accuracy"] == pytest.approx(chosen["test_accuracy"].mean())
    assert row["refit_accuracy"] == pytest.approx(after["test_accuracy"].mean())
    assert row["difference"] == pytest.approx(row["refit_accuracy"] - row["test_accuracy"])
    assert re.search(r"refit    gru|lstm 4 .* trained on all texts, 0\.\d{4}", printed.err)
    together, before_together = mean_accuracy(tmp_path, after["key"]), mean_accuracy(tmp_path, chosen["key"])
    assert (row["refit_together"], row["together"]) == (pytest.approx(together), pytest.approx(before_together))
    assert f"logits: test {together:.4f} trained on all texts, {before_together:.4f} with some held out" in printed.err
    lines, again = Ledger(tmp_path).load().baselines, Ledger(tmp_path).load().refits
    assert set(again["train_reviews"]) == {300}
    assert list(again["c"].dropna()) == list(lines["c"].dropna()), "no C is chosen again"
    assert again["val_accuracy"].isna().all()
    known = len(before) + len(after)
    assert grid("A grid.", command) == 0
    out = capsys.readouterr().out
    assert "0 to train" in out
    assert re.search(r"NB-SVM, words and pairs, 100 words, 12 steps: test 0\.\d{4} trained on all texts, 0\.", out)
    assert sum(map(len, refitted(tmp_path))) == known
    best_line = next(line for line in out.splitlines() if line.startswith("bar"))
    assert "(n = 2)" in best_line, "a refit takes no part in what is best by validation"


def test_the_confirmed_winner_of_a_search_and_one_network_are_refitted_alike(tmp_path, capsys):
    results = ["--results", str(tmp_path / "search")]
    command = ["--trials", "2", "--confirm", "1", "--seeds", "1", "--refit", *results, *FLAGS, "--cell", "gru"]
    command += ["--pooling", "mean", "max", "--dropout", "0", "--optimizer", "adam", "--no-bidirectional"]
    assert search("A search.", command) == 0
    out = capsys.readouterr().out
    after, before = refitted(tmp_path / "search")
    assert (len(before), list(after["seed"])) == (3, [3])
    assert "(n = 1) with some held out" in out, "the seed that chose does not count"
    assert one("One.", ["--refit", "--seeds", "1", "--seed", "4", "--results", str(tmp_path / "one"), *FLAGS]) == 0
    assert list(refitted(tmp_path / "one")[0]["seed"]) == [5]


def test_a_search_that_would_choose_without_held_out_texts_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        search("A search.", ["--trials", "2", "--validation", "none", "--results", str(tmp_path), *FLAGS])
    assert ended.value.code == 2
    assert "validation is none, but a search chooses by held-out texts" in capsys.readouterr().err


def test_a_grid_that_holds_nothing_out_has_no_linear_lines_and_no_best_network(tmp_path, capsys):
    command = ["--cell", "gru", "--depth", "1", "--validation", "none", "--refit", "--results", str(tmp_path), *FLAGS]
    assert grid("A grid.", command) == 0
    out = capsys.readouterr().out
    assert "validate no text is held out: all are trained on" in out
    assert "1 of 1 networks can have no refit: validation is none" in out, "before they are trained"
    assert "no refit: none of these networks has finished with texts held out" in out
    assert "bar " not in out
    assert not len(Ledger(tmp_path).load().baselines)


def test_what_followed_the_test_set_or_a_plateau_has_no_refit(tmp_path, capsys):
    assert reason_against(Spec(validation="test")).startswith("validation is test")
    assert one("One.", ["--refit", "--schedule", "plateau", "--results", str(tmp_path), *FLAGS]) == 0
    assert "no refit: schedule is plateau" in capsys.readouterr().out


def test_a_refit_keeps_the_schedule_of_the_epochs_that_were_planned():
    spec = Spec(epochs=20, schedule="steps", patience=3, validation="grouped", validation_share=0.1, seed=7)
    found = refits([spec, spec.replace(seed=9)], [18, 17], 2)
    assert [one.seed for one in found] == [10, 11]
    assert {(one.epochs, one.schedule_epochs, one.patience, one.validation) for one in found} == {(17, 20, 0, "none")}
