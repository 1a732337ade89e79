import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score

from analysis import tables
from rnnsweep import ledger as files
from rnnsweep.ledger import Ledger
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec

IMDB = {"dataset": "imdb", "data_sha256": "a" * 64}
EMBEDDED = {"dataset": "embedded", "data_sha256": "b" * 64}
LABEL = np.array([0, 0, 1, 1], np.uint8)
PUBLISHED = tables.load_published()
PUBLISHED_EPOCHS = {name: spec.epochs for name, spec in SYSTEMS.items()}


def put(ledger, spec, status="finished", *, train=0.9, val=0.8, test=0.75, real=True, **result):
    """Write a trial as a sweep does: `val` and `test` are of the last epoch, the best epoch has 0.01 more."""
    ledger.write(spec.key, files.SPEC, spec.to_json().encode())
    accuracies = np.linspace(val - 0.05 * spec.epochs, val, spec.epochs + 1)[1:]
    rows = [
        {"epoch": i, "loss": 1 / i, "accuracy": train, "val_loss": 0.5, "val_accuracy": float(a), "seconds": 2.0}
        for i, a in enumerate(accuracies, 1)
    ]
    ledger.write_epochs(spec.key, rows)
    if status in ("finished", "diverged"):
        ledger.write_json(spec.key, files.RESULT, _result(spec, status, train, val, test, real) | result)
    if status == "finished":
        ledger.write_arrays(spec.key, files.PREDICTIONS, _predictions())
    if status == "failed":
        ledger.write(spec.key, files.ERROR, b"Traceback (most recent call last):\nMemoryError: no <room> for a|b\n")


def _predictions():
    return {
        "label": LABEL,
        "best": np.array([0, 0, 1, 1], np.float16),
        "last": np.array([0.2, 0.7, 0.5, 0.9], np.float16),
    }


def _result(spec, status, train, val, test, real):
    layers = [("embedding", "Embedding", [None, 500, 32], 100), ("dense", "Dense", [None, 1], 11)]
    return {
        "status": status,
        "params": 111,
        "layers": [dict(zip(("name", "type", "output_shape", "params"), layer, strict=True)) for layer in layers],
        "classes": "negative/positive",
        "real_data": real,
        "path": "packed",
        "device": "cpu",
        "best_epoch": spec.epochs,
        "train_accuracy": train,
        "val_accuracy": val + 0.01,
        "test_accuracy": test + 0.01,
        "last_train_accuracy": train,
        "last_val_accuracy": val,
        "last_test_accuracy": test,
        "seconds": 2.0 * spec.epochs,
    }


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "results")


def load(ledger):
    contents = ledger.load()
    return tables.prepared(contents.trials), contents.epochs


def conclusion(which, ledger):
    trials, epochs = load(ledger)
    frame = tables.conclusion(which, PUBLISHED, trials, epochs)
    return frame.set_index(["row", "source", "column"]).sort_index()


def test_an_interval_is_students_t_worked_out_by_hand():
    # mean 2, sd 1, n 3: half width t(0.975, 2) / sqrt(3) = 4.302653 / 1.732051
    found = tables.interval([1.0, 2.0, 3.0])
    assert found == pytest.approx({"n": 3, "mean": 2, "sd": 1, "low": 2 - 2.484138, "high": 2 + 2.484138}, abs=1e-6)


def test_an_interval_leaves_out_missing_values_and_needs_two():
    found = tables.interval([0.5, np.nan])
    assert (found["n"], found["mean"]) == (1, 0.5)
    assert np.isnan([found["sd"], found["low"], found["high"]]).all()
    assert tables.interval([])["n"] == 0


def test_a_probability_above_a_half_is_class_1_and_a_half_is_not():
    assert tables.classify(np.array([0.49, 0.5, 0.51], np.float16)).tolist() == [0, 0, 1]


def test_a_confusion_matrix_counts_true_by_predicted():
    matrix = tables.confusion(LABEL, np.array([0.2, 0.7, 0.5, 0.9]), ["negative", "positive"])
    assert matrix.loc["negative"].to_dict() == {"negative": 1, "positive": 1}
    assert matrix.loc["positive"].to_dict() == {"negative": 1, "positive": 1}


def test_a_classification_report_has_scikit_learns_numbers():
    probabilities = np.array([0.2, 0.3, 0.5, 0.9])  # predicted 0 0 0 1
    report = tables.classification(LABEL, probabilities)
    assert list(report.index) == ["0", "1", "accuracy", "macro avg", "weighted avg"]
    assert report.loc["0", ["precision", "recall", "support"]].tolist() == pytest.approx([2 / 3, 1, 2])
    assert report.loc["1", ["precision", "recall", "support"]].tolist() == pytest.approx([1, 1 / 2, 2])
    assert report.loc["accuracy", "f1-score"] == accuracy_score(LABEL, tables.classify(probabilities))


def test_a_report_on_one_class_only_still_has_both_rows():
    report = tables.classification(np.zeros(3, np.uint8), np.zeros(3))
    assert report.loc["1", ["precision", "support"]].tolist() == [0, 0]


