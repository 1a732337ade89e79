"""On which test reviews networks err: by their length, by whether they were truncated, and those that all get wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames.networks import Grid, Network, Samples
from analysis.frames.texts import quantile_groups
from analysis.frames.trials import BEST
from rnnsweep.stats import Doubles, normal_interval
from rnnsweep.types import Floats, Ints

GROUPS = 8  # of equally many reviews, from the shortest to the longest
LENGTH_COLUMNS = ["data", "epochs", "max_len", "shortest", "longest", "reviews", "networks", "accuracy", "low", "high"]
TRUNCATED_COLUMNS = [
    "data", "epochs", "max_len", "networks", "truncated", "share", "accuracy_truncated", "low", "high",
    "accuracy_whole", "whole_low", "whole_high", "longest_max_len", "same_at_longest", "lost", "lost_low", "lost_high",
]  # fmt: skip


def trained_networks(grid: Grid, samples: Samples) -> list[Network]:
    """Return the networks whose seeds all trained and all have predictions: the others say little of a review."""
    return [one for one in grid.networks if all(samples.trained(one)) and samples(one, BEST).shares is not None]


def reviews_of(grid: Grid, samples: Samples) -> int:
    """Return how many test reviews the stored predictions of a grid's trained networks are of, 0 where unknown."""
    known = [samples(one, BEST).shares for one in trained_networks(grid, samples)]
    counts = {len(shares) for shares in known if shares is not None}
    return counts.pop() if len(counts) == 1 else 0


def right(networks: Sequence[Network], samples: Samples) -> Doubles:
    """Return the share of these networks' runs that classify each test review rightly, float64 [reviews].

    Networks count alike, whatever their number of seeds.
    """
    return np.asarray(np.mean(_shares(networks, samples), axis=0, dtype=np.float64))


def _shares(networks: Sequence[Network], samples: Samples) -> Floats:
    known = [samples(one, BEST).shares for one in networks]
    return np.stack([shares for shares in known if shares is not None])


def by_length(grid: Grid, samples: Samples, lengths: Ints) -> pd.DataFrame:
    """Return the accuracy of the networks of each max_len on each of `GROUPS` groups of reviews of like length.

    The interval is for other reviews of these lengths, by these networks.
    """
    groups = quantile_groups(lengths, GROUPS)
    rows = []
    for max_len, networks in _by_max_len(grid, samples).items():
        shares = right(networks, samples)
        for group in np.unique(groups):
            inside = groups == group
            accuracy, low, high = normal_interval(shares[inside])
            rows.append({
                "data": grid.data, "epochs": grid.epochs, "max_len": max_len,
                "shortest": int(lengths[inside].min()), "longest": int(lengths[inside].max()),
                "reviews": int(inside.sum()), "networks": len(networks),
                "accuracy": accuracy, "low": low, "high": high,
            })  # fmt: skip
    return pd.DataFrame(rows, columns=LENGTH_COLUMNS)


def by_truncation(grid: Grid, samples: Samples, lengths: Ints) -> pd.DataFrame:
    """Return of each max_len the accuracy on the reviews that it cuts and on those that it leaves whole.

    Long reviews may be harder however much of them is read. So `lost` sets the networks of the longest max_len, on the
    same cut reviews, against these: what is lost by cutting, with an interval for other such reviews.
    """
    kinds = _by_max_len(grid, samples)
    rows = []
    for max_len, networks in kinds.items():
        shares, cut = right(networks, samples), lengths > max_len
        longest = max(kinds)
        at_longest = right(kinds[longest], samples)[cut]
        lost = normal_interval(at_longest - shares[cut]) if max_len < longest else (np.nan, np.nan, np.nan)
        row: dict[str, Any] = {"data": grid.data, "epochs": grid.epochs, "max_len": max_len, "networks": len(networks)}
        row |= {"truncated": int(cut.sum()), "share": float(cut.mean()), "longest_max_len": longest}
        row |= dict(zip(("accuracy_truncated", "low", "high"), normal_interval(shares[cut]), strict=True))
        row |= dict(zip(("accuracy_whole", "whole_low", "whole_high"), normal_interval(shares[~cut]), strict=True))
        row |= dict(zip(("lost", "lost_low", "lost_high"), lost, strict=True))
        rows.append(row | {"same_at_longest": float(at_longest.mean()) if cut.any() else np.nan})
    return pd.DataFrame(rows, columns=TRUNCATED_COLUMNS)


def _by_max_len(grid: Grid, samples: Samples) -> dict[int, list[Network]]:
    """Return the judged networks of each max_len, shortest first.

    Only those whose like all other values of max_len have, too, where there are such: lengths are compared then, and
    not what else differs.
    """
    networks = trained_networks(grid, samples)
    values = sorted({one.max_len for one in networks})
    like: dict[tuple[Any, ...], set[int]] = {}
    for one in networks:
        like.setdefault(_rest(one), set()).add(one.max_len)
    alike = [one for one in networks if len(like[_rest(one)]) == len(values)] or networks
    return {value: [one for one in alike if one.max_len == value] for value in values}


def _rest(network: Network) -> tuple[Any, ...]:
    return network.cell, network.units, network.num_words


def all_wrong(networks: Sequence[Network], samples: Samples) -> Ints:
    """Return the test reviews, numbers from 0, that no run of any of these networks classifies rightly."""
    return np.flatnonzero(_shares(networks, samples).max(axis=0) == 0).astype(np.int64)
