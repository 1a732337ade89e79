"""Two networks beside each other, or one beside a stranger's predictions."""

import numpy as np
import pytest
from scipy import stats

from analysis.frames.comparison import THESE, compare
from rnnsweep.errors import UserError
from rnnsweep.ledger import Record
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec
from rnnsweep.stats import contrast, sample
from tests.helpers.ledgers import IMDB, load, put

REVIEWS = 40
LABEL = np.resize([0, 1], REVIEWS).astype(np.uint8)
GRU = Spec(cell="gru", units=(9,), **IMDB)
LSTM = GRU.replace(cell="lstm")


def predicted(seed, wrong):
    """Return probabilities of class 1 that are wrong on so many reviews."""
    random = np.random.default_rng(seed)
    certain = np.where(np.isin(np.arange(REVIEWS), random.choice(REVIEWS, wrong, replace=False)), 0.25, 0.75)
    return np.where(LABEL == 1, certain, 1 - certain).astype(np.float16)


def trained(ledger, spec, wrong, seeds=2):
    """Put trials, the first wrong on so many reviews and each other on one more, in a ledger; returns who was right."""
    rows = []
    for seed in range(1, seeds + 1):
        probabilities = predicted(100 * wrong + seed, wrong + seed - 1)
        record = ledger.record(spec.replace(seed=seed).key)
        put(ledger, spec.replace(seed=seed))
        record.write_arrays(Record.PREDICTIONS, {"label": LABEL, "best": probabilities, "last": probabilities})
        rows.append((probabilities > 0.5) == LABEL)
    return np.array(rows)


def compared(ledger, *names, **more):
    return compare(names, load(ledger)[0], ledger.load().specs, ledger.predictions, **more)


def test_with_several_seeds_both_seeds_and_reviews_are_random(ledger):
    first, second = trained(ledger, GRU, 4), trained(ledger, LSTM, 10)
    found = compared(ledger, GRU.key, LSTM.key)
    expected = contrast([sample(rows.mean(axis=1), rows) for rows in (first, second)], [1, -1])
    assert found.difference == pytest.approx(6 / REVIEWS)
    assert (found.difference, found.low, found.high) == pytest.approx((expected.estimate, *expected.interval()))
    assert found.random == "seeds and reviews"
    assert (found.first.seeds, found.first.accuracy) == (2, pytest.approx(0.8875))


def test_with_one_seed_each_the_reviews_alone_are_random_and_that_is_said(ledger):
    (first,), (second,) = trained(ledger, GRU, 4, 1), trained(ledger, LSTM, 10, 1)
    found = compared(ledger, GRU.key, LSTM.key)
    expected = stats.ttest_rel(first.astype(float), second.astype(float))
    limits = expected.confidence_interval()
    assert (found.low, found.high, found.p) == pytest.approx((limits.low, limits.high, expected.pvalue))
    assert found.random == THESE


def test_a_strangers_predictions_are_taken_as_they_are(ledger, tmp_path):
    rows = trained(ledger, GRU, 6, 3)
    path = tmp_path / "transformer.csv"
    guess = predicted(7, 2)
    path.write_text("text,probability\n" + "".join(f"x,{value}\n" for value in guess))
    found = compared(ledger, str(path), GRU.key)
    assert found.first.accuracy == pytest.approx(38 / 40)
    assert found.random == "reviews, and the seeds of GRU 9 · 1,000 words · 500 steps"
    assert found.low < found.difference < found.high
    half = (found.high - found.low) / 2
    seeds = np.sqrt(rows.mean(axis=1).var(ddof=1) / 3)
    assert half > seeds  # the reviews' part is in it


def test_predictions_are_classes_by_number_or_by_name(ledger, tmp_path):
    trained(ledger, GRU, 6)
    numbers, names = tmp_path / "numbers.csv", tmp_path / "names.csv"
    numbers.write_text("prediction\n" + "".join(f"{one}\n" for one in LABEL))
    names.write_text("prediction\n" + "".join(f"{'positive' if one else 'negative'}\n" for one in LABEL))
    for path in (numbers, names):
        assert compared(ledger, str(path), GRU.key).first.accuracy == 1


