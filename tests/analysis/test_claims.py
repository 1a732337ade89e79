import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_tables import EMBEDDED, IMDB, PUBLISHED, load, put

from analysis import claims
from analysis.original.claims import CLAIMS, CONTRADICTED, SUPPORTED, UNDECIDED
from rnnsweep.ledger import Ledger
from rnnsweep.space import SYSTEMS
from rnnsweep.space.presets import FACTORIAL, grid
from rnnsweep.spec import Spec

DEPTH_RNN, EPOCHS_RNN, WORDS_RNN, DEPTH_GRU, LENGTH_GRU, BEST_LSTM, DEPTH_LSTM = CLAIMS


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "results")


def seeds(ledger, system, tests, **fields):
    for seed, test in enumerate(tests, 1):
        spec = SYSTEMS[system].replace(**{**IMDB, "seed": seed, **fields})
        put(ledger, spec, test=test, real=spec.dataset == "imdb")


def judged(claim, ledger):
    trials, epochs = load(ledger)
    return claims.judge(claim, trials[trials["system"] != ""], trials, epochs)


def verdict(claim, ledger):
    evidence = judged(claim, ledger)
    return claims.together(list(evidence.loc[evidence["used"], "verdict"]))


@pytest.mark.parametrize(
    ("low", "high", "sign", "expected"),
    [
        (0.01, 0.02, 1, SUPPORTED),
        (-0.02, -0.01, 1, CONTRADICTED),
        (-0.01, 0.02, 1, UNDECIDED),
        (0.0, 0.02, 1, UNDECIDED),
        (-0.02, -0.01, -1, SUPPORTED),
        (0.01, 0.02, -1, CONTRADICTED),
        (-0.009, 0.009, 0, SUPPORTED),
        (0.011, 0.02, 0, CONTRADICTED),
        (-0.03, -0.011, 0, CONTRADICTED),
        (0.005, 0.015, 0, UNDECIDED),
        (-0.02, 0.02, 0, UNDECIDED),
        (np.nan, np.nan, 1, UNDECIDED),
    ],
)
def test_a_verdict_is_where_the_interval_lies(low, high, sign, expected):
    assert claims.verdict(low, high, sign) == expected


def test_a_claim_holds_if_all_its_parts_do_and_fails_if_one_does():
    assert claims.together([SUPPORTED, SUPPORTED]) == SUPPORTED
    assert claims.together([SUPPORTED, UNDECIDED]) == UNDECIDED
    assert claims.together([UNDECIDED, CONTRADICTED]) == CONTRADICTED
    assert claims.together([]) == UNDECIDED


def test_the_interval_of_a_difference_is_welchs():
    first, second = [0.8, 0.82, 0.85], [0.7, 0.71]
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert claims.welch(first, second)[1:] == pytest.approx((expected.low, expected.high))


def test_equal_values_have_an_interval_of_no_width():
    assert claims.welch([0.5, 0.5], [0.25, 0.25]) == (0.25, 0.25, 0.25)


@pytest.mark.parametrize(
    ("two", "three", "expected"),
    [
        ((0.80, 0.81, 0.82), (0.70, 0.71, 0.72), SUPPORTED),
        ((0.70, 0.71, 0.72), (0.80, 0.81, 0.82), CONTRADICTED),
        ((0.70, 0.75, 0.80), (0.70, 0.74, 0.80), UNDECIDED),
    ],
)
def test_seeds_of_the_eight_systems_decide_where_their_interval_does(ledger, two, three, expected):
    seeds(ledger, "rnn-2x-10k", two)
    seeds(ledger, "rnn-3x-1k", three)
    assert verdict(DEPTH_RNN, ledger) == expected


def test_one_seed_decides_nothing_and_the_reason_is_said(ledger):
    seeds(ledger, "rnn-2x-10k", [0.9])
    seeds(ledger, "rnn-3x-1k", [0.5])
    evidence = judged(DEPTH_RNN, ledger)
    assert evidence["verdict"].tolist() == [UNDECIDED]
    assert evidence["difference"].tolist() == pytest.approx([0.4])
    assert evidence["reason"].tolist() == ["n = 1 and 1: an interval needs two seeds of each"]


def test_little_difference_is_within_a_percentage_point(ledger):
    seeds(ledger, "rnn-2x-10k", [0.800, 0.801, 0.802])
    seeds(ledger, "rnn-3x-1k", [0.801, 0.802, 0.803])
    assert verdict(WORDS_RNN, ledger) == SUPPORTED


def test_a_little_difference_beyond_doubt_above_a_point_contradicts(ledger):
    seeds(ledger, "rnn-2x-10k", [0.840, 0.841, 0.842])
    seeds(ledger, "rnn-3x-1k", [0.801, 0.802, 0.803])
    assert verdict(WORDS_RNN, ledger) == CONTRADICTED


def test_rising_validation_contradicts_that_it_falls(ledger):
    for name in ("rnn-2x-10k", "rnn-3x-1k"):
        seeds(ledger, name, [0.8, 0.8])  # `put` lets validation accuracy rise by 0.05 per epoch
    evidence = judged(EPOCHS_RNN, ledger)
    assert evidence["difference"].tolist() == pytest.approx([0.05])
    assert verdict(EPOCHS_RNN, ledger) == CONTRADICTED


