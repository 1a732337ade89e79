import dataclasses
import json
import warnings

import numpy as np
import pytest

from rnnsweep import baselines as module
from rnnsweep.baselines import (
    LINES,
    MODELS,
    BaselineSettings,
    baseline_files,
    baseline_key,
    baselines,
    read_baselines,
)
from rnnsweep.data import load
from rnnsweep.data.reviews import Reviews
from rnnsweep.data.split import Parts

SETTINGS = BaselineSettings(data_sha256="0" * 64, reviews=None, validation=0.2, num_words=50, max_len=20)


def reviews_of(texts, labels):
    offsets = np.concatenate(([0], np.cumsum([len(text) + 1 for text in texts]))).astype(np.int64)
    tokens = np.concatenate([[1, *text] for text in texts]).astype(np.int32)
    return Reviews(tokens, offsets, np.array(labels, np.uint8))


def drawn(count, seed, classes=2):
    """Return reviews of 10 words, in which word 40 + class stands twice."""
    draw = np.random.RandomState(seed)
    labels = draw.randint(0, classes, count)
    return reviews_of([[*draw.randint(4, 40, 8), 40 + label, 40 + label] for label in labels], labels)


def ordered(count, seed):
    """Return reviews that hold 40 and 41 once each, and only their order tells the class."""
    draw = np.random.RandomState(seed)
    labels = draw.randint(0, 2, count)
    return reviews_of([[*draw.randint(4, 40, 6), 40 + label, 41 - label] for label in labels], labels)


def parts_of(make, *arguments):
    return Parts(make(200, 1, *arguments), make(60, 2, *arguments), make(80, 3, *arguments))


def by_model(parts, settings=SETTINGS):
    return {line.row["model"]: line for line in baselines(parts, settings)}


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_a_word_that_tells_the_class_is_learned_by_every_linear_line(classes):
    lines = by_model(parts_of(drawn, classes))
    assert list(lines) == ["commonest", *MODELS] == list(LINES)
    assert all(lines[name].row["test_accuracy"] == 1 for name in MODELS)
    assert all(lines[name].scores.shape == (80, classes) for name in lines)


def test_order_is_seen_by_pairs_of_words_only():
    lines = by_model(parts_of(ordered))
    assert lines["tfidf_lr_1"].row["test_accuracy"] < 0.75
    assert lines["tfidf_lr_2"].row["test_accuracy"] > 0.95
    assert lines["nbsvm_2"].row["test_accuracy"] > 0.95


def test_the_commonest_class_of_the_training_reviews_gets_its_share_of_the_test_reviews():
    train, test = reviews_of([[4]] * 3, [1, 1, 0]), reviews_of([[4]] * 4, [0, 1, 0, 0])
    line = by_model(Parts(train, test, test))["commonest"]
    assert line.row["test_accuracy"] == 0.25
    assert line.predicted.tolist() == [1] * 4
    assert line.scores[0].tolist() == pytest.approx([1 / 3, 2 / 3], abs=1e-3)


def test_rows_say_what_was_computed_on_what():
    row = by_model(parts_of(drawn))["tfidf_lr_2"].row
    assert (row["train_reviews"], row["validation_reviews"], row["test_reviews"]) == (200, 60, 80)
    assert row["data_sha256"] == "0" * 64
    assert (row["num_words"], row["max_len"], row["validation"], row["refit"]) == (50, 20, 0.2, False)
    assert row["C"] in module.LR_C
    assert row["seconds"] > 0


def test_the_smallest_of_equally_good_cs_is_chosen():
    row = by_model(parts_of(drawn))["tfidf_lr_1"].row
    assert (row["val_accuracy"], row["C"]) == (1, min(module.LR_C))


def test_c_is_chosen_by_the_validation_reviews():
    parts = parts_of(ordered)
    turned = dataclasses.replace(parts.validation, labels=1 - parts.validation.labels)
    chosen = by_model(parts)["tfidf_lr_1"].row
    against = by_model(Parts(parts.train, turned, parts.test))["tfidf_lr_1"].row
    assert chosen["val_accuracy"] + against["val_accuracy"] > 1