def test_the_reviews_on_which_they_differ_most_come_first_by_number(ledger, tmp_path):
    trained(ledger, GRU, 6)
    path = tmp_path / "sure.csv"
    values = [0.9 if one else 0.1 for one in LABEL]
    values[17] = 1 - values[17]
    path.write_text("probability\n" + "".join(f"{value}\n" for value in values))
    found = compared(ledger, GRU.key, str(path)).reviews
    assert len(found) == 10
    apart = (found["first"] - found["second"]).abs()
    assert apart.is_monotonic_decreasing
    row = found[found["review"] == 17].iloc[0]
    assert (row["true"], row["second"]) == ("positive", pytest.approx(0.1))


@pytest.mark.parametrize(
    "name",
    ["GRU 9 · 1,000 words · 500 steps", "gru 9 · 1,000 words · 500 steps", "gru 9 1000 words 500 steps", GRU.key],
)
def test_a_network_is_named_by_its_label_or_the_key_of_any_of_its_seeds(ledger, name):
    trained(ledger, GRU, 4)
    trained(ledger, LSTM, 10)
    assert compared(ledger, name, LSTM.replace(seed=2).key).first.key == GRU.key


def test_a_system_is_named_by_its_id_and_judged_by_the_last_epoch(ledger):
    spec = SYSTEMS["gru-2x-10k-80"].replace(**IMDB)
    trained(ledger, spec, 4)
    trained(ledger, LSTM, 10)
    found = compared(ledger, "gru-2x-10k-80", LSTM.key)
    assert (found.first.key, found.epoch) == (spec.key, "last")  # its best epoch was chosen by the test set
    assert compared(ledger, LSTM.key, LSTM.key).epoch == "best"
    assert compared(ledger, "gru-2x-10k-80", LSTM.key, epoch="best").epoch == "best"


def test_equal_networks_differ_by_nothing_that_has_an_interval(ledger):
    trained(ledger, GRU, 4, 1)
    found = compared(ledger, GRU.key, GRU.key)
    assert found.difference == 0
    assert np.isnan([found.low, found.high, found.p]).all()


CSV = {
    "short": ("prediction\n1\n", "has 1 rows; give one per test review, 40, in their order"),
    "columns": ("guess\n1\n", "has the columns guess; give prediction"),
    "empty": ("", "has the columns none; give prediction"),
    "class": (
        "prediction\n" + "good\n" * REVIEWS,
        "line 2: 'good' is no class; the classes are 0, 1, negative, positive",
    ),
    "probability": ("probability\n" + "1.5\n" * REVIEWS, "line 2: '1.5' is no probability; give a number from 0 to 1"),
}


@pytest.mark.parametrize("which", CSV)
def test_a_file_that_is_no_prediction_of_these_reviews_is_refused(ledger, tmp_path, which):
    trained(ledger, GRU, 4)
    text, message = CSV[which]
    path = tmp_path / "guess.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message.replace("(", r"\(")):
        compared(ledger, str(path), GRU.key)


def test_what_cannot_be_compared_is_refused(ledger, tmp_path):
    trained(ledger, GRU, 4)
    trained(ledger, GRU.replace(epochs=3), 4)
    trained(ledger, GRU.replace(cell="simple_rnn", data_sha256="c" * 64), 4)
    put(ledger, LSTM, "failed")
    with pytest.raises(UserError, match="nothing finished in the ledger is called gru 8; give a key"):
        compared(ledger, "gru 8", GRU.key)
    with pytest.raises(UserError, match="is 2 networks of the ledger; give a key of the one you mean"):
        compared(ledger, GRU.label(), GRU.key)
    with pytest.raises(UserError, match="not tested on the same reviews"):
        compared(ledger, "simple_rnn 9 1000 words 500 steps", GRU.key)
    with pytest.raises(UserError, match=f"{LSTM.key} has no result: its trial is failed"):
        compared(ledger, LSTM.key, GRU.key)
    with pytest.raises(UserError, match="both are files"):
        compared(ledger, "a.csv", "b.csv")
    with pytest.raises(UserError, match=r"nowhere\.csv cannot be read"):
        compared(ledger, "nowhere.csv", GRU.key)
    ledger.record(GRU.key).remove(Record.PREDICTIONS)
    with pytest.raises(UserError, match=f"the predictions of trial {GRU.key} are not in the ledger"):
        compared(ledger, GRU.key, GRU.key)
