"""TODO docstring of analysis/sections/network.py."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pandas as pd

from analysis import figures
from analysis.document import GENERATED, Picture, Table, interval_text, number, plural, printed, spread
from analysis.frames.predictions import classification, confusion
from analysis.frames.training import curves, median_seed, model_summary, training_log
from analysis.frames.trials import STATUSES, finished, records
from analysis.original.published import published_test_accuracy
from analysis.sections.overview import Source
from rnnsweep.cells import CELLS
from rnnsweep.spec import VALIDATIONS, Spec
from rnnsweep.stats import interval


def network_section(source: Source, name: str, trials: pd.DataFrame, original: dict[str, Any] | None) -> dict[str, Any]:
    """Return status, tables and pictures of all trials (seeds) of one network; `name` begins its pictures' names."""
    done = finished(trials)
    section: dict[str, Any] = {"trained": bool(len(done)), "state": _state(trials), "pictures": []}
    if not len(done):
        return section
    epochs, keys = source.contents.epochs, list(done["key"])
    key = median_seed(done)
    middle = done[done["key"] == key].iloc[0]
    subtitle = _subtitle(middle)
    log = training_log(epochs, keys)
    section |= {
        "subtitle": subtitle,
        "generated": not middle["real"],
        "results": _results(done, original),
        "summary": _summary(source.contents.layers.get(key, []), int(middle["params"]), original),
        "summary_equal": _summary_equal(int(middle["params"]), original),
        "log": _log(log, original),
        "seed": int(middle["seed"]),
        "seeds": len(done),
    }
    section["curves"] = _curve_pictures(name, subtitle, epochs, keys, original)
    section |= _predicted(source, name, middle, subtitle, original)
    return section | {"pictures": [*section["curves"], *section["matrix"]]}


def _state(trials: pd.DataFrame) -> str:
    counts = trials["status"].value_counts()
    return ", ".join(f"{counts[status]} {status}" for status in STATUSES if status in counts)


def _subtitle(trial: Any) -> str:
    return f"{trial['data']}, {plural(int(trial['epochs']), 'epoch')}" + ("" if trial["real"] else f"\n{GENERATED}")


def _results(done: pd.DataFrame, original: dict[str, Any] | None) -> Table:
    """Return training, validation and test accuracy by both rules, with the 95 % interval over seeds."""
    names = {"train": "training", "val": "validation", "test": "test set"}
    columns = ["accuracy", "last epoch (as published)", "95 % interval", "best epoch by validation", "95 % interval",
               "n"] + ["published"] * bool(original)  # fmt: skip
    last = _published_last(original)
    rows = []
    for short, name in names.items():
        row = [name]
        for prefix in ("last_", ""):
            found = interval(done[f"{prefix}{short}_accuracy"])
            row += [spread(found["mean"], found["sd"]), interval_text(found["low"], found["high"])]
        row.append(str(len(done)))
        rows.append(row + [number(last[short], 2 if short == "test" else 4)] * bool(original))
    return printed(columns, rows)


def _published_last(original: dict[str, Any] | None) -> dict[str, float]:
    if original is None:
        return {}.fromkeys(("train", "val", "test"), math.nan)
    line = original["epochs"][-1]
    return {"train": line["accuracy"], "val": line["val_accuracy"], "test": published_test_accuracy(original)}


def _summary(layers: Sequence[dict[str, Any]], params: int, original: dict[str, Any] | None) -> Table:
    frame = model_summary(layers, original)
    columns = ["layer (type)", "output shape", "parameters"] + ["published"] * bool(original)
    rows = [
        [f"{row.name} ({row.type})", _shape(row.output_shape), number(row.params, 0)]
        + [number(row.published, 0)] * bool(original)
        for row in records(frame)
    ]
    rows.append(["total", "", number(params, 0)] + [number((original or {}).get("params"), 0)] * bool(original))
    return printed(columns, rows, totals=1)


def _shape(shape: Sequence[int | None]) -> str:
    return "(" + ", ".join(str(size) for size in shape) + ")"


def _summary_equal(params: int, original: dict[str, Any] | None) -> str:
    if original is None:
        return ""
    if params == original["params"]:
        return "Equal to the published total."
    return f"Not equal to the published total of {original['params']:,}."


def _log(log: pd.DataFrame, original: dict[str, Any] | None) -> Table:
    names = ["loss", "accuracy", "val_loss", "val_accuracy", "seconds"]
    lines = original["epochs"] if original else []
    several = bool(log["n"].max() > 1)
    rows = []
    for epoch in range(1, max(len(lines), int(log.index.max())) + 1):
        row = [str(epoch)]
        row += [_logged(log, epoch, name) for name in names]
        if original:
            line = lines[epoch - 1] if epoch <= len(lines) else {}
            row += [number(line.get(name), 0 if name == "seconds" else 4) for name in names]
        rows.append(row)
    groups = [("", 1), ("measured" + (", mean ± sd" if several else ""), 5)] + [("published", 5)] * bool(original)
    return printed(["epoch", *names, *(names if original else [])], rows, groups=groups, layout="log")


