"""Whole files, from what a user gives to tokens and classes, with each line that is said on the way."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from rnnsweep.data.look import counts_of, look, out_of_vocabulary, warnings
from rnnsweep.data.own import dataset_of
from rnnsweep.data.reading import Reading
from rnnsweep.data.reviews import DataError
from rnnsweep.data.understand import understand

SHARED = Path(__file__).parents[3] / "shared"
needs_cases = pytest.mark.skipif(not (SHARED / "cases").is_dir(), reason="no cases beside the project (shared/cases)")


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def table(tmp_path, rows, header="text,label", name="a.csv"):
    return write(tmp_path / name, "\n".join([header, *rows]) + "\n")


def test_a_file_is_understood_and_all_that_was_decided_is_said(tmp_path):
    path = table(tmp_path, ["Warm soup,1", ":),1", "cold <br /> soup,0", "no label,"])
    found = understand(path)
    assert found.texts == ["Warm soup", "cold <br /> soup"]
    assert found.words == [["warm", "soup"], ["cold", "br", "soup"]]
    assert found.labels.names == ("negative", "positive")
    assert found.labels.codes.tolist() == [1, 0]
    assert found.index == [1, 3]
    assert sorted(found.split) == ["test", "train"]
    assert found.groups is None
    said = "\n".join(found.notes)
    for part in (
        "text is column 'text', label is column 'label'",
        "1 of 4 rows are without a word (row 2: ':)')",
        "1 of 4 rows are without a label (row 4: 'no label')",
        "of negative, positive there is one text only",
        "tokens are words, as Keras splits them",
        "1 of 4 texts hold 1 tags (most often <br />); --strip-markup takes them out",
    ):
        assert part in said


def test_markup_is_taken_out_on_request_and_strict_refuses_what_is_left_out(tmp_path):
    path = table(tmp_path, ["a <br /> b,1", "c &amp; d,0", "<br />,0"])
    assert understand(path, Reading(strip_markup=True)).words == [["a", "b"], ["c", "d"]]
    with pytest.raises(DataError, match=r"1 of 3 rows are without a text .*mend them, or leave --strict out"):
        understand(path, Reading(strip_markup=True, strict=True))


def test_a_class_whose_texts_are_all_left_out_is_none(tmp_path):
    with pytest.raises(DataError, match=r"has only one class \(good\)"):
        understand(table(tmp_path, ["soup,good", ":),bad"]))


def test_a_split_column_may_name_validation_rows(tmp_path):
    rows = ["a b,1,train", "c d,0,train", "a d,1,dev", "e f,0,test"]
    found = understand(table(tmp_path, rows, "text,label,split"))
    assert found.split == ["train", "train", "validation", "test"]
    assert found.training.tolist() == [True, True, False, False]


def test_several_files_are_one_set_of_texts(tmp_path):
    path = table(tmp_path, ["a b,1", "c d,0"])
    test, validation = (
        table(tmp_path, ["1;a e", "x;"], "sentiment;review", "t.csv"),
        table(tmp_path, ["b,1"], name="v.csv"),
    )
    found = understand(path, Reading(test=test, validation_file=validation))
    assert found.split == ["train", "train", "test", "validation"]
    assert found.index[2] == (str(test), 1)
    assert f"({test}, row 2: '')" in "\n".join(found.notes)


def test_pieces_are_learned_on_the_training_texts_only(tmp_path):
    rows = ["low lower,1,train", "low low lower,0,train", "ж ж,1,test"]
    found = understand(table(tmp_path, rows, "text,label,split"), Reading(tokens="subwords", pieces=30))
    assert found.words[2] == ["▁", "\ufffd", "▁", "\ufffd"]
    assert "tokens are subwords, 30 at most, learned on the training texts" in found.notes
    found = understand(table(tmp_path, ["low low,1", "жж жж,0"]), Reading(tokens="subwords", pieces=30))
    (test,) = np.flatnonzero(~found.training)  # of a split that is made here
    assert "\ufffd" in found.words[test]


def test_the_words_of_one_file_are_said_once_and_of_several_with_their_names(tmp_path):
    path = table(tmp_path, ["a b,1", "c d,0"])
    first, *others = understand(path).notes
    assert first.startswith(f"{path}: a table of text")
    assert not any(str(path) in line for line in others)


def test_copies_are_counted_and_stand_on_one_side_of_a_split_that_is_made_here(tmp_path):
    rows = [f"{'A' if i % 2 else 'a'} b w{i // 2}!,{int(i > 9)}" for i in range(20)]
    found = understand(table(tmp_path, rows))
    assert found.split[::2] == found.split[1::2]
    assert found.split.count("test") == 4
    assert "10 of 20 texts are copies of another one; none stands on both sides of a split" in found.notes
    rows = ["a b,1,train", "a b,0,train", "c,0,train", "a B,1,test", "d,0,test", "c,1,dev", "e,0,dev"]
    assert (
        "3 of 7 texts are copies of another one, and 2 texts have more than one label; 1 of the 2 validation texts are "
        "copies of training texts; 1 of the 2 test texts are copies of training texts"
    ) in understand(table(tmp_path, rows, "text,label,split")).notes


def test_rows_that_a_lone_quote_swallows_are_refused(tmp_path):
    with pytest.raises(DataError, match="the texts of 1 rows hold lines that are rows themselves"):
        understand(table(tmp_path, ["a,1", '"b,0', "c,1", '"d" e,0']))


# ---- --look


def looked(tmp_path, **numbers):
    rows = ["the soup was good,good,train", "the bread was stale,bad,train", "the soup,good,test"]
    return look(understand(table(tmp_path, rows, "text,label,split")), **numbers)


def test_look_says_classes_lengths_scripts_tokens_and_what_is_cut_off(tmp_path):
    text = "\n".join(looked(tmp_path, max_len=[4], num_words=[6]))
    for part in (
        "split: 2 train, 1 test",
        "2 classes, of 3 texts",
        "  bad           1   33.3 %",
        "  good          2   66.7 %",
        "lengths in tokens, start token included: 3, 5, 5 (5, 50, 95 %), longest 5",
        "max_len 4 cuts 66.7 % of the texts, and 15.4 % of the tokens",  # 2 of 13
        "scripts: Latin 100.0 %",
        "tokens: words, 6 different ones in the training texts: the was soup good bread stale",
        "num_words 6 leaves 50.0 % of the training texts' tokens out, 50.0 % of the others",  # the, was
    ):
        assert part in text


def test_look_shows_a_text_of_each_class_as_tokens_and_as_numbers(tmp_path):
    lines = looked(tmp_path)
    at = lines.index("row 1 [good]: the soup was good")
    assert lines[at + 1 : at + 4] == ["  the | soup | was | good", "  1 4 6 5 7", "row 2 [bad]: the bread was stale"]


def test_look_shows_unknown_tokens_as_the_number_two(tmp_path):
    rows = ["a,x,train", "b,y,train", "c a,z,test"]
    lines = look(understand(table(tmp_path, rows, "text,label,split")))
    assert "  1 2 4" in lines


# ---- warnings


def warned(tmp_path, rows, num_words):
    return warnings(dataset_of(understand(table(tmp_path, rows, "text,label,split")), "a"), num_words)


def test_a_large_class_short_texts_and_unknown_words_are_warned_of(tmp_path):
    rows = [f"word{i} x,good,train" for i in range(8)] + ["y z,bad,train", "y x,good,test", "x x,bad,test"]
    short, large, unknown = warned(tmp_path, [*rows, "x x,good,test"], [5])
    assert "a: half of the texts have 2 tokens or fewer" in short
    assert "83.3 % of the texts are 'good': a network that always says so has that accuracy; judge by macro F1" in large
    assert "55.6 % of the tokens are out of vocabulary at num_words 5" in unknown  # 10 of the 18 to train; x is known


def test_texts_with_nothing_wrong_give_no_warning(tmp_path):
    rows = ["a b c d,1,train", "a b c e,0,train", "a b c,1,test", "b c a,0,test"]
    assert warned(tmp_path, rows, [1000]) == []


def test_the_share_of_unknown_words_is_of_the_training_or_the_other_texts(tmp_path):
    found = understand(table(tmp_path, ["a b c,1,train", "a a b,0,train"], "text,label,split"))
    assert out_of_vocabulary(found, ["a", "b"], 5) == pytest.approx(3 / 6)  # a alone is known
    assert out_of_vocabulary(found, ["a", "b"], 5, trained=False) is None


# ---- the cases beside the project

CASES = {
    "array.json": (60, "words", "a JSON array"),
    "capital_header.csv": (60, "words", "text is column 'Text', label is column 'Label'"),
    "no_spaces_zh.csv": (200, "characters", "tokens are characters: 100 % of the letters are Han"),
    "semicolon.csv": (60, "words", "fields between semicolons"),
    "smileys.csv": (60, "words", "3 of 63 rows are without a word (row 61: ':)'; row 62: ':-('; row 63: '...')"),
    "unbalanced_quote.tsv": (120, "words", "line 22 has a lone quote"),
}


@needs_cases
@pytest.mark.parametrize("name", CASES)
def test_each_case_is_understood_and_what_was_done_is_said(name):
    texts, kind, said = CASES[name]
    found = understand(SHARED / "cases" / name)
    assert len(found.texts) == texts
    assert found.kind.name == kind
    assert said in "\n".join(found.notes)
    assert counts_of(found).min() > 0.4 * texts


@needs_cases
def test_the_case_in_another_encoding_is_refused_with_the_flag_that_reads_it():
    path = SHARED / "cases" / "latin1.csv"
    with pytest.raises(DataError, match=r"byte 0xe9 at offset 39, in line 2, and 59 more .*give --encoding cp1252"):
        understand(path)
    assert "café" in understand(path, Reading(encoding="cp1252")).words[0]


def test_real_reviews_without_blanks_are_read_whatever_eight_rows_hold():
    path = SHARED / "data" / "reviews_zh.csv.gz"
    if not path.is_file():
        pytest.skip("no reviews beside the project (shared/data/reviews_zh.csv.gz)")
    with gzip.open(path, "rb") as file:
        assert file.read(6) == b"review"
    found = understand(path)
    assert len(found.texts) == 35_115
    assert found.labels.names == ("正面", "负面")
    said = "\n".join(found.notes)
    assert "8 of 35,123 rows are without a word (row 3,618: ':(';" in said
    assert "17,715 of 35,115 texts are copies of another one, and 47 texts have more than one label" in said
    sides = {}
    for split, words in zip(found.split, found.words, strict=True):
        sides.setdefault(tuple(words), set()).add(split)
    assert max(map(len, sides.values())) == 1
    assert found.split.count("test") == 7_023
