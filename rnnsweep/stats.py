"""TODO docstring of rnnsweep/stats.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from rnnsweep.types import Row


def confidence_interval(rows: Sequence[Row]) -> tuple[float, float, float]:
    """Return the mean test accuracy of one spec's seeds and its 95 % interval, low and high.

    Of several seeds Student's t over their accuracies; of one, Wilson's (1927) over the test reviews, which says
    nothing of other seeds.
    """
    accuracies = [float(row["test_accuracy"]) for row in rows]
    mean = float(np.mean(accuracies))
    if len(accuracies) == 1:
        reviews = int(rows[0]["test_reviews"])
        interval = stats.binomtest(round(mean * reviews), reviews).proportion_ci(method="wilson")
        return mean, float(interval.low), float(interval.high)
    half = float(stats.t.ppf(0.975, len(accuracies) - 1) * stats.sem(accuracies))
    return mean, mean - half, mean + half


CONFIDENCE = 0.95


def interval(values: Iterable[float]) -> dict[str, float]:
    """Return n, mean, sd (of n - 1) and Student's t interval (low, high) of the mean; nan where n is too small."""
    sample = np.asarray([value for value in values if np.isfinite(value)], dtype=float)
    n = len(sample)
    mean = float(sample.mean()) if n else np.nan
    if n < 2:
        return {"n": n, "mean": mean, "sd": np.nan, "low": np.nan, "high": np.nan}
    sd = float(sample.std(ddof=1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * sd / n**0.5
    return {"n": n, "mean": mean, "sd": sd, "low": mean - half, "high": mean + half}


def welch(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float]:
    """Return the difference of the means and its interval by Welch's t (Biometrika 34, 1947); nan if a side has < 2."""
    a, b = interval(first), interval(second)
    difference = a["mean"] - b["mean"]
    if min(a["n"], b["n"]) < 2:
        return difference, np.nan, np.nan
    va, vb = a["sd"] ** 2 / a["n"], b["sd"] ** 2 / b["n"]
    if va + vb == 0:
        return difference, difference, difference
    freedom = (va + vb) ** 2 / (va**2 / (a["n"] - 1) + vb**2 / (b["n"] - 1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * (va + vb) ** 0.5
    return difference, difference - half, difference + half


def least_squares_slope(epochs: Any, values: Any) -> float:
    """Return the slope of the least-squares line; nan for fewer than two points."""
    if len(values) < 2:
        return np.nan
    return float(np.polyfit(np.asarray(epochs, float), np.asarray(values, float), 1)[0])


def is_number(values: pd.Series[Any]) -> bool:
    """Return whether an axis holds numbers, rather than names or switches."""
    return bool(pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values))
