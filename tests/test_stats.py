import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from rnnsweep.stats import (
    ACCURACY,
    Effects,
    best_set,
    clopper_pearson,
    contrast,
    effects,
    holm,
    interval,
    least_squares_slope,
    p_of_parts,
    sample,
    wilson,
)

# Two seeds on four reviews. First network: accuracies .75 and .5; second: .25 and .25.
FIRST = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], dtype=bool)
SECOND = np.array([[1, 0, 0, 0], [0, 0, 1, 0]], dtype=bool)


def of(right):
    return sample(right.mean(axis=1), right)


def drawn(seed, seeds=4, reviews=30):
    random = np.random.default_rng(seed)
    return random.random((seeds, reviews)) < random.random(reviews)  # some reviews are easier than others


def test_limits_are_cut_where_no_accuracy_can_be():
    found = interval([0.99, 0.5], ACCURACY)
    assert (found["low"], found["high"]) == (0, 1)
    assert contrast([sample([0.99, 0.5])], [1], ACCURACY).interval() == (0, 1)


@pytest.mark.parametrize("value", [0.5, 0.1])  # three times .1 has a mean that rounding moves off it
def test_equal_values_have_no_interval_rather_than_one_of_no_width(value):
    found = interval([value] * 3)
    assert (found["n"], found["sd"]) == (3, 0)
    assert np.isnan([found["low"], found["high"]]).all()
    assert not contrast([sample([value] * 3)], [1]).decidable


def test_wilsons_interval_is_worked_out_by_hand_and_scipys():
    # 8 of 10, z 1.959964: middle (.8 + .192073) / 1.384146, half 1.959964 / 1.384146 * sqrt(.016 + .009604)
    assert wilson(8, 10) == pytest.approx((0.716744 - 0.226578, 0.716744 + 0.226578), abs=1e-5)
    for k, n in [(0, 7), (3, 7), (7, 7), (1, 1000)]:
        expected = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert wilson(k, n) == pytest.approx((expected.low, expected.high))


def test_clopper_and_pearsons_interval_is_worked_out_by_hand_and_statsmodels():
    # none of 3: the share whose third power of the rest is .025
    assert clopper_pearson(0, 3) == pytest.approx((0, 1 - 0.025 ** (1 / 3)))
    assert clopper_pearson(3, 3) == pytest.approx((0.025 ** (1 / 3), 1))
    for k, n in [(1, 27), (7, 27), (26, 27)]:
        assert clopper_pearson(k, n) == pytest.approx(proportion_confint(k, n, method="beta"))


def test_of_nothing_there_is_no_share():
    assert np.isnan([*wilson(0, 0), *clopper_pearson(0, 0)]).all()


def test_a_slope_is_that_of_the_least_squares_line():
    assert least_squares_slope([1, 2, 3], [0.1, 0.3, 0.2]) == pytest.approx(0.05)
    assert np.isnan(least_squares_slope([1], [0.1]))


def test_a_contrast_has_a_part_of_seeds_and_one_of_reviews_worked_out_by_hand():
    found = contrast([of(FIRST), of(SECOND)], [1, -1])
    # Seeds: s^2 / S = .03125 / 2 and 0. Reviews: the differences .5, 1, 0, 0 have the variance .6875 / 3; the variance
    # between seeds is .125 and .25 in the mean, over 2 seeds each .0625 and .125; the rest over 4 reviews.
    assert found.estimate == pytest.approx(0.375)
    assert found.seeds == pytest.approx(0.015625)
    assert found.reviews == pytest.approx((0.6875 / 3 - 0.1875) / 4)
    # V^2 / (.015625^2 / 3 + .0104167^2 / 3) - 2 = 75 / 13 - 2
    assert found.df == pytest.approx(75 / 13 - 2)
    half = stats.t.ppf(0.975, 49 / 13) * (0.015625 + 1 / 96) ** 0.5
    assert found.interval() == pytest.approx((0.375 - half, 0.375 + half))


def test_the_variance_of_one_network_is_that_of_the_crossed_design():
    right = drawn(1)
    seeds, reviews = right.shape
    seed, review = np.indices(right.shape)
    long = pd.DataFrame({"y": right.ravel().astype(float), "seed": seed.ravel(), "review": review.ravel()})
    squares = anova_lm(ols("y ~ C(seed) + C(review)", long).fit())["mean_sq"]
    found = contrast([of(right)], [1], ACCURACY)
    rest = 1 - 1 / reviews  # the terms that the docstring leaves out
    expected = squares["C(seed)"] * rest + squares["C(review)"] - squares["Residual"] * rest
    assert found.known == pytest.approx(expected / (seeds * reviews))


