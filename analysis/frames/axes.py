"""What an axis does: marginal means over the networks of a grid, differences between its values, and interactions.

All with the variance of the claims: seeds and test reviews. Like is compared with like: a mean is over the networks
that every value of the axis has, a difference over matched pairs, so that a gap in the grid favours no value.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

import pandas as pd

from analysis.frames.contrasts import matched
from analysis.frames.networks import AXES, Grid, Network, Samples
from analysis.frames.trials import BEST, CELL_ORDER
from rnnsweep.stats import ACCURACY, DIFFERENCE, contrast

MARGIN_COLUMNS = [
    "data", "epochs", "axis", "value", "by", "by_value", "networks", "of", "mean", "low", "high", "reviews",
]  # fmt: skip
DIFFERENCE_COLUMNS = ["data", "epochs", "axis", "first", "second", "pairs", "effect", "low", "high", "p", "reviews"]
INTERACTION_COLUMNS = [
    "data", "epochs", "axis", "first", "second", "by", "by_first", "by_second", "fours", "effect", "low", "high", "p",
    "reviews",
]  # fmt: skip
INTERACTIONS = (("cell", "depth"), ("cell", "max_len"), ("cell", "num_words"), ("num_words", "max_len"))
Cube = dict[tuple[Any, ...], dict[tuple[Any, ...], Network]]


def margins(grid: Grid, samples: Samples) -> pd.DataFrame:
    """Return the marginal mean test accuracy of each value of each axis, and of each two values of `INTERACTIONS`.

    `networks` of the `of` that have the value are in the mean: those whose like all other values have, too. Where
    there are none, it is all, and they are not alike.
    """
    rows = [row for axes in [*((axis,) for axis in AXES), *INTERACTIONS] for row in _margins(grid, axes, samples)]
    return pd.DataFrame(rows, columns=MARGIN_COLUMNS)


def _margins(grid: Grid, axes: tuple[str, ...], samples: Samples) -> list[dict[str, Any]]:
    cube, values = _cube(grid.networks, axes), _values(grid.networks, axes)
    complete = [networks for networks in cube.values() if len(networks) == len(values)]
    rows = []
    for value in values:
        having = [networks[value] for networks in cube.values() if value in networks]
        alike = [networks[value] for networks in complete] or having
        if not having:
            continue
        names = {"by": "", "by_value": ""}
        names |= dict(zip(("axis", "by"), axes, strict=False)) | dict(zip(("value", "by_value"), value, strict=False))
        counts = {"networks": len(alike), "of": len(having)}
        weighted = [(network, 1 / len(alike)) for network in alike]
        rows.append(_where(grid) | names | counts | _numbers(weighted, samples, ACCURACY, "mean"))
    return rows


def differences(grid: Grid, samples: Samples) -> pd.DataFrame:
    """Return the difference of each two values of each axis, the first minus the second, over matched pairs."""
    rows = []
    for axis in AXES:
        for (second,), (first,) in combinations(_values(grid.networks, (axis,)), 2):
            pairs, _ = matched(grid.networks, axis, first, second)
            weighted = [(one, weight / len(pairs)) for pair in pairs for one, weight in zip(pair, (1, -1), strict=True)]
            if weighted:
                names = {"axis": axis, "first": first, "second": second, "pairs": len(pairs)}
                rows.append(_where(grid) | names | _numbers(weighted, samples, DIFFERENCE, "effect"))
    return pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)


def interactions(grid: Grid, samples: Samples) -> pd.DataFrame:
    """Return of each two axes of `INTERACTIONS` how the difference of two values depends on the other axis.

    `effect` is first minus second at `by_first` less the same at `by_second`, over all fours of networks that differ
    in these alone. Neither intervals nor p-values are corrected for their number.
    """
    rows = [row for axes in INTERACTIONS for row in _interactions(grid, axes, samples)]
    return pd.DataFrame(rows, columns=INTERACTION_COLUMNS)


def _interactions(grid: Grid, axes: tuple[str, str], samples: Samples) -> list[dict[str, Any]]:
    cube = _cube(grid.networks, axes)
    (ones, others) = ([value for (value,) in _values(grid.networks, (axis,))] for axis in axes)
    rows = []
    for (one, two), (low, high) in product(combinations(ones, 2), combinations(others, 2)):
        signs = {(one, high): 1, (one, low): -1, (two, high): -1, (two, low): 1}
        fours = [networks for networks in cube.values() if all(value in networks for value in signs)]
        weighted = [(four[value], sign / len(fours)) for four in fours for value, sign in signs.items()]
        if weighted:
            names = {"axis": axes[1], "first": high, "second": low, "by": axes[0], "by_first": one, "by_second": two}
            bounds = (-2.0, 2.0)
            rows.append(_where(grid) | names | {"fours": len(fours)} | _numbers(weighted, samples, bounds, "effect"))
    return rows


def _where(grid: Grid) -> dict[str, Any]:
    return {"data": grid.data, "epochs": grid.epochs}


def _numbers(
    weighted: Sequence[tuple[Network, float]], samples: Samples, bounds: tuple[float, float], name: str
) -> dict[str, Any]:
    found = contrast([samples(network, BEST) for network, _ in weighted], [weight for _, weight in weighted], bounds)
    shares = samples(weighted[0][0], BEST).shares
    low, high = found.interval()
    p = 2 * min(found.p_beyond(0.0))
    reviews = pd.NA if shares is None or found.reviews != found.reviews else len(shares)
    return {name: found.estimate, "low": low, "high": high, "p": p, "reviews": reviews}


def _cube(networks: Sequence[Network], axes: Sequence[str]) -> Cube:
    """Return for each rest of a network, what is none of the axes, the networks by their values of the axes.

    Layers that are alike in all but their number begin with the same units; of two such networks the first counts.
    """
    cube: Cube = {}
    for network in networks:
        layers = network.units[:1] if "depth" in axes else network.units
        rest = (layers, *(getattr(network, name) for name in ("cell", "num_words", "max_len") if name not in axes))
        cube.setdefault(rest, {}).setdefault(tuple(getattr(network, axis) for axis in axes), network)
    return cube


def _values(networks: Sequence[Network], axes: Sequence[str]) -> list[tuple[Any, ...]]:
    each = [
        sorted({getattr(one, axis) for one in networks}, key=lambda value: CELL_ORDER.get(value, value))
        for axis in axes
    ]
    return list(product(*each))
