"""A chosen network trained again on all texts, those that were held out too: which trainings, and what it brings.

Nothing of a refit is chosen: it ends after the epochs that its network's validated seeds found best, the median of
them, on the schedule of those, and its seeds are others. No ranking by validation has it, since it was not validated.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Mapping, Sequence
from statistics import median_low

import numpy as np
import pandas as pd

from rnnsweep.choice import NETWORK, right_of_all, run_seconds
from rnnsweep.ensemble import mean_of
from rnnsweep.spec import NONE_HELD_OUT, NOT_HELD_OUT, Spec
from rnnsweep.stats import ACCURACY, Sample, contrast, sample
from rnnsweep.types import Predictions, Row

SEEDS = 5  # fresh ones of a refit
REFIT_COLUMNS = [
    "dataset", "data_sha256", "reviews", "network", "key", "validation", "n", "test_accuracy", "low", "high",
    "refit_key", "epochs", "refit_n", "refit_accuracy", "refit_low", "refit_high", "difference", "difference_low",
    "difference_high", "together", "refit_together", "seconds", "refit_seconds",
]  # fmt: skip


def refit(spec: Spec, epochs: int, seed: int) -> Spec:
    """Return the network of a spec as it is trained on all texts, for so many epochs of its schedule."""
    return spec.replace(
        validation=NONE_HELD_OUT,
        validation_share=Spec.validation_share,
        patience=0,
        epochs=epochs,
        schedule_epochs=spec.full_epochs,
        seed=seed,
    )


def refits(specs: Sequence[Spec], best_epochs: Sequence[int], seeds: int) -> list[Spec]:
    """Return the refit of a network by its validated seeds and their best epochs: so many seeds, behind theirs."""
    first = max(spec.seed for spec in specs) + 1
    return [refit(specs[0], median_low(best_epochs), seed) for seed in range(first, first + seeds)]


def reason_against(spec: Spec) -> str:
    """Return why a network cannot be trained on all texts, or ''."""
    if spec.validation in NOT_HELD_OUT:
        return f"validation is {spec.validation}, so its epochs were not chosen on held-out texts"
    if spec.schedule == "plateau":
        return "schedule is plateau, which follows held-out texts, and a refit has none"
    return ""


def compared(
    trials: pd.DataFrame,
    specs: Mapping[str, Spec],
    studies: Mapping[str, Row],
    predictions: Predictions,
    keys: Collection[str] | None = None,
) -> pd.DataFrame:
    """Return a row per refitted network: mean test accuracy and 95 % interval without and with the refit, and of both
    the difference on the same test texts.

    Of the trials of these keys, or of all; `trials`, `specs` and `studies` are those of `LedgerFrames`. Trials that a
    search chose networks by do not count where there are others. The seconds are means. `together` is the test accuracy
    of the mean of all seeds' logits, nan of one seed.
    """
    done = trials[trials["status"] == "finished"]
    done = done if keys is None else done[done["key"].isin(keys)]
    of_refits = done[done["validation"] == NONE_HELD_OUT]
    others = done[~done["validation"].isin(NOT_HELD_OUT)]
    chose = {key for study in studies.values() for key in study.get("confirmed") or []}
    rows = [
        _row(before, after, specs, predictions, chose)
        for _, after in of_refits.groupby(NETWORK, sort=False, dropna=False)
        for before in _refitted(others, specs[after["key"].iloc[0]], specs)
    ]
    return pd.DataFrame(rows, columns=REFIT_COLUMNS).sort_values(["dataset", "key"], ignore_index=True)


def _refitted(others: pd.DataFrame, refitted: Spec, specs: Mapping[str, Spec]) -> list[pd.DataFrame]:
    """Return the networks, each as its trials, that this is the refit of; those alone whose epochs it has, if any."""
    alike = others[np.array([_is_refit_of(specs[key], refitted) for key in others["key"]], bool)]
    found = [rows for _, rows in alike.groupby(NETWORK, sort=False, dropna=False)]
    exact = [rows for rows in found if median_low(rows["best_epoch"].astype(int)) == refitted.epochs]
    return exact or found


def refitted_of(spec: Spec, trials: pd.DataFrame, specs: Mapping[str, Spec]) -> pd.DataFrame:
    """Return the finished trials of the refit of a spec's network, by seed; no rows where there are none.

    Of refits of several numbers of epochs those with the most seeds.
    """
    done = trials[(trials["status"] == "finished") & (trials["validation"] == NONE_HELD_OUT)]
    alike = done[np.array([_is_refit_of(spec, specs[key]) for key in done["key"]], bool)]
    groups = [rows for _, rows in alike.groupby(NETWORK, sort=False, dropna=False)]
    return max(groups, key=len).sort_values("seed") if groups else alike


def _is_refit_of(spec: Spec, refitted: Spec) -> bool:
    if spec.epochs < refitted.epochs or reason_against(spec):
        return False
    return refit(spec, refitted.epochs, refitted.seed) == refitted


def _row(
    before: pd.DataFrame,
    after: pd.DataFrame,
    specs: Mapping[str, Spec],
    predictions: Predictions,
    chose: Collection[str],
) -> dict[str, object]:
    predictions = functools.cache(predictions)  # read for who was right, and for the mean of the logits
    fresh = before[~before["key"].isin(chose)]
    before, after = (rows.sort_values("seed") for rows in (fresh if len(fresh) else before, after))
    first, second = (
        sample(rows["test_accuracy"].to_numpy(float), right_of_all(map(predictions, rows["key"])))
        for rows in (before, after)
    )
    spec = specs[before["key"].iloc[0]]
    both = contrast([second, first], [1.0, -1.0])
    return {
        "dataset": spec.dataset, "data_sha256": spec.data_sha256, "reviews": spec.reviews, "network": spec.label(),
        "key": spec.key, "validation": str(spec.validation), "refit_key": after["key"].iloc[0],
        "epochs": int(after["epochs"].iloc[0]), "difference": both.estimate,
        **dict(zip(("difference_low", "difference_high"), both.interval(), strict=True)),
        **_side("", first, before, predictions), **_side("refit_", second, after, predictions),
    }  # fmt: skip


def _side(prefix: str, seeds: Sample, rows: pd.DataFrame, predictions: Predictions) -> dict[str, float]:
    low, high = contrast([seeds], [1.0], ACCURACY).interval()
    mean = mean_of(rows, predictions)
    accuracy = "refit_accuracy" if prefix else "test_accuracy"
    found = {f"{prefix}n": seeds.seeds, accuracy: seeds.mean, f"{prefix}low": low, f"{prefix}high": high}
    found[f"{prefix}together"] = mean.test_accuracy if mean else math.nan
    return found | {f"{prefix}seconds": float(run_seconds(rows).mean())}