def test_without_predictions_a_contrast_of_one_network_is_students_t():
    values = [0.81, 0.84, 0.8, 0.86]
    found = contrast([sample(values)], [1])
    expected = stats.ttest_1samp(values, 0.8, alternative="greater")
    assert np.isnan(found.reviews)
    assert found.df == pytest.approx(3)
    assert found.interval() == pytest.approx(stats.ttest_1samp(values, 0).confidence_interval())
    assert found.p_beyond(0.8) == pytest.approx((expected.pvalue, 1 - expected.pvalue))


def test_reviews_count_only_where_all_networks_have_the_same():
    known, unknown = of(FIRST), sample([0.5, 0.6])
    assert np.isnan(contrast([known, unknown], [1, -1]).reviews)
    assert np.isnan(contrast([known, of(drawn(1))], [1, -1]).reviews)


def test_the_degrees_of_freedom_are_never_fewer_than_those_of_the_network_with_the_fewest_seeds():
    noisy, quiet = sample([0.5, 0.9, 0.6]), sample([0.8, 0.80001, 0.80002, 0.80001])
    assert contrast([noisy, quiet], [1, -1]).df == pytest.approx(2, abs=1e-6)


def test_one_seed_decides_nothing():
    found = contrast([sample([0.9]), sample([0.5, 0.6])], [1, -1])
    assert found.estimate == pytest.approx(0.35)
    assert not found.decidable
    assert np.isnan([*found.interval(), *found.p_sign(1), *found.p_within(0.01), found.smallest()]).all()


def test_seeds_that_do_not_vary_decide_nothing_and_have_no_interval_of_no_width():
    found = contrast([sample([0.75, 0.75], FIRST), sample([0.5, 0.5], FIRST)], [1, -1])
    assert not found.decidable
    assert np.isnan(found.interval()).all()


def test_the_p_values_of_a_sign_change_places_with_it():
    found = contrast([sample([0.1, 0.2, 0.4])], [1])
    assert found.p_sign(-1) == found.p_sign(1)[::-1]
    assert sum(found.p_sign(1)) == pytest.approx(1)


@pytest.mark.parametrize("values", [(0.001, 0.002, 0.004, -0.001), (0.03, 0.04, 0.02, 0.035)])
def test_within_a_margin_is_schuirmanns_two_one_sided_tests_as_statsmodels_has_them(values):
    found = DescrStatsW(values)
    lower, upper = found.ttest_mean(-0.01, "larger")[1], found.ttest_mean(0.01, "smaller")[1]
    inside, outside = contrast([sample(values)], [1]).p_within(0.01)
    assert inside == pytest.approx(found.ttost_mean(-0.01, 0.01)[0]) == pytest.approx(max(lower, upper))
    assert outside == pytest.approx(min(1 - lower, 1 - upper))


def test_the_smallest_difference_is_two_quantiles_of_standard_errors():
    found = contrast([sample([0.1, 0.2, 0.3])], [1])  # standard error .1 / sqrt 3, 2 degrees of freedom
    assert found.smallest() == pytest.approx((4.302653 + 1.060660) * 0.1 / 3**0.5, abs=1e-6)
    assert found.smallest(alpha=0.05 / 7) > found.smallest()


def test_holms_p_values_are_worked_out_by_hand_and_statsmodels():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    p = np.random.default_rng(0).random(7) ** 3
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert holm([]) == []


def test_a_claim_that_cannot_be_tested_yet_still_counts_in_its_family():
    adjusted = holm([0.02, np.nan])
    assert adjusted[0] == pytest.approx(0.04)
    assert np.isnan(adjusted[1])


def test_all_parts_of_a_claim_must_hold_and_one_that_fails_is_enough():
    assert p_of_parts([(0.01, 0.99), (0.2, 0.8)]) == pytest.approx((0.2, 1))
    assert p_of_parts([(0.01, 0.99), (0.996, 0.004)]) == pytest.approx((0.996, 0.008))


def test_a_part_that_is_not_known_keeps_a_claim_from_holding_but_not_from_failing():
    assert p_of_parts([(0.996, 0.004), (np.nan, np.nan)]) == pytest.approx((1, 0.008))
    assert np.isnan(p_of_parts([(np.nan, np.nan)])).all()


