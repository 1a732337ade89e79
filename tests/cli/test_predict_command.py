"""`sweeps/predict.py` and `sweeps/export.py`: what a user types and reads, by the functions behind them."""

import json
import re

import numpy as np
import pytest

from rnnsweep.cli import grid as commands
from rnnsweep.cli.export import export
from rnnsweep.cli.predict import predict, split_words
from rnnsweep.data import load
from rnnsweep.ledger import Ledger, Record
from rnnsweep.ledger.ledger import vocabulary_path

FLAGS = [
    "--units", "3", "--embedding-dim", "2", "--num-words", "20", "--max-len", "8", "--batch-size", "32",
    "--epochs", "1", "--reviews", "100", "--cell", "gru", "--seed", "1",
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the results of one network on the generated reviews."""
    results = tmp_path_factory.mktemp("commands") / "results"
    assert commands.one("One.", ["--data", "embedded", "--results", str(results), *FLAGS]) == 0
    return results


def mistake(capsys, call, *arguments):
    with pytest.raises(SystemExit) as end:
        call("A command.", list(map(str, arguments)))
    assert end.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_the_first_word_is_a_key_where_it_looks_like_one():
    assert split_words(["best", "a text"]) == ("best", ["a text"])
    assert split_words(["0123456789ab", "a text"]) == ("0123456789ab", ["a text"])
    assert split_words(["a text", "best"]) == ("best", ["a text", "best"])


def test_a_prediction_says_which_network_it_is_how_it_was_chosen_and_what_it_says(trained, capsys):
    assert predict("x", ["--results", str(trained), "word1 word5", "--", "real [b]words[/b]"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^network  \w{12}  gru 3 · 20 words · 8 steps · embedded · seed 1$", out, re.MULTILINE)
    assert "best validation accuracy (0." in out
    assert "of one seed, of 1 networks; the test set took no part" in out
    assert re.search(r"test 0\.\d{4} \(0\.\d{4} to 0\.\d{4}: 95 %, Wilson's, over 100 test texts of one seed\)", out)
    assert "warning: it has learned generated reviews, of word1, word2" in out
    assert re.search(r"^(positive|negative)  p\(positive\) 0\.\d{3}  word1 word5$", out, re.MULTILINE)
    assert "real [b]words[/b]  [none of its 4 words is known]" in out


def test_a_file_is_predicted_to_a_file_and_the_same_command_goes_on(trained, tmp_path, capsys):
    (tmp_path / "new.csv").write_text("text\nword1\nword2 word3\n")
    arguments = ["--results", str(trained), "--file", str(tmp_path / "new.csv"), "--out", str(tmp_path / "said.csv")]
    assert predict("x", arguments) == predict("x", arguments) == 0
    assert "done     2 rows" in capsys.readouterr().out
    assert len((tmp_path / "said.csv").read_text().splitlines()) == 3
    assert predict("x", arguments[:-2]) == 0
    assert "word2 word3" in capsys.readouterr().out


def test_weights_that_were_thinned_out_are_trained_again_to_the_same_predictions(trained, tmp_path, capsys):
    import shutil

    shutil.copytree(trained, tmp_path / "thin")
    ledger = Ledger(tmp_path / "thin")
    (key,) = ledger.load().specs
    before = ledger.predictions(key)["best"]
    for path in (f"{key}/{Record.BEST_WEIGHTS}", vocabulary_path(load("embedded").sha256)):
        ledger.remove_file(path)
    where = ["--results", str(tmp_path / "thin")]
    assert "train it again by `" in mistake(capsys, predict, *where, "word1")
    assert predict("x", [*where, "--train", "word1"]) == 0
    assert np.array_equal(ledger.predictions(key)["best"], before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no text is given; give some in quotes, or a file of them with --file"),
        (["best"], "no text is given"),
        (["a", "--file", "b.csv"], "texts are given, and a --file, too; give one of them"),
        (["a", "--out", "b.csv"], "--out is for the rows of a --file"),
        (["--file", "a.csv", "--out", "b.parquet"], "give a name that ends in .csv"),
        (["--file", "nowhere.csv"], "there is no file nowhere.csv"),
        (["ffffffffffff", "a"], "there is no trial ffffffffffff; give best, or a key of its report"),
    ],
)
def test_a_mistake_is_one_line(trained, capsys, arguments, message):
    assert message in mistake(capsys, predict, "--results", trained, *arguments)


def test_a_place_that_cannot_be_written_and_a_word_that_is_no_key_are_named(trained, tmp_path, capsys):
    assert "is no key; give best, refit, ensemble, or the 12" in mistake(capsys, export, "nonsense", "--out", tmp_path)
    (tmp_path / "file").write_text("")
    said = mistake(capsys, export, "--results", trained, "--out", tmp_path / "file" / "x")
    assert "cannot be written" in said


def test_an_export_names_its_files(trained, tmp_path, capsys):
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    assert export("x", ["--results", str(trained), "--out", str(tmp_path / "model"), "--int8"]) == 0
    assert "model.keras, model.onnx, model.int8.onnx, vocabulary.json, predict.py" in capsys.readouterr().out
    assert json.loads((tmp_path / "model" / "vocabulary.json").read_text())["classes"] == ["negative", "positive"]
    assert "**Anything at all**" in (tmp_path / "model" / "README.md").read_text()
