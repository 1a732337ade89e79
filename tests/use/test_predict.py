"""What a trained network says of texts, and what is said where it can say nothing."""

import gzip
import json

import numpy as np
import pytest

from rnnsweep.data import DataError, load
from rnnsweep.data.reviews import INDEX_FROM
from rnnsweep.ledger import Ledger, Record
from rnnsweep.ledger.ledger import vocabulary_path
from rnnsweep.use.chosen import UseError, accuracy_on_test, chosen
from rnnsweep.use.predict import Predictor, predict
from rnnsweep.use.weights import MissingWeightsError


def predictor(results, key=None):
    ledger = Ledger(results)
    return Predictor(ledger, chosen(ledger, key))


def test_texts_of(trained):
    """Return the test reviews as texts, by the words of the data."""
    data = load(str(trained / "reviews.csv"))
    rows = np.split(data.test.tokens, data.test.offsets[1:-1])
    return [
        " ".join(data.vocabulary[t - INDEX_FROM - 1] if t > INDEX_FROM else "unseen" for t in row[1:]) for row in rows
    ]


test_texts_of.__test__ = False


def test_predictions_of_the_test_texts_are_those_in_the_ledger(trained, keys):
    texts = test_texts_of(trained)
    for key in keys.values():
        asked = predictor(trained / "results", key)
        found = asked.probabilities(asked.encode(texts).ids)
        stored = Ledger(trained / "results").predictions(key)["best"]
        assert np.array_equal(asked.output.half_precision(found), stored)


def test_a_network_without_loops_of_its_own_is_computed_by_the_keras_layers(trained, keys, monkeypatch):
    texts = ["a great film", "dull plot"]
    packed = predictor(trained / "results", keys["lstm", 1]).predict_all(texts)
    monkeypatch.setattr("rnnsweep.use.predict.supports", lambda spec: False)
    layers = predictor(trained / "results", keys["lstm", 1]).predict_all(texts)
    assert np.allclose([one.probabilities for one in packed], [one.probabilities for one in layers], atol=1e-5)


def test_the_best_network_says_the_mean_of_its_seeds(trained, keys):
    ledger = Ledger(trained / "results")
    found = chosen(ledger)
    assert found.keys == (keys["gru", 1], keys["gru", 2])
    assert "over 2 seeds" in found.how
    frame = predict(ledger, ["a great film", "dull plot"])
    assert list(frame.columns) == ["text", "class", "p_pos", "note"]
    each = [predict(ledger, ["a great film", "dull plot"], key)["p_pos"] for key in found.keys]
    assert np.allclose(frame["p_pos"], np.mean(each, axis=0), atol=1e-6)


def test_an_exported_seed_is_of_the_median_validation_and_one_seed_has_wilsons_interval(trained):
    ledger = Ledger(trained / "results")
    found = chosen(ledger)
    one = found.median()
    assert len(one.specs) == 1
    assert one.trials["val_accuracy"].iloc[0] == found.trials["val_accuracy"].max()
    mean, low, high, over = accuracy_on_test(ledger, one)
    assert low <= mean <= high
    assert over.startswith("Wilson's, over 12 test texts")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("", "empty"),
        (" ... ", "without a word"),
        ("xyzzy plugh", "none of its 2 words is known"),
        ("всё хорошо", "none of its 2 words is known; its letters are Cyrillic, the network has learned Latin"),
        ("great " * 100_000, "its last 8 of 100,000 words are read"),
        ("a great film", ""),
    ],
)
def test_a_text_that_says_nothing_to_the_network_is_answered_with_a_note(trained, text, note):
    said = predictor(trained / "results").predict_all([text])[0]
    assert said.note.startswith(note)
    assert bool(said.note) == bool(note)
    assert said.label in ("neg", "pos")


def test_a_ledger_behind_an_address_is_asked_alike(trained):
    frame = predict(Ledger((trained / "results").as_uri()), ["great"])
    assert frame.equals(predict(Ledger(trained / "results"), ["great"]))


def test_weights_that_are_not_there_name_the_command_that_trains_them(results, keys):
    (results / keys["lstm", 1] / Record.BEST_WEIGHTS).unlink()
    with pytest.raises(MissingWeightsError, match=rf"has no weights; train it again by `.*{keys['lstm', 1]}.*--train`"):
        predictor(results, keys["lstm", 1])


def test_weights_that_are_damaged_or_of_a_later_keras_are_told_apart(results, keys):
    key = keys["lstm", 1]
    path, result = results / key / Record.BEST_WEIGHTS, results / key / Record.RESULT
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UseError, match=rf"{key}/best.weights.h5 is damaged .*; delete it, and train it again"):
        predictor(results, key)
    row = json.loads(result.read_text())
    result.write_text(json.dumps(row | {"versions": row["versions"] | {"keras": "99.1"}}))
    with pytest.raises(UseError, match=r"was written by Keras 99\.1, here is .*; use that one, or a later one"):
        predictor(results, key)


def test_weights_of_another_network_are_refused(results, keys):
    lstm, gru = (results / keys[name] / Record.BEST_WEIGHTS for name in (("lstm", 1), ("gru", 1)))
    lstm.write_bytes(gru.read_bytes())
    with pytest.raises(UseError, match=r"is damaged"):
        predictor(results, keys["lstm", 1])


def test_a_vocabulary_that_is_missing_damaged_or_of_a_later_version_is_named(results, keys):
    ledger = Ledger(results)
    sha256 = ledger.load().specs[keys["gru", 1]].data_sha256
    path = results / vocabulary_path(sha256)
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    with pytest.raises(DataError, match=r"data/.*\.json\.gz is damaged .*; delete it, and the sweep's command writes"):
        predictor(results)
    later = json.loads(gzip.decompress(whole)) | {"format": 99}
    path.write_bytes(gzip.compress(json.dumps(later).encode()))
    with pytest.raises(DataError, match=r"was written by a later version of rnnsweep"):
        predictor(results)
    path.unlink()
    with pytest.raises(UseError, match=r"has no words of reviews, .*run the sweep's command again"):
        predictor(results)


@pytest.mark.parametrize(
    ("key", "message"),
    [("0123456789ab", "there is no trial 0123456789ab; give best, or a key of its report")],
)
def test_a_key_that_is_not_there_is_named(trained, key, message):
    with pytest.raises(UseError, match=message):
        chosen(Ledger(trained / "results"), key)


def test_an_empty_ledger_says_how_to_fill_it(tmp_path):
    with pytest.raises(UseError, match=r"has no finished trial; train some, such as by `.*grid"):
        chosen(Ledger(tmp_path))


def test_networks_of_two_real_data_sets_are_not_compared(results, keys):
    ledger = Ledger(results)
    spec = ledger.load().specs[keys["lstm", 1]].replace(data_sha256="f" * 64, dataset="others")
    for name in (Record.RESULT,):
        ledger.record(spec.key).write(name, (results / keys["lstm", 1] / name).read_bytes())
    ledger.record(spec.key).write(Record.SPEC, spec.to_json().encode())
    with pytest.raises(UseError, match=rf"2 data sets, .*; give the key of one's best: .*{spec.key} of others"):
        chosen(ledger)
