"""The optimizers' compiled updates are Keras's own, and leave Keras's own variables."""

import numpy as np
import pytest

from rnnsweep.machine.device import keras
from rnnsweep.spec import OPTIMIZERS
from rnnsweep.training.optimizer import InPlaceOptimizer

OTHERS = [
    ("sgd", {"momentum": 0.9, "weight_decay": 0.1, "global_clipnorm": 0.04}),  # some batches' gradients are longer
    ("rmsprop", {"weight_decay": 0.1}),
    ("adam", {"global_clipnorm": 0.04}),
]
SHAPES = ((9, 4), (4, 6), (6,))


def built(name, **settings):
    """Return an optimizer and its variables, which begin at the same values each time."""
    random = np.random.default_rng(0)
    variables = [keras.Variable(random.normal(0, 0.1, shape).astype(np.float32)) for shape in SHAPES]
    optimizer = keras.optimizers.get({"class_name": name, "config": {"learning_rate": 1e-3, **settings}})
    optimizer.build(variables)
    return optimizer, variables


def batches(count):
    """Return gradients as a batch of reviews gives them: rows of words that it does not have are 0."""
    random = np.random.default_rng(1)
    kept = (random.random((count, SHAPES[0][0], 1)) < 0.4).astype(np.float32)
    return [
        [random.normal(0, 1e-2, shape).astype(np.float32) * (kept[i] if shape is SHAPES[0] else 1) for shape in SHAPES]
        for i in range(count)
    ]


def values(optimizer, variables):
    return [keras.ops.convert_to_numpy(variable) for variable in [*variables, *optimizer.variables]]


@pytest.mark.parametrize(("name", "settings"), [*((name, {}) for name in OPTIMIZERS), *OTHERS])
def test_weights_and_state_are_those_of_kerass_own_update_across_epochs(name, settings):
    theirs, their_variables = built(name, **settings)
    ours, our_variables = built(name, **settings)
    epochs = np.array_split(np.arange(12), 3)
    gradients = batches(12)
    for epoch in epochs:
        update = InPlaceOptimizer(ours, our_variables)  # as a process would that goes on from a checkpoint
        update.read()
        for i in epoch:
            theirs.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients[i]], their_variables)
            update.apply(gradients[i])
        update.write()
        for our, their in zip(values(ours, our_variables), values(theirs, their_variables), strict=True):
            np.testing.assert_allclose(our, their, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("tables", [1, 2])
def test_rows_that_catch_up_when_they_are_read_have_the_bits_of_those_that_move_at_each_step(momentum, tables):
    random, shapes = np.random.default_rng(2), [*[(7, 5), (11, 5)][-tables:], (5, 3)]
    start = [random.normal(0, 0.1, shape).astype(np.float32) for shape in shapes]
    updates = []
    for _ in range(2):
        names = ["embeddings"] * tables + ["kernel"]
        variables = [keras.Variable(values, name=name) for values, name in zip(start, names, strict=True)]
        optimizer = keras.optimizers.SGD(0.02, momentum=momentum)
        optimizer.build(variables)
        updates.append((InPlaceOptimizer(optimizer, variables), optimizer, variables))
        updates[-1][0].read()
    (dense, *_), (lazy, *_) = updates
    assert lazy.by_rows
    words = len(start[tables - 1])
    for step in range(150):
        rows = np.sort(random.choice(sum(map(len, start[:tables])), 3, replace=False)).astype(np.int32)
        rows = rows[rows != 4] if step % 70 else rows  # one row that is hardly ever read
        values = random.normal(0, 0.01, (len(rows), 5)).astype(np.float32)
        whole = np.zeros((sum(map(len, start[:tables])), 5), np.float32)
        whole[rows] = values
        others = [random.normal(0, 0.01, (5, 3)).astype(np.float32)]
        dense.apply([*([whole[words:]] if tables == 2 else []), whole[:words], *others])
        lazy.catch_up(np.concatenate([rows, rows[:1]]))
        lazy.apply_rows(rows, values, others)
    for update, _, _ in updates:
        update.write()
    for ours, theirs in zip(values_of(updates[1]), values_of(updates[0]), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def values_of(update):
    return values(*update[1:])


def test_an_optimizer_that_is_not_built_for_the_variables_is_refused_before_anything_is_written():
    optimizer, variables = keras.optimizers.Adam(), built("adam")[1]
    with pytest.raises(ValueError, match="adam is not built for these 3 variables; call its build first"):
        InPlaceOptimizer(optimizer, variables)
    with pytest.raises(ValueError, match="adam is not built for these 2 variables"):
        InPlaceOptimizer(built("adam")[0], variables[:2])


def test_what_is_written_to_keras_is_a_copy_that_no_later_step_changes():
    optimizer, variables = built("adam")
    update = InPlaceOptimizer(optimizer, variables)
    update.read()
    update.write()
    before = [np.array(value) for value in values(optimizer, variables)]
    update.apply(batches(1)[0])
    for value, was in zip(values(optimizer, variables), before, strict=True):
        np.testing.assert_array_equal(value, was)
