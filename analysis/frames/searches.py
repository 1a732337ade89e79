"""What the ledger says of searches: data frames in, data frames out; importance is Optuna's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames.trials import held_out
from rnnsweep.stats import is_number

EVALUATOR = "fANOVA (Hutter, Hoos and Leyton-Brown 2014), as Optuna has it"
ENOUGH = 10  # finished trials before importance or a contour says anything


def trials(suggestions: pd.DataFrame, ledger: pd.DataFrame, epochs: pd.DataFrame, study: str) -> pd.DataFrame:
    """Return a row per suggestion of a study in the order of their numbers: its trial's columns, and what it cost.

    `units_1`, `units_2`, ... are the layers' units; `reached` is the best validation accuracy of any epoch, `spent` the
    seconds of training, 0 for a suggestion that the ledger answered.
    """
    mine = suggestions[suggestions["study"] == study].drop(columns="study")
    frame = mine.merge(ledger, on="key", how="inner").sort_values("number", ignore_index=True)
    by_key = epochs.groupby("key")
    reached = frame["key"].map(by_key["val_accuracy"].max())
    seconds = frame["seconds"].fillna(frame["key"].map(by_key["seconds"].sum())).fillna(0.0)
    layers = frame["units"].str.split("-", expand=True).astype(float)
    layers.columns = [f"units_{layer}" for layer in range(1, layers.shape[1] + 1)]
    return pd.concat([frame, layers], axis=1).assign(
        reached=frame["val_accuracy"].fillna(reached), spent=seconds.where(~frame["known"], 0.0)
    )


def axes(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Return the columns of a study's axes that took more than one value; `units` is that of each layer."""
    columns = [column for name in names for column in _columns(frame, name)]
    return [column for column in columns if frame[column].nunique() > 1]


def _columns(frame: pd.DataFrame, name: str) -> list[str]:
    if name == "units":
        return [str(column) for column in frame if str(column).startswith("units_")]
    return [name] if name in frame else []  # the learning rate of sgd is no column of its own


def progress(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `trainings`, `seconds` and the `best` validation accuracy of a finished trial after each suggestion."""
    done = frame["reached"].where(frame["state"] == "finished")
    found = pd.DataFrame(
        {"trainings": (~frame["known"]).cumsum(), "seconds": frame["spent"].cumsum(), "best": done.cummax().ffill()}
    )
    return found.dropna(subset="best")


def random_order(grid: pd.DataFrame) -> pd.DataFrame:
    """Return what a grid's trials would reach on average, in random order: `trainings`, `seconds`, `best`.

    The expected maximum of n of N values drawn without replacement: sum over the sorted values of
    C(i - 1, n - 1) / C(N, n) times the i-th, by the chance that it is the largest one drawn.
    """
    values = np.sort(grid["val_accuracy"].to_numpy(dtype=float))
    total = len(values)
    best = []
    chance = np.full(total, 1 / total)  # that the i-th smallest is the largest of n drawn
    for drawn in range(1, total + 1):
        best.append(float(chance @ values))
        rank = np.arange(1, total + 1)
        with np.errstate(divide="ignore", invalid="ignore"):  # C(i-1, n) / C(N, n+1) from C(i-1, n-1) / C(N, n)
            chance = np.where(rank > drawn, chance * (rank - drawn) / drawn * (drawn + 1) / (total - drawn), 0.0)
    trainings = np.arange(1, total + 1)
    return pd.DataFrame({"trainings": trainings, "seconds": trainings * grid["seconds"].mean(), "best": best})


def rest(ledger: pd.DataFrame, frame: pd.DataFrame, base: Mapping[str, Any]) -> pd.DataFrame:
    """Return the finished trials of the same data, epochs, seed and validation that no search suggested: the grid's."""
    done = held_out(ledger)
    same = [name for name in ("dataset", "data_sha256", "epochs", "seed") if name in base]
    for name in same:
        done = done[done[name] == base[name]]
    done = done[done["reviews_used"] == (base.get("reviews") or 0)]
    return done[~done["key"].isin(frame["key"]) | done["key"].isin(frame.loc[frame["known"], "key"])]


def importance(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return `axis` and its share of the variance of validation accuracy over finished trials, the largest first.

    Axes that not every trial has (the second layer's units) cannot take part. Empty below `ENOUGH` trials.
    """
    done = frame[frame["state"] == "finished"]
    usable = [name for name in axes(done, names) if done[name].notna().all()]
    if len(done) < ENOUGH or not usable or done["reached"].nunique() < 2:
        return pd.DataFrame({"axis": [], "share": []})
    import optuna

    distributions = {name: _distribution(done[name]) for name in usable}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize")
    for row in done.to_dict("records"):
        params = {name: _plain(row[name]) for name in usable}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=row["reached"]))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return pd.DataFrame({"axis": list(found), "share": list(found.values())})


def _distribution(values: pd.Series[Any]) -> Any:
    import optuna

    plain = [_plain(value) for value in values]
    if is_number(values):
        low, high = min(plain), max(plain)
        whole = all(isinstance(value, int) for value in plain)
        kind = optuna.distributions.IntDistribution if whole else optuna.distributions.FloatDistribution
        return kind(low, high, log=low > 0)
    return optuna.distributions.CategoricalDistribution(sorted(set(plain)))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def ranked(frame: pd.DataFrame, objective: str, smaller: Sequence[str]) -> pd.DataFrame:
    """Return the finished trials, the best by one objective first; those in `smaller` are to be small."""
    return frame[frame["state"] == "finished"].sort_values(objective, ascending=objective in smaller)


def front(frame: pd.DataFrame, objectives: Sequence[str], smaller: Sequence[str]) -> pd.DataFrame:
    """Return the finished trials that no other one beats in all objectives; those in `smaller` are to be small."""
    done = frame[frame["state"] == "finished"]
    signs = np.array([-1.0 if name in smaller else 1.0 for name in objectives])
    points = done[list(objectives)].to_numpy(dtype=float) * signs
    kept = [not bool(((points >= p).all(axis=1) & (points > p).any(axis=1)).any()) for p in points]
    return ranked(done[kept], objectives[0], smaller)
