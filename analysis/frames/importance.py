"""How much each axis of a grid matters, by two measures of Optuna's: fANOVA, and PED-ANOVA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames.networks import AXES, Grid, Samples

TREES = 32  # of fANOVA's forest: half of Optuna's, for the same two digits in half the time
ENOUGH = 10  # networks before importance says anything
IMPORTANCE_COLUMNS = ["grid", "data", "epochs", "axis", "networks", "fanova", "ped_anova"]


def grid_importance(found: Sequence[Grid], samples: Samples) -> pd.DataFrame:
    """Return of each grid of `ENOUGH` networks the importance of its axes, which sum to 1, the largest by fANOVA first.

    `grid` is its place among those found, from 1.

    Each network is a point with its mean best validation accuracy, each axis a choice among the values it has.
    """
    rows = [{"grid": place} | row for place, grid in enumerate(found, 1) for row in _rows(grid, samples)]
    return pd.DataFrame(rows, columns=IMPORTANCE_COLUMNS)


def _rows(grid: Grid, samples: Samples) -> list[dict[str, Any]]:
    reached = [samples.validation(network) for network in grid.networks]
    axes = [axis for axis in AXES if len({getattr(network, axis) for network in grid.networks}) > 1]
    if len(grid.networks) < ENOUGH or not axes or len(set(reached)) < 2 or not np.isfinite(reached).all():
        return []
    import optuna

    choices = {
        axis: optuna.distributions.CategoricalDistribution(sorted({getattr(one, axis) for one in grid.networks}))
        for axis in axes
    }
    points = [{axis: getattr(network, axis) for axis in axes} for network in grid.networks]
    shares = importances(points, choices, reached)
    where = {"data": grid.data, "epochs": grid.epochs, "networks": len(grid.networks)}
    return [where | {"axis": axis, **shares[axis]} for axis in sorted(axes, key=lambda axis: -shares[axis]["fanova"])]


def importances(
    points: Sequence[dict[str, Any]], distributions: dict[str, Any], reached: Sequence[float]
) -> dict[str, dict[str, float]]:
    """Return `fanova` and `ped_anova` of each axis of a maximized study of these points; each sums to 1.

    fANOVA (Hutter, Hoos and Leyton-Brown, ICML 2014): the axis's share of the variance that its main effect explains.
    PED-ANOVA (Watanabe, Bansal and Hutter, IJCAI 2023): how far the axis's values among the best tenth differ from
    those among all.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize")
    study.add_trials([
        optuna.trial.create_trial(params=point, distributions=distributions, value=value)
        for point, value in zip(points, reached, strict=True)
    ])  # fmt: skip
    evaluators = {
        "fanova": optuna.importance.FanovaImportanceEvaluator(n_trees=TREES, seed=0),
        "ped_anova": optuna.importance.PedAnovaImportanceEvaluator(),
    }
    found = {
        name: optuna.importance.get_param_importances(study, evaluator=evaluator)
        for name, evaluator in evaluators.items()
    }
    return {axis: {name: float(shares[axis]) for name, shares in found.items()} for axis in distributions}
