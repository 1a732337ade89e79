"""The report's sections: numbers of `tables` and `claims` as text, tables and figures, ready for the templates."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from analysis import claims, figures, tables
from rnnsweep.ledger import Contents
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import VALIDATIONS, Spec

CELL_NAMES = {"simple_rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}
REPORT_COMMAND = "python sweeps/grid.py --preset report --data imdb"
SEEDS_COMMAND = f"{REPORT_COMMAND} --seeds 3"
FACTORIAL_COMMAND = "python sweeps/grid.py --data imdb"
GENERATED = "generated reviews, not real ones"
SCOPE_RULE = (
    "Where the ledger holds the eight systems in several variants, one is shown: variants with a finished trial before "
    "those without, real data before generated, all reviews before a subset, then more reviews, the published epochs "
    "before others, then more epochs, then more finished trials."
)
TITLES = {"simple_rnn": "Simple RNN Conclusion", "gru": "GRU Conclusion", "lstm": "LSTM Conclusion"}

Predictions = Callable[[str], dict[str, NDArray[Any]] | None]


@dataclass(frozen=True)
class Cell:
    """One cell of a printed table: its text, and whether it is the row's larger value."""

    text: str
    larger: bool = False


@dataclass(frozen=True)
class Printed:
    """A table as printed: headers, groups of headers (text, columns) above them, rows of cells, and its layout.

    `layout` names the style of the table in the HTML; tables of `words` are left aligned; the last `totals` rows are
    set off.
    """

    columns: list[str]
    rows: list[list[Cell]]
    groups: list[tuple[str, int]] = field(default_factory=list)
    layout: str = ""
    totals: int = 0


@dataclass(frozen=True)
class Picture:
    """A figure: its file name below `figures/`, what it shows in words, and its PNG bytes."""

    name: str
    alt: str
    png: bytes


def printed(columns: Sequence[str], rows: Sequence[Sequence[str]], **style: Any) -> Printed:
    """Return a table of plain texts."""
    return Printed(list(columns), [[Cell(text) for text in row] for row in rows], **style)


def build(contents: Contents, predictions: Predictions) -> dict[str, Any]:
    """Return what the templates need, all of it computed from the ledger: sections of text, tables and pictures."""
    published = tables.load_published()
    trials = tables.prepared(contents.trials)
    scopes = tables.scopes(trials, {name: spec.epochs for name, spec in SYSTEMS.items()})
    shown = trials[trials["key"].isin(scopes["keys"].iloc[0] if len(scopes) else [])]
    source = _Source(contents, predictions, trials)
    blocks = tables.records(tables.blocks(trials))
    systems = [_system(source, original, shown) for original in published["systems"]]
    return {
        "head": _head(source, scopes, shown),
        "systems": systems,
        "conclusions": [_conclusion(name, published, shown, contents.epochs) for name in tables.COLUMNS],
        "claims": _claims(published, shown, source),
        "claim_rule": claims.RULE,
        "blocks": [_block(position, block, source) for position, block in enumerate(blocks, 1)],
        "best": _best(source),
        "trials": _trials(trials),
        "failures": _failures(trials),
    }


@dataclass(frozen=True)
class _Source:
    contents: Contents
    predictions: Predictions
    trials: pd.DataFrame  # prepared


# Numbers as text.


def number(value: Any, digits: int = 4) -> str:
    """Return a number with so many digits after the point, a dash for none."""
    if value is None or pd.isna(value):
        return "—"
    return f"{value:,.{digits}f}"


def spread(mean: float, sd: float, digits: int = 4) -> str:
    """Return `mean ± sd`, or the mean alone where there is no sd."""
    return number(mean, digits) + ("" if pd.isna(sd) else f" ± {sd:,.{digits}f}")


def points(value: float) -> str:
    """Return a difference of accuracies in percentage points, signed."""
    return "—" if pd.isna(value) else f"{100 * value:+.2f}".replace("-", "−")


