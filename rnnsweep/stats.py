"""Intervals and tests, each once: of a mean, of a share, and of contrasts of networks over seeds and test reviews.

A contrast is a weighted sum of networks' mean accuracies. Two things are random in it: the seeds, which are each
network's own, and the test reviews, which all networks share. Its variance has a part of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special

from rnnsweep.types import Floats

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
POWER = 0.8
ACCURACY, DIFFERENCE = (0.0, 1.0), (-1.0, 1.0)  # what an accuracy, and a difference of two, can be
UNBOUNDED = (-np.inf, np.inf)
Doubles = NDArray[np.float64]
Bounds = tuple[float, float]


def interval(values: Iterable[float], bounds: Bounds = UNBOUNDED) -> dict[str, float]:
    """Return n, mean, sd (of n - 1) and Student's t interval (low, high) of the mean; nan where n is too small.

    The limits are cut at the bounds, `ACCURACY` for accuracies. Values that are all equal have none: a few equal ones
    are no proof that all are.
    """
    sample = np.asarray([value for value in values if np.isfinite(value)], dtype=float)
    n = len(sample)
    mean = float(sample.mean()) if n else np.nan
    if n < 2:
        return {"n": n, "mean": mean, "sd": np.nan, "low": np.nan, "high": np.nan}
    sd = float(sample.std(ddof=1)) if np.ptp(sample) else 0.0  # which rounding would miss
    low, high = _limits(mean, _t(n - 1) * sd / n**0.5, bounds) if sd else (np.nan, np.nan)
    return {"n": n, "mean": mean, "sd": sd, "low": low, "high": high}


def _t(freedom: float, level: float = CONFIDENCE) -> float:
    return float(special.stdtrit(freedom, (1 + level) / 2))


def _limits(middle: float, half: float, bounds: Bounds) -> tuple[float, float]:
    return max(middle - half, bounds[0]), min(middle + half, bounds[1])


def normal_interval(values: Doubles, level: float = CONFIDENCE) -> tuple[float, float, float]:
    """Return the mean of many values, and low and high of its normal interval; nan of fewer than two."""
    n = len(values)
    if n < 2:
        return float(values.mean()) if n else np.nan, np.nan, np.nan
    mean, half = float(values.mean()), float(special.ndtri((1 + level) / 2) * values.std(ddof=1) / n**0.5)
    return mean, mean - half, mean + half


def wilson(successes: int, n: int, level: float = CONFIDENCE) -> tuple[float, float]:
    """Return the score interval (low, high) of a share (Wilson, JASA 22, 1927); nan for n = 0."""
    if not n:
        return np.nan, np.nan
    z, share = float(special.ndtri((1 + level) / 2)), successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    low, high = _limits(middle, half, ACCURACY)
    return 0.0 if successes == 0 else low, 1.0 if successes == n else high  # which rounding would miss


def clopper_pearson(successes: int, n: int, level: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact interval (low, high) of a share (Clopper and Pearson, Biometrika 26, 1934); nan for n = 0."""
    if not n:
        return np.nan, np.nan
    tail = (1 - level) / 2
    low = float(special.betaincinv(successes, n - successes + 1, tail)) if successes else 0.0
    high = float(special.betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return low, high


def least_squares_slope(epochs: Any, values: Any) -> float:
    """Return the slope of the least-squares line; nan for fewer than two points."""
    if len(values) < 2:
        return np.nan
    return float(np.polyfit(np.asarray(epochs, float), np.asarray(values, float), 1)[0])


def is_number(values: pd.Series[Any]) -> bool:
    """Return whether an axis holds numbers, rather than names or switches."""
    return bool(pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values))


@dataclass(frozen=True)
class Sample:
    """What the seeds of one network did, summed over them: all that a contrast needs of it."""

    values: Doubles  # float64 [seeds]: a measurement of each, such as its test accuracy
    shares: Floats | None = None  # float32 [reviews]: the share of the seeds that classify a review rightly, if known
    noise: float = 0.0  # variance between the seeds of being right on a review, of n - 1, mean over the reviews

    @property
    def seeds(self) -> int:
        """Number of seeds."""
        return len(self.values)

    @cached_property
    def mean(self) -> float:
        """Mean over the seeds."""
        return float(self.values.mean())

    @cached_property
    def variance(self) -> float:
        """Variance of the mean over the seeds; nan for fewer than two."""
        if self.seeds < 2:
            return np.nan
        return float(self.values.var(ddof=1) / self.seeds) if np.ptp(self.values) else 0.0  # which rounding would miss


