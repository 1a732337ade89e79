"""Labels of all spellings, and what is said of rows and classes that are amiss."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnsweep.data.labels import classes_of, label_name, leave_out, rare, text_of
from rnnsweep.data.reviews import DataError
from tests.helpers.properties import quick


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("pos", "pos"), (" very  good\n", "very good"), (1, "1"), (1.0, "1"), (3.5, "3.5"), (np.float64(0), "0"),
        (True, "True"), (-1, "-1"), ("NA", "NA"), ("null", "null"), ("None", "None"), ("nan", "nan"),
        (None, None), (float("nan"), None), (pd.NA, None), ("", None), ("  ", None),
    ],
)  # fmt: skip
def test_a_label_has_a_name_unless_it_is_missing(value, name):
    assert label_name(value) == name


@pytest.mark.parametrize(
    ("values", "names", "codes"),
    [
        (["1", "0", "1"], ("negative", "positive"), [1, 0, 1]),
        ([0, 1.0], ("negative", "positive"), [0, 1]),
        (["pos", "neg"], ("neg", "pos"), [1, 0]),
        ([-1, 1], ("-1", "1"), [0, 1]),
        ([2, 1], ("1", "2"), [1, 0]),
        ([True, False], ("False", "True"), [1, 0]),
        (["10", "9", "9.5"], ("9", "9.5", "10"), [2, 0, 1]),
        (["9", "10"], ("10", "9"), [1, 0]),  # two classes are in the order of their names
        (["5", "1", "3", "2", "4"], ("1", "2", "3", "4", "5"), [4, 0, 2, 1, 3]),
        (["b", "10", "9"], ("10", "9", "b"), [2, 0, 1]),
        (["正面", None, "负面"], ("正面", "负面"), [0, -1, 1]),
        (["NA", "null"], ("NA", "null"), [0, 1]),
    ],
)
def test_classes_are_in_the_order_of_names_or_numbers(values, names, codes):
    found = classes_of(values)
    assert found.names == names
    assert found.codes.tolist() == codes
    assert found.notes == ()


def test_labels_that_differ_in_case_or_blanks_are_one_class_and_that_is_said():
    found = classes_of(["Pos", "pos ", "pos", "neg", "1 star"], name="a.csv")
    assert found.names == ("1 star", "neg", "pos")
    assert found.codes.tolist() == [2, 2, 2, 1, 0]
    assert found.notes == ("a.csv: labels that differ in case or blanks only are one class: 'Pos', 'pos' as 'pos'",)
    assert classes_of(["1", "1.0", "2"]).codes.tolist() == [0, 0, 1]


def test_the_order_that_a_file_has_for_its_names_is_kept():
    assert classes_of(["neg", "pos"], order=["pos", "other", "neg"]).names == ("pos", "neg")


def test_classes_can_be_chosen_and_ordered_and_the_rest_is_left_out_and_said():
    found = classes_of(["a", "b", "c", "C"], chosen=["C", "a"], name="x")
    assert found.names == ("c", "a")
    assert found.codes.tolist() == [1, -1, 0, 0]
    assert found.notes[-1] == "x: 1 texts of classes that --classes does not name are left out"


def test_positive_names_the_class_that_counts_as_one():
    assert classes_of(["pos", "neg"], positive="NEG").names == ("pos", "neg")
    found = classes_of(["0", "1"], positive="0")
    assert (found.names, found.codes.tolist()) == (("1", "0"), [1, 0])
    assert classes_of([1, 2, 3], chosen=["1", "3"], positive="1").names == ("3", "1")


@pytest.mark.parametrize(
    ("values", "flags", "message"),
    [
        (["a", "A "], {}, r"x has only one class \(a\); give at least two, or another column with --label-column"),
        ([None], {}, "x has no labels; give at least two"),
        (["a", "b"], {"chosen": ["a"]}, "only one class"),
        (["a", "b"], {"chosen": ["d"]}, "--classes d: x has no such class; give of a, b"),
        (["a", "b"], {"positive": "d"}, "--positive d: x has no such class"),
        (["a", "b", "c"], {"positive": "a"}, "--positive is for two classes, and x has 3; choose two with --classes"),
        (["a", "b", "c"], {"positive": "a", "chosen": ["b", "c"]}, "--positive names a class that --classes does not"),
        (
            [f"id {i}" for i in range(50)],
            {},
            r"x has 50 classes, most of one text \(id 0, .* and 45 more\), so this is no",
        ),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(values, flags, message):
    with pytest.raises(DataError, match=message):
        classes_of(values, name="x", **flags)


@quick
@given(st.lists(st.sampled_from(["a", "A", " b", "c ", "C", "10", "9"]), min_size=2))
def test_each_text_keeps_its_label_whatever_the_spellings(values):
    keys = {value.strip().lower() for value in values}
    if len(keys) < 2:
        return
    found = classes_of(values)
    assert len(found.names) == len(keys)
    assert [found.names[code].lower() for code in found.codes] == [value.strip().lower() for value in values]


def test_classes_of_one_text_or_of_the_test_set_only_are_named():
    found = classes_of(["a", "a", "b", "b", "c", "d", "d"])
    split = ["train", "test", "train", "train", "train", "test", "test"]
    single, only = rare(found, split, "x")
    assert single == "x: of c there is one text only: it cannot be learned and tested"
    assert only == "x: d is not in the training set, so all its texts will be wrong"
    assert rare(classes_of(["a", "b"] * 2), None) == []


# ---- rows that are left out


def test_rows_that_lack_something_are_counted_shown_and_left_out():
    texts = ["good", ":)", ";-)", "...", "!" * 90, None, "fine"]
    faults = {"text": [0, 0, 0, 0, 0, 1, 0], "word": [0, 1, 1, 1, 1, 1, 0], "label": [0, 0, 0, 0, 0, 0, 1]}
    keep, lines = leave_out({k: np.array(v, bool) for k, v in faults.items()}, texts, range(1, 8), name="a.csv")
    assert keep.tolist() == [True, *[False] * 6]
    assert lines == [
        "a.csv: 1 of 7 rows are without a text (row 6: nothing); they are left out (--strict refuses them)",
        "a.csv: 4 of 7 rows are without a word (row 2: ':)'; row 3: ';-)'; row 4: '...'); they are left out (--strict "
        "refuses them)",
        "a.csv: 1 of 7 rows are without a label (row 7: 'fine'); they are left out (--strict refuses them)",
    ]


def test_strict_refuses_such_rows_and_so_does_a_file_of_nothing_else():
    faults = {"word": np.array([True, False])}
    with pytest.raises(
        DataError, match=r"a: 1 of 2 rows are without a word \(row 1: ':\)'\); mend them, or leave --strict"
    ):
        leave_out(faults, [":)", "b"], [1, 2], strict=True, name="a")
    with pytest.raises(DataError, match=r"a: 1 of 1 rows are without a word .*so none is left"):
        leave_out({"word": np.array([True])}, [":)"], [1], name="a")


def test_a_number_in_place_of_a_text_is_its_digits():
    assert [text_of(value) for value in ("a", " ", 10, 2.0, 1.5, None, True, float("nan"), ["a"])] == [
        "a", None, "10", "2", "1.5", None, None, None, None,
    ]  # fmt: skip
