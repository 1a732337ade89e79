"""Several classes, from training to the report: both engines, measures, class weights and what selects an epoch."""

import json
import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, f1_score, roc_auc_score
from sklearn.utils.class_weight import compute_class_weight

from analysis import report
from rnnsweep.data import DataError, Dataset, Reviews, encode, split
from rnnsweep.ledger import Ledger
from rnnsweep.machine.device import keras, use_cores
from rnnsweep.network.model import build
from rnnsweep.network.output import Binary, Softmax
from rnnsweep.spec import Spec, SpecError
from rnnsweep.sweep.estimate import estimate
from rnnsweep.sweep.trial import run_trial
from rnnsweep.training.measures import check_selection, measures, weights_of_classes
from rnnsweep.training.result import accuracy_columns, best_epoch
from rnnsweep.training.train import train
from tests.helpers.training import TIMES, trained

use_cores(1)

NAMES = ("sport/news", "art", "other")
SPEC = Spec(
    units=(5, 4), embedding_dim=3, num_words=30, max_len=12, batch_size=16, epochs=3, learning_rate=0.01,
    dataset="topics", data_sha256="3" * 64,
)  # fmt: skip


def of_three(count, seed):
    """Return reviews of 1 to 40 tokens of 30 words, of the class whose word (10, 11 or 12) is in them most often."""
    random = np.random.RandomState(seed)
    offsets = np.concatenate([[0], np.cumsum(random.randint(1, 41, count))])
    tokens = random.randint(4, 30, offsets[-1]).astype(np.int32)
    pieces = np.split(tokens, offsets[1:-1])
    labels = np.array([np.argmax([(piece == word).sum() for word in (10, 11, 12)]) for piece in pieces], np.uint8)
    return Reviews(tokens, offsets, labels)


@pytest.fixture(scope="module")
def three():
    return Dataset("topics", "3" * 64, False, NAMES, of_three(120, 1), of_three(60, 2))


@pytest.mark.parametrize("weights", ["none", "balanced"])
@pytest.mark.parametrize("classes", [2, 3])
def test_both_engines_stay_on_the_same_loss_curve(three, tiny, classes, weights):
    spec = SPEC.replace(class_weights=weights)
    (_, packed, _), (_, keras_rows, _) = (
        trained(spec, tiny if classes == 2 else three, engine) for engine in ("packed", "keras")
    )
    for name in ("loss", "val_loss"):
        assert [row[name] for row in packed] == pytest.approx([row[name] for row in keras_rows], rel=2e-5)
    for name in ("accuracy", "val_accuracy"):
        assert [row[name] for row in packed] == pytest.approx([row[name] for row in keras_rows], abs=0.02)


def test_class_weights_are_those_of_a_keras_fit(three):
    spec = SPEC.replace(optimizer="sgd", validation=0.25, class_weights="balanced")
    rows = trained(spec, three, "keras")[1]
    parts = split(spec, three)
    model = build(spec, 3)
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    ids, labels = encode(parts.train, 30, 12), parts.train.labels.astype("int32")
    order = np.random.default_rng((spec.seed, 1)).permutation(len(ids))
    history = model.fit(
        ids[order], labels[order], batch_size=16, epochs=1, shuffle=False, verbose=0,
        class_weight=dict(enumerate(weights_of_classes(spec, labels, 3).tolist())),
        validation_data=(encode(parts.validation, 30, 12), parts.validation.labels.astype("int32")),
    ).history  # fmt: skip
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert rows[0][name] == pytest.approx(history[name][0], rel=1e-5), name


def test_balanced_weights_are_reviews_by_classes_and_count():
    labels = np.array([0] * 6 + [1] * 3 + [2], np.uint8)
    spec = SPEC.replace(class_weights="balanced")
    found = weights_of_classes(spec, labels, 3)
    assert found == pytest.approx([10 / 18, 10 / 9, 10 / 3])
    assert found == pytest.approx(compute_class_weight("balanced", classes=np.arange(3), y=labels))
    assert weights_of_classes(spec, labels, 4)[:3] == pytest.approx(found)  # a class without reviews changes nothing
    assert found.dtype == np.float32
    assert weights_of_classes(SPEC, labels, 3) is None


def test_an_interrupted_trial_of_three_classes_goes_on_to_the_same_numbers(three):
    spec = SPEC.replace(dropout=0.25, select="val_macro_f1", class_weights="balanced")
    whole, rows, states = trained(spec, three)
    resumed, later_rows, _ = trained(spec, three, state=states[0])
    assert later_rows == rows[1:]
    assert all(np.array_equal(resumed.predictions[name], whole.predictions[name]) for name in whole.predictions)
    assert {k: v for k, v in resumed.row.items() if k not in TIMES} == {
        k: v for k, v in whole.row.items() if k not in TIMES
    }


def test_the_measures_of_three_classes_are_scikit_learns_of_the_stored_predictions(three):
    result, _, _ = trained(SPEC.replace(epochs=4, learning_rate=0.03), three)
    predictions, row = result.predictions, result.row
    assert {name: (array.dtype.name, array.shape) for name, array in predictions.items()} == {
        "label": ("uint8", (60,)), "best": ("float16", (60, 3)), "last": ("float16", (60, 3)),
        "validation": ("float16", (24, 3)), "validation_label": ("uint8", (24,)),
    }  # fmt: skip
    label, guess = predictions["label"], predictions["best"].argmax(axis=1)
    assert row["test_accuracy"] == np.mean(label == guess)
    assert row["test_macro_f1"] == f1_score(label, guess, average="macro")
    assert row["test_balanced_accuracy"] == pytest.approx(balanced_accuracy_score(label, guess))
    assert row["class_names"] == list(NAMES)
    assert row["params"] == build(SPEC, 3).count_params()
    assert row["layers"][-1]["output_shape"] == [None, 3]
    assert not {"val_auroc", "test_auroc", "test_average_precision"} & set(row)
    assert json.loads(json.dumps(row)) == row


