import dataclasses
import json
import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from rnnsweep.data import DataError, Reviews, encode, split
from rnnsweep.data.split import shared_with_training
from rnnsweep.machine.device import keras, use_cores
from rnnsweep.machine.software import blas_text
from rnnsweep.network.model import build
from rnnsweep.network.packed.network import supports
from rnnsweep.network.packed.steps import STEPS
from rnnsweep.spec import Spec
from rnnsweep.training.result import best_epoch
from rnnsweep.training.train import train

use_cores(1)

SPEC = Spec(units=(5, 4), embedding_dim=3, num_words=30, max_len=12, batch_size=16, epochs=3, learning_rate=0.01)
TIMES = ("seconds", "cpu_seconds", "peak_memory_mb")
ENGINES = pytest.mark.parametrize("engine", ["keras", "packed"])


def without_times(row):
    return {name: value for name, value in row.items() if name not in TIMES}


def trained(spec, dataset, engine="auto", state=None):
    """Return the result, the rows of its epochs without times, and the states after each epoch."""
    epochs = []
    result = train(spec, dataset, lambda epoch: epochs.append((list(epoch.rows), epoch.state())), state, engine)
    rows = [without_times(row) for row in epochs[-1][0]]
    return result, rows, [{name: array.copy() for name, array in state.items()} for _, state in epochs]


def same(first, second):
    return (
        without_times(first.row) == without_times(second.row)
        and all(np.array_equal(first.predictions[name], second.predictions[name]) for name in first.predictions)
    )  # fmt: skip


@pytest.mark.parametrize(("engine", "cell"), [*(("packed", cell) for cell in STEPS), ("keras", "gru")])
def test_an_interrupted_trial_goes_on_to_the_same_numbers(tiny, engine, cell):
    spec = SPEC.replace(cell=cell, dropout=0.25, validation="first_batch")
    whole, rows, states = trained(spec, tiny, engine)
    for state in states[:-1]:
        resumed, resumed_rows, _ = trained(spec, tiny, engine, state)
        assert same(resumed, whole)
        assert resumed_rows == rows


@ENGINES
def test_the_same_spec_gives_the_same_numbers_in_a_used_process(tiny, engine):
    first, rows, _ = trained(SPEC, tiny, engine)
    trained(SPEC.replace(cell="lstm", seed=9, dropout=0.5), tiny, engine)
    again, rows_again, _ = trained(SPEC, tiny, engine)
    assert same(first, again)
    assert rows == rows_again


def test_another_seed_gives_other_numbers(tiny):
    assert trained(SPEC, tiny)[1] != trained(SPEC.replace(seed=2), tiny)[1]


@pytest.mark.parametrize("cell", STEPS)
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_both_engines_stay_on_the_same_loss_curve(tiny, cell, optimizer):
    spec = SPEC.replace(cell=cell, optimizer=optimizer)
    (_, packed, _), (_, keras_rows, _) = (trained(spec, tiny, engine) for engine in ("packed", "keras"))
    for name in ("loss", "val_loss"):
        assert [row[name] for row in packed] == pytest.approx([row[name] for row in keras_rows], rel=2e-5)


def test_the_keras_engine_is_what_keras_fit_computes(tiny):
    spec = SPEC.replace(optimizer="sgd", validation=0.25)
    rows = trained(spec, tiny, "keras")[1]
    parts = split(spec, tiny)
    model = build(spec)
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss="binary_crossentropy", metrics=["accuracy"])
    ids, labels = encode(parts.train, 30, 12), parts.train.labels.astype("float32")
    order = np.random.default_rng((spec.seed, 1)).permutation(len(ids))
    validation = (encode(parts.validation, 30, 12), parts.validation.labels.astype("float32"))
    history = model.fit(
        ids[order], labels[order], batch_size=16, epochs=1, shuffle=False, validation_data=validation, verbose=0
    ).history
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert rows[0][name] == pytest.approx(history[name][0], rel=1e-5), name


def test_both_rules_are_recorded_the_best_epoch_and_the_last(tiny):
    result, rows, _ = trained(SPEC.replace(learning_rate=0.3, epochs=6), tiny)
    best = best_epoch(rows)
    assert best < 6, "the test wants a trial that gets worse"
    row = result.row
    assert row["best_epoch"] == best
    assert row["val_accuracy"] == rows[best - 1]["val_accuracy"] == max(r["val_accuracy"] for r in rows)
    assert row["train_accuracy"] == rows[best - 1]["accuracy"]
    assert (row["last_train_accuracy"], row["last_val_loss"]) == (rows[-1]["accuracy"], rows[-1]["val_loss"])
    for prefix, name in (("", "best"), ("last_", "last")):
        predicted = result.predictions[name] > 0.5
        assert row[f"{prefix}test_accuracy"] == pytest.approx(accuracy_score(tiny.test.labels, predicted))


def test_saved_weights_give_the_saved_predictions(tiny, tmp_path):
    result, _, _ = trained(SPEC.replace(learning_rate=0.3, epochs=6), tiny)
    ids = encode(tiny.test, 30, 12)
    for name in ("best", "last"):
        (tmp_path / "x.weights.h5").write_bytes(getattr(result, f"{name}_weights"))
        model = build(SPEC)
        model.load_weights(tmp_path / "x.weights.h5")
        assert model.predict(ids, verbose=0)[:, 0] == pytest.approx(result.predictions[name], abs=1e-3)