def plural(count: int, noun: str) -> str:
    """Return `1 trial`, `2 trials`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


# 1. The head.


def _head(source: _Source, scopes: pd.DataFrame, shown: pd.DataFrame) -> dict[str, Any]:
    trials = source.trials
    counts = tables.status_counts(trials)
    rows = [[_data_name(trials[trials["data"] == data]), *map(str, row), str(sum(row))] for data, row in
            zip(counts.index, counts.to_numpy().tolist(), strict=True)]  # fmt: skip
    return {
        "empty": not len(trials),
        "trials": plural(len(trials), "trial"),
        "generated": bool(len(trials)) and not trials["real"].all(),
        "only_generated": bool(len(trials)) and not trials["real"].any(),
        "shown_generated": bool(len(shown)) and not shown["real"].iloc[0],
        "counts": printed(["data", *tables.STATUSES, "all"], rows),
        "scope": _scope_text(tables.records(scopes)[0]) if len(scopes) else "",
        "other_scopes": [_scope_text(scope) for scope in tables.records(scopes)[1:]],
        "scope_rule": SCOPE_RULE,
        "missing": _missing(shown),
        "no_system": not (trials["system"] != "").any(),
        "missing_command": REPORT_COMMAND,
        "seeds_command": SEEDS_COMMAND,
        "factorial_command": FACTORIAL_COMMAND,
        "no_grid": not len(tables.blocks(trials)),
        "warnings": source.contents.warnings,
        "computed": _computed(trials),
    }


def _data_name(trials: pd.DataFrame) -> str:
    return str(trials["data"].iloc[0]) + ("" if trials["real"].iloc[0] else f" ({GENERATED})")


def _scope_text(scope: Any) -> str:
    generated = "" if scope.real else f" ({GENERATED})"
    epochs = "the published epochs" if scope.epochs == tables.PUBLISHED_EPOCHS else plural(scope.epochs, "epoch")
    return (
        f"{scope.data}{generated}, {epochs}: {scope.systems} of 8 systems, "
        f"{plural(scope.finished, 'finished trial')} of {scope.trials:,}"
    )


def _missing(shown: pd.DataFrame) -> list[str]:
    done = set(tables.finished(shown)["system"])
    return [name for name in SYSTEMS if name not in done]


def _computed(trials: pd.DataFrame) -> str:
    done = tables.finished(trials)
    counts: Any = done.groupby(["path", "device"]).size()
    words = {"packed": "padding computed once (packed)", "keras": "the Keras layers"}
    return "; ".join(
        f"{plural(count, 'trial')} on {device or 'an unnamed device'} with {words.get(path, path or 'an unnamed path')}"
        for (path, device), count in counts.items()
    )


# 2. A network: one of the eight, or the best one.


def _system(source: _Source, original: dict[str, Any], shown: pd.DataFrame) -> dict[str, Any]:
    name = original["id"]
    trials = shown[shown["system"] == name]
    section = {
        "id": name,
        "title": original["title"],
        "notes": _notes(original),
        "command": f"python sweeps/one.py --system {name}",
        "departures": _departures(trials, original),
    }
    return section | _network(source, name, trials, original)


def _notes(original: dict[str, Any]) -> list[str]:
    reviews = original["validation"]
    validation = f"Validated on {'' if reviews.startswith('the') else 'the '}{reviews}."
    if "test" in original["validation"]:
        validation += " So its validation figures are not held out: what is chosen by them is chosen by the test set."
    if "batch" in original["validation"]:
        validation += " In so few reviews, one is a step of 0.016."
    note = original.get("note", "")
    return [note[:1].upper() + note[1:] + "."] * bool(note) + [validation]


def _departures(trials: pd.DataFrame, original: dict[str, Any]) -> str:
    """Return how the trials were trained otherwise than published, in words, or ''."""
    if not len(trials):
        return ""
    trial, planned = tables.records(trials)[0], original["epochs_planned"]
    found = []
    if trial.epochs < planned:
        found.append(f"{trial.epochs} of {planned} epochs")
    elif trial.epochs > planned:
        found.append(f"{trial.epochs} epochs, not {planned}")
    if trial.dataset != "imdb":
        found.append(f"trained on {_data_name(trials)}; the original had IMDB's 25,000 reviews")
    elif trial.reviews_used:
        found.append(f"{trial.reviews_used:,} of 25,000 reviews")
    return ", ".join(found)


def _network(source: _Source, name: str, trials: pd.DataFrame, original: dict[str, Any] | None) -> dict[str, Any]:
    """Return status, tables and pictures of all trials (seeds) of one network; `name` begins its pictures' names."""
    done = tables.finished(trials)
    section: dict[str, Any] = {"trained": bool(len(done)), "state": _state(trials), "pictures": []}
    if not len(done):
        return section
    epochs, keys = source.contents.epochs, list(done["key"])
    key = tables.median_seed(done)
    middle = done[done["key"] == key].iloc[0]
    subtitle = _subtitle(middle)
    log = tables.training_log(epochs, keys)
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
    return ", ".join(f"{counts[status]} {status}" for status in tables.STATUSES if status in counts)


