"""The output's loss, gradient and classes, against hand-worked numbers and scikit-learn's."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import log_loss

from rnnsweep.network.output import Binary, Softmax, output_of

BINARY, THREE = Binary(), Softmax(3)


def column(*logits):
    return np.array(logits, np.float32)[:, None]


def test_metrics_are_those_of_scikit_learn():
    probabilities = np.array([0.9, 0.4, 0.5, 0.51, 1.0], np.float32)
    labels = np.array([1, 1, 0, 0, 1], np.uint8)
    loss, accuracy = BINARY.metrics(probabilities, labels)
    assert loss == pytest.approx(log_loss(labels, np.clip(probabilities.astype(float), 1e-7, 1 - 1e-7)))
    assert accuracy == 0.6


def test_a_probability_keeps_its_side_of_one_half_in_half_precision():
    close = np.array([0.5, 0.50001, 0.49999, 0.9], np.float32)
    assert (BINARY.half_precision(close) > 0.5).tolist() == [False, True, False, True]


def test_a_half_is_class_0_and_above_it_is_class_1():
    classes = BINARY.classify(np.array([0, 0.5, 0.50001, 1], np.float32))
    assert classes.tolist() == [0, 0, 1, 1]
    assert classes.dtype == np.uint8


def test_a_logit_of_0_is_a_probability_of_a_half_and_that_of_the_logarithm_of_3_of_three_quarters():
    assert BINARY.probabilities(column(0, np.log(3), -np.log(3))) == pytest.approx([0.5, 0.75, 0.25])


def test_the_loss_is_minus_the_logarithm_of_the_true_class_and_its_gradient_the_error():
    losses, gradient = BINARY.loss_and_gradient(column(np.log(3), np.log(3)), np.array([1, 0], np.uint8))
    assert losses == pytest.approx([-np.log(0.75), -np.log(0.25)])
    assert gradient == pytest.approx(np.array([[-0.25], [0.75]]))


def test_logits_beyond_what_an_exponential_holds_have_finite_losses_and_probabilities():
    losses, gradient = BINARY.loss_and_gradient(column(-1000, 1000), np.array([1, 1], np.uint8))
    assert losses.tolist() == [1000, 0]
    assert gradient.tolist() == [[-1], [0]]


def test_no_reviews_have_no_probabilities():
    assert BINARY.probabilities(np.zeros((0, 1), np.float32)).shape == (0,)


def test_all_is_float32_as_the_weights_are():
    losses, gradient = BINARY.loss_and_gradient(column(1, 2), np.array([1, 0], np.uint8))
    assert {a.dtype for a in (losses, gradient, BINARY.probabilities(column(1)))} == {np.dtype(np.float32)}
    logits = np.ones((1, 3), np.float32)
    losses, gradient = THREE.loss_and_gradient(logits, np.array([1], np.uint8))
    assert {a.dtype for a in (losses, gradient, THREE.probabilities(logits))} == {np.dtype(np.float32)}


def test_two_classes_end_in_one_unit_and_more_in_a_unit_each():
    assert [output_of(classes).units for classes in (2, 3, 46)] == [1, 3, 46]


def test_one_class_is_no_question():
    with pytest.raises(ValueError, match="classes is 1; give at least 2"):
        output_of(1)


def test_probabilities_of_several_classes_are_the_shares_of_the_exponentials():
    found = THREE.probabilities(np.log(np.array([[1, 2, 5], [3, 3, 3]], np.float32)))
    assert found == pytest.approx(np.array([[0.125, 0.25, 0.625], [1 / 3, 1 / 3, 1 / 3]]))


def test_the_loss_of_several_classes_is_minus_the_logarithm_of_the_true_one_and_its_gradient_the_error():
    logits = np.log(np.array([[1, 2, 5], [1, 2, 5]], np.float32))
    losses, gradient = THREE.loss_and_gradient(logits, np.array([2, 0], np.uint8))
    assert losses == pytest.approx([-np.log(0.625), -np.log(0.125)])
    assert gradient == pytest.approx(np.array([[0.125, 0.25, -0.375], [-0.875, 0.25, 0.625]]))


def test_logits_of_several_classes_beyond_what_an_exponential_holds_have_finite_losses():
    losses, gradient = THREE.loss_and_gradient(np.array([[1000, 0, -1000]] * 2, np.float32), np.array([0, 2], np.uint8))
    assert losses.tolist() == [0, 2000]
    assert gradient.tolist() == [[0, 0, 0], [1, 0, -1]]


def test_metrics_of_several_classes_are_those_of_scikit_learn():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.4, 0.4, 0.2], [0.1, 0.1, 0.8], [0.02, 0.97, 0.01]], np.float32)
    labels = np.array([0, 1, 2, 1], np.uint8)
    loss, accuracy = THREE.metrics(probabilities, labels)
    whole = probabilities.astype(float) / probabilities.astype(float).sum(axis=1, keepdims=True)
    assert loss == pytest.approx(log_loss(labels, whole))
    assert accuracy == 0.75  # of two equals, the first


def test_a_class_keeps_its_lead_in_half_precision():
    close = np.array([[0.1, 0.45, 0.45001], [0.33333, 0.33334, 0.33333], [0.5, 0.5, 0]], np.float32)
    half = THREE.half_precision(close)
    assert half.dtype == np.float16
    assert THREE.classify(half).tolist() == THREE.classify(close).tolist() == [2, 1, 0]
    assert np.abs(half - close).max() < 0.001


def test_more_classes_than_a_byte_names_take_two():
    assert Softmax(256).classify(np.eye(256, dtype=np.float32)).dtype == np.uint8
    wide = Softmax(300).classify(np.eye(300, dtype=np.float32))
    assert wide.dtype == np.uint16
    assert wide.tolist() == list(range(300))


def test_no_reviews_of_several_classes_have_no_probabilities():
    assert THREE.probabilities(np.zeros((0, 3), np.float32)).shape == (0, 3)


def test_reading_predictions_needs_no_keras():
    code = "import sys, rnnsweep.network.output; print({'keras', 'tensorflow', 'numba'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_each_label_is_a_question_of_its_own_and_the_loss_their_mean():
    several = output_of(2, multilabel=True)
    assert (several.units, several.shape, output_of(several)) == (2, (2,), several)
    logits = np.array([[np.log(3), 0], [-1000, 1000]], np.float32)
    labels = np.array([[1, 0], [0, 1]], np.uint8)
    losses, gradient = several.loss_and_gradient(logits, labels)
    assert losses == pytest.approx([(-np.log(0.75) - np.log(0.5)) / 2, 0])
    assert gradient == pytest.approx(np.array([[-0.125, 0.25], [0, 0]]))
    assert {a.dtype for a in (losses, gradient, several.probabilities(logits))} == {np.dtype(np.float32)}


def test_a_review_is_right_where_all_of_its_labels_are():
    several = output_of(2, multilabel=True)
    probabilities = np.array([[0.9, 0.5], [0.9, 0.50001], [0.2, 0.1]], np.float32)
    labels = np.array([[1, 0], [1, 0], [0, 0]], np.uint8)
    assert several.classify(several.half_precision(probabilities)).tolist() == [[1, 0], [1, 1], [0, 0]]
    assert several.right(probabilities, labels).tolist() == [True, False, True]
    loss, accuracy = several.metrics(probabilities, labels)
    assert accuracy == pytest.approx(2 / 3)
    assert loss == pytest.approx(np.mean([log_loss(labels.ravel(), probabilities.ravel().astype(float))]), rel=1e-6)
