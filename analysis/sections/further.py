"""After the choice: networks and linear lines trained again on all texts, and the ensemble of what is there."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.document import (
    Block,
    Section,
    Table,
    interval_text,
    number,
    plural,
    points,
    points_interval,
    printed,
    text,
)
from analysis.frames.trials import records
from analysis.sections.blocks import section
from analysis.sections.source import MADE_UP, Source

MEANING = (
    "What a chosen network still gains. Neither is a choice by the test set: a refit is trained on the held-out texts, "
    "too, with fresh seeds, for the epochs that were best by validation; an ensemble is the mean of the logits of "
    "networks that validation chose one after another, and costs what all of them cost."
)
REFIT = (
    "Trained again on all texts (--refit). Intervals are for other seeds and other test texts, the difference's, too:"
)
LINES = "The linear models, each with the C that validation chose:"
ENSEMBLE = (
    "The ensemble beside the best single network and the best linear line, all chosen by validation. The interval of "
    "the ensemble and of the line is Wilson's, for other test texts of the same models; that of a network of several "
    "seeds is for other seeds, too:"
)
WHAT = {"ensemble": "ensemble", "network": "best network", "line": "best linear line"}


def further_section(source: Source) -> list[Section]:
    """Return the section with the refits and the ensembles of each data, or nothing where there are none."""
    study = source.study
    frames = (study.refits, study.refitted_lines, study.ensembles)
    names = sorted({str(data) for frame in frames for data in frame["data"]})
    parts = [block for data in names for block in _of_data(source, data)]
    return section("After the choice", "further", MEANING, parts)


def _of_data(source: Source, data: str) -> list[Block]:
    refits, lines, several = (
        frame[frame["data"] == data]
        for frame in (source.study.refits, source.study.refitted_lines, source.study.ensembles)
    )
    real = source.trials.loc[source.trials["data"] == data, "real"].all()
    found: list[Block] = [text(data, small=True), *([] if real else [MADE_UP])]
    if len(refits):
        found += [text(REFIT, small=True), _refits(refits)]
        found += [text(said, small=True) for said in map(_together, records(refits)) if said]
    if len(lines):
        found += [text(LINES, small=True), _lines(lines)]
    return [*found, text(ENSEMBLE, small=True), _ensembles(several)] if len(several) else found


def _refits(frame: pd.DataFrame) -> Table:
    rows = [
        [
            f"{row.network}, validation {row.validation}",
            str(row.epochs),
            number(row.test_accuracy),
            interval_text(row.low, row.high),
            str(row.n),
            number(row.refit_accuracy),
            interval_text(row.refit_low, row.refit_high),
            str(row.refit_n),
            points(row.difference),
            points_interval(row.difference_low, row.difference_high),
        ]
        for row in records(frame)
    ]
    columns = ["network", "epochs", "some held out", "95 %", "n", "all texts", "95 %", "n", "difference, pp", "95 %"]
    return printed(columns, rows, layout="two")


def _together(row: Any) -> str:
    """Return what the mean of the seeds' logits has, for which nothing was chosen; of one seed ''."""
    pairs = ((row.together, row.n, "some held out"), (row.refit_together, row.refit_n, "all texts"))
    said = [f"{number(accuracy)} of the {n} with {what}" for accuracy, n, what in pairs if accuracy == accuracy]
    return f"Mean of the logits of all seeds of {row.network}: {', '.join(said)}." if said else ""


def _lines(frame: pd.DataFrame) -> Table:
    rows = [
        [
            f"{row.title}, {row.num_words:,} words, {row.max_len:,} steps",
            number(row.test_accuracy),
            number(row.refit_accuracy),
            points(row.refit_accuracy - row.test_accuracy),
            number(row.refit_seconds, 1),
        ]
        for row in records(frame)
    ]
    return printed(["linear model", "some held out", "all texts", "difference, pp", "seconds"], rows, layout="two")


def _ensembles(frame: pd.DataFrame) -> Table:
    rows = [
        [
            WHAT[row.what],
            row.title,
            number(row.val_accuracy),
            number(row.test_accuracy),
            interval_text(row.low, row.high),
            plural(row.members, "member") if row.what == "ensemble" else "—",
            number(row.seconds, 1),
            number(row.params, 0),
        ]
        for row in records(frame)
    ]
    columns = ["", "what", "validation", "test accuracy", "95 % interval", "members", "seconds", "parameters"]
    return printed(columns, rows, layout="two")
