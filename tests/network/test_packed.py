"""The fast path computes what the plain Keras layers compute: loss, probabilities and every gradient."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from rnnsweep.cells import CELLS
from rnnsweep.machine.device import keras
from rnnsweep.network.model import build
from rnnsweep.network.packed import steps
from rnnsweep.network.packed.batch import Workspace
from rnnsweep.network.packed.network import Network, supports
from rnnsweep.network.packed.turns import Additions, Turns
from rnnsweep.spec import Spec
from tests.helpers.packed import STEPS, WORDS, assert_equal, by_keras, reviews, weights_of

pytest.importorskip("tensorflow")

LOOPS = [cell for cell in steps.STEPS if CELLS[cell].recurrent]  # the others: test_layers.py
UNITS = {1: (7,), 2: (9, 5), 3: (16, 8, 19)}

# Lengths of the reviews in a batch; the rest of each is padding.
BATCHES = {
    "mixed lengths": [3, 14, 0, 1, 9, 9, 14, 2, 13, 5],
    "no padding": [14] * 6,
    "equal lengths": [6] * 5,
    "one-word reviews": [1] * 4,
    "only padding": [0] * 3,
    "one review": [4],
    "one review of one word": [1],
    "one review that is all padding": [0],
    "one full review": [14],
}


# What a spec may ask for beside a plain stack whose padding is fed: fields, depth, columns of the embedding, classes.
STRUCTURES = {
    "mean": ({"pooling": "mean"}, 1),
    "max": ({"pooling": "max"}, 2),
    "last, max and mean": ({"pooling": "last+max+mean"}, 1),
    "both ways": ({"bidirectional": True}, 3),
    "both ways, one layer": ({"bidirectional": True}, 1),
    "both ways, last, max and mean": ({"bidirectional": True, "pooling": "last+max+mean"}, 1),
    "both ways, max, no embedding": ({"bidirectional": True, "pooling": "max", "embedding_dim": 0}, 1),
    "masked": ({"mask_padding": True}, 2),
    "masked, mean": ({"mask_padding": True, "pooling": "mean"}, 1),
    "masked, both ways": ({"mask_padding": True, "bidirectional": True}, 2),
    "masked, both ways, mean": ({"mask_padding": True, "bidirectional": True, "pooling": "mean"}, 1),
    "segments, max": ({"segment": 4, "pooling": "max"}, 2),
    "segments, both ways, max and mean": ({"segment": 5, "bidirectional": True, "pooling": "max+mean"}, 2),
    "one segment, mean": ({"segment": 30, "pooling": "mean"}, 1),
    "no embedding": ({"embedding_dim": 0}, 2),
    "no embedding, segments, both ways, max": (
        {"embedding_dim": 0, "segment": 5, "bidirectional": True, "pooling": "max"},
        1,
    ),
}


def spec(cell: str = "gru", depth: int = 1, **fields) -> Spec:
    return Spec(cell=cell, units=UNITS[depth], num_words=WORDS, max_len=STEPS, **{"embedding_dim": 6, **fields})


@pytest.mark.parametrize("depth", UNITS)
@pytest.mark.parametrize("cell", LOOPS)
def test_outputs_and_gradients_are_those_of_the_keras_layers(cell, depth):
    model = build(spec(cell, depth))
    weights = weights_of(model)
    ids, labels = reviews(BATCHES["mixed lengths"])
    assert_equal(Network(spec(cell, depth)).loss_and_gradients(weights, ids, labels), by_keras(model, ids, labels))


@pytest.mark.parametrize("lengths", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("cell", LOOPS)
def test_every_shape_of_padding_gives_the_result_of_the_keras_layers(cell, lengths):
    model = build(spec(cell, 2))
    weights = weights_of(model)
    ids, labels = reviews(lengths)
    assert_equal(Network(spec(cell, 2)).loss_and_gradients(weights, ids, labels), by_keras(model, ids, labels))


@pytest.mark.parametrize(("fields", "depth"), STRUCTURES.values(), ids=STRUCTURES)
@pytest.mark.parametrize("cell", LOOPS)
def test_every_structure_gives_the_result_of_the_keras_layers(cell, fields, depth, monkeypatch):
    monkeypatch.setattr("rnnsweep.network.packed.batch.GROUP_ROWS", 4)
    monkeypatch.setattr("rnnsweep.network.packed.batch.CHUNK_PAIRS", 20)
    classes = 2 if depth == 1 else 3
    model = build(spec(cell, depth, **fields), classes)
    weights = weights_of(model)
    # Where Keras divides by the number of words, a review without any is not a number.
    lengths = [3, 14, 1, 9, 9, 14, 2, 13] + [0] * (not fields.get("mask_padding") or "pooling" not in fields)
    ids, labels = reviews(lengths, classes=classes)
    ids[1, 4] = ids[3, 8] = 0  # not in front: a word like any other, or masked
    network = Network(spec(cell, depth, **fields), classes)
    width = model.layers[-1].input.shape[-1]
    mask = (np.random.default_rng(2).random((len(ids), width)) > 0.4).astype(np.float32) / np.float32(0.6)
    for dropped in (None, mask):
        assert_equal(network.loss_and_gradients(weights, ids, labels, dropped), by_keras(model, ids, labels, dropped))
    predicted = network.predict(weights, ids)
    np.testing.assert_allclose(predicted.reshape(len(ids), -1), model.predict_on_batch(ids), rtol=1e-5)


@pytest.mark.parametrize("lengths", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize(
    ("fields", "depth"),
    [({"mask_padding": True}, 2), ({"pooling": "max"}, 2), ({"bidirectional": True, "pooling": "max+mean"}, 1)],
    ids=["masked", "max", "both ways, max and mean"],
)
def test_every_structure_takes_every_shape_of_padding(fields, depth, lengths):
    model = build(spec("lstm", depth, **fields))
    weights = weights_of(model)
    ids, labels = reviews(lengths)
    assert_equal(
        Network(spec("lstm", depth, **fields)).loss_and_gradients(weights, ids, labels), by_keras(model, ids, labels)
    )


def test_the_gradient_of_the_table_is_given_as_the_rows_that_a_batch_reads_too():
    network, weights = Network(spec()), weights_of(build(spec()))
    first, second = reviews([3, 5], seed=1), reviews([2, 4], seed=2)
    network.loss_and_gradients(weights, *first)
    dense = network.loss_and_gradients(weights, *second)[2]
    _, _, table, others = Network(spec()).loss_and_row_gradient(weights, *second)
    assert set(table.rows.tolist()) == set(second[0].ravel().tolist())
    filled = np.zeros_like(weights[0])
    filled[table.rows] = table.values
    for one, other in zip(dense, [filled, *others], strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("cell", LOOPS)
def test_a_zero_inside_a_review_is_a_word_like_any_other(cell):
    model = build(spec(cell, 2))
    weights = weights_of(model)
    ids, labels = reviews([14, 8, 8, 3])
    ids[0, 5] = ids[1, 9] = ids[2, 7:] = ids[3, -1] = 0
    assert_equal(Network(spec(cell, 2)).loss_and_gradients(weights, ids, labels), by_keras(model, ids, labels))


@pytest.mark.parametrize("cell", LOOPS)
def test_the_result_is_that_of_the_keras_layers_however_reviews_and_time_are_cut(cell, monkeypatch):
    model = build(spec(cell, 3))
    weights = weights_of(model)
    ids, labels = reviews([13, 14, 2, 5, 0, 7])
    theirs = by_keras(model, ids, labels)
    for rows, pairs in ((1, 1), (2, 4), (4, 17), (100, 9)):
        monkeypatch.setattr("rnnsweep.network.packed.batch.GROUP_ROWS", rows)
        monkeypatch.setattr("rnnsweep.network.packed.batch.CHUNK_PAIRS", pairs)
        assert_equal(Network(spec(cell, 3)).loss_and_gradients(weights, ids, labels), theirs)


@pytest.mark.parametrize("cell", LOOPS)
def test_the_dropout_mask_scales_what_the_dense_layer_sees(cell):
    model = build(spec(cell, 2))
    weights = weights_of(model)
    ids, labels = reviews([9, 14, 2, 0, 5])
    mask = (np.random.default_rng(2).random((5, UNITS[2][-1])) > 0.4).astype(np.float32) / np.float32(0.6)
    ours = Network(spec(cell, 2)).loss_and_gradients(weights, ids, labels, mask)
    assert_equal(ours, by_keras(model, ids, labels, mask))


# Every two of cell, depth and number of classes: the classes meet the output alone, not the cells.
OF_SEVERAL = [(cell, depth, (3, 46)[(place + depth) % 2]) for place, cell in enumerate(LOOPS) for depth in UNITS]


@pytest.mark.parametrize(("cell", "depth", "classes"), OF_SEVERAL)
def test_of_several_classes_outputs_and_gradients_are_those_of_the_keras_layers(cell, depth, classes):
    model = build(spec(cell, depth), classes)
    weights = weights_of(model)
    ids, labels = reviews(BATCHES["mixed lengths"], classes=classes)
    mask = (np.random.default_rng(2).random((10, UNITS[depth][-1])) > 0.4).astype(np.float32) / np.float32(0.6)
    network = Network(spec(cell, depth), classes)
    for dropped in (None, mask):
        assert_equal(network.loss_and_gradients(weights, ids, labels, dropped), by_keras(model, ids, labels, dropped))
    np.testing.assert_allclose(network.predict(weights, ids), model.predict_on_batch(ids), rtol=1e-5)


@pytest.mark.parametrize("lengths", BATCHES.values(), ids=BATCHES)
def test_of_several_classes_every_shape_of_padding_gives_the_result_of_the_keras_layers(lengths):
    model = build(spec("lstm", 2), 5)
    weights = weights_of(model)
    ids, labels = reviews(lengths, classes=5)
    ours = Network(spec("lstm", 2), 5).loss_and_gradients(weights, ids, labels)
    assert_equal(ours, by_keras(model, ids, labels))


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("cell", LOOPS)
def test_the_weight_of_a_review_multiplies_its_loss_and_its_gradients(cell, classes):
    model = build(spec(cell, 2), classes)
    weights = weights_of(model)
    ids, labels = reviews(BATCHES["mixed lengths"], classes=classes)
    given = np.array([0.5, 2, 1, 1, 0, 3, 0.25, 1, 1, 7], np.float32)
    ours = Network(spec(cell, 2), classes).loss_and_gradients(weights, ids, labels, sample_weights=given)
    assert_equal(ours, by_keras(model, ids, labels, sample_weights=given))


def test_confident_predictions_of_several_classes_have_the_loss_and_gradients_taken_from_the_logits():
    model = build(spec("gru", 1), 3)
    weights = weights_of(model)
    weights[-1][:] = [40, 0, 0]  # clipped probabilities would give the other classes a gradient of 0
    model.set_weights(weights)
    ids, labels = reviews([9, 14, 2, 0])
    labels[:] = [0, 1, 2, 1]
    theirs = by_keras(model, ids, labels)
    assert theirs[0] > 20
    assert_equal(Network(spec("gru", 1), 3).loss_and_gradients(weights, ids, labels), theirs)


def test_confident_predictions_have_the_loss_and_gradients_that_keras_training_takes_from_the_logits():
    model = build(spec("gru", 1))
    weights = weights_of(model)
    weights[-1][:] = 25  # a sigmoid of 1 - 1e-11: clipped probabilities would give a gradient of 0
    model.set_weights(weights)
    ids, labels = reviews([9, 14, 2, 0])
    labels[:] = [0, 1, 0, 1]
    theirs = by_keras(model, ids, labels)
    assert theirs[0] > 10
    assert_equal(Network(spec("gru", 1)).loss_and_gradients(weights, ids, labels), theirs)


@pytest.mark.parametrize("cell", LOOPS)
def test_training_follows_the_loss_curve_of_the_keras_layers(cell):
    small = spec(cell, 2)
    ours, theirs = build(small), build(small)
    optimizers = [keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.01)]
    network = Network(small)
    for step, lengths in enumerate([BATCHES["mixed lengths"]] * 5 + [[3, 9, 14]]):  # the last batch is smaller
        ids, labels = reviews(lengths, seed=step)
        loss, _, gradients = network.loss_and_gradients([v.numpy() for v in ours.trainable_variables], ids, labels)
        optimizers[0].apply(gradients, ours.trainable_variables)
        their_loss, _, their_gradients = by_keras(theirs, ids, labels)
        optimizers[1].apply(their_gradients, theirs.trainable_variables)
        assert loss == pytest.approx(their_loss, rel=1e-5)


@pytest.mark.parametrize("depth", UNITS)
@pytest.mark.parametrize("cell", LOOPS)
def test_predictions_are_those_of_the_keras_model(cell, depth, monkeypatch):
    monkeypatch.setattr("rnnsweep.network.packed.batch.GROUP_ROWS", 8)
    monkeypatch.setattr("rnnsweep.network.packed.batch.CHUNK_PAIRS", 20)
    model = build(spec(cell, depth))
    weights = weights_of(model)
    ids, _ = reviews([0, 14, 3, 3, 7, 14, 1, 0, 12, 5, 9, 2, 2, 2, 14, 14, 1, 8, 6])
    np.testing.assert_allclose(
        Network(spec(cell, depth)).predict(weights, ids), model.predict_on_batch(ids)[:, 0], rtol=1e-5
    )


def test_no_reviews_have_no_predictions():
    assert Network(spec()).predict(weights_of(build(spec())), np.zeros((0, STEPS), np.int32)).shape == (0,)


@pytest.mark.parametrize("poisoned", range(9))
@pytest.mark.parametrize("cell", LOOPS)
def test_a_weight_that_is_not_a_number_gives_a_loss_that_is_not(cell, poisoned):
    weights = weights_of(build(spec(cell, 2)))
    ids, labels = reviews(BATCHES["mixed lengths"])
    weights[poisoned][ids[1, 3] if poisoned == 0 else 0] = np.nan
    network = Network(spec(cell, 2))
    assert np.isnan(network.loss_and_gradients(weights, ids, labels)[0])
    assert np.isnan(network.predict(weights, ids)).any()


def test_infinite_weights_give_a_loss_that_is_not_finite_where_keras_gives_one():
    weights = weights_of(build(spec("simple_rnn", 1)))
    weights[-1][:] = np.inf
    ids, labels = reviews([3, 14])
    labels[:] = [0, 1]
    assert not np.isfinite(Network(spec("simple_rnn", 1)).loss_and_gradients(weights, ids, labels)[0])


@pytest.mark.parametrize("cell", LOOPS)
def test_results_are_the_same_bits_whatever_the_network_computed_before(cell):
    weights = weights_of(build(spec(cell, 3)))
    ids, labels = reviews(BATCHES["mixed lengths"])
    fresh = Network(spec(cell, 3)).loss_and_gradients(weights, ids, labels)
    used = Network(spec(cell, 3))
    broken = [weight * np.nan for weight in weights]
    for lengths in ([14] * 30, [1], [0, 3]):
        used.loss_and_gradients(broken, *reviews(lengths))
        used.predict(broken, reviews(lengths)[0])
    again = used.loss_and_gradients(weights, ids, labels)
    assert again[0] == fresh[0]
    for one, other in zip((again[1], *again[2]), (fresh[1], *fresh[2]), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    ("fields", "depth"),
    [
        ({}, 2),
        ({"bidirectional": True}, 2),
        ({"bidirectional": True, "pooling": "max+mean"}, 1),
        ({"pooling": "last+max+mean"}, 2),
        ({"segment": 3, "pooling": "max", "embedding_dim": 0}, 2),
    ],
    ids=["plain", "both ways", "both ways of one layer", "pooled", "segments"],
)
@pytest.mark.parametrize("cell", ["gru", "forget"])
def test_no_bit_depends_on_the_number_of_threads(cell, fields, depth, monkeypatch):
    monkeypatch.setattr("rnnsweep.network.packed.batch.GROUP_ROWS", 3)
    monkeypatch.setattr("rnnsweep.network.packed.batch.CHUNK_PAIRS", 10)
    weights = weights_of(build(spec(cell, depth, **fields)))
    ids, labels = reviews(BATCHES["mixed lengths"] * 3)
    bits = set()
    for threads in (1, 2, 4):
        network = Network(spec(cell, depth, **fields), threads=threads)
        for _ in range(3):
            loss, probabilities, gradients = network.loss_and_gradients(weights, ids, labels)
            found = (np.float64(loss), probabilities, *gradients, network.predict(weights, ids))
            bits.add(tuple(array.tobytes() for array in found))
    assert len(bits) == 1


def test_a_thread_takes_another_group_while_one_before_is_computed_and_all_end_in_order():
    later, ended, lanes = threading.Event(), [], set()

    def work(lane, group, is_turn):
        assert lane not in lanes, "its buffers are another group's until that has ended"
        lanes.add(lane)
        if group == 0:
            assert later.wait(60)
        if group == 2:
            later.set()
        return lambda: (ended.append(group), lanes.remove(lane))

    Turns(2)(list(range(9)), work)
    assert ended == list(range(9))


def test_what_a_group_adds_is_kept_until_its_turn_comes_and_nothing_from_then_on():
    is_turn, added = False, []
    additions = Additions(Workspace())
    additions.begin(lambda: is_turn)
    rooms = []
    for value in (1, 2):
        rooms.append(additions.room("product", 4))
        additions(added.append, value)
    assert added == []
    is_turn = True
    rooms.append(additions.room("product", 4))
    additions(added.append, 3)
    assert added == [1, 2, 3]
    assert not any(np.shares_memory(one, other) for one, other in itertools.combinations(rooms, 2))
    assert np.shares_memory(additions.room("product", 4), rooms[2]), "used again while the cache has it"
    additions.end()
    is_turn = False
    additions(added.append, 4)
    assert added == [1, 2, 3, 4], "what belongs to no group waits for none"


def test_an_error_in_one_of_several_threads_ends_all_and_is_raised():
    turns = Turns(3)

    def work(thread, group, is_turn):
        if group == 4:
            raise OverflowError("the fifth group")
        return lambda: None

    with pytest.raises(OverflowError, match="the fifth group"):
        turns(list(range(40)), work)


def test_gradients_do_not_change_with_the_order_of_the_reviews_beyond_rounding():
    weights = weights_of(build(spec("lstm", 2)))
    ids, labels = reviews(BATCHES["mixed lengths"])
    network = Network(spec("lstm", 2))
    _, probabilities, gradients = network.loss_and_gradients(weights, ids, labels)
    kept = [gradient.copy() for gradient in gradients]
    _, reverse, gradients = network.loss_and_gradients(weights, ids[::-1].copy(), labels[::-1].copy())
    np.testing.assert_allclose(reverse[::-1], probabilities, rtol=1e-6)
    for one, other in zip(kept, gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_words_that_no_review_has_get_no_gradient():
    ids, labels = reviews([14, 14])
    ids[ids == 7] = 8
    gradients = Network(spec()).loss_and_gradients(weights_of(build(spec())), ids, labels)[2]
    assert not gradients[0][[0, 7]].any()
    assert gradients[0][8].any()


def test_tanh_is_within_three_ten_millionths_without_bias_and_passes_nan_on():
    x = np.linspace(-20, 20, 40_001).astype(np.float32)
    exact = np.tanh(x.astype(np.float64))
    difference = np.array([steps._tanh(value) for value in x]) - exact
    assert np.max(np.abs(difference)) < 3e-7
    small = (np.abs(x) < 1) & (x != 0)
    assert abs(np.mean(difference[small] / exact[small])) < 2e-8
    assert np.isnan(steps._tanh(np.float32(np.nan)))
    assert steps._tanh(np.float32(np.inf)) == -steps._tanh(np.float32(-np.inf)) == pytest.approx(1)


def test_equal_outputs_share_the_gradient_of_their_maximum_as_in_keras():
    fields = {"segment": 2, "pooling": "max", "bidirectional": True}
    model = build(spec("lstm", 1, **fields))
    weights = weights_of(model)
    ids = np.array([[5, 7] * 7, [0] * 10 + [3, 9, 3, 9]], np.int32)  # all pieces of a text are alike
    labels = np.array([0, 1])
    assert_equal(
        Network(spec("lstm", 1, **fields)).loss_and_gradients(weights, ids, labels), by_keras(model, ids, labels)
    )


def test_a_cell_without_compiled_loops_is_left_to_the_keras_layers(monkeypatch):
    monkeypatch.delitem(steps.STEPS, "gru")
    assert not supports(spec("gru"))
    assert supports(spec("lstm"))
    with pytest.raises(
        ValueError, match=r"computes forget, lstm, mingru, simple_rnn, .* train gru 7 .* the Keras layers"
    ):
        Network(spec("gru"))


@pytest.mark.parametrize("word", [-1, WORDS])
def test_an_id_beyond_the_embedding_is_refused(word):
    ids, labels = reviews([5, 14])
    ids[1, 3] = word
    with pytest.raises(IndexError, match=f"do not fit an embedding of {WORDS} rows"):
        Network(spec()).loss_and_gradients(weights_of(build(spec())), ids, labels)


def test_it_works_where_no_cache_can_be_written_and_without_tensorflow(tmp_path):
    # numba finds a place to write by a list of locators; with none it is as on a machine that is read-only.
    program = (
        "import sys, numpy as np\n"
        "import numba.core.caching as caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "from rnnsweep.network.packed.network import Network\n"
        "from rnnsweep.spec import Spec\n"
        "network = Network(Spec(cell='simple_rnn', units=(3,), num_words=5, max_len=4, embedding_dim=2))\n"
        "shapes = [(5, 2), (2, 3), (3, 3), (3,), (3, 1), (1,)]\n"
        "weights = [np.zeros(shape, np.float32) for shape in shapes]\n"
        "loss = network.loss_and_gradients(weights, np.ones((2, 4), np.int32), np.array([0, 1]))[0]\n"
        "assert abs(loss - np.log(2)) < 1e-6, loss\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, env=environment)
