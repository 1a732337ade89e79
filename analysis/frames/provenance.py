"""Where numbers come from: which software and machine computed which trials, and which trials are not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.frames.networks import Grid
from rnnsweep.errors import reason
from rnnsweep.spec import ALL_BUT_SEED, Spec

COMPUTED = ["revision", "versions", "processor", "blas", "device", "path"]
MISSING_COLUMNS = ["data", "epochs", "network", "planned", "finished", "seeds", "key"]


def computed(trials: pd.DataFrame) -> pd.DataFrame:
    """Return how many ended trials each combination of `COMPUTED` computed, and the `first` key, most first."""
    ended = trials[trials["status"].isin(["finished", "diverged"])]
    groups = ended.groupby(COMPUTED, sort=True)["key"]
    found = groups.agg(trials="size", first="min").reset_index()
    return found.sort_values(["trials", *COMPUTED], ascending=[False] + [True] * len(COMPUTED), ignore_index=True)


def data_of(trials: pd.DataFrame) -> pd.DataFrame:
    """Return a row per data: `dataset`, `data_sha256`, `real`, and the number of its trials."""
    groups = trials.groupby(["dataset", "data_sha256"], sort=True)
    return groups.agg(real=("real", "first"), trials=("key", "size")).reset_index()


def not_finished(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that have no finished result: failed, diverged, pruned and unfinished, with their `reason`."""
    found = trials[trials["status"] != "finished"]
    reasons = [reason(error) for error in found["error"]]
    return found.assign(reason=reasons).sort_values(["status", "data", "key"], ignore_index=True)


def missing(found: Sequence[Grid], planned: Mapping[str, int], specs: Mapping[str, Spec]) -> pd.DataFrame:
    """Return the networks of the grids of which a planned seed has no trial in the ledger, and these `seeds`.

    Seeds are planned by cell, from 1. `key` is of a trial that is there.
    """
    rows: list[dict[str, Any]] = []
    seeds: dict[tuple[Any, ...], set[int]] = {}
    for spec in specs.values():
        seeds.setdefault(_network(spec), set()).add(spec.seed)
    for grid in found:
        for network in grid.networks:
            there = seeds[_network(specs[network.keys[0]])]
            lacking = [seed for seed in range(1, planned.get(network.cell, 0) + 1) if seed not in there]
            if lacking:
                rows.append({
                    "data": grid.data, "epochs": grid.epochs, "network": network.label,
                    "planned": planned[network.cell], "finished": network.seeds, "seeds": lacking,
                    "key": network.keys[0],
                })  # fmt: skip
    return pd.DataFrame(rows, columns=MISSING_COLUMNS)


def _network(spec: Spec) -> tuple[Any, ...]:
    return tuple(getattr(spec, name) for name in ALL_BUT_SEED)