def sample(values: Sequence[float] | Doubles, right: NDArray[np.bool_] | None = None) -> Sample:
    """Return the sample of seeds with these measurements; `right` bool [seeds, reviews] says who was right on what."""
    measured = np.asarray(values, dtype=np.float64)
    if right is None:
        return Sample(measured)
    n = len(right)
    shares = right.mean(axis=0, dtype=np.float32)
    mixed = float(np.mean(shares * (1 - shares), dtype=np.float64))
    return Sample(measured, shares, mixed * n / (n - 1) if n > 1 else np.nan)


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of networks' means, and the variance of it for other seeds and other test reviews.

    Where the reviews' part is unknown (nan: no stored predictions, or no reviews at hand to vary), the interval is
    about other seeds and these reviews only. A contrast that no seed varies decides nothing: it has no interval, and
    its p-values are nan, because a few equal seeds are no proof that all are equal.
    """

    estimate: float
    seeds: float  # part of the variance due to seeds; nan where a network has fewer than two
    reviews: float  # part of the variance due to the test reviews; nan: unknown
    df: float  # degrees of freedom of the variance
    bounds: Bounds = UNBOUNDED  # what the estimate can be

    @property
    def decidable(self) -> bool:
        """Whether every network has two seeds, and they vary."""
        return bool(self.seeds > 0 and self.df > 0)

    @property
    def known(self) -> float:
        """Variance of the estimate, as far as it is known: without the reviews' part where that is nan."""
        return self.seeds + (0.0 if np.isnan(self.reviews) else self.reviews)

    @property
    def se(self) -> float:
        """Standard error of the estimate; nan where nothing can be decided."""
        return float(self.known**0.5) if self.decidable else np.nan

    def interval(self, level: float = CONFIDENCE) -> tuple[float, float]:
        """Return Student's t interval (low, high), cut at the bounds; nan where nothing can be decided."""
        if not self.decidable:
            return np.nan, np.nan
        return _limits(self.estimate, _t(self.df, level) * self.se, self.bounds)

    def p_beyond(self, bound: float) -> tuple[float, float]:
        """Return the one-sided p-values of: the contrast is above the bound; it is below."""
        if not self.decidable:
            return np.nan, np.nan
        t = (self.estimate - bound) / self.se
        return float(special.stdtr(self.df, -t)), float(special.stdtr(self.df, t))

    def p_sign(self, sign: int) -> tuple[float, float]:
        """Return the one-sided p-values of: the contrast has this sign, 1 or -1; it has the other."""
        above, below = self.p_beyond(0.0)
        return (above, below) if sign > 0 else (below, above)

    def p_within(self, margin: float) -> tuple[float, float]:
        """Return the p-values of: the contrast is within ± margin; it is outside.

        Two one-sided tests (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987).
        """
        (above_low, below_low), (above_high, below_high) = self.p_beyond(-margin), self.p_beyond(margin)
        return max(above_low, below_high), min(below_low, above_high)

    def smallest(self, alpha: float = ALPHA, power: float = POWER) -> float:
        """Return the smallest difference from 0 that a two-sided test at alpha shows with this power; or nan."""
        if not self.decidable:
            return np.nan
        return float((special.stdtrit(self.df, 1 - alpha / 2) + special.stdtrit(self.df, power)) * self.se)


def contrast(samples: Sequence[Sample], weights: Sequence[float] | Doubles, bounds: Bounds = DIFFERENCE) -> Contrast:
    """Return the contrast of networks with these weights, one each.

    Seeds: the sum of a^2 s^2 / S. Reviews: the variance over the reviews of the weighted shares of seeds that are
    right, less what seeds put into it, over the number of reviews and not below 0. But for terms of one in so many
    reviews the two add up to the mean squares of seeds plus reviews less residual, as in every design that crosses
    two random factors (Cornfield and Tukey, Annals of Mathematical Statistics 27, 1956). The degrees of freedom are
    Satterthwaite's (Biometrics Bulletin 2, 1946), with nu + 2 in place of nu, which makes the squares of the estimated
    variances unbiased, and 2 less; not below those of the network with the fewest seeds.
    """
    a = np.asarray(weights, dtype=np.float64)
    estimate = float(sum(weight * one.mean for weight, one in zip(a, samples, strict=True)))
    parts = np.array([weight**2 * one.variance for weight, one in zip(a, samples, strict=True)])
    freedom = np.array([one.seeds - 1 for one in samples])
    reviews, count = _of_reviews(samples, a)
    return Contrast(estimate, float(parts.sum()), reviews, satterthwaite(parts, freedom, reviews, count), bounds)


