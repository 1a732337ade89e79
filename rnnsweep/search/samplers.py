"""Optuna's samplers and pruners by the names of the command line, and its distributions for our axes.

The names are asked for by `--help`, which is not to wait for Optuna: it is imported by what needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnsweep.search.goal import SearchError
from rnnsweep.search.promotion import FACTOR, first_rung
from rnnsweep.space import Axis, Choice

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial


def _tpe(seed: int) -> BaseSampler:
    from optuna.samplers import TPESampler

    return TPESampler(seed=seed)


def _gp(seed: int) -> BaseSampler:
    from optuna.samplers import GPSampler

    try:
        return GPSampler(seed=seed, deterministic_objective=False)
    except ImportError:
        raise SearchError("sampler gp needs PyTorch: pip install torch; or give another --sampler") from None


def _random(seed: int) -> BaseSampler:
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)


def _nsga2(seed: int) -> BaseSampler:
    from optuna.samplers import NSGAIISampler

    return NSGAIISampler(seed=seed)


def _median(epochs: int) -> BasePruner:
    from optuna.pruners import MedianPruner

    # From the second epoch on, once five trials have shown what is usual.
    return MedianPruner(n_startup_trials=5, n_warmup_steps=2)


def _asha(epochs: int) -> BasePruner:
    from optuna.pruners import SuccessiveHalvingPruner

    # Each rung lets the best third of its arrivals so far pass; the others may be promoted later (`promotion`).
    return SuccessiveHalvingPruner(min_resource=first_rung(epochs), reduction_factor=FACTOR)


def _hyperband(epochs: int) -> BasePruner:
    from optuna.pruners import HyperbandPruner

    return HyperbandPruner(min_resource=1, max_resource=epochs, reduction_factor=FACTOR)


def _no_pruner(epochs: int) -> BasePruner:
    from optuna.pruners import NopPruner

    return NopPruner()


# `grid` asks for each spec by name, so what would suggest one never does.
SAMPLERS = {"tpe": _tpe, "gp": _gp, "random": _random, "nsga2": _nsga2, "grid": _random}
PRUNERS = {"median": _median, "asha": _asha, "hyperband": _hyperband}


def make_sampler(name: str, seed: int) -> BaseSampler:
    """Return the sampler of this name in `SAMPLERS`; raises `SearchError` where what it needs is not installed."""
    return SAMPLERS[name](seed)


def make_pruner(name: str | None, epochs: int) -> BasePruner:
    """Return the pruner of this name in `PRUNERS` for trials of so many epochs; None never stops a trial."""
    return (_no_pruner if name is None else PRUNERS[name])(epochs)


def distribution(axis: Axis) -> BaseDistribution:
    """Return an axis as Optuna's studies hold it."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(axis, Choice):
        return CategoricalDistribution(axis.values)
    if axis.whole:
        return IntDistribution(int(axis.low), int(axis.high), log=axis.log)
    return FloatDistribution(axis.low, axis.high, log=axis.log)


def suggested(trial: Trial, name: str, axis: Axis) -> Any:
    """Return the value of an axis that the trial's sampler suggests."""
    if isinstance(axis, Choice):
        return trial.suggest_categorical(name, axis.values)
    if axis.whole:
        return trial.suggest_int(name, int(axis.low), int(axis.high), log=axis.log)
    return trial.suggest_float(name, axis.low, axis.high, log=axis.log)
