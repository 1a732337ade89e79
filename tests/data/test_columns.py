"""Columns are found by usual names where one fits, and every doubt is one line with the flag that ends it."""

import pandas as pd
import pytest

from rnnsweep.data.columns import Part, column_of, join, roles, splits, where
from rnnsweep.data.reviews import DataError


def frame(*names, rows=(("a", "b"),)):
    values = [(*row, *["x"] * (len(names) - len(row))) for row in rows]
    return pd.DataFrame(values, columns=list(names), index=pd.RangeIndex(1, len(values) + 1))


@pytest.mark.parametrize(
    ("names", "text", "label"),
    [
        (("text", "label"), "text", "label"),
        (("Text", "LABEL"), "Text", "LABEL"),
        (("review", "sentiment"), "review", "sentiment"),
        (("v1", "v2"), "v2", "v1"),
        (("stars", "Review Text", "id"), "Review Text", "stars"),
        (("overall", "reviewText", "summary"), "reviewText", "overall"),
        (("comment", "text", "category", "label"), "text", "label"),  # the project's own names come first
        (("评论", "标签"), "评论", "标签"),
        (("airline_sentiment", "tweet", "user"), "tweet", "airline_sentiment"),
    ],
)
def test_the_usual_names_are_taken_in_any_case_and_said(names, text, label):
    found = roles(frame(*names), name="a.csv")
    assert (found.text, found.label, found.split) == (text, label, None)
    assert found.note == f"a.csv: text is column {text!r}, label is column {label!r}"


def test_columns_are_given_by_name_in_any_case_or_by_number_from_one():
    table = frame("id", "Words", "kind", "2")
    assert roles(table, text="words", label="3").note.endswith("text is column 'Words', label is column 'kind'")
    assert column_of(table, "2") == "2"  # a name comes before a number
    assert column_of(table, "4") == "2"
    assert column_of(table, "0") is column_of(table, "5") is column_of(table, "nothing") is None


def test_a_given_column_leaves_the_other_roles_to_the_usual_names():
    assert roles(frame("text", "label", "target"), text="label").label == "target"


@pytest.mark.parametrize(
    ("names", "given", "message"),
    [
        (
            ("review", "comment", "label"),
            {},
            "'review' and 'comment', each of which may be the text; say which with --text-",
        ),
        (
            ("text", "class", "target"),
            {},
            "'class' and 'target', each of which may be the label; say which with --label-",
        ),
        (
            ("a", "label"),
            {},
            r"no column that is usual for the text \(text, .*only one of a, label, or a number from 1 to 2",
        ),
        (("text", "b"), {}, "usual for the label .*say which with --label-column"),
        (
            ("text", "label"),
            {"split": "x"},
            "--split-column x: a.csv has no such column; give one of text, label, or a n",
        ),
        (("text", "label"), {"text": "3"}, "--text-column 3: a.csv has no such column"),
    ],
)
def test_a_doubt_is_refused_with_the_columns_and_the_flag(names, given, message):
    with pytest.raises(DataError, match=message):
        roles(frame(*names), name="a.csv", **given)


def test_a_group_is_a_column_only_where_it_is_given():
    table = frame("text", "label", "group")
    assert roles(table).group is None
    assert roles(table, group="3").note.endswith("group is column 'group'")
    with pytest.raises(DataError, match="--group-column film: the file has no such column"):
        roles(table, group="film")


def test_of_two_columns_without_names_the_one_that_repeats_is_the_label():
    table = frame("1", "2", rows=[(f"soup {i}", "good" if i % 2 else "bad") for i in range(10)])
    assert roles(table, name="a").note == "a: text is column 1, label is column 2"
    with pytest.raises(DataError, match="usual for the text"):
        roles(frame("1", "2", rows=[("a", "b"), ("c", "d")]))


def test_a_column_called_fold_is_a_split_only_if_it_says_so():
    table = frame("text", "label", "fold", rows=[("a", "1", "train"), ("b", "0", "Dev ")])
    assert roles(table).split == "fold"
    assert roles(table.assign(fold=["0", "1"])).split is None
    assert roles(table.assign(split=["x", "y"])).split == "split"


def test_split_words_are_recognised_and_others_are_counted_and_shown():
    words = ["train", "Training", "test", "TESTING ", "validation", "valid", "val", "dev"]
    assert splits(words, "split", range(1, 9), "a") == ["train"] * 2 + ["test"] * 2 + ["validation"] * 4
    with pytest.raises(DataError, match=r"a has 2 rows with another word in the column set \(row 2: 'x'; row 3: ''\)|"):
        splits(["train", "x", ""], "set", [1, 2, 3], "a")
    with pytest.raises(
        DataError, match=r"give train, test or validation in every row, or another column with --split-"
    ):
        splits([None], "set", [1], "a")


def test_several_files_are_one_table_that_says_the_split_and_names_its_rows():
    first, second = frame("text", "label", "id"), frame("Label", "Review")
    parts = {"train": Part("a.csv", first, roles(first)), "test": Part("b.csv", second, roles(second))}
    joined = join(parts)
    assert joined[["text", "label", "split"]].values.tolist() == [["a", "b", "train"], ["b", "a", "test"]]
    assert [where(row) for row in joined.index] == ["a.csv, row 1", "b.csv, row 1"]


def test_groups_of_one_of_several_files_are_kept():
    first, second = frame("text", "label", "film"), frame("text", "label")
    joined = join({"train": Part("a", first, roles(first, group="film")), "test": Part("b", second, roles(second))})
    assert joined["group"].tolist()[0] == "x"
    assert joined["group"].isna().tolist() == [False, True]


def test_a_split_column_beside_a_test_file_is_refused():
    split = frame("text", "label", "split")
    with pytest.raises(DataError, match=r"a\.csv says in its column 'split' what is train and test, and so do --test"):
        join({"train": Part("a.csv", split, roles(split))})


def test_a_row_is_called_by_its_number_or_by_its_file():
    assert where(3618) == "row 3,618"
    assert where("pos/1.txt") == "pos/1.txt"