def _of_reviews(samples: Sequence[Sample], weights: Doubles) -> tuple[float, int]:
    """Return the reviews' part of the variance, and their number; nan and 0 where a sample does not know them."""
    known = [one.shares for one in samples if one.shares is not None]
    if len(known) < len(samples) or len({len(shares) for shares in known}) != 1 or len(known[0]) < 2:
        return np.nan, 0
    together = sum(np.float32(a) * shares for a, shares in zip(weights, known, strict=True))
    own = sum(a**2 * one.noise / one.seeds for a, one in zip(weights, samples, strict=True))
    count = len(known[0])
    return max(0.0, float(np.var(together, ddof=1, dtype=np.float64)) - own) / count, count


def satterthwaite(parts: Doubles, freedom: NDArray[Any], reviews: float, count: int) -> float:
    """Return the degrees of freedom of a variance that is the sum of these parts; nan where it is 0 or unknown.

    `parts` [networks] are due to seeds, with `freedom` of each; `reviews` is due to that many test reviews, 0: unknown.
    """
    known = reviews if count else 0.0
    variance = parts.sum() + known
    if not variance > 0:
        return np.nan
    squares = (parts**2 / (freedom + 2)).sum() + (known**2 / (count - 1) if count else 0.0)
    return float(max(variance**2 / squares - 2, freedom.min()))