def _logged(log: pd.DataFrame, epoch: int, name: str) -> str:
    if epoch not in log.index:
        return "—"
    return spread(log[name][epoch], log[f"{name}_sd"][epoch], 1 if name == "seconds" else 4)


def _curve_pictures(
    name: str, subtitle: str, epochs: pd.DataFrame, keys: list[str], original: dict[str, Any] | None
) -> list[Picture]:
    found = []
    for metric in ("accuracy", "loss"):
        points = curves(epochs, keys, original["epochs"] if original else [], metric)

        def draw(ax: Any, points: pd.DataFrame = points, metric: str = metric) -> Any:
            return figures.curves(points, ax, f"{name}: {metric}", subtitle, metric)

        beside = ", the published run dashed" if original else ""
        alt = f"Training and validation {metric} of {name} by epoch{beside}; {subtitle}".replace("\n", "; ")
        found.append(Picture(f"{name}-{metric}.png", alt, figures.png(draw, 4.6, 3.4)))
    return found


def _predicted(source: Source, name: str, trial: Any, subtitle: str, original: dict[str, Any] | None) -> dict[str, Any]:
    arrays = source.predictions(trial["key"])
    if arrays is None:
        return {"predictions": False, "matrix": []}
    classes = str(trial["classes"]).split("/")
    classes = classes if len(classes) == 2 else ["0", "1"]
    matrix = confusion(arrays["label"], arrays["last"], classes)

    def draw(ax: Any) -> Any:
        return figures.confusion(matrix, ax, f"{name}: confusion matrix, seed {trial['seed']}", subtitle)

    pairs = [(true, guess) for true in classes for guess in classes]
    counts = matrix.to_numpy().ravel()
    cells = ", ".join(f"{true} taken for {guess}: {n:,}" for (true, guess), n in zip(pairs, counts, strict=True))
    alt = f"Confusion matrix of {name} on the test set, last epoch; {cells}; {subtitle}".replace("\n", "; ")
    picture = Picture(f"{name}-confusion.png", alt, figures.png(draw, 3.9, 3.4))
    report = classification(arrays["label"], arrays["last"])
    return {
        "predictions": True,
        "matrix": [picture],
        "report": _classification(report, classes, (original or {}).get("classification_report")),
    }


def _classification(report: pd.DataFrame, classes: Sequence[str], published: dict[str, Any] | None) -> Table:
    names = ["precision", "recall", "f1-score", "support"]
    rows = []
    for label, row in zip(list[str](report.index), report.to_dict("records"), strict=True):
        text = f"{label} ({classes[int(label)]})" if label in ("0", "1") else label
        line = [text] + [_blank(row[name], 0 if name == "support" else 2) for name in names]
        if published:
            line += _published_line(label, published)
        rows.append(line)
    groups = [("", 1), ("measured, last epoch", 4), ("published", 4)] if published else []
    return printed(["", *names, *(names if published else [])], rows, groups=groups)


def _blank(value: float, digits: int) -> str:
    return "" if pd.isna(value) else number(value, digits)


def _published_line(label: str, published: dict[str, Any]) -> list[str]:
    if label == "accuracy":
        return ["", "", number(published["accuracy"], 2), number(sum(published[c]["support"] for c in "01"), 0)]
    if label not in published:
        return ["", "", "", ""]
    line = published[label]
    return [*(number(line[name], 2) for name in ("precision", "recall", "f1")), number(line["support"], 0)]


def label(trial: Any) -> str:
    """Return a network's short name for a person, from a row of `trials`."""
    both = "bidirectional " if trial["bidirectional"] else ""
    units = str(trial["units"])
    return f"{both}{CELLS[trial['cell']].title} {units} · {trial['num_words']:,} words · {trial['max_len']:,} steps"


def retrain_command(trial: Any) -> str:
    """Return the `sweeps/one.py` command that trains a row of `trials` again: its fields that are not the defaults."""
    columns = {item.name: trial[item.name] for item in fields(Spec)}
    given = {name: None if pd.isna(value) else value for name, value in columns.items()}
    held_out = str(trial["validation"])
    shares = {"validation": held_out if held_out in VALIDATIONS else float(held_out)}
    units = {"units": tuple(int(unit) for unit in str(trial["units"]).split("-"))}
    spec = Spec.from_json(json.dumps(given | shares | units, default=_plain))
    source = {"imdb": "imdb", "embedded": "embedded"}.get(spec.dataset, f"{spec.dataset}.npz")
    return shlex.join(["python", "sweeps/one.py", *spec.flags(), "--data", source])


def _plain(value: Any) -> Any:
    return value.item()  # NumPy's numbers