def _subtitle(trial: Any) -> str:
    return f"{trial['data']}, {plural(int(trial['epochs']), 'epoch')}" + ("" if trial["real"] else f"\n{GENERATED}")


def _results(done: pd.DataFrame, original: dict[str, Any] | None) -> Printed:
    """Return training, validation and test accuracy by both rules, with the 95 % interval over seeds."""
    names = {"train": "training", "val": "validation", "test": "test set"}
    columns = ["accuracy", "last epoch (as published)", "95 % interval", "best epoch by validation", "95 % interval",
               "n"] + ["published"] * bool(original)  # fmt: skip
    last = _published_last(original)
    rows = []
    for short, name in names.items():
        row = [name]
        for prefix in ("last_", ""):
            found = tables.interval(done[f"{prefix}{short}_accuracy"])
            row += [spread(found["mean"], found["sd"]), _interval(found["low"], found["high"])]
        row.append(str(len(done)))
        rows.append(row + [number(last[short], 2 if short == "test" else 4)] * bool(original))
    return printed(columns, rows)


def _published_last(original: dict[str, Any] | None) -> dict[str, float]:
    if original is None:
        return {}.fromkeys(("train", "val", "test"), math.nan)
    line = original["epochs"][-1]
    return {"train": line["accuracy"], "val": line["val_accuracy"], "test": tables.published_test_accuracy(original)}


def _interval(low: float, high: float) -> str:
    return "—" if pd.isna(low) else f"{low:.4f} to {high:.4f}"