def holm(p: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values (Scandinavian Journal of Statistics 6, 1979); nan counts as 1 and stays nan.

    What cannot be tested yet belongs to the family: or the others would lose significance when it can be.
    """
    known = np.nan_to_num(np.asarray(p, dtype=np.float64), nan=1.0)
    order = np.argsort(known, kind="stable")
    factors = np.arange(len(known), 0, -1)
    adjusted = np.empty(len(known))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(factors * known[order]))
    return [float(value) if np.isfinite(raw) else np.nan for value, raw in zip(adjusted, p, strict=True)]


def p_of_parts(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the p-values of: all parts hold; some part fails; from each part's p of holding and of failing.

    All hold: the largest (Berger, Technometrics 24, 1982). Some fails: the smallest times their number (Bonferroni).
    A part that is not known, nan, neither holds nor fails.
    """
    holds, fails = (np.nan_to_num([part[side] for part in parts], nan=1.0) for side in (0, 1))
    if not any(np.isfinite(part[0]) for part in parts):
        return np.nan, np.nan
    return float(holds.max()), float(min(1, len(parts) * fails.min()))


Term = tuple[Sequence[Sample], Sequence[float]]
# Of effects whose squares are more than so many times their variance, the noncentral chi-square of F is its mean to
# some parts in a thousand, and the chi-square that divides it is left: further up SciPy's `ncfdtr` is slow, then nan.
LARGE = 1e6


@dataclass(frozen=True)
class Effects:
    """The effects of several contrasts, such as one per pair of networks, beside their mean: how far they part.

    The mean of the squared estimates over the variance of one is noncentral F, with k and df degrees of freedom, and k
    times the mean square of the true effects over that variance for its noncentrality. Limits by it are right where
    the effects are as small as their errors, and wider than they need be where they are much larger, because the
    estimated variance both divides and multiplies.
    """

    mean_square: float  # of the estimates
    variance: float  # of an estimate, mean over the k; nan where a network has fewer than two seeds
    k: int
    df: float
    between: float = np.nan  # variance between the estimates
    expected: float = np.nan  # what it would be if all true effects were equal

    @property
    def estimate(self) -> float:
        """The mean square of the estimates less their variance, not below 0; its root."""
        return float(max(0.0, self.mean_square - self.variance) ** 0.5)

    def limit(self, level: float) -> float:
        """Return the limit that the root mean square stays below with this confidence; nan where nothing varies."""
        if not self.variance > 0:
            return np.nan
        if self._ratio > LARGE:
            return float((self.mean_square * special.chdtri(self.df, 1 - level) / self.df) ** 0.5)
        if self._cdf(0.0) <= 1 - level:
            return 0.0
        high = 1.0
        while self._cdf(high) > 1 - level:
            high *= 2
        found = optimize.brentq(lambda noncentrality: self._cdf(noncentrality) - (1 - level), 0.0, high)
        return float((found * self.variance / self.k) ** 0.5)

    def interval(self, level: float = CONFIDENCE) -> tuple[float, float]:
        """Return the limits (low, high) with this confidence between them."""
        return self.limit((1 - level) / 2), self.limit((1 + level) / 2)

    @property
    def p_equal(self) -> float:
        """p-value of the hypothesis that all effects are equal, by the ratio of the two variances; or nan."""
        if not (self.k > 1 and self.expected > 0):
            return np.nan
        return float(special.fdtrc(self.k - 1, self.df, self.between / self.expected))

    def p_below(self, margin: float) -> tuple[float, float]:
        """Return the one-sided p-values of: the root mean square is below the margin; it is above; or nan."""
        if not self.variance > 0:
            return np.nan, np.nan
        below = self._cdf(self.k * margin**2 / self.variance)
        return below, 1 - below

    @property
    def _ratio(self) -> float:
        return self.mean_square / self.variance

    def _cdf(self, noncentrality: float) -> float:
        if noncentrality == 0:
            return float(special.fdtr(self.k, self.df, self._ratio))
        if noncentrality > LARGE * self.k:
            return float(special.chdtrc(self.df, self.df * noncentrality / (self.k * self._ratio)))
        return float(special.ncfdtr(self.k, self.df, noncentrality, self._ratio))


def effects(terms: Sequence[Term]) -> Effects:
    """Return how the effects of these contrasts, each of samples of its own with their weights, lie about their mean.

    Where all true effects are equal, the estimates vary by their mean variance less that of their mean: what they
    share, such as the reviews, does not part them.
    """
    k = len(terms)
    found = [contrast(*term) for term in terms]
    samples = [one for term in terms for one in term[0]]
    mean = contrast(samples, [weight / k for term in terms for weight in term[1]])
    estimates = np.array([one.estimate for one in found])
    variance = float(np.mean([one.known for one in found]))
    parts = np.array([one.variance * weight**2 for term in terms for one, weight in zip(*term, strict=True)])
    reviews = float(np.sum([one.reviews for one in found]))
    count = 0 if np.isnan(reviews) else len(np.asarray(samples[0].shares))
    df = satterthwaite(parts, np.array([one.seeds - 1 for one in samples]), reviews, count)
    between = float(estimates.var(ddof=1)) if k > 1 else np.nan
    expected = (variance - mean.known) * k / (k - 1) if k > 1 else np.nan
    return Effects(float(np.mean(estimates**2)), variance, k, df, between, expected)


def best_set(
    means: Doubles,
    variances: Doubles,
    pools: Sequence[int],
    freedom: Doubles,
    reviews: Doubles,
    level: float = CONFIDENCE,
    draws: int = 4000,
) -> NDArray[np.bool_]:
    """Return which networks cannot be told from the best, bool [networks]: Hsu's multiple comparisons with the best.

    A network leaves the set where another has a higher mean by more than chance lets the best of all seem worse than
    others (Annals of Statistics 12, 1984): the joint t of all differences from it, by simulation with a fixed seed.
    `variances` [networks] are those of the means over seeds; networks of one pool (an index into `freedom`, the
    degrees of freedom of each) share its estimate of them; `reviews` [networks, networks] is the covariance of the
    means over the test reviews.
    """
    random = np.random.default_rng(0)
    pool = np.asarray(pools)
    scale = (random.chisquare(freedom, (draws, len(freedom))) / freedom)[:, pool] * variances
    together = np.diag(variances) + reviews
    values, vectors = np.linalg.eigh(together)
    noise = random.normal(size=(draws, len(means))) @ (vectors * np.sqrt(np.maximum(values, 0))).T
    most = special.stdtrit(freedom.min(), 1 - (1 - level) / max(1, len(means) - 1))
    judge = partial(_may_be_best, means=means, variances=variances, reviews=reviews, noise=noise, scale=scale)
    return np.array([judge(one, level=level, most=most) for one in range(len(means))])


def _may_be_best(
    one: int,
    means: Doubles,
    variances: Doubles,
    reviews: Doubles,
    noise: Doubles,
    scale: Doubles,
    level: float,
    most: float,
) -> bool:
    others = np.arange(len(means)) != one
    if not others.any():
        return True
    # As in a contrast: the reviews' part is an estimate less another one, and no variance is below 0.
    shared = np.maximum(0.0, (np.diag(reviews) + reviews[one, one] - 2 * reviews[one])[others])
    least = np.finfo(float).tiny  # equal networks differ by nothing, and 0 / 0 is no number
    errors = np.sqrt(np.maximum(variances[others] + variances[one] + shared, least))
    behind = float(((means[others] - means[one]) / errors).max())
    if behind <= special.ndtri(level):  # less than one comparison alone allows, so less than the joint t
        return True
    if behind > most:  # more than Bonferroni allows with the fewest degrees of freedom, so more than the joint t
        return False
    drawn = np.sqrt(np.maximum(scale[:, others] + scale[:, [one]] + shared, least))
    worse = ((noise[:, others] - noise[:, [one]]) / drawn).max(axis=1)
    return behind <= float(np.quantile(worse, level))
