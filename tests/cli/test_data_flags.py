"""The flags of your own texts, and what is printed of them before anything is trained."""

import argparse
import io
from pathlib import Path

import pytest
from rich.console import Console

from rnnsweep.cli import data_flags
from rnnsweep.cli.grid import grid
from rnnsweep.cli.look import values_of
from rnnsweep.cli.screen import print_data
from rnnsweep.cli.search import search
from rnnsweep.data import Reading, load, reading, tokens
from rnnsweep.space import search_space
from rnnsweep.spec import Spec


@pytest.fixture
def reviews(tmp_path):
    path = tmp_path / "mine.csv"
    rows = [f"{'warm' if i % 2 else 'cold'} soup [{i}],{'good' if i % 2 else 'bad'}" for i in range(20)]
    path.write_text("\n".join(["review,sentiment", *rows, ":),good"]))
    return path


def options_of(*words):
    parser = argparse.ArgumentParser()
    parser.add_argument("--data")
    data_flags.add_data_flags(parser)
    return parser.parse_args(words)


def parsed(*words):
    return data_flags.reading_of(options_of(*words))


def test_no_flag_leaves_all_to_the_file():
    assert parsed() == Reading()


def test_each_flag_says_one_thing_of_the_reading():
    words = "--text-column a --label-column 2 --split-column c --group-column d --encoding cp1252 --no-header "
    words += "--test t.csv --validation-file v.csv --tokens subwords --pieces 50 --strip-markup --strict --positive b"
    assert parsed(*words.split(), "--classes", "a b", "c") == Reading(
        encoding="cp1252", header=False, text_column="a", label_column="2", split_column="c", group_column="d",
        test=Path("t.csv"), validation_file=Path("v.csv"), tokens="subwords", pieces=50, strip_markup=True, strict=True,
        classes=("a b", "c"), positive="b",
    )  # fmt: skip


def test_the_words_that_name_the_data_again_are_those_that_were_given():
    words = ["--data", "a b.csv", "--no-header", "--text-column", "2", "--test", "t.csv", "--strip-markup"]
    words += ["--classes", "a b", "c"]
    found = data_flags.data_words(options_of(*words))
    assert found[:2] == words[:2]
    assert sorted(found) == sorted(words)
    assert parsed(*found) == parsed(*words)


def test_the_flags_offer_what_the_library_has():
    assert ("auto", *tokens.KINDS) == data_flags.TOKENS
    assert data_flags.PIECES == reading.PIECES


def test_look_prints_what_was_understood_and_what_would_be_cut_off_and_trains_nothing(reviews, tmp_path, capsys):
    flags = ["--data", str(reviews), "--look", "--max-len", "2", "--num-words", "6", "--results", str(tmp_path / "r")]
    for command in (lambda: grid("A grid.", flags), lambda: search("A search.", ["--trials", "3", *flags])):
        assert command() == 0
        out = capsys.readouterr().out
        assert "text is column 'review', label is column 'sentiment'" in out
        assert "1 of 21 rows are without a word (row 21: ':)')" in out
        assert "max_len 2 cuts 100.0 % of the texts" in out
        assert "row 1 [bad]: cold soup [0]" in out
        assert not (tmp_path / "r").exists()


def test_what_cannot_be_looked_at_is_refused(capsys):
    with pytest.raises(SystemExit) as end:
        grid("A grid.", ["--data", "embedded", "--look"])
    assert end.value.code == 2
    assert "--look shows a file of texts, and --data is embedded; give the file" in capsys.readouterr().err


def test_the_plan_says_how_the_file_was_read_and_warns_of_what_means_little(reviews, tmp_path, capsys):
    flags = ["--data", str(reviews), "--plan", "--results", str(tmp_path / "r"), "--batch-size", "8"]
    assert grid("A grid.", [*flags, "--num-words", "4"]) == 0
    out = capsys.readouterr().out
    assert "data     mine (16 + 4 reviews)" in out
    assert "text is column 'review', label is column 'sentiment'" in out
    assert "warning: mine: 100.0 % of the tokens are out of vocabulary at num_words 4" in out
    with pytest.raises(SystemExit):
        grid("A grid.", [*flags, "--strict"])
    assert "1 of 21 rows are without a word" in capsys.readouterr().err


def test_sets_and_classes_beyond_two_are_counted(tmp_path):
    path = tmp_path / "mine.csv"
    rows = [f"w{i},{i % 3},{('train', 'test', 'dev')[i // 3]}" for i in range(9)]
    path.write_text("\n".join(["text,label,split", *rows]))
    console = Console(file=io.StringIO(), width=200)
    print_data(console, load(str(path)))
    assert "data     mine (3 + 3 reviews, 3 for validation, 3 classes)" in console.file.getvalue()


def test_the_values_that_are_planned_are_those_of_specs_or_of_a_space():
    assert values_of([Spec(max_len=80), Spec(max_len=20), Spec(max_len=80)], "max_len") == [20, 80]
    space = search_space({"max_len": [500, 80], "num_words": [100]})
    assert values_of(space, "max_len") == [80, 500]
    assert values_of(space, "num_words") == [100]
