"""Several labels a text: the best network of each such data beside the linear models, and label by label."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from analysis.document import Block, Section, Strong, Table, Text, number, plural, printed, text
from analysis.frames.labels import best_of_labels, of_labels
from analysis.frames.training import median_seed
from analysis.sections.source import Source, data_name, generated_box, label
from rnnsweep.ledger import LINE_TITLES

MEANING = text(
    "A text may have several of these labels, or none: a sigmoid unit answers for each. ",
    Strong("Micro F1"),
    " counts all answers alike, so that it is mostly of the common labels; ",
    Strong("macro F1"),
    " is the mean of the labels' F1, and average precision the mean of theirs, whatever the threshold of 0.5. Accuracy "
    "is the share of texts all of whose labels are right, and stands for it in every other section.",
)
MEASURES = {
    "micro_f1": "micro F1",
    "macro_f1": "macro F1",
    "average_precision": "average precision",
    "accuracy": "accuracy",
}
SHOWN = ["label", "texts", "said", "precision", "recall", "F1", "average precision"]
NO_PREDICTIONS = "No predictions of this trial are in the ledger, so there is no row per label."


def labels_section(source: Source) -> list[Section]:
    """Return the section of the data whose texts have several labels, or nothing where the ledger has none."""
    found = best_of_labels(source.trials)
    if not found:
        return []
    blocks: list[Block] = [MEANING, *(_of_data(source, done) for done in found)]
    return [Section("Several labels a text", 2, blocks, anchor="labels", listed="Several labels a text")]


def label_blocks(source: Source, trial: Any) -> list[Block]:
    """Return the table of a trial's labels on the test set, by the weights of its best epoch."""
    arrays = source.predictions(trial["key"])
    if arrays is None:
        return [text(NO_PREDICTIONS)]
    rows = of_labels(arrays["label"], arrays["best"], json.loads(trial["class_names"]))
    cells: list[list[str | Text]] = [
        [row["label"], number(row["texts"], 0), number(row["said"], 0)]
        + [
            "" if pd.isna(row[name]) else number(row[name], 2)
            for name in ("precision", "recall", "f1", "average_precision")
        ]
        for row in rows.to_dict("records")
    ]
    texts = (
        f"Test set, best epoch, seed {trial['seed']}: {plural(len(arrays['label']), 'text')}; said: of how many texts."
    )
    return [text(texts, small=True), printed(SHOWN, cells)]


def _of_data(source: Source, done: pd.DataFrame) -> Section:
    middle = done[done["key"] == median_seed(done)].iloc[0]
    spec = source.contents.specs[str(middle["key"])]
    said = f", chosen by {spec.select} on validation texts, seeds: {len(done)}."
    return Section(
        data_name(done),
        3,
        [
            *generated_box(bool(middle["real"])),
            text(Strong(label(spec)), said),
            _beside(source, done, spec.label()),
            *label_blocks(source, middle),
        ],
    )


def _beside(source: Source, done: pd.DataFrame, name: str) -> Table:
    """Return the table of the network, mean of its seeds, and of the linear models of the same data."""
    lines = source.contents.baselines
    first = done.iloc[0]
    same = lines[
        (lines["data_sha256"] == first["data_sha256"]) & (lines["reviews"].fillna(0) == _or_all(first["reviews"]))
    ]
    same = same.sort_values("val_micro_f1", ascending=False).drop_duplicates("model")
    rows: list[list[str | Text]] = [[name, *_numbers(done), number(done["seconds"].mean(), 1)]]
    for row in same.to_dict("records"):
        title = f"{LINE_TITLES.get(row['model'], row['model'])} ({row['num_words']:,} words, {row['max_len']:,} steps)"
        rows.append([title, *_numbers(pd.DataFrame([row])), number(row["seconds"], 1)])
    return printed(["test set", *MEASURES.values(), "seconds"], rows)


def _or_all(reviews: Any) -> int:
    return 0 if pd.isna(reviews) else int(reviews)


def _numbers(rows: pd.DataFrame) -> list[str]:
    found = [rows[f"test_{name}"].mean() if f"test_{name}" in rows else float("nan") for name in MEASURES]
    return ["" if pd.isna(value) else number(value) for value in found]
