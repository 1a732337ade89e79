import numpy as np
import pandas as pd
import pytest

from analysis.frames.contrasts import PUBLISHED, published
from analysis.frames.networks import Samples as OfLedger
from analysis.frames.verdicts import (
    CLAIM_COLUMNS,
    Question,
    as_controlled,
    as_published,
    judge,
    pairs_of,
    spreads_of,
    trained_of,
    verdicts,
)
from analysis.original.claims import CLAIMS, CONTRADICTED, SUPPORTED, UNDECIDED, Claim, Part
from rnnsweep.space import SYSTEMS
from rnnsweep.space.presets import FACTORIAL
from rnnsweep.space.presets import grid as specs_of
from rnnsweep.spec import Spec
from rnnsweep.stats import holm
from tests.helpers.grids import Samples, grid, network
from tests.helpers.ledgers import EMBEDDED, IMDB, load, put

PART = Part("a − b", ("a",), ("b",), "depth", (2, 3), cell="gru")
OTHER = Part("a − c", ("a",), ("c",), "depth", (1, 2), cell="gru")
NAMED = {name: network(max_len=number, seeds=5) for number, name in enumerate("abc", 1)}
EIGHT = {name: spec.epochs for name, spec in SYSTEMS.items()}


def claimed(*parts):
    return Claim("gru", 0, "", "", parts)


def judged(*claims, **means):
    questions = [
        Question(number, PUBLISHED, tuple(published(part, NAMED) for part in claim.parts))
        for number, claim in enumerate(claims, 1)
    ]
    of = {NAMED[name]: mean for name, mean in means.items()}
    return judge(questions, Samples(lambda network, measure: of[network]))


def test_the_first_columns_are_the_contract_of_the_table():
    claims, parts = judged(claimed(PART), a=0.8, b=0.7)
    assert claims.columns[:12].tolist() == parts.columns[:12].tolist() == CLAIM_COLUMNS
    issued = "claim, family, effect, low, high, p, p_holm, seeds, reviews, df, smallest, verdict"
    assert ", ".join(CLAIM_COLUMNS) == issued


@pytest.mark.parametrize(
    ("a", "b", "expected"), [(0.8, 0.7, SUPPORTED), (0.7, 0.8, CONTRADICTED), (0.8, 0.8, UNDECIDED)]
)
def test_a_claim_of_a_sign_is_decided_by_the_side_of_the_effect(a, b, expected):
    claims, _ = judged(claimed(PART), a=a, b=b)
    assert claims["verdict"].tolist() == [expected]
    assert claims["effect"].tolist() == pytest.approx([a - b])


@pytest.mark.parametrize(
    ("c", "expected"), [(0.7, SUPPORTED), (0.9, CONTRADICTED), (0.8, UNDECIDED)], ids=["holds", "fails", "unsure"]
)
def test_all_parts_of_a_claim_must_hold_and_one_that_fails_is_enough(c, expected):
    claims, parts = judged(claimed(PART, OTHER), a=0.8, b=0.7, c=c)
    assert claims["verdict"].tolist() == [expected]
    assert parts["verdict"].tolist() == [SUPPORTED, expected]


def test_a_claim_shows_the_part_that_decides():
    assert judged(claimed(PART, OTHER), a=0.8, b=0.7, c=0.79)[0]["part"].tolist() == ["a − c"]  # the less sure one
    assert judged(claimed(PART, OTHER), a=0.8, b=0.9, c=0.7)[0]["part"].tolist() == ["a − b"]  # the one that fails


def test_the_adjusted_p_value_decides_and_not_the_interval():
    unsure = [claimed(OTHER)] * 6
    alone, _ = judged(claimed(PART), a=0.8, b=0.7984)
    family, _ = judged(claimed(PART), *unsure, a=0.8, b=0.7984, c=0.8)
    assert 0.01 < alone["p"][0] < 0.05
    assert family["p"][0] == alone["p"][0]
    assert family["low"][0] == alone["low"][0] > 0
    assert (alone["verdict"][0], family["verdict"][0]) == (SUPPORTED, UNDECIDED)
    assert family["p_holm"].tolist() == pytest.approx(holm(family["p"].tolist()))


