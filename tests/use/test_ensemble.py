"""The ensemble is used as one network is, whatever words and lengths its members read."""

import csv
import shutil

import numpy as np
import pytest

from rnnsweep.cli import export as export_command
from rnnsweep.cli import grid as commands
from rnnsweep.cli.predict import predict as predict_command
from rnnsweep.ensemble import Ensemble, logits_of
from rnnsweep.ledger import Ledger
from rnnsweep.use.chosen import UseError, accuracy_on_test, chosen
from rnnsweep.use.encode import narrowed
from rnnsweep.use.predict import Predictor

TEXTS = ["a great, lovely film", "DULL plot; awful scene", "", "xyzzy", "fine film " * 12, "poor boring plot n3 superb"]


@pytest.fixture(scope="module")
def several(trained, flags, tmp_path_factory):
    """Return a ledger whose networks read 16 words and 8 steps, or 11 words and 5 steps, and the key of the latter."""
    results = tmp_path_factory.mktemp("several") / "results"
    shutil.copytree(trained / "results", results)
    data = ["--data", str(trained / "reviews.csv"), "--results", str(results)]
    assert commands.grid("A grid.", [*data, *flags, "--cell", "gru", "--num-words", "11", "--max-len", "5"]) == 0
    specs = Ledger(results).load().specs
    return results, next(key for key, spec in specs.items() if spec.num_words == 11)


@pytest.fixture
def of_two(several, keys, monkeypatch):
    """Have the small network twice and a large one chosen, whatever validation says of such few texts."""
    results, small = several
    found = Ensemble({small: 2, keys["lstm", 1]: 1}, 0.9, 0.8, 0.5, 12, 3.0, 100)
    monkeypatch.setattr("rnnsweep.use.chosen.ensemble", lambda *_: found)
    return Ledger(results), found


def by_hand(ledger, found, texts):
    """Return the mean of the members' logits as probabilities, each asked by itself."""
    total = 0.0
    for key, times in found.members.items():
        alone = Predictor(ledger, chosen(ledger, key))
        total += times * logits_of(alone.probabilities(alone.encode(texts).ids), alone.output)
    return 1 / (1 + np.exp(-total[:, 0] / sum(found.members.values())))


def test_what_is_said_is_the_mean_of_the_members_logits_each_with_its_own_words_and_steps(of_two):
    ledger, found = of_two
    asked = Predictor(ledger, chosen(ledger, "ensemble"))
    assert np.allclose(asked.probabilities(asked.encode(TEXTS).ids), by_hand(ledger, found, TEXTS), atol=1e-6)
    assert accuracy_on_test(ledger, asked.chosen)[:3] == (0.8, *found.interval())


def test_texts_of_many_words_become_those_of_few_as_if_they_were_encoded_so():
    ids = np.array([[0, 1, 14, 9, 10]], np.int32)
    assert narrowed(ids, 10, 3).tolist() == [[2, 9, 2]]


@pytest.mark.parametrize("runtime", ["keras", "onnx"])
def test_the_exported_model_averages_the_members(of_two, tmp_path, runtime, capsys):
    ledger, found = of_two
    if runtime == "onnx":
        onnxruntime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    out = tmp_path / "model"
    assert export_command.export("Export.", ["ensemble", "--results", str(ledger.uri), "--out", str(out)]) == 0
    asked = Predictor(ledger, chosen(ledger, "ensemble"))
    ids = asked.encode(TEXTS).ids
    if runtime == "onnx":
        (said,) = onnxruntime.InferenceSession(out / "model.onnx").run(None, {"tokens": ids})
    else:
        import keras

        said = keras.saving.load_model(out / "model.keras", compile=False).predict_on_batch(ids)
    assert np.allclose(np.asarray(said)[:, 0], by_hand(ledger, found, TEXTS), atol=1e-5)
    card = (out / "README.md").read_text()
    assert "# Ensemble of 2 networks" in card
    assert all(f"| `{key}` | {times} |" in card for key, times in found.members.items())
    assert f"exported {found.name}" in capsys.readouterr().out


def test_a_file_is_answered_by_the_ensemble_and_another_one_does_not_go_on_with_it(of_two, trained, tmp_path, capsys):
    ledger, found = of_two
    out = tmp_path / "said.csv"
    command = ["ensemble", "--results", str(ledger.uri), "--file", str(trained / "reviews.csv"), "--out", str(out)]
    assert predict_command("Predict.", command) == 0
    assert "mean logits of 2 networks" in capsys.readouterr().out
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert {row["network"] for row in rows} == {found.name}
    with pytest.raises(SystemExit):
        predict_command("Predict.", ["best", *command[1:]])
    assert "has lines of another network" in capsys.readouterr().err


def test_where_no_mean_is_better_the_ledger_says_so(several, monkeypatch):
    results, _ = several
    monkeypatch.setattr("rnnsweep.use.chosen.ensemble", lambda *_: None)
    with pytest.raises(UseError, match="no networks whose mean is better on validation than the best of them; give"):
        chosen(Ledger(results), "ensemble")


@pytest.fixture(scope="module")
def again(trained, flags, tmp_path_factory):
    """Return a ledger whose GRU of two seeds was trained again on all texts, with two others."""
    results = tmp_path_factory.mktemp("again") / "results"
    shutil.copytree(trained / "results", results)
    data = ["--data", str(trained / "reviews.csv"), "--results", str(results)]
    assert commands.grid("A grid.", [*data, *flags, "--cell", "gru", "--seeds", "2", "--refit"]) == 0
    return Ledger(results)


def test_the_refit_is_asked_as_the_mean_of_all_its_seeds_logits(again, capsys):
    found = chosen(again, "refit")
    assert [spec.seed for spec in found.specs] == [3, 4]
    assert {spec.validation for spec in found.specs} == {"none"}
    assert f"the refit of {chosen(again).spec.key} " in found.how
    asked = Predictor(again, found)
    assert np.allclose(asked.probabilities(asked.encode(TEXTS).ids), by_hand(again, found.ensemble, TEXTS), atol=1e-6)
    assert predict_command("Predict.", ["refit", TEXTS[0], "--results", str(again.uri)]) == 0
    out = capsys.readouterr().out
    assert f"test {found.ensemble.test_accuracy:.4f}" in out
    assert "mean logits of 2 networks" in out


def test_the_refit_is_exported_as_one_model_of_its_seeds(again, tmp_path):
    assert export_command.export("Export.", ["refit", "--results", str(again.uri), "--out", str(tmp_path)]) == 0
    card = (tmp_path / "README.md").read_text()
    assert "# Ensemble of 2 networks" in card
    assert "the refit of" in card
    assert all(f"| `{key}` | 1 |" in card for key in chosen(again, "refit").keys)


def test_without_a_refit_the_message_says_how_to_get_one(results):
    with pytest.raises(UseError, match=r"has no refit of its best network, [0-9a-f]{12}; train one by .* --refit"):
        chosen(Ledger(results), "refit")
