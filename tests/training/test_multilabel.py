"""Several labels a text, from training to the linear lines and the report."""

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, f1_score

from analysis import report
from rnnsweep.baselines import BaselineSettings, baseline_files, baselines, read_baselines
from rnnsweep.data import DataError, Dataset, Reviews, encode, split
from rnnsweep.ledger import Ledger
from rnnsweep.machine.device import keras, use_cores
from rnnsweep.network.model import build
from rnnsweep.network.output import Sigmoids
from rnnsweep.network.packed.network import Network
from rnnsweep.spec import Spec
from rnnsweep.sweep.trial import run_trial
from rnnsweep.training.measures import measures
from rnnsweep.training.train import train
from tests.helpers.training import trained

use_cores(1)

NAMES = ("ten", "eleven", "twelve")
SPEC = Spec(
    units=(5, 4), embedding_dim=3, num_words=30, max_len=12, batch_size=16, epochs=3, learning_rate=0.03,
    dataset="tags", data_sha256="5" * 64, select="val_micro_f1",
)  # fmt: skip


def of_labels(count, seed):
    """Return reviews of 1 to 40 tokens of 30 words, with a label for each of the words 10, 11 and 12 in them."""
    random = np.random.RandomState(seed)
    offsets = np.concatenate([[0], np.cumsum(random.randint(1, 41, count))])
    tokens = random.randint(4, 30, offsets[-1]).astype(np.int32)
    pieces = np.split(tokens, offsets[1:-1])
    return Reviews(tokens, offsets, np.array([np.isin((10, 11, 12), piece) for piece in pieces], np.uint8))


@pytest.fixture(scope="module")
def tags():
    return Dataset("tags", "5" * 64, False, NAMES, of_labels(120, 1), of_labels(60, 2))


@pytest.mark.parametrize("cell", ["simple_rnn", "gru", "lstm"])
def test_outputs_and_gradients_are_those_of_the_keras_layers(tags, cell):
    import tensorflow as tf

    spec, output = SPEC.replace(cell=cell), Sigmoids(3)
    model, ids, labels = build(spec, output), encode(tags.test, 30, 12), tags.test.labels
    with tf.GradientTape() as tape:
        expected = model(ids)
        loss = tf.reduce_mean(keras.losses.binary_crossentropy(labels.astype("float32"), expected))
    gradients = tape.gradient(loss, model.trainable_variables)
    weights = [variable.numpy() for variable in model.trainable_variables]
    ours = Network(spec, output).loss_and_gradients(weights, ids, labels)
    assert ours[0] == pytest.approx(float(loss), rel=1e-5)
    np.testing.assert_allclose(ours[1], expected.numpy(), rtol=1e-4, atol=1e-6)
    for found, gradient in zip(ours[2], gradients, strict=True):
        np.testing.assert_allclose(found, tf.convert_to_tensor(gradient).numpy(), rtol=2e-3, atol=2e-6)


def test_both_engines_stay_on_the_same_curve_and_a_resumed_trial_on_its_own(tags):
    (whole, packed, states), (_, keras_rows, _) = (trained(SPEC, tags, engine) for engine in ("packed", "keras"))
    for name in ("loss", "val_loss", "accuracy", "val_accuracy"):
        assert [row[name] for row in packed] == pytest.approx([row[name] for row in keras_rows], rel=5e-5, abs=1e-9), (
            name
        )
    resumed, rows, _ = trained(SPEC, tags, "packed", states[0])
    assert rows == packed[1:]
    assert all(np.array_equal(resumed.predictions[name], whole.predictions[name]) for name in whole.predictions)


def test_the_measures_are_scikit_learns_of_the_stored_predictions(tags):
    result, rows, _ = trained(SPEC, tags)
    label, best, row = result.predictions["label"], result.predictions["best"], result.row
    assert (label.dtype, label.shape, best.dtype, best.shape) == (np.uint8, (60, 3), np.float16, (60, 3))
    said = best > 0.5
    assert row["test_accuracy"] == accuracy_score(label, said)
    assert row["test_micro_f1"] == f1_score(label, said, average="micro")
    assert row["test_macro_f1"] == f1_score(label, said, average="macro", zero_division=0)
    assert row["test_average_precision"] == pytest.approx(average_precision_score(label, best))
    assert row["best_epoch"] == 1 + int(np.argmax([each["val_micro_f1"] for each in rows]))
    assert row["params"] == build(SPEC, Sigmoids(3)).count_params()
    assert row["multilabel"] is True
    assert not {"test_auroc", "test_balanced_accuracy"} & set(row)
    assert json.loads(json.dumps(row)) == row


def test_a_label_that_no_text_has_or_is_said_to_have_counts_in_no_mean():
    probabilities = np.array([[0.9, 0.1, 0.2], [0.2, 0.8, 0.1]], np.float32)
    found = measures(Sigmoids(3), probabilities, np.array([[1, 0, 0], [1, 0, 0]], np.uint8))
    # Of the first label F1 is 2/3; the second is said of one text that lacks it; the third counts nowhere.
    assert found == pytest.approx({"micro_f1": 0.5, "macro_f1": 1 / 3, "average_precision": 1.0})
    assert np.isnan(list(measures(Sigmoids(2), np.full((1, 2), np.nan), np.ones((1, 2))).values())).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"select": "val_auroc"}, "select is val_auroc, which is of one class a text; tags has several labels a text: "
         "give val_accuracy, val_loss, val_micro_f1, val_macro_f1 or val_average_precision"),
        ({"class_weights": "balanced"}, "class_weights is balanced, which is of one class a text; tags has several"),
    ],
)  # fmt: skip
def test_what_several_labels_do_not_have_is_refused(tags, fields, message):
    with pytest.raises(DataError, match=message):
        train(SPEC.replace(**fields), tags)


def test_of_one_class_a_text_micro_f1_is_the_accuracy_and_selects_nothing(tiny):
    with pytest.raises(
        DataError, match="select is val_micro_f1, which is of several labels a text; tags has 2: give val_ac"
    ):
        train(SPEC, tiny)


def test_linear_lines_are_one_label_against_all_others_at_a_time(tags):
    spec = SPEC.replace(batch_size=8)
    parts = split(spec, tags)
    lines = baselines(parts, BaselineSettings.of(spec))
    assert [line.predicted.shape for line in lines] == [(60, 3)] * 4
    for line in lines:
        assert line.row["test_accuracy"] == accuracy_score(parts.test.labels, line.predicted)
        assert line.row["test_micro_f1"] == f1_score(
            parts.test.labels, line.predicted, average="micro", zero_division=0
        )
        assert line.scores.shape == (60, 3)
    assert lines[1].row["test_micro_f1"] > 0.8  # a word is a label
    assert [line.row for line in read_baselines(*baseline_files(lines))] == [line.row for line in lines]


def test_several_labels_go_from_training_to_the_report(tags, tmp_path):
    ledger = Ledger(tmp_path / "results")
    for seed in (1, 2):
        assert run_trial(SPEC.replace(seed=seed), tags, ledger)["status"] == "finished"
    contents = ledger.load()
    assert contents.trials["multilabel"].all()
    assert contents.trials["test_micro_f1"].notna().all()
    found = report.report(contents, ledger.predictions)
    markdown = found["report.md"].decode()
    assert "| eleven |" in markdown
    assert "micro F1" in markdown