def test_only_the_lines_asked_for_are_computed():
    assert [line.row["model"] for line in baselines(parts_of(drawn), SETTINGS, ["nbsvm_2"])] == ["nbsvm_2"]


def test_c_may_be_given():
    assert baselines(parts_of(drawn), SETTINGS, ["tfidf_lr_1"], [0.5])[0].row["C"] == 0.5


def test_lines_are_the_same_on_every_call_and_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = by_model(parts_of(drawn)), by_model(parts_of(drawn))
    for name, line in first.items():
        assert (line.scores == second[name].scores).all()
        assert line.row["test_accuracy"] == second[name].row["test_accuracy"]


def test_a_review_is_cut_in_front_and_rare_words_are_one_word_as_for_the_networks():
    reviews = reviews_of([[9, 5, 5, 7, 30]], [0])
    settings = dataclasses.replace(SETTINGS, num_words=10, max_len=4)
    row, names, times = module._found(reviews, settings, pairs=True)
    assert row.tolist() == [0] * 6
    # 5 5 7 2, and behind them the pairs 5 5, 5 7 and 7 2
    assert dict(zip(names.tolist(), times.tolist(), strict=True)) == {2: 1, 5: 2, 7: 1, 55: 1, 57: 1, 72: 1}


def test_blocks_do_not_change_what_is_counted(monkeypatch):
    reviews = drawn(50, 1)
    whole = module._found(reviews, SETTINGS, pairs=True)
    monkeypatch.setattr(module, "ENCODED", 40)
    assert all((a == b).all() for a, b in zip(module._found(reviews, SETTINGS, pairs=True), whole, strict=True))


def test_the_log_count_ratio_is_that_of_wang_and_manning():
    # Feature 0 in both positive texts, 1 in one of each: p = (3, 2) / 5, q = (1, 2) / 3.
    present = module.sparse.csr_matrix(np.array([[1.0, 1], [1, 0], [0, 1]]))
    ratio = module._log_count_ratio(present, np.array([True, True, False]))
    assert ratio == pytest.approx([np.log((3 / 5) / (1 / 3)), np.log((2 / 5) / (2 / 3))])


def test_a_class_without_training_reviews_is_never_predicted():
    train = reviews_of([[4, 5], [6, 7]] * 20, [0, 2] * 20)
    test = reviews_of([[4, 5], [6, 7], [4, 4]], [0, 2, 1])
    for name, line in by_model(Parts(train, test, test)).items():
        assert line.scores.shape == (3, 3)
        assert 1 not in line.predicted
        if name in MODELS:
            assert line.predicted[:2].tolist() == [0, 2]
            assert np.isnan(line.scores[:, 1]).all()


def test_files_give_back_what_they_were_made_of_and_have_the_same_bytes_each_time():
    lines = baselines(parts_of(drawn), SETTINGS)
    rows, predictions = baseline_files(lines)
    again = read_baselines(rows, predictions)
    assert [line.row for line in again] == [line.row for line in lines]
    assert all((a.predicted == b.predicted).all() for a, b in zip(again, lines, strict=True))
    assert all((a.scores == b.scores).all() for a, b in zip(again, lines, strict=True))
    assert baseline_files(lines) == (rows, predictions)
    assert json.loads(rows)[0]["model"] == "commonest"


def test_the_key_is_that_of_the_settings():
    assert len(baseline_key(SETTINGS)) == 12
    assert baseline_key(SETTINGS) == baseline_key(dataclasses.replace(SETTINGS))
    others = [dataclasses.replace(SETTINGS, **change) for change in ({"num_words": 51}, {"validation": "test"})]
    assert len({baseline_key(settings) for settings in [SETTINGS, *others]}) == 3


def test_real_reviews_reach_what_a_linear_model_gets(real_imdb):
    dataset = load(str(real_imdb))
    parts = Parts(dataset.train.part(0, 4000), dataset.train.part(4000, 5000), dataset.test.first(4000))
    lines = by_model(parts, dataclasses.replace(SETTINGS, num_words=5000, max_len=500))
    assert lines["tfidf_lr_2"].row["test_accuracy"] > 0.84
    assert lines["nbsvm_2"].row["test_accuracy"] > 0.84
    assert lines["commonest"].row["test_accuracy"] == pytest.approx(0.5, abs=0.02)