def test_a_claim_of_two_parts_fails_with_one_of_them(ledger):
    seeds(ledger, "gru-3x-1k", [0.70, 0.71])
    seeds(ledger, "gru-2x-10k-80", [0.80, 0.81])
    evidence = judged(DEPTH_GRU, ledger)
    assert evidence["part"].tolist() == ["training: 2 layers − 3 layers", "test: 3 layers − 2 layers"]
    assert verdict(DEPTH_GRU, ledger) == CONTRADICTED


def test_a_cell_is_judged_by_the_mean_of_its_systems_over_the_seeds_that_have_them_all(ledger):
    for name in SYSTEMS:
        seeds(ledger, name, [0.9, 0.91] if name.startswith("lstm") else [0.8, 0.81])
    seeds(ledger, "lstm-1x-1k", [0.9, 0.91, 0.1])  # seed 3 lacks the other two systems
    evidence = judged(BEST_LSTM, ledger)
    assert evidence.loc[evidence["evidence"] == claims.SYSTEMS, "first_n"].tolist() == [2, 2]
    assert verdict(BEST_LSTM, ledger) == SUPPORTED


def test_matched_pairs_differ_in_one_axis_alone_and_decide(ledger):
    for spec in grid(Spec(**IMDB), **FACTORIAL):
        put(ledger, spec, test=0.7 + 0.01 * spec.depth + 0.1 * (spec.num_words == 1000) + 0.00001 * spec.max_len)
    evidence = judged(DEPTH_RNN, ledger)
    used = evidence[evidence["used"]].iloc[0]
    assert (used["evidence"], used["first_n"]) == (claims.MATCHED, 9)
    assert used["difference"] == pytest.approx(-0.01)
    assert verdict(DEPTH_RNN, ledger) == CONTRADICTED
    assert judged(WORDS_RNN, ledger)["difference"].iloc[-1] == pytest.approx(-0.1)
    assert judged(LENGTH_GRU, ledger)["difference"].iloc[-1] == pytest.approx(0.0042)
    assert judged(DEPTH_LSTM, ledger)["difference"].iloc[-1] == pytest.approx(-0.02)
    assert judged(BEST_LSTM, ledger)["first_n"].tolist()[1::2] == [27, 27]


def test_seeds_of_a_pair_are_averaged_so_that_n_counts_pairs(ledger):
    for spec in grid(Spec(cell="gru", **IMDB), max_len=[80, 500], num_words=[1000, 5000], seed=[1, 2]):
        put(ledger, spec, test=0.7 + 0.0001 * spec.max_len + 0.001 * spec.seed)
    trials, _ = load(ledger)
    assert claims.paired_differences(trials, LENGTH_GRU.parts[0]) == pytest.approx([0.042, 0.042])


def test_networks_of_unlike_layers_are_no_pair_in_depth(ledger):
    put(ledger, Spec(cell="simple_rnn", units=(64, 64), **IMDB))
    put(ledger, Spec(cell="simple_rnn", units=(100, 50, 25), **IMDB))
    trials, _ = load(ledger)
    assert claims.paired_differences(trials, DEPTH_RNN.parts[0]) == []


def test_real_data_decides_before_generated_data(ledger):
    for spec in grid(Spec(cell="simple_rnn", **EMBEDDED), units=[(9, 9), (9, 9, 9)], max_len=[10, 20]):
        put(ledger, spec, test=0.1 * spec.depth, real=False)
    seeds(ledger, "rnn-2x-10k", (0.80, 0.81))
    seeds(ledger, "rnn-3x-1k", (0.50, 0.51))
    evidence = judged(DEPTH_RNN, ledger)
    assert evidence["real"].tolist() == [True, False]
    assert evidence["used"].tolist() == [True, False]


def test_an_empty_ledger_leaves_every_claim_undecided(ledger):
    assert {verdict(claim, ledger) for claim in CLAIMS} == {UNDECIDED}


def test_each_published_claim_is_a_hypothesis_exactly_once():
    expected = [(name, i) for name, table in PUBLISHED["conclusions"].items() for i in range(len(table["claims"]))]
    assert [(claim.table, claim.index) for claim in CLAIMS] == expected
    assert all(claim.chinese and claim.caveat and claim.parts for claim in CLAIMS)


def test_the_published_differences_are_those_of_the_logs():
    assert claims.published_difference(DEPTH_RNN.parts[0], PUBLISHED) == pytest.approx(0.8291 - 0.7052)
    assert claims.published_difference(DEPTH_GRU.parts[0], PUBLISHED) == pytest.approx(0.9618 - 0.8918)
    assert claims.published_difference(LENGTH_GRU.parts[0], PUBLISHED) == pytest.approx(0.8650 - 0.8099)
    slopes = [
        stats.linregress(np.arange(10), pd.DataFrame(PUBLISHED["systems"][i]["epochs"])["val_accuracy"]).slope
        for i in (0, 1)
    ]
    assert claims.published_difference(EPOCHS_RNN.parts[0], PUBLISHED) == pytest.approx(np.mean(slopes))