def test_a_root_mean_square_is_bounded_by_the_noncentral_f():
    found = Effects(mean_square=0.0004, variance=0.0001, k=9, df=20)
    assert found.estimate == pytest.approx(0.0003**0.5)
    low, high = found.interval()
    for limit, level in ((low, 0.025), (high, 0.975)):
        assert stats.ncf.cdf(4, 9, 20, 9 * limit**2 / 0.0001) == pytest.approx(1 - level)
        assert found.p_below(limit)[0] == pytest.approx(1 - level)
    assert found.p_below(high) == pytest.approx((0.025, 0.975))


@pytest.mark.parametrize("digits", [6.01, 12, 40])
def test_effects_beside_which_nothing_varies_are_bounded_by_what_their_bounds_tend_to(digits):
    near, found = (Effects(0.01, 10 ** -(2 + size), 9, 20) for size in (5.5, digits))
    assert found.interval() == pytest.approx(near.interval(), rel=1e-4)
    assert found.p_below(0.12) == pytest.approx(near.p_below(0.12), rel=1e-3)


def test_effects_as_small_as_chance_may_all_be_0():
    assert Effects(0.0001, 0.0001, 9, 20).interval()[0] == 0
    assert Effects(0.00001, 0.0001, 9, 20).interval() == (0, 0)


@pytest.mark.parametrize("size", [0.002, 0.02])
def test_the_upper_limit_of_a_root_mean_square_covers_it_at_least_as_often_as_it_says(size):
    random = np.random.default_rng(0)
    true = size * np.array([1, -1, 0, 1, -1, 1, 0, 1, -1])
    highs = []
    for _ in range(300):
        terms = [([sample(effect + 0.01 * random.normal(size=3))], [1]) for effect in true]
        highs.append(effects(terms).limit(0.975))
    assert np.mean(np.array(highs) >= np.mean(true**2) ** 0.5) >= 0.96


def test_that_all_effects_are_equal_is_tested_by_the_f_of_the_analysis_of_variance():
    groups = [[0.1, 0.2, 0.3], [0.3, 0.2, 0.5], [0.6, 0.4, 0.4]]
    found = effects([([sample(group)], [1]) for group in groups])
    assert found.between / found.expected == pytest.approx(stats.f_oneway(*groups).statistic)
    assert found.p_equal == pytest.approx(stats.f.sf(found.between / found.expected, 2, found.df))
    assert np.isnan(effects([([sample(groups[0])], [1])]).p_equal)


def test_reviews_that_effects_share_do_not_part_them():
    right = [drawn(seed, seeds=6, reviews=400) for seed in (1, 2)]
    twice = effects([([of(right[0]), of(right[1])], [1, -1])] * 2)  # the very same effect, with the very same reviews
    assert twice.between == 0
    assert twice.expected < twice.variance


def apart(distance, networks=4, df=20):
    """Return the best set of equals and of one that is so many standard errors of a difference behind them."""
    means = np.zeros(networks)
    means[-1] = -distance * 2**0.5
    pools = [0] * networks
    return best_set(means, np.ones(networks), pools, np.array([df]), np.zeros((networks, networks))).tolist()


def test_networks_leave_the_best_set_at_dunnetts_point():
    # One-sided, three comparisons, 20 degrees of freedom: 2.19 (Dunnett, JASA 50, 1955, table 1a).
    assert apart(2.19 - 0.1) == [True] * 4
    assert apart(2.19 + 0.1) == [True, True, True, False]


def test_the_best_set_is_the_same_each_time_and_holds_one_network_alone():
    assert apart(2.2) == apart(2.2)
    assert apart(0, networks=1) == [True]


def test_reviews_that_networks_share_do_not_blur_which_is_best():
    means, shared = np.array([0.0, -3.0]), np.full((2, 2), 100.0)
    known = best_set(means, np.ones(2), [0, 0], np.array([50]), shared)
    unknown = best_set(means, np.ones(2), [0, 0], np.array([50]), np.diag([100.0, 100.0]))
    assert (known.tolist(), unknown.tolist()) == ([True, False], [True, True])


def test_reviews_never_make_a_difference_surer_than_the_seeds_alone():
    means, negative = np.array([0.0, -2.0]), np.full((2, 2), 1.0) - 0.9 * np.eye(2)  # an estimate: .1 + .1 - 2
    assert best_set(means, np.ones(2), [0, 0], np.array([50]), negative).tolist() == [True, True]


def test_each_pool_of_networks_has_its_own_variance_over_seeds():
    means, variances = np.array([0.0, -3.0, -3.0]), np.array([0.1, 0.1, 9.0])
    found = best_set(means, variances, [0, 0, 1], np.array([20, 20]), np.zeros((3, 3)))
    assert found.tolist() == [True, False, True]
