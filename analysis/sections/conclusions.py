"""The original's conclusion tables, its figures above the measured ones."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.document import (
    Block,
    Foreign,
    Larger,
    List,
    Section,
    Table,
    TableCell,
    Text,
    number,
    spread,
    text,
)
from analysis.frames.conclusions import conclusion
from analysis.frames.trials import records
from analysis.original.published import COLUMNS
from analysis.sections.source import Source, data_name, generated_box

TITLES = {"simple_rnn": "Simple RNN Conclusion", "gru": "GRU Conclusion", "lstm": "LSTM Conclusion"}  # the original's
COUNTS = ("parameters", "load_data(num_words=)", "pad_sequences(maxlen=)")
FORM = text(
    "In the original's form, its figures above the measured ones. ",
    Foreign("#紅字 數值較大", "zh-Hant"),
    " (red: the larger value): ",
    Larger("marked like this"),
    " is the largest value of a row; none where the largest is not unique, or is the only one. “Testing” is what the "
    "original quoted, the validation accuracy of the last epoch: of 5,000 held-out reviews, of 64 training reviews, or "
    "of the test set. The row “test set (all of it)” is the last epoch's accuracy on all test reviews.",
)


def conclusions_section(source: Source, published: dict[str, Any], shown: pd.DataFrame) -> Section:
    """Return the three tables, measured on the trials shown."""
    tables = [_conclusion(which, published, shown, source.contents.epochs) for which in COLUMNS]
    return Section("Conclusion tables", 2, [FORM, *tables], anchor="conclusions", listed="Conclusion tables")


def _conclusion(which: str, published: dict[str, Any], shown: pd.DataFrame, epochs: pd.DataFrame) -> Section:
    original = published["conclusions"][which]
    at = f", at epoch {original['at_epoch']}" if "at_epoch" in original else ""
    notes = [*_sentence(original.get("note", "")), *(_gru_epoch_note(published) if which == "gru" else [])]
    table = _table(which, original["columns"], conclusion(which, published, shown, epochs))
    blocks: list[Block] = [*_measured_on(shown), table, *([List(notes, small=True)] if notes else [])]
    return Section(TITLES[which] + at, 3, blocks)


def _table(which: str, headings: list[str], frame: pd.DataFrame) -> Table:
    rows, before = [], None
    groups: Any = frame.groupby(["row", "source"], sort=False)
    for (row, source), cells in groups:
        texts = [TableCell(_cell_text(cell, source, row in COUNTS), bool(cell.larger)) for cell in records(cells)]
        rows.append([TableCell(row if row != before else ""), TableCell(source), *texts])
        before = row
    columns = [f"{title} ({name})" for title, name in zip(headings, COLUMNS[which], strict=True)]
    return Table(["", "", *columns], rows, layout="conclusion")


def _measured_on(shown: pd.DataFrame) -> list[Block]:
    if not len(shown):
        return []
    box = generated_box(bool(shown["real"].iloc[0]))
    return [*box] or [text(f"Measured on {data_name(shown)}.", small=True)]


def _sentence(note: str) -> list[Text]:
    return [text(note[:1].upper() + note[1:] + ".")] if note else []


def _cell_text(cell: Any, source: str, whole: bool) -> str:
    if cell.text:
        return str(cell.text)
    if whole:
        return number(cell.value, 0)
    if source == "published":
        return number(cell.value, 2)
    return spread(cell.value, cell.sd) + (f" (n={cell.n})" if cell.n else "")


def _gru_epoch_note(published: dict[str, Any]) -> list[Text]:
    """Return what the published logs have at the heading's epoch and at their last one."""
    logs = {system["id"]: system["epochs"] for system in published["systems"]}
    at = published["conclusions"]["gru"]["at_epoch"]

    def pair(system: str, line: int) -> str:
        return f"{logs[system][line]['accuracy']:.4f} / {logs[system][line]['val_accuracy']:.4f}"

    three, two = COLUMNS["gru"]
    note = (
        f"The heading says epoch {at}, but the printed figures are those of the logs' last epochs. Training / "
        f"validation in the logs at epoch {at}: {pair(three, at - 1)} (3 layers) and {pair(two, at - 1)} (2 layers); "
        f"in the last epochs: {pair(three, -1)} and {pair(two, -1)}. So both are measured here. The 3-layer figures in "
        "the row maxlen=500 are those of gru-3x-1k, the 2-layer ones those of gru-2x-10k-500."
    )
    return [text(note)]
