"""What one network's predictions of the test set say: confusion matrix and classification report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis import figures
from analysis.document import Block, Box, Figures, Picture, Table, number, printed, text
from analysis.frames.predictions import class_names, classification, commonest, confused, confusion, count_classes
from analysis.sections.labels import label_blocks
from analysis.sections.source import Source, described

METRICS = ["precision", "recall", "f1-score", "support"]
BESIDE = 5  # classes of which matrix and table stand beside each other
MISTAKES = 5  # that are named
NONE = "No predictions of this trial are in the ledger, so there is no confusion matrix and no classification report."


def predictions_blocks(
    source: Source, name: str, trial: Any, seeds: int, below: str, published: dict[str, Any] | None
) -> list[Block]:
    """Return the matrix beside the report of one trial, the median of its network's seeds by test accuracy."""
    arrays = source.predictions(trial["key"])
    if arrays is None:
        return [Box("note", [text(NONE)])]
    if arrays["label"].ndim > 1:
        return label_blocks(source, trial)
    classes = class_names(trial, count_classes(arrays["last"]))
    matrix = confusion(arrays["label"], arrays["last"], classes)
    report = classification(arrays["label"], arrays["last"])
    chosen = f", the median of {seeds} seeds by test accuracy" if seeds > 1 else ""
    picture, table = _matrix_picture(name, matrix, trial["seed"], below), _table(report, classes, published)
    return [
        text(f"Test set, last epoch, as published; seed {trial['seed']}{chosen}. {_bar(matrix)}", small=True),
        *([Figures([picture], beside=table)] if len(classes) <= BESIDE else [Figures([picture], "wide"), table]),
        *_mistakes(matrix),
    ]


def _bar(matrix: pd.DataFrame) -> str:
    name, share = commonest(matrix)
    return f"The commonest class, {name}, has {number(share)} of the test reviews: the accuracy of always naming it."


def _mistakes(matrix: pd.DataFrame) -> list[Block]:
    """Return the commonest mistakes in words, where the classes are more than two."""
    found = confused(matrix, MISTAKES) if len(matrix) > 2 else []
    if not found:
        return []
    said = "; ".join(f"{true} taken for {guess}: {n:,} ({share:.1%} of {true})" for true, guess, n, share in found)
    return [text(f"Commonest mistakes: {said}.", small=True)]


def _matrix_picture(name: str, matrix: pd.DataFrame, seed: int, below: str) -> Picture:
    def draw(ax: Any) -> Any:
        return figures.confusion(matrix, ax, f"{name}: confusion matrix, seed {seed}", below)

    alt = described(f"Confusion matrix of {name} on the test set, last epoch; {_in_words(matrix)}", below)
    return Picture(f"{name}-confusion.png", alt, *figures.drawn(draw, *figures.confusion_size(matrix)))


def _in_words(matrix: pd.DataFrame) -> str:
    """Return all cells of two classes in words, and of more how many reviews got their own class."""
    if len(matrix) > 2:
        right, reviews = int(matrix.to_numpy().trace()), int(matrix.to_numpy().sum())
        return f"{len(matrix)} classes, {right:,} of {reviews:,} reviews got their own"
    pairs = [(true, guess) for true in matrix.index for guess in matrix.columns]
    counts = matrix.to_numpy().ravel()
    return ", ".join(f"{true} taken for {guess}: {n:,}" for (true, guess), n in zip(pairs, counts, strict=True))


def _table(report: pd.DataFrame, classes: Sequence[str], published: dict[str, Any] | None) -> Table:
    rows = []
    for label, row in zip(list[str](report.index), report.to_dict("records"), strict=True):
        name = f"{label} ({classes[int(label)]})" if label.isdigit() else label
        line = [name] + [_blank(row[metric], 0 if metric == "support" else 2) for metric in METRICS]
        rows.append(line + (_published_line(label, published) if published else []))
    groups = [("", 1), ("measured, last epoch", 4), ("published", 4)] if published else []
    return printed(["", *METRICS, *(METRICS if published else [])], rows, groups=groups)


def _blank(value: float, digits: int) -> str:
    return "" if pd.isna(value) else number(value, digits)


def _published_line(label: str, published: dict[str, Any]) -> list[str]:
    if label == "accuracy":
        return ["", "", number(published["accuracy"], 2), number(sum(published[c]["support"] for c in "01"), 0)]
    if label not in published:
        return ["", "", "", ""]
    line = published[label]
    return [*(number(line[name], 2) for name in ("precision", "recall", "f1")), number(line["support"], 0)]