def _summary(layers: Sequence[dict[str, Any]], params: int, original: dict[str, Any] | None) -> Printed:
    frame = tables.model_summary(layers, original)
    columns = ["layer (type)", "output shape", "parameters"] + ["published"] * bool(original)
    rows = [
        [f"{row.name} ({row.type})", _shape(row.output_shape), number(row.params, 0)]
        + [number(row.published, 0)] * bool(original)
        for row in tables.records(frame)
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


def _log(log: pd.DataFrame, original: dict[str, Any] | None) -> Printed:
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
        points = tables.curves(epochs, keys, original["epochs"] if original else [], metric)

        def draw(ax: Any, points: pd.DataFrame = points, metric: str = metric) -> Any:
            return figures.curves(points, ax, f"{name}: {metric}", subtitle, metric)

        beside = ", the published run dashed" if original else ""
        alt = f"Training and validation {metric} of {name} by epoch{beside}; {subtitle}".replace("\n", "; ")
        found.append(Picture(f"{name}-{metric}.png", alt, figures.png(draw, 4.6, 3.4)))
    return found


def _predicted(
    source: _Source, name: str, trial: Any, subtitle: str, original: dict[str, Any] | None
) -> dict[str, Any]:
    arrays = source.predictions(trial["key"])
    if arrays is None:
        return {"predictions": False, "matrix": []}
    classes = str(trial["classes"]).split("/")
    classes = classes if len(classes) == 2 else ["0", "1"]
    matrix = tables.confusion(arrays["label"], arrays["last"], classes)

    def draw(ax: Any) -> Any:
        return figures.confusion(matrix, ax, f"{name}: confusion matrix, seed {trial['seed']}", subtitle)

    pairs = [(true, guess) for true in classes for guess in classes]
    counts = matrix.to_numpy().ravel()
    cells = ", ".join(f"{true} taken for {guess}: {n:,}" for (true, guess), n in zip(pairs, counts, strict=True))
    alt = f"Confusion matrix of {name} on the test set, last epoch; {cells}; {subtitle}".replace("\n", "; ")
    picture = Picture(f"{name}-confusion.png", alt, figures.png(draw, 3.9, 3.4))
    report = tables.classification(arrays["label"], arrays["last"])
    return {
        "predictions": True,
        "matrix": [picture],
        "report": _classification(report, classes, (original or {}).get("classification_report")),
    }


def _classification(report: pd.DataFrame, classes: Sequence[str], published: dict[str, Any] | None) -> Printed:
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


# 3. The conclusion tables.


def _conclusion(which: str, published: dict[str, Any], shown: pd.DataFrame, epochs: pd.DataFrame) -> dict[str, Any]:
    original = published["conclusions"][which]
    frame = tables.conclusion(which, published, shown, epochs)
    rows, before = [], None
    groups: Any = frame.groupby(["row", "source"], sort=False)
    for (row, source), cells in groups:
        whole = row in ("parameters", "load_data(num_words=)", "pad_sequences(maxlen=)")
        texts = [Cell(_conclusion_text(cell, source, whole), bool(cell.larger)) for cell in tables.records(cells)]
        rows.append([Cell(row if row != before else ""), Cell(source), *texts])
        before = row
    at = f", at epoch {original['at_epoch']}" if "at_epoch" in original else ""
    columns = [f"{title} ({name})" for title, name in zip(original["columns"], tables.COLUMNS[which], strict=True)]
    return {
        "id": which,
        "title": TITLES[which] + at,
        "table": Printed(["", "", *columns], rows, layout="conclusion"),
        "notes": [*_sentence(original.get("note", "")), *(_gru_epoch_note(published) if which == "gru" else [])],
        "generated": bool(len(shown)) and not shown["real"].iloc[0],
        "data": _data_name(shown) if len(shown) else "",
    }


def _sentence(note: str) -> list[str]:
    return [note[:1].upper() + note[1:] + "."] if note else []


def _conclusion_text(cell: Any, source: str, whole: bool) -> str:
    if cell.text:
        return str(cell.text)
    if whole:
        return number(cell.value, 0)
    if source == "published":
        return number(cell.value, 2)
    return spread(cell.value, cell.sd) + (f" (n={cell.n})" if cell.n else "")


def _gru_epoch_note(published: dict[str, Any]) -> list[str]:
    """Return what the published logs have at the heading's epoch and at their last one."""
    logs = {system["id"]: system["epochs"] for system in published["systems"]}
    at = published["conclusions"]["gru"]["at_epoch"]

    def pair(system: str, line: int) -> str:
        return f"{logs[system][line]['accuracy']:.4f} / {logs[system][line]['val_accuracy']:.4f}"

    three, two = tables.COLUMNS["gru"]
    return [
        f"The heading says epoch {at}, but the printed figures are those of the logs' last epochs. Training / "
        f"validation in the logs at epoch {at}: {pair(three, at - 1)} (3 layers) and {pair(two, at - 1)} (2 layers); "
        f"in the last epochs: {pair(three, -1)} and {pair(two, -1)}. So both are measured here. The 3-layer figures in "
        "the row maxlen=500 are those of gru-3x-1k, the 2-layer ones those of gru-2x-10k-500."
    ]


# 4. The claims.


def _claims(published: dict[str, Any], shown: pd.DataFrame, source: _Source) -> list[dict[str, Any]]:
    found = []
    for number_, claim in enumerate(claims.CLAIMS, 1):
        evidence = claims.judge(claim, shown, source.trials, source.contents.epochs)
        used = evidence[evidence["used"]]
        found.append(
            {
                "number": number_,
                "id": f"claim-{number_}",
                "text": published["conclusions"][claim.table]["claims"][claim.index],
                "chinese": claim.chinese,
                "caveat": claim.caveat,
                "verdict": claims.together(list(used["verdict"])),
                "about": _about(used),
                "why": _why(used),
                "evidence": _evidence(claim, evidence, published),
            }
        )
    return found


def _about(used: pd.DataFrame) -> str:
    """Return what the verdict is about where that is not the claim as the original made it, or ''."""
    decided = used[used["low"].notna()]
    if not len(decided):
        return ""
    if not decided["real"].all():
        return "about the generated corpus, not about the original's reviews"
    if (decided["dataset"] != "imdb").any():
        return f"about {decided['data'].iloc[0]}, not about the original's reviews"
    parts = [data for data in decided["data"] if "all reviews" not in data]
    return f"on {parts[0]}" if parts else ""


def _why(used: pd.DataFrame) -> str:
    reasons = [f"{row.part}: {row.reason}" for row in tables.records(used) if row.reason]
    return "; ".join(reasons)


def _evidence(claim: claims.Claim, evidence: pd.DataFrame, published: dict[str, Any]) -> Printed:
    original = {part.text: claims.published_difference(part, published) for part in claim.parts}
    columns = ["difference", "evidence", "data", "measured, pp", "95 % interval, pp", "n", "published, pp", "says"]
    rows = [
        [
            row.part,
            row.evidence + (" (decides)" if row.used and pd.notna(row.low) else ""),
            (row.data + ("" if row.real else ", generated")) if row.data else "—",
            points(row.difference),
            "—" if pd.isna(row.low) else f"{points(row.low)} to {points(row.high)}",
            f"{row.first_n}" if pd.isna(row.second_n) else f"{row.first_n}, {int(row.second_n)}",
            points(original[row.part]),
            row.verdict,
        ]
        for row in tables.records(evidence)
    ]
    return printed(columns, rows, layout="words")


# 5. The study.


def _block(position: int, block: Any, source: _Source) -> dict[str, Any]:
    trials = source.trials[source.trials["key"].isin(block.keys)]
    axes = pd.concat([tables.by_axis(trials, axis) for axis in tables.AXES], ignore_index=True)
    axes["value"] = [CELL_NAMES.get(value, value) for value in axes["value"]]
    title = f"{_data_name(trials)}, {plural(int(block.epochs), 'epoch')}"
    subtitle = f"{block.data}, {plural(int(block.epochs), 'epoch')}" + ("" if block.real else f"\n{GENERATED}")
    rows = [
        [row.axis, _value(row.value), str(row.n), spread(row.mean, row.sd), _interval(row.low, row.high)]
        for row in tables.records(axes)
    ]
    several = [axis for axis in tables.AXES if trials[axis].nunique() > 1]
    compared = axes[axes["axis"].isin(several)]
    pictures = [_axes_picture(position, compared, subtitle)] if several else []
    if len(several) > 1:
        pictures.append(_grid_picture(position, trials, subtitle))
    best = tables.networks(trials).iloc[0]
    return {
        "id": f"study-{position}",
        "title": title,
        "trials": plural(len(trials), "trial"),
        "generated": not block.real,
        "axes": printed(
            ["axis", "value", "n", "test accuracy, mean ± sd", "95 % interval of the mean"], rows, layout="two"
        ),
        "pictures": pictures,
        "best": f"{label(best)}: validation accuracy {number(best['val_accuracy'])}, test accuracy "
        f"{number(best['test_accuracy'])} (n={best['n']})",
    }


def _value(value: Any) -> str:
    return value if isinstance(value, str) else f"{int(value):,}"


def _axes_picture(position: int, axes: pd.DataFrame, subtitle: str) -> Picture:
    def draw(ax: Any) -> Any:
        return figures.dots(axes.astype({"value": object}), ax, "Test accuracy by axis", subtitle)

    alt = f"Mean test accuracy of each value of each axis, with its interval; {subtitle}".replace("\n", "; ")
    return Picture(f"study-{position}-axes.png", alt, figures.png(draw, 5.4, 1.4 + 0.3 * len(axes)))


def _grid_picture(position: int, trials: pd.DataFrame, subtitle: str) -> Picture:
    means = tables.grid_means(trials)
    means.index = pd.MultiIndex.from_tuples([(CELL_NAMES[cell], depth) for cell, depth in means.index])

    def draw(ax: Any) -> Any:
        return figures.grid(means, ax, "Mean test accuracy", subtitle)

    alt = f"Mean test accuracy of each cell and depth by num_words and max_len; {subtitle}".replace("\n", "; ")
    size = (max(4.6, 1.6 + 0.72 * means.shape[1]), 1.5 + 0.42 * means.shape[0])
    return Picture(f"study-{position}-grid.png", alt, figures.png(draw, *size))


def _best(source: _Source) -> dict[str, Any] | None:
    """Return the section of the best network of the first data block, or None where there is none."""
    blocks = tables.blocks(source.trials)
    if not len(blocks):
        return None
    trials = source.trials[source.trials["key"].isin(blocks["keys"].iloc[0])]
    best = tables.networks(trials).iloc[0]
    chosen = trials[trials["key"].isin(best["keys"])]
    section = _network(source, "best", chosen, None)
    return section | {
        "title": label(best),
        "data": f"{_data_name(chosen)}, {plural(int(best['epochs']), 'epoch')}",
        "n": int(best["n"]),
        "val_accuracy": number(best["val_accuracy"]),
        "test_accuracy": number(best["test_accuracy"]),
        "system": str(chosen["system"].iloc[0]),
        "command": retrain_command(chosen.iloc[0]),
        "networks": len(tables.networks(trials)),
    }


def label(trial: Any) -> str:
    """Return a network's short name for a person, from a row of `trials`."""
    both = "bidirectional " if trial["bidirectional"] else ""
    units = str(trial["units"])
    return f"{both}{CELL_NAMES[trial['cell']]} {units} · {trial['num_words']:,} words · {trial['max_len']:,} steps"


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


# 6. All trials.


def _trials(trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table per data, real data first, its trials in the order of their specs."""
    order = trials.assign(cell_order=trials["cell"].map(tables.CELL_ORDER), generated=~trials["real"].astype(bool))
    by = ["generated", "data", "cell_order", "depth", "units", "num_words", "max_len", "epochs", "batch_size", "seed"]
    groups: Any = order.sort_values([*by, "key"]).groupby("data", sort=False)
    return [{"title": _data_name(group), "table": _trials_table(group)} for _, group in groups]


def _trials_table(trials: pd.DataFrame) -> Printed:
    columns = ["cell", "units", "num_words", "max_len", "epochs", "batch", "seed", "status", "test, best", "test, last",
               "validation, best", "best epoch", "parameters", "seconds", "key", "system", "error"]  # fmt: skip
    rows = [
        [
            CELL_NAMES[row.cell] + (" both ways" if row.bidirectional else ""),
            row.units,
            f"{row.num_words:,}",
            f"{row.max_len:,}",
            str(row.epochs),
            str(row.batch_size),
            str(row.seed),
            row.status,
            number(row.test_accuracy),
            number(row.last_test_accuracy),
            number(row.val_accuracy),
            number(row.best_epoch, 0),
            number(row.params, 0),
            number(row.seconds, 1),
            row.key,
            row.system,
            _last_line(row.error),
        ]
        for row in tables.records(trials)
    ]
    return printed(columns, rows, layout="all")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""


def _failures(trials: pd.DataFrame) -> list[dict[str, str]]:
    return [
        {"key": row.key, "label": Spec.label(_spec_like(row)), "status": row.status, "text": row.error.strip()}
        for row in tables.records(trials)
        if row.error.strip()
    ]


def _spec_like(row: Any) -> Any:
    return Spec(
        cell=row.cell,
        units=tuple(int(unit) for unit in row.units.split("-")),
        num_words=int(row.num_words),
        max_len=int(row.max_len),
        bidirectional=bool(row.bidirectional),
        pooling=row.pooling,
    )
