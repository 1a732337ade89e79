"""A network, one of the eight or the best one: its accuracy, summary and log, beside the published ones if it has any.

`original` is the network's entry in `published.json`, or None for a network that the original did not have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis import figures
from analysis.document import (
    Block,
    Figures,
    Picture,
    Section,
    Table,
    interval_text,
    number,
    printed,
    spread,
    text,
)
from analysis.frames.predictions import measured
from analysis.frames.training import curves, median_seed, model_summary, training_log
from analysis.frames.trials import records
from analysis.original.published import published_test_accuracy
from analysis.sections.predictions import predictions_blocks
from analysis.sections.source import Source, described, subtitle
from rnnsweep.stats import interval

Original = dict[str, Any] | None
PARTS = {"train": "training", "val": "validation", "test": "test set"}
LOGGED = ["loss", "accuracy", "val_loss", "val_accuracy", "seconds"]


def network_blocks(source: Source, name: str, done: pd.DataFrame, original: Original) -> list[Block]:
    """Return tables and pictures of a network's finished trials, its seeds; `name` begins its pictures' names."""
    epochs, keys = source.contents.epochs, list(done["key"])
    key = median_seed(done)
    middle = done[done["key"] == key].iloc[0]
    params = int(middle["params"])
    below = subtitle(middle["data"], int(middle["epochs"]), bool(middle["real"]))
    lines: list[Block] = [Figures(_curve_pictures(name, below, epochs, keys, original))]
    if len(done) > 1:
        lines.append(text("A thin line per seed, their mean with dots.", small=True))
    summary = _summary(source.contents.layers.get(key, []), params, original)
    return [
        Section("Accuracy by both rules", 4, [_results(done, original), *_selected(middle), *_measures(done)]),
        Section("Model summary", 4, [summary, *_compared(params, original)]),
        Section("Training log", 4, [_log(training_log(epochs, keys), original)]),
        Section("Accuracy and loss", 4, lines),
        Section(
            "Confusion matrix and classification report",
            4,
            predictions_blocks(source, name, middle, len(done), below, (original or {}).get("classification_report")),
        ),
    ]


def _results(done: pd.DataFrame, original: Original) -> Table:
    """Return training, validation and test accuracy by both rules, with the 95 % interval over seeds."""
    columns = ["accuracy", "last epoch (as published)", "95 % interval", "best epoch by validation", "95 % interval",
               "n"] + ["published"] * bool(original)  # fmt: skip
    last = _published_last(original)
    rows = []
    for short, name in PARTS.items():
        row = [name]
        for prefix in ("last_", ""):
            found = interval(done[f"{prefix}{short}_accuracy"])
            row += [spread(found["mean"], found["sd"]), interval_text(found["low"], found["high"])]
        row.append(str(len(done)))
        rows.append(row + [number(last[short], 2 if short == "test" else 4)] * bool(original))
    return printed(columns, rows)


def _selected(trial: pd.Series) -> list[Block]:
    """Return what the best epoch was chosen by, where it was not validation accuracy, and what weighed the classes."""
    said = []
    if trial["select"] != "val_accuracy":
        said.append(f"The best epoch is the one with the best {trial['select']}, not validation accuracy.")
    if trial["class_weights"] != "none":
        said.append(f"Class weights in the training loss: {trial['class_weights']}.")
    return [text(" ".join(said), small=True)] if said else []


def _measures(done: pd.DataFrame) -> list[Block]:
    """Return the table of the best epoch's other measures, nothing where no trial has one."""
    rows = [
        [row.measure, spread(row.val, row.val_sd), spread(row.test, row.test_sd), str(row.n)]
        for row in records(measured(done))
    ]
    return [printed(["best epoch by validation", "validation", "test set", "n"], rows)] if rows else []


def _published_last(original: Original) -> dict[str, float]:
    if original is None:
        return dict.fromkeys(PARTS, math.nan)
    line = original["epochs"][-1]
    return {"train": line["accuracy"], "val": line["val_accuracy"], "test": published_test_accuracy(original)}


def _summary(layers: Sequence[dict[str, Any]], params: int, original: Original) -> Table:
    columns = ["layer (type)", "output shape", "parameters"] + ["published"] * bool(original)
    rows = [
        [f"{row.name} ({row.type})", _shape(row.output_shape), number(row.params, 0)]
        + [number(row.published, 0)] * bool(original)
        for row in records(model_summary(layers, original))
    ]
    rows.append(["total", "", number(params, 0)] + [number((original or {}).get("params"), 0)] * bool(original))
    return printed(columns, rows, totals=1)


def _shape(shape: Sequence[int | None]) -> str:
    return "(" + ", ".join(str(size) for size in shape) + ")"


def _compared(params: int, original: Original) -> list[Block]:
    if original is None:
        return []
    if params == original["params"]:
        return [text("Equal to the published total.", small=True)]
    return [text(f"Not equal to the published total of {original['params']:,}.", small=True)]


def _log(log: pd.DataFrame, original: Original) -> Table:
    lines = original["epochs"] if original else []
    several = bool(log["n"].max() > 1)
    rows = []
    for epoch in range(1, max(len(lines), int(log.index.max())) + 1):
        row = [str(epoch), *(_logged(log, epoch, name) for name in LOGGED)]
        if original:
            line = lines[epoch - 1] if epoch <= len(lines) else {}
            row += [number(line.get(name), 0 if name == "seconds" else 4) for name in LOGGED]
        rows.append(row)
    groups = [("", 1), ("measured" + (", mean ± sd" if several else ""), 5)] + [("published", 5)] * bool(original)
    return printed(["epoch", *LOGGED, *(LOGGED if original else [])], rows, groups=groups, layout="log")


def _logged(log: pd.DataFrame, epoch: int, name: str) -> str:
    if epoch not in log.index:
        return "—"
    return spread(log[name][epoch], log[f"{name}_sd"][epoch], 1 if name == "seconds" else 4)


def _curve_pictures(name: str, below: str, epochs: pd.DataFrame, keys: list[str], original: Original) -> list[Picture]:
    found = []
    for metric in ("accuracy", "loss"):
        points = curves(epochs, keys, original["epochs"] if original else [], metric)

        def draw(ax: Any, points: pd.DataFrame = points, metric: str = metric) -> Any:
            return figures.curves(points, ax, f"{name}: {metric}", below, metric)

        beside = ", the published run dashed" if original else ""
        alt = described(f"Training and validation {metric} of {name} by epoch{beside}", below)
        found.append(Picture(f"{name}-{metric}.png", alt, *figures.drawn(draw, 4.6, 3.4)))
    return found