def test_validation_on_the_test_set_is_the_test_set(tiny):
    row = trained(SPEC.replace(validation="test"), tiny)[0].row
    assert row["val_accuracy"] == row["test_accuracy"]
    assert row["validation_reviews"] == row["test_reviews"] == 60


@pytest.mark.parametrize(("drop", "reviews"), [(True, 80), (False, 80)])
def test_each_training_review_is_seen_once_an_epoch_but_for_a_dropped_remainder(tiny, drop, reviews):
    from rnnsweep.training.train import _batches

    spec = SPEC.replace(drop_remainder=drop, batch_size=32)
    seen = np.concatenate(list(_batches(spec, reviews, 1)))
    assert len(seen) == len(set(seen)) == (64 if drop else 80)
    assert not np.array_equal(seen, np.concatenate(list(_batches(spec, reviews, 2))))


@ENGINES
def test_a_loss_that_is_not_finite_ends_the_trial_with_its_epoch(tiny, engine):
    spec = SPEC.replace(cell="simple_rnn", optimizer="sgd", learning_rate=1e38)
    result = train(spec, tiny, engine=engine)
    assert result.row["status"] == "diverged"
    assert result.row["error"] == "the loss is not finite in epoch 1"
    assert result.predictions == {}


def test_the_best_epoch_is_the_first_of_equals():
    assert best_epoch([{"val_accuracy": value} for value in (0.5, 0.7, 0.6, 0.7)]) == 2


def test_a_result_says_what_it_was_made_with(tiny):
    row = trained(SPEC, tiny)[0].row
    assert row["path"] == "packed"
    assert row["device"] == "cpu"
    assert row["versions"]["keras"] == keras.__version__
    assert row["blas"] == blas_text()
    assert row["params"] == 90 + 150 + 132 + 5
    assert row["peak_memory_mb"] > 50
    assert json.loads(json.dumps(row)) == row


def test_what_is_packed_where_there_is_a_gpu_says_that_it_took_none_of_it(tiny, monkeypatch):
    monkeypatch.setattr("rnnsweep.training.train.device_kind", lambda: "gpu")
    row = trained(SPEC.replace(cell="simple_rnn", epochs=1), tiny)[0].row
    assert (row["path"], row["device"], row["peak_gpu_memory_mb"]) == ("packed", "cpu", None)


def test_what_the_packed_engine_cannot_compute_is_left_to_keras(tiny, monkeypatch):
    monkeypatch.delitem(STEPS, "simple_rnn")
    spec = SPEC.replace(cell="simple_rnn", units=(4,), epochs=1, bidirectional=True, pooling="max")
    assert not supports(spec)
    assert trained(spec, tiny)[0].row["path"] == "keras"


def test_both_engines_train_a_network_that_reads_both_ways_and_pools_alike(tiny):
    spec = SPEC.replace(cell="simple_rnn", units=(4,), epochs=1, bidirectional=True, pooling="max+mean", dropout=0.2)
    assert trained(spec, tiny)[0].row["path"] == "packed"
    packed, keras = (train(spec.replace(dropout=0), tiny, engine=engine).row for engine in ("packed", "keras"))
    assert packed["test_loss"] == pytest.approx(keras["test_loss"], rel=1e-4)


def test_a_trial_has_the_same_bits_on_any_number_of_cores(tiny, monkeypatch):
    spec = SPEC.replace(epochs=1, bidirectional=True, batch_size=48)
    found = []
    for cores in (1, 2, 4):
        monkeypatch.setattr("rnnsweep.training.engines.cores_in_use", lambda cores=cores: cores)
        found.append(trained(spec, tiny)[:2])
    (first, rows), *others = found
    for result, other_rows in others:
        assert same(result, first)
        assert other_rows == rows


def test_too_few_reviews_for_a_batch_are_refused(tiny):
    with pytest.raises(DataError, match="with batches of 128; give more reviews or a smaller --batch-size"):
        train(SPEC.replace(batch_size=128), tiny)


def test_an_unknown_engine_is_refused_with_those_there_are(tiny):
    with pytest.raises(ValueError, match="engine is 'cuda'; give auto, packed or keras"):
        train(SPEC, tiny, engine="cuda")


def test_the_packed_engine_refuses_what_it_cannot_compute_instead_of_training_something_else(tiny, monkeypatch):
    monkeypatch.delitem(STEPS, "gru")
    with pytest.raises(ValueError, match=r"no other cell; train bidirectional gru .* with the Keras layers"):
        train(SPEC.replace(bidirectional=True), tiny, engine="packed")


def test_test_reviews_that_are_copies_of_training_reviews_are_counted_and_left_out_of_one_accuracy(tiny):
    copied = dataclasses.replace(tiny, test=tiny.train.first(40))
    row = train(SPEC.replace(epochs=1), copied).row
    assert row["test_shared"] == 40
    assert math.isnan(row["test_accuracy_distinct"])
    first, second = tiny.train.first(10), tiny.test
    offsets = np.concatenate([first.offsets, first.offsets[-1] + second.offsets[1:]])
    tokens, labels = (np.concatenate([getattr(one, name) for one in (first, second)]) for name in ("tokens", "labels"))
    mixed = dataclasses.replace(tiny, test=Reviews(tokens, offsets, labels))
    result = train(SPEC.replace(epochs=1), mixed)
    shared = shared_with_training(SPEC, mixed)
    assert 10 <= result.row["test_shared"] == shared.sum() < len(mixed.test)
    right = (result.predictions["best"] > 0.5) == result.predictions["label"]
    assert result.row["test_accuracy_distinct"] == right[~shared].mean()
