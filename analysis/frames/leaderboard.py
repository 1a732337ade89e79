"""Which networks cannot be told from the best: networks of equally many seeds, ranked, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.frames.networks import Grid, Network, Samples
from analysis.frames.trials import BEST
from rnnsweep.choice import NETWORK, common
from rnnsweep.stats import ACCURACY, Doubles, Sample, best_set, contrast

BOARD_COLUMNS = [
    "data", "rank", "network", "epochs", "key", "n", "used", "test_accuracy", "low", "high", "val_accuracy", "best",
    "reviews",
]  # fmt: skip


def leaderboard(found: Sequence[Grid], samples: Samples) -> pd.DataFrame:
    """Return the networks of all grids of each data, the highest mean test accuracy first, then those not ranked.

    Each is judged by its first `used` seeds, equally many for all: the largest number, at least 2, that half of those
    with two seeds have. A network with fewer has neither rank nor interval. `low` and `high` are for new seeds and new
    reviews (`reviews` NA: this test set only), and `best` marks those that cannot be told from the best.
    """
    ordered = sorted(found, key=lambda grid: (not grid.real, grid.data))
    parts = [_board(data, list(group), samples) for data, group in groupby(ordered, key=lambda grid: grid.data)]
    rows = [row for part in parts for row in part]
    return pd.DataFrame(rows, columns=BOARD_COLUMNS).astype({"rank": "Int64", "used": "Int64", "reviews": "Int64"})


def told_apart(board: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Return the leaderboard with the fields that tell networks of one data and name apart behind their names.

    Of the fields that differ, in the order of a spec, those that part networks which the ones before left alike.
    """
    specs = trials.set_index("key")
    names = board["network"].copy()
    for _, alike in board.groupby(["data", "network"], sort=False):
        if len(alike) > 1:
            fields = specs.loc[alike["key"], NETWORK].astype(object).set_axis(alike.index)
            names[alike.index] += _differences(fields)
    return board.assign(network=names)


def _differences(fields: pd.DataFrame) -> pd.Series:
    """Return of each network, a row of `fields`, the values that part it from the others: ` · pooling max`."""
    words, groups = pd.Series("", index=fields.index), 1
    for name in fields:
        longer = words + f" · {str(name).replace('_', ' ')} " + fields[name].map(_said)
        if longer.nunique() > groups:
            words, groups = longer, longer.nunique()
    return words


def _said(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return "none" if pd.isna(value) else f"{value:g}" if isinstance(value, float) else str(value)


def _board(data: str, found: Sequence[Grid], samples: Samples) -> list[dict[str, Any]]:
    networks = [(grid, network) for grid in found for network in grid.networks]
    used = common(network.seeds for _, network in networks)
    ranked = [(grid, network) for grid, network in networks if network.seeds >= used > 1]
    kept = [network.first(used) for _, network in ranked]
    judged = [samples(network, BEST) for network in kept]
    best = _best(kept, judged) if kept else np.zeros(0, dtype=bool)
    rows = [
        _row(data, grid, first, samples) | {"n": network.seeds, "best": bool(top)} | _judged(one, used)
        for (grid, network), first, one, top in zip(ranked, kept, judged, best, strict=True)
    ]
    rows.sort(key=lambda row: (-row["test_accuracy"], row["key"]))
    others = [_row(data, grid, network, samples) for grid, network in networks if not network.seeds >= used > 1]
    others.sort(key=lambda row: (-row["n"], -row["val_accuracy"], row["key"]))
    return [row | {"rank": rank} for rank, row in enumerate(rows, 1)] + others


def _row(data: str, grid: Grid, network: Network, samples: Samples) -> dict[str, Any]:
    return {
        "data": data,
        "network": network.label,
        "epochs": grid.epochs,
        "key": network.keys[0],
        "n": network.seeds,
        "test_accuracy": float(samples(network, BEST).values.mean()),
        "val_accuracy": samples.validation(network),
        "best": False,
    }


def _judged(one: Sample, used: int) -> dict[str, Any]:
    found = contrast([one], [1.0], ACCURACY)
    reviews = pd.NA if one.shares is None else len(one.shares)
    limits = dict(zip(("low", "high"), found.interval(), strict=True))
    return {"used": used, "test_accuracy": found.estimate, "reviews": reviews, **limits}


def _best(networks: Sequence[Network], judged: Sequence[Sample]) -> NDArray[np.bool_]:
    """Return which may be the best. Networks of one cell and depth share an estimate of the variance over seeds.

    With few seeds, each network's own would be so unsure that nothing could be told apart; and cells and depths differ
    too much in it to share one.
    """
    kinds = [(network.cell, network.depth) for network in networks]
    pools = [sorted(set(kinds)).index(kind) for kind in kinds]
    return best_of(judged, pools)


def best_of(judged: Sequence[Sample], pools: Sequence[int]) -> NDArray[np.bool_]:
    """Return which samples of equally many seeds may have the highest mean, bool [samples]; see `best_set`."""
    pool = np.asarray(pools)
    own = np.array([one.variance for one in judged])
    pooled = np.array([own[pool == number].mean() for number in range(pool.max() + 1)])
    freedom = np.asarray(np.bincount(pool) * (judged[0].seeds - 1), dtype=np.float64)
    means = np.array([one.values.mean() for one in judged])
    return best_set(means, pooled[pool], pool.tolist(), freedom, shared_reviews(judged))


def shared_reviews(judged: Sequence[Sample]) -> Doubles:
    """Return the covariance of the means over the test reviews, [samples, samples]; 0 where they are not known."""
    known = [one.shares for one in judged if one.shares is not None]
    if len(known) < len(judged) or len({len(shares) for shares in known}) != 1 or len(known[0]) < 2:
        return np.zeros((len(judged), len(judged)))
    shares = np.stack(known)
    shares -= shares.mean(axis=1, keepdims=True)
    reviews = shares.shape[1]
    covariance = (shares @ shares.T).astype(np.float64) / (reviews - 1)
    own = np.array([one.noise / one.seeds for one in judged])
    covariance -= np.diag(np.minimum(own, np.diag(covariance)))
    return np.asarray(covariance / reviews)
