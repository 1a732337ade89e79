"""What the packed network computes, by the plain Keras layers: loss, probabilities and gradients of tiny batches."""

from __future__ import annotations

import numpy as np
import pytest

from rnnsweep.machine.device import keras

STEPS, WORDS = 14, 40


def reviews(lengths: list[int], seed: int = 0, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return left-padded ids int32 [batch, STEPS] and labels uint8 [batch]."""
    random = np.random.default_rng(seed)
    ids = random.integers(1, WORDS, (len(lengths), STEPS), dtype=np.int32)
    for row, length in enumerate(lengths):
        ids[row, : STEPS - length] = 0
    return ids, random.integers(0, classes, len(lengths), dtype=np.uint8)


def weights_of(model: keras.Model, scale: float = 0.3) -> list[np.ndarray]:
    """Give the model random weights, biases too, which Keras would begin at 0, and return them."""
    random = np.random.default_rng(1)
    variables = model.trainable_variables
    weights = [random.normal(0, scale, variable.shape).astype(np.float32) for variable in variables]
    for variable, weight in zip(variables, weights, strict=True):
        variable.assign(weight)
    return weights


def by_keras(model, ids, labels, mask=None, sample_weights=None, training=False):
    """Return loss, probabilities and dense gradients by the plain Keras layers under a gradient tape.

    `mask` multiplies what is pooled.
    """
    import tensorflow as tf

    head = [layer for layer in model.layers if layer.name in ("hidden", "dense")]
    below = keras.Model(model.inputs[0], head[0].input)
    with tf.GradientTape() as tape:
        probabilities = below(ids, training=training)
        if mask is not None:
            probabilities *= mask
        for layer in head:
            probabilities = layer(probabilities)
        kind = (
            keras.losses.BinaryCrossentropy
            if probabilities.shape[1] == 1
            else keras.losses.SparseCategoricalCrossentropy
        )
        loss = kind()(labels[:, None].astype(np.float32), probabilities, sample_weights)
    gradients = tape.gradient(loss, model.trainable_variables)
    columns = probabilities.numpy()
    columns = columns[:, 0] if columns.shape[1] == 1 else columns
    return float(loss), columns, [tf.convert_to_tensor(g).numpy() for g in gradients]


def assert_equal(ours, theirs) -> None:
    """Fail where loss, probabilities or a gradient differ by more than 1e-5 of their size."""
    assert ours[0] == pytest.approx(theirs[0], rel=1e-5)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-5)
    assert len(ours[2]) == len(theirs[2])
    for our, their in zip(ours[2], theirs[2], strict=True):
        assert our.shape == their.shape
        assert our.dtype == np.float32
        assert np.linalg.norm(our - their) <= 1e-5 * np.linalg.norm(their)
        np.testing.assert_allclose(our, their, rtol=1e-3, atol=1e-5 * np.abs(their).max())