def test_the_measures_of_two_classes_are_scikit_learns_of_the_stored_predictions(tiny):
    spec = SPEC.replace(epochs=2, validation="test")
    result, rows, _ = trained(spec, tiny)
    label, probability, row = result.predictions["label"], result.predictions["best"], result.row
    for part in ("val", "test"):  # validation is the test set here
        assert row[f"{part}_macro_f1"] == f1_score(label, probability > 0.5, average="macro")
        assert row[f"{part}_balanced_accuracy"] == pytest.approx(balanced_accuracy_score(label, probability > 0.5))
        assert row[f"{part}_auroc"] == roc_auc_score(label, probability)
        assert row[f"{part}_average_precision"] == average_precision_score(label, probability)
    assert set(rows[0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}


def test_hand_worked_measures_of_three_classes():
    # Truth 0 0 1 2, taken for 0 1 1 1: F1 of 2/3, 1/2 and 0, recall of 1/2, 1 and 0.
    probabilities = np.eye(3, dtype=np.float32)[[0, 1, 1, 1]]
    found = measures(Softmax(3), probabilities, np.array([0, 0, 1, 2]))
    assert found == pytest.approx({"macro_f1": (2 / 3 + 1 / 2) / 3, "balanced_accuracy": 1 / 2})


def test_a_class_that_no_review_has_is_no_part_of_the_measures():
    found = measures(Softmax(4), np.eye(4, dtype=np.float32)[[0, 1, 1, 3]], np.array([0, 1, 1, 1]))
    assert found == pytest.approx({"macro_f1": (1 + 0.8 + 0) / 3, "balanced_accuracy": (1 + 2 / 3) / 2})


def test_reviews_of_one_class_have_no_curve_to_be_measured_by():
    found = measures(Binary(), np.array([0.2, 0.7], np.float32), np.array([1, 1], np.uint8))
    assert math.isnan(found["auroc"])
    assert math.isnan(found["average_precision"])
    assert found["balanced_accuracy"] == 0.5


def test_probabilities_that_are_no_numbers_have_no_measures():
    found = measures(Softmax(3), np.full((2, 3), np.nan, np.float32), np.array([0, 1]))
    assert list(found) == ["macro_f1", "balanced_accuracy"]
    assert all(map(math.isnan, found.values()))


def test_the_best_epoch_is_the_one_of_the_column_it_is_chosen_by(three):
    spec = SPEC.replace(learning_rate=0.3, epochs=5)
    for select, best in (("val_loss", min), ("val_macro_f1", max), ("val_balanced_accuracy", max)):
        result, rows, _ = trained(spec.replace(select=select), three)
        values = [row[select] for row in rows]
        assert result.row["best_epoch"] == 1 + values.index(best(values))
        assert result.row[select] == best(values)


def test_the_least_loss_is_best_and_what_is_no_number_never():
    rows = [{"val_loss": loss, "val_auroc": auroc, "val_accuracy": 0.5} for loss, auroc in ((3, math.nan), (1, 0.5))]
    assert best_epoch(rows, "val_loss") == best_epoch(rows, "val_auroc") == 2
    assert best_epoch(rows[:1], "val_auroc") == 1
    rows = [row | {"loss": 1.0, "accuracy": 0.5} for row in rows]
    assert accuracy_columns(rows, "val_loss")["val_loss"] == 1


def test_what_only_two_classes_have_selects_nothing_of_three(three):
    spec = SPEC.replace(select="val_auroc")
    check_selection(spec, 2)
    message = "select is val_auroc, which is of two classes; topics has 3: give val_accuracy, val_loss, .* or val_bal"
    with pytest.raises(DataError, match=message):
        train(spec, three)
    with pytest.raises(DataError, match=message):
        estimate(spec, three)


def test_a_selection_or_a_weighting_that_is_none_is_refused():
    with pytest.raises(SpecError, match=r"select is 'accuracy'; give val_accuracy, val_loss, .* or val_average_prec"):
        Spec(select="accuracy")
    with pytest.raises(SpecError, match="class_weights is 'auto'; give none or balanced"):
        Spec(class_weights="auto")


def test_the_new_fields_leave_every_key_at_its_default_alone():
    assert not {"select", "class_weights"} & set(json.loads(SPEC.to_json()))
    assert SPEC.replace(select="val_loss").key != SPEC.key != SPEC.replace(class_weights="balanced").key


def test_three_classes_go_from_training_to_the_report(three, tmp_path):
    ledger = Ledger(tmp_path / "results")
    for seed in (1, 2):
        assert run_trial(SPEC.replace(seed=seed, select="val_macro_f1"), three, ledger)["status"] == "finished"
    contents = ledger.load()
    trials = contents.trials
    assert trials["class_names"].map(json.loads).tolist() == [list(NAMES)] * 2
    assert trials["val_macro_f1"].notna().all()
    assert trials["val_auroc"].isna().all()
    found = report.report(contents, ledger.predictions)
    markdown = found["report.md"].decode()
    assert "0 (sport/news)" in markdown
    assert "2 (other)" in markdown
    assert "The best epoch is the one with the best val_macro_f1" in markdown
    assert "| macro F1 | 0." in markdown
    assert "Commonest mistakes: " in markdown
    share = np.bincount(three.test.labels).max() / len(three.test)
    assert f"has {share:.4f} of the test reviews: the accuracy of always naming it." in markdown
