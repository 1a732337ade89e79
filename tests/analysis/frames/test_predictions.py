"""What predictions say, on four and five reviews."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from analysis.frames.predictions import class_names, classification, commonest, confused, confusion, measured
from rnnsweep.choice import classify
from rnnsweep.ledger.frames import MEASURES as MEASURE_COLUMNS
from tests.helpers.ledgers import LABEL


def test_a_probability_above_a_half_is_class_1_and_a_half_is_not():
    assert classify(np.array([0.49, 0.5, 0.51], np.float16)).tolist() == [0, 0, 1]


def test_a_confusion_matrix_counts_true_by_predicted():
    matrix = confusion(LABEL, np.array([0.2, 0.7, 0.5, 0.9]), ["negative", "positive"])
    assert matrix.loc["negative"].to_dict() == {"negative": 1, "positive": 1}
    assert matrix.loc["positive"].to_dict() == {"negative": 1, "positive": 1}


def test_a_classification_report_has_scikit_learns_numbers():
    probabilities = np.array([0.2, 0.3, 0.5, 0.9])  # predicted 0 0 0 1
    report = classification(LABEL, probabilities)
    assert list(report.index) == ["0", "1", "accuracy", "macro avg", "weighted avg"]
    assert report.loc["0", ["precision", "recall", "support"]].tolist() == pytest.approx([2 / 3, 1, 2])
    assert report.loc["1", ["precision", "recall", "support"]].tolist() == pytest.approx([1, 1 / 2, 2])
    assert report.loc["accuracy", "f1-score"] == accuracy_score(LABEL, classify(probabilities))


def test_a_report_on_one_class_only_still_has_both_rows():
    report = classification(np.zeros(3, np.uint8), np.zeros(3))
    assert report.loc["1", ["precision", "support"]].tolist() == [0, 0]


THREE = np.array([[0.6, 0.3, 0.1], [0.4, 0.4, 0.2], [0.1, 0.7, 0.2], [0.1, 0.8, 0.1], [0.2, 0.5, 0.3]], np.float16)
TRUTH = np.array([0, 1, 1, 2, 2], np.uint8)  # taken for 0 0 1 1 1
NAMES = ["art/design", "sport", "news"]


def test_of_several_classes_the_most_probable_is_taken_and_of_equals_the_first():
    assert classify(THREE).tolist() == [0, 0, 1, 1, 1]


def test_a_confusion_matrix_of_several_classes_counts_true_by_predicted():
    matrix = confusion(TRUTH, THREE, NAMES)
    assert matrix.to_numpy().tolist() == [[1, 0, 0], [1, 1, 0], [0, 2, 0]]
    assert list(matrix.index) == list(matrix.columns) == NAMES


def test_a_classification_report_of_several_classes_has_a_row_for_each():
    report = classification(TRUTH, THREE)
    assert list(report.index) == ["0", "1", "2", "accuracy", "macro avg", "weighted avg"]
    assert report["f1-score"].tolist() == pytest.approx([2 / 3, 0.4, 0, 0.4, (2 / 3 + 0.4) / 3, (2 / 3 + 0.8) / 5])


def test_a_class_that_is_neither_had_nor_guessed_has_a_row_and_no_part_in_the_averages():
    report = classification(np.array([0, 1]), np.eye(3)[[0, 1]])
    assert report.loc["2", ["f1-score", "support"]].tolist() == [0, 0]
    assert report.loc["macro avg", "f1-score"] == 1


def test_the_commonest_mistakes_come_first_with_their_share_of_the_true_class():
    matrix = confusion(TRUTH, THREE, NAMES)
    assert confused(matrix, 5) == [("news", "sport", 2, 1.0), ("sport", "art/design", 1, 0.5)]
    assert confused(matrix, 1) == [("news", "sport", 2, 1.0)]


def test_always_naming_the_commonest_class_is_right_for_its_share():
    assert commonest(confusion(TRUTH, THREE, NAMES)) == ("sport", 0.4)


def test_names_of_classes_are_read_from_new_and_old_records_and_else_are_numbers():
    assert class_names({"class_names": '["a/b", "c"]', "classes": "a/b/c"}, 2) == ["a/b", "c"]
    assert class_names({"class_names": "", "classes": "negative/positive"}, 2) == ["negative", "positive"]
    assert class_names({"class_names": "", "classes": ""}, 3) == ["0", "1", "2"]


def test_measures_are_summed_up_where_there_are_any():
    row = {"val_macro_f1": 0.5, "test_macro_f1": 0.4}
    done = pd.DataFrame([row, row | {"val_macro_f1": 0.7}]).reindex(columns=MEASURE_COLUMNS)
    (found,) = measured(done).to_dict("records")
    assert (found["measure"], found["n"]) == ("macro F1", 2)
    assert [found[name] for name in ("val", "val_sd", "test", "test_sd")] == pytest.approx([0.6, 0.02**0.5, 0.4, 0])
    assert not len(measured(done.assign(val_macro_f1=np.nan, test_macro_f1=np.nan)))
