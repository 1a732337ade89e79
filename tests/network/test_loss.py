"""Losses other than the plain cross-entropy: the same on the packed path and in Keras, by logits and targets."""

import numpy as np
import pytest

from rnnsweep.machine.device import keras, use_cores
from rnnsweep.network.keras_loss import keras_loss
from rnnsweep.network.loss import loss_of
from rnnsweep.network.output import output_of
from rnnsweep.spec import Spec

use_cores(1)

KINDS = {"binary": output_of(2), "softmax": output_of(3), "sigmoids": output_of(3, multilabel=True)}
LOSSES = [{"loss": "square"}, {"label_smoothing": 0.2}, {"loss": "square", "label_smoothing": 0.2}]


def case(output):
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (7, output.units)).astype(np.float32)
    return logits, output.classify(output.probabilities(random.normal(0, 2, (7, output.units)).astype(np.float32)))


@pytest.mark.parametrize("fields", LOSSES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_keras_takes_the_same_loss_of_the_same_logits_whether_they_are_kept_or_computed_back(kind, fields):
    output, spec = KINDS[kind], Spec(**fields)
    logits, labels = case(output)
    ours = loss_of(spec, output)(logits, labels)[0].mean()
    theirs = keras_loss(spec, output)
    kept = keras.activations.get(output.activation)(keras.ops.convert_to_tensor(logits))
    assert float(theirs(labels.astype(np.float32), kept)) == pytest.approx(ours, rel=1e-5)
    if (kind, fields.get("loss")) != ("softmax", "square"):  # known up to a number alone
        plain = keras.ops.convert_to_tensor(keras.ops.convert_to_numpy(kept))
        assert float(theirs(labels.astype(np.float32), plain)) == pytest.approx(ours, rel=1e-4)


@pytest.mark.parametrize("fields", LOSSES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_the_loss(kind, fields):
    output = KINDS[kind]
    loss = loss_of(Spec(**fields), output)
    logits, labels = case(output)
    logits = logits.astype(np.float64)
    gradient = loss(logits, labels)[1]
    for unit in range(output.units):
        step = np.zeros_like(logits)
        step[:, unit] = 1e-6
        slope = (loss(logits + step, labels)[0] - loss(logits - step, labels)[0]) / 2e-6
        np.testing.assert_allclose(gradient[:, unit], slope, atol=1e-6)


def test_square_loss_is_the_squared_distance_of_the_logit_from_minus_one_or_one():
    losses, gradient = loss_of(Spec(loss="square"), output_of(2))(np.array([[3], [0.5]], np.float32), np.array([0, 1]))
    np.testing.assert_allclose(losses, [16, 0.25])
    np.testing.assert_allclose(gradient, [[8], [-1]])


def test_without_smoothing_the_loss_is_the_outputs_own():
    output = output_of(3)
    assert loss_of(Spec(), output) == output.loss_and_gradient
    assert keras_loss(Spec(), output) == "sparse_categorical_crossentropy"
