"""TODO docstring of rnnsweep/search/samplers.py."""

from __future__ import annotations

from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial

from rnnsweep.space import Axis, Choice

SAMPLERS = ("tpe", "gp", "random", "nsga2", "grid")
PRUNERS = ("median", "asha")


def make_pruner(name: str | None) -> optuna.pruners.BasePruner:
    if name == "median":  # from the second epoch on, once five trials have shown what is usual
        return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2)
    if name == "asha":  # rungs at epochs 1, 3, 9: each lets the best third of its arrivals so far pass
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    return optuna.pruners.NopPruner()


def distribution(axis: Axis) -> BaseDistribution:
    if isinstance(axis, Choice):
        return CategoricalDistribution(axis.values)
    if axis.whole:
        return IntDistribution(int(axis.low), int(axis.high), log=axis.log)
    return FloatDistribution(axis.low, axis.high, log=axis.log)


def suggested(trial: Trial, name: str, axis: Axis) -> Any:
    if isinstance(axis, Choice):
        return trial.suggest_categorical(name, axis.values)
    if axis.whole:
        return trial.suggest_int(name, int(axis.low), int(axis.high), log=axis.log)
    return trial.suggest_float(name, axis.low, axis.high, log=axis.log)
