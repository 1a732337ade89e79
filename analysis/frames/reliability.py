"""A trial's probabilities in bins, and what they say of how far the probabilities can be believed.

Of two classes the probability of class 1 stands against how often it is class 1; of more, that of the class named
against how often it is the right one (top-label).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnsweep.stats import Doubles

BINS = 15  # of equal width, as Guo and others have them


@dataclass(frozen=True)
class Bins:
    """The test reviews of one trial by their probability, in `BINS` bins of equal width from 0 to 1."""

    reviews: Doubles  # float64 [bins]: how many
    said: Doubles  # float64 [bins]: sum of their probabilities
    true: Doubles  # float64 [bins]: how many of them are of the class
    squares: float  # Brier's sum over the reviews
    over: float  # sum over the reviews of the probability of the class named, less 1 where it is the right one

    def __add__(self, other: Bins) -> Bins:
        """Return the bins of both together."""
        return Bins(
            self.reviews + other.reviews,
            self.said + other.said,
            self.true + other.true,
            self.squares + other.squares,
            self.over + other.over,
        )

    @property
    def ece(self) -> float:
        """Expected calibration error: mean |share of the class − mean probability| of the bins, by their reviews.

        Naeini, Cooper and Hauskrecht (AAAI 2015); Guo and others (ICML 2017) for more than two classes.
        """
        return float(np.abs(self.true - self.said).sum() / self.reviews.sum())

    @property
    def brier(self) -> float:
        """Mean squared error of the probability of class 1; of more classes, summed over them (Brier 1950)."""
        return float(self.squares / self.reviews.sum())

    @property
    def overconfidence(self) -> float:
        """Mean probability of the class named less accuracy: above 0 where a network is surer than it is right."""
        return float(self.over / self.reviews.sum())


def binned(label: NDArray[Any], probabilities: NDArray[Any]) -> Bins | None:
    """Return the bins of a trial's predictions, [reviews] of class 1 or [reviews, classes].

    None of several labels a review, of no review, and of what is not finite.
    """
    values = np.asarray(probabilities, dtype=np.float32)
    if np.ndim(label) > 1 or not len(label) or not np.isfinite(values).all():
        return None
    if values.ndim == 1:
        said, hit = values, np.asarray(label, dtype=np.float32)
        top, right = np.abs(said - 0.5) + 0.5, (said > 0.5) == (hit > 0)
        squares = float(np.square(said - hit, dtype=np.float64).sum())
    else:
        rows = np.arange(len(label))
        named = values.argmax(axis=1)
        said = top = values[rows, named]
        right = named == label
        hit = right.astype(np.float32)
        squares = float(np.square(values, dtype=np.float64).sum() - 2 * values[rows, label].sum() + len(label))
    places = np.minimum((said * BINS).astype(np.intp), BINS - 1)
    missed, hits = np.bincount(places + BINS * (hit > 0), minlength=2 * BINS).reshape(2, BINS).astype(np.float64)
    sums = np.bincount(places, said, BINS).astype(np.float64)
    return Bins(missed + hits, sums, hits, squares, float(top.sum(dtype=np.float64) - right.sum()))


def reliability(seeds: Sequence[Bins]) -> pd.DataFrame:
    """Return a row per bin that has reviews: `said`, their mean probability, `true`, the share of the class, and `n`.

    Seeds are counted together; `n` is the reviews of all of them.
    """
    whole = sum(seeds[1:], seeds[0])
    kept = whole.reviews > 0
    n = whole.reviews[kept]
    return pd.DataFrame({"said": whole.said[kept] / n, "true": whole.true[kept] / n, "n": n.astype(int)})
