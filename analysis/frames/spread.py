"""How far the seeds of one network part, by cell and depth, and learning curves of all seeds of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames.networks import Grid, Network, Samples
from analysis.frames.trials import BEST, CELL_ORDER

SPREAD_COLUMNS = [
    "data", "epochs", "cell", "depth", "networks", "runs", "sd", "sd_trained", "least", "lower", "upper", "most",
    "widest", "widest_network",
]  # fmt: skip


def spread(found: Sequence[Grid], samples: Samples) -> pd.DataFrame:
    """Return of each cell and depth how far test accuracies lie from their networks' means, of two seeds or more.

    `sd` is pooled over the networks (of n − 1 each), `sd_trained` without runs that failed to train. `least`, `lower`,
    `upper` and `most` are the smallest, the quartiles and the largest of the differences to the network's mean;
    `widest` is the largest range of one network.
    """
    rows = []
    for grid in found:
        kinds: dict[tuple[str, int], list[Network]] = {}
        for network in grid.networks:
            if network.seeds > 1:
                kinds.setdefault((network.cell, network.depth), []).append(network)
        rows += [
            {"data": grid.data, "epochs": grid.epochs, "cell": cell, "depth": depth} | _row(networks, samples)
            for (cell, depth), networks in sorted(kinds.items(), key=lambda kind: (CELL_ORDER[kind[0][0]], kind[0][1]))
        ]
    return pd.DataFrame(rows, columns=SPREAD_COLUMNS)


def _row(networks: Sequence[Network], samples: Samples) -> dict[str, Any]:
    values = [samples(one, BEST).values for one in networks]
    trained = [each[list(samples.trained(one))] for one, each in zip(networks, values, strict=True)]
    away = np.concatenate([each - each.mean() for each in values])
    widest = max(range(len(values)), key=lambda place: float(np.ptp(values[place])))
    limits = np.quantile(away, [0, 0.25, 0.75, 1])
    return {
        "networks": len(networks),
        "runs": len(away),
        "sd": _pooled(values),
        "sd_trained": _pooled(trained),
        **dict(zip(("least", "lower", "upper", "most"), map(float, limits), strict=True)),
        "widest": float(np.ptp(values[widest])),
        "widest_network": networks[widest].label,
    }


def _pooled(values: Sequence[np.ndarray[Any, Any]]) -> float:
    several = [each for each in values if len(each) > 1]
    freedom = sum(len(each) - 1 for each in several)
    squares = sum(float(np.square(each - each.mean()).sum()) for each in several)
    return (squares / freedom) ** 0.5 if freedom else np.nan


def bands(networks: Sequence[Network], epochs: pd.DataFrame) -> pd.DataFrame:
    """Return of each network and epoch the mean and the extremes over its seeds of both accuracies.

    Columns `network`, `cell`, `epoch`, `seeds`, `training`, `mean`, `low`, `high`: the last three of validation.
    """
    frames = []
    for one in networks:
        inside = epochs[epochs["key"].isin(one.keys)]
        groups = inside.groupby("epoch")
        found = groups["val_accuracy"].agg(mean="mean", low="min", high="max", seeds="size").reset_index()
        training = groups["accuracy"].mean().to_numpy()
        frames.append(found.assign(network=one.label, cell=one.cell, training=training))
    columns = ["network", "cell", "epoch", "seeds", "training", "mean", "low", "high"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def best_of_each_cell(grid: Grid, samples: Samples) -> list[Network]:
    """Return the network of each cell with the highest mean best validation accuracy, in the order of the cells."""
    best: dict[str, Network] = {}
    for network in grid.networks:
        if network.cell not in best or samples.validation(network) > samples.validation(best[network.cell]):
            best[network.cell] = network
    return sorted(best.values(), key=lambda one: CELL_ORDER[one.cell])