def test_the_median_seed_is_the_middle_one_and_the_lower_of_two():
    done = pd.DataFrame({"key": ["a", "b", "c"], tables.LAST: [0.9, 0.7, 0.8]})
    assert tables.median_seed(done) == "c"
    assert tables.median_seed(done[:2]) == "b"


def test_a_log_is_the_mean_over_seeds_with_its_spread(ledger):
    for seed, val in ((1, 0.7), (2, 0.8)):
        put(ledger, Spec(seed=seed, epochs=2, **IMDB), val=val)
    trials, epochs = load(ledger)
    log = tables.training_log(epochs, trials["key"])
    assert log["val_accuracy"].tolist() == pytest.approx([0.7, 0.75])
    assert log["val_accuracy_sd"].tolist() == pytest.approx([0.0707107] * 2)
    assert log["n"].tolist() == [2, 2]


def test_curves_hold_a_line_per_seed_their_mean_and_the_published_run(ledger):
    for seed in (1, 2):
        put(ledger, Spec(seed=seed, epochs=2, **IMDB))
    trials, epochs = load(ledger)
    points = tables.curves(epochs, trials["key"], PUBLISHED["systems"][0]["epochs"], "accuracy")
    lines = points.groupby(["source", "part"])["line"].nunique()
    assert lines.to_dict() == {
        ("mean", "training"): 1, ("mean", "validation"): 1, ("published", "training"): 1,
        ("published", "validation"): 1, ("seed", "training"): 2, ("seed", "validation"): 2,
    }  # fmt: skip
    alone = tables.curves(epochs, trials["key"][:1], [], "loss")
    assert set(alone["source"]) == {"mean"}


def test_the_larger_value_of_a_row_is_marked_exactly_once(ledger):
    for name, test, val in (("rnn-2x-10k", 0.8, 0.81), ("rnn-3x-1k", 0.7, 0.75)):
        put(ledger, SYSTEMS[name].replace(**IMDB), test=test, val=val)
    frame = conclusion("simple_rnn", ledger)
    marked = frame["larger"].groupby(level=["row", "source"]).sum().to_dict()
    assert marked.pop(("pad_sequences(maxlen=)", "published")) == 0  # 500 and 500: a tie marks none
    assert marked.pop(("pad_sequences(maxlen=)", "measured")) == 0
    assert marked.pop(("training", "measured")) == 0  # 0.9 and 0.9
    assert marked.pop(("parameters", "measured")) == 0  # 111 and 111
    assert set(marked.values()) == {1}
    assert frame.loc[("testing", "measured", 0), ["value", "larger"]].tolist() == [0.81, True]
    assert frame.loc[(tables.WHOLE_TEST_SET, "measured", 1), ["value", "larger"]].tolist() == [0.7, False]


def test_values_that_print_alike_are_a_tie(ledger):
    put(ledger, SYSTEMS["rnn-2x-10k"].replace(**IMDB), test=0.80001)
    put(ledger, SYSTEMS["rnn-3x-1k"].replace(**IMDB), test=0.80002)
    assert not conclusion("simple_rnn", ledger).loc[(tables.WHOLE_TEST_SET, "measured"), "larger"].any()


def test_a_value_without_another_to_compare_with_is_not_marked(ledger):
    put(ledger, SYSTEMS["rnn-2x-10k"].replace(**IMDB))
    assert not conclusion("simple_rnn", ledger).loc[("testing", "measured"), "larger"].any()


def test_several_seeds_show_their_mean_spread_and_number(ledger):
    for seed, val in ((1, 0.7), (2, 0.8)):
        put(ledger, SYSTEMS["lstm-1x-5k"].replace(seed=seed, **IMDB), val=val)
    cell = conclusion("lstm", ledger).loc[("test", "measured", 0)]
    assert (cell["value"], cell["sd"], cell["n"]) == (pytest.approx(0.75), pytest.approx(0.0707107), 2)


def test_failed_trials_take_no_part_in_a_conclusion(ledger):
    put(ledger, SYSTEMS["lstm-1x-5k"].replace(**IMDB), "failed")
    assert conclusion("lstm", ledger).loc[("test", "measured", 0), "n"] == 0


def test_the_gru_table_is_measured_at_epoch_4_and_at_the_last_one(ledger):
    put(ledger, SYSTEMS["gru-3x-1k"].replace(**IMDB), val=0.8)  # 10 epochs, 0.05 more in each
    frame = conclusion("gru", ledger)
    assert frame.loc[("test", "measured, epoch 4", 0), "value"] == pytest.approx(0.5)
    assert frame.loc[("test", "measured, last epoch", 0), "value"] == pytest.approx(0.8)
    assert frame.loc[("num_words=10000, maxlen=80: testing", "published", 0), "text"] == "X"


def test_a_trial_without_epoch_4_leaves_its_cell_empty(ledger):
    put(ledger, SYSTEMS["gru-3x-1k"].replace(epochs=2, **IMDB))
    assert np.isnan(conclusion("gru", ledger).loc[("test", "measured, epoch 4", 0), "value"])


