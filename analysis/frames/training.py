"""The seeds of one network together: their log, their learning curves, and the layers they share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames.trials import LAST
from analysis.original.published import published_layers

METRICS = ("loss", "accuracy", "val_loss", "val_accuracy", "seconds")


def training_log(epochs: pd.DataFrame, keys: Iterable[str]) -> pd.DataFrame:
    """Return a row per epoch (its index): n, and mean and sd over these trials of each metric: loss, loss_sd, ..."""
    groups = epochs[epochs["key"].isin(list(keys))].groupby("epoch")[list(METRICS)]
    log = groups.mean().join(groups.std().add_suffix("_sd"))
    return log.assign(n=groups.size())


def curves(
    epochs: pd.DataFrame, keys: Iterable[str], published: Sequence[dict[str, float]], metric: str
) -> pd.DataFrame:
    """Return the points of a learning curve: part (training, validation), source, line, epoch, value.

    `metric` is accuracy or loss. The sources: `seed`, one line per trial, if there are several; `mean` of the trials;
    `published`.
    """
    chosen = epochs[epochs["key"].isin(list(keys))]
    mean = chosen.groupby("epoch", as_index=False)[list(METRICS)].mean().assign(key="mean")
    original = pd.DataFrame(published, columns=list(METRICS)).assign(key="published")
    original["epoch"] = range(1, len(original) + 1)
    sources = {"seed": chosen if chosen["key"].nunique() > 1 else chosen[:0], "mean": mean, "published": original}
    parts = [
        frame[["key", "epoch", column]].set_axis(["line", "epoch", "value"], axis=1).assign(part=part, source=source)
        for source, frame in sources.items()
        for part, column in (("training", metric), ("validation", f"val_{metric}"))
    ]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True).dropna(subset="value")


def model_summary(layers: Sequence[dict[str, Any]], published: dict[str, Any] | None) -> pd.DataFrame:
    """Return a row per layer: name, type, output_shape, params, published (params of that layer, or nan)."""
    frame = pd.DataFrame(layers, columns=["name", "type", "output_shape", "params"])
    original = published_layers(published) if published else []
    fits = len(original) == len(frame)
    return frame.assign(published=pd.Series(original if fits else [np.nan] * len(frame), dtype="float64"))


def median_seed(done: pd.DataFrame) -> str:
    """Return the key of the trial with the median last test accuracy, the lower of two; raises IndexError on none."""
    ordered = done.sort_values([LAST, "key"])
    return str(ordered["key"].iloc[(len(ordered) - 1) // 2])