def test_a_claim_without_trials_is_undecided_and_says_why():
    questions = as_published(load_nothing())
    claims, _ = judge(questions, Samples(lambda *_: 0.8))
    assert claims["claim"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert set(claims["verdict"]) == {UNDECIDED}
    assert claims["reason"][6] == "no finished trial of lstm-1x-1k, lstm-3x-1k"
    assert claims["reviews"].isna().all()


def load_nothing():
    return pd.DataFrame({"system": [], "status": [], "epochs": [], "data": [], "real": []}, dtype=object)


def test_without_a_grid_each_claim_is_undecided():
    claims, _ = judge(as_controlled([]), Samples(lambda *_: 0.8))
    assert set(claims["verdict"]) == {UNDECIDED}
    assert set(claims["reason"]) == {"no matched pair"}


def factorial(seeds=5, cells=FACTORIAL["cell"], **where):
    shapes = [(u, w, n) for u in FACTORIAL["units"] for w in FACTORIAL["num_words"] for n in FACTORIAL["max_len"]]
    return grid(*(network(cell, *shape, seeds=seeds) for cell in cells for shape in shapes), **where)


def test_a_claim_is_judged_in_the_grid_that_says_most_and_never_in_two():
    small = grid(network("lstm"), network("lstm", (100, 50, 25)), real=True)
    generated = factorial(data="embedded", real=False)
    fewer = factorial(data="imdb, first 9 reviews", reviews_used=9)
    one_seed = factorial(1, data="one seed")
    of = [question.source.data for question in as_controlled([one_seed, fewer, generated])]
    assert of == ["imdb, first 9 reviews"] * 7
    of = [question.source.data for question in as_controlled([generated, small])]
    assert of == ["embedded"] * 6 + ["imdb, all reviews"]  # real pairs with an interval, for claim 7 alone


def test_slopes_are_of_the_grid_with_the_most_epochs():
    rnn = factorial(5, ("simple_rnn",), epochs=10)
    of = [question.source.epochs for question in as_controlled([factorial(6), rnn])]
    assert of == ["5", "10", "5", "5", "5", "5", "5"]


def test_enough_seeds_of_simple_rnn_go_before_more_networks():
    rnn = factorial(20, ("simple_rnn",), epochs=10)
    of = [question.source.epochs for question in as_controlled([factorial(3), rnn])]
    assert of == ["10", "10", "10", "5", "5", "5", "5"]


def test_each_pair_stands_beside_the_mean_with_its_own_interval():
    questions = as_controlled([factorial(2, ("gru",))])
    samples = Samples(lambda network, measure: 0.8 + 0.0001 * network.max_len)
    pairs = pairs_of(questions, samples)
    lengths = pairs[pairs["claim"] == 5]
    assert len(lengths) == 9
    assert lengths["effect"].tolist() == pytest.approx([0.042] * 9)
    assert (lengths["low"] < 0.042).all()
    assert (lengths["high"] > 0.042).all()
    assert lengths["first"].iloc[0] == "gru 100 1000 500"
    assert lengths["second"].iloc[0] == "gru 100 1000 80"


def test_a_network_with_a_slope_stands_alone_among_the_pairs():
    pairs = pairs_of(as_controlled([factorial(2, ("simple_rnn",))]), Samples(lambda *_: 0.01))
    slopes = pairs[pairs["claim"] == 2]
    assert len(slopes) == 27
    assert set(slopes["second"]) == {""}


def test_how_far_pairs_part_is_said():
    same = spreads_of(
        as_controlled([factorial(3, ("gru",))]), Samples(lambda network, _: 0.8 + 0.0001 * network.max_len)
    )
    apart = spreads_of(
        as_controlled([factorial(3, ("gru",))]),
        Samples(lambda network, _: 0.8 + 0.0001 * network.max_len * network.depth),
    )
    of_lengths = [frame[frame["claim"] == 5].iloc[0] for frame in (same, apart)]
    assert of_lengths[0]["p_equal"] > 0.9
    assert of_lengths[1]["p_equal"] < 0.001
    assert of_lengths[0]["rms"] == pytest.approx(0.042, abs=0.001)


def test_beside_each_claim_stands_what_the_runs_that_trained_say():
    chosen = factorial(3, ("lstm",))
    lost = chosen.networks[-1].keys[0]
    values = Samples(lambda *_: 0.8, val=lambda key: 0.5 if key == lost else 0.8)
    of_depth = trained_of(as_controlled([chosen]), values)
    row = of_depth[of_depth["claim"] == 7].iloc[0]
    assert (row["failed"], row["n"], row["pairs"], row["of_pairs"], row["seeds"]) == (1, 54, 9, 9, "2 to 3")


@pytest.fixture
def judged_ledger(ledger):
    """Return what a ledger says: two layers of SimpleRNN are better, by matched networks and by the systems."""
    random = np.random.default_rng(0)
    rnn = specs_of(Spec(cell="simple_rnn", **IMDB), units=FACTORIAL["units"], max_len=(80, 500), seed=range(1, 6))
    for spec in rnn:
        put(ledger, spec, test=0.9 - 0.1 * spec.depth + 0.001 * random.normal())
    for name in ("rnn-2x-10k", "rnn-3x-1k"):
        for seed in range(1, 6):
            spec = SYSTEMS[name].replace(seed=seed, **IMDB)
            put(ledger, spec, test=0.9 - 0.1 * spec.depth + 0.001 * random.normal())
    put(ledger, Spec(cell="simple_rnn", units=(100, 50), **EMBEDDED), test=0.1, real=False)
    trials, epochs = load(ledger)
    shown = trials[trials["epochs"] == trials["system"].map(EIGHT)]
    suggestions = ledger.load().suggestions
    return verdicts(trials, shown, suggestions, OfLedger(trials, epochs, ledger.predictions))


def test_a_ledger_is_judged_in_two_families_of_seven(judged_ledger):
    claims = judged_ledger.claims.set_index(["family", "claim"])
    assert len(claims) == 14
    for family in ("published", "controlled"):
        assert claims.loc[(family, 1), "verdict"] == SUPPORTED
        assert claims.loc[(family, 1), "effect"] == pytest.approx(0.1, abs=0.002)
        assert claims.loc[(family, 1), "reviews"] == 4
        assert claims.loc[(family, 1), "random"] == "new seeds and reviews"
        assert claims.loc[(family, 7), "verdict"] == UNDECIDED
    assert (claims.loc[("published", 1), "interim"], claims.loc[("controlled", 1), "interim"]) == (False, True)
    assert claims.loc[("controlled", 1), "seeds"] == "5"
    assert claims.loc[("controlled", 1), "pairs"] == 2


@pytest.mark.parametrize(("planned", "counted"), [(0, 2), (3, 3), (9, 4)])
def test_seeds_that_one_system_has_beyond_the_plan_and_the_others_are_no_second_look(ledger, planned, counted):
    for name, seeds in (("rnn-2x-10k", 2), ("rnn-3x-1k", 4)):
        for seed in range(1, seeds + 1):
            put(ledger, SYSTEMS[name].replace(seed=seed, **IMDB))
    first, *_ = as_published(load(ledger)[0], planned)
    of = {network.label: network for network in first.designs[0].weights}
    assert {name: network.seeds for name, network in of.items()} == {"rnn-2x-10k": 2, "rnn-3x-1k": counted}
    assert of["rnn-3x-1k"].keys[0] == SYSTEMS["rnn-3x-1k"].replace(seed=1, **IMDB).key, "the first of them"


def test_every_claim_of_the_original_is_in_both_families(judged_ledger):
    assert set(judged_ledger.parts["claim"]) == set(range(1, len(CLAIMS) + 1))
    assert judged_ledger.parts.groupby(["family", "claim"]).ngroups == 2 * len(CLAIMS)


def test_how_far_a_curve_ends_below_its_own_best_is_described(judged_ledger):
    falls = judged_ledger.falls.groupby("family")["last_minus_best"]
    assert falls.size().to_dict() == {"controlled": 6, "published": 2}
    assert falls.mean().tolist() == pytest.approx([-0.01, -0.01])  # as `put` writes them