def test_the_published_figure_with_a_question_mark_counts_as_its_number(ledger):
    cell = conclusion("lstm", ledger).loc[("test", "published", 1)]
    assert (cell["text"], cell["value"], cell["larger"]) == ("0.90(?)", 0.9, True)


def test_of_several_variants_the_rule_chooses_the_one_to_show(ledger):
    system = SYSTEMS["gru-3x-1k"]
    for spec, real in (
        (system.replace(**EMBEDDED), False),
        (system.replace(reviews=5000, **IMDB), True),
        (system.replace(epochs=5, **IMDB), True),
        (system.replace(**IMDB), True),
    ):
        put(ledger, spec, real=real)
    trials, _ = load(ledger)
    scopes = tables.scopes(trials, PUBLISHED_EPOCHS)
    assert list(zip(scopes["dataset"], scopes["reviews_used"], scopes["epochs"], strict=True)) == [
        ("imdb", 0, tables.PUBLISHED_EPOCHS), ("imdb", 0, 5), ("imdb", 5000, 0), ("embedded", 0, 0),
    ]  # fmt: skip


def test_a_variant_without_a_finished_trial_comes_last(ledger):
    put(ledger, SYSTEMS["gru-3x-1k"].replace(**IMDB), "unfinished")
    put(ledger, SYSTEMS["gru-3x-1k"].replace(**EMBEDDED), real=False)
    trials, _ = load(ledger)
    assert tables.scopes(trials, PUBLISHED_EPOCHS)["dataset"].tolist() == ["embedded", "imdb"]


def test_different_data_are_different_blocks(ledger):
    for fields in (IMDB, EMBEDDED, IMDB | {"reviews": 50}, IMDB | {"epochs": 2}, IMDB | {"data_sha256": "c" * 64}):
        put(ledger, Spec(**fields), real=fields["dataset"] == "imdb")
    trials, _ = load(ledger)
    assert tables.blocks(trials)["finished"].tolist() == [1] * 5
    assert trials["data"].nunique() == 4  # epochs are no part of the data


def test_only_held_out_validation_takes_part_in_the_study(ledger):
    for validation in (0.2, "test", "first_batch"):
        put(ledger, Spec(validation=validation, **IMDB))
    trials, _ = load(ledger)
    assert tables.held_out(trials)["validation"].tolist() == ["0.2"]


def test_generated_data_is_known_even_where_no_trial_is_finished(ledger):
    put(ledger, Spec(**EMBEDDED), "unfinished")
    assert load(ledger)[0]["real"].tolist() == [False]


def test_the_mean_by_axis_is_over_the_trials_of_each_value(ledger):
    for depth, test in ((1, 0.7), (2, 0.8), (2, 0.9)):
        put(ledger, Spec(units=(9,) * depth, seed=int(10 * test), **IMDB), test=test - 0.01)
    found = tables.by_axis(load(ledger)[0], "depth").set_index("value")
    assert found["n"].to_dict() == {1: 1, 2: 2}
    assert found["mean"].to_dict() == pytest.approx({1: 0.7, 2: 0.85})
    half = stats.t.ppf(0.975, 1) * 0.05
    assert found.loc[2, ["low", "high"]].tolist() == pytest.approx([0.85 - half, 0.85 + half])


def test_the_grid_has_a_row_per_cell_and_depth_and_is_empty_where_nothing_was_trained(ledger):
    put(ledger, Spec(cell="lstm", max_len=80, **IMDB), test=0.6)
    put(ledger, Spec(cell="simple_rnn", max_len=500, **IMDB), test=0.5)
    means = tables.grid_means(load(ledger)[0])
    assert list(means.index) == [("simple_rnn", 1), ("lstm", 1)]
    assert list(means.columns) == [(1000, 80), (1000, 500)]
    np.testing.assert_allclose(means.to_numpy(), [[np.nan, 0.51], [0.61, np.nan]])


def test_the_best_network_has_the_best_mean_validation_accuracy_over_its_seeds(ledger):
    for seed, val in ((1, 0.95), (2, 0.6)):
        put(ledger, Spec(cell="gru", seed=seed, **IMDB), val=val)
    put(ledger, Spec(cell="lstm", **IMDB), val=0.8, test=0.1)
    networks = tables.networks(load(ledger)[0])
    assert networks["cell"].tolist() == ["lstm", "gru"]
    assert networks["n"].tolist() == [1, 2]


def test_a_summary_stands_beside_the_published_layers_only_where_they_match():
    layers = [{"name": str(i), "type": "x", "output_shape": [None], "params": i} for i in range(5)]
    original = PUBLISHED["systems"][0]
    assert tables.model_summary(layers, original)["published"].tolist() == [32000, 13300, 7550, 1900, 26]
    assert tables.model_summary(layers[:2], original)["published"].isna().all()


def test_published_test_accuracy_is_of_all_test_reviews_or_missing():
    found = {system["id"]: tables.published_test_accuracy(system) for system in PUBLISHED["systems"]}
    assert found["rnn-3x-1k"] == 0.71  # the classification report
    assert found["rnn-2x-10k"] == 0.8291  # validated on the test set
    assert found["lstm-1x-5k"] == 0.85  # not 0.8906, which is of 64 training reviews
