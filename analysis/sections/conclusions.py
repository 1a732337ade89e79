"""TODO docstring of analysis/sections/conclusions.py."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.document import Table, TableCell, number, spread
from analysis.frames.conclusions import conclusion
from analysis.frames.trials import records
from analysis.original.published import COLUMNS
from analysis.sections.overview import data_name

TITLES = {"simple_rnn": "Simple RNN Conclusion", "gru": "GRU Conclusion", "lstm": "LSTM Conclusion"}


# 3. The conclusion tables.
def conclusion_section(
    which: str, published: dict[str, Any], shown: pd.DataFrame, epochs: pd.DataFrame
) -> dict[str, Any]:
    original = published["conclusions"][which]
    frame = conclusion(which, published, shown, epochs)
    rows, before = [], None
    groups: Any = frame.groupby(["row", "source"], sort=False)
    for (row, source), cells in groups:
        whole = row in ("parameters", "load_data(num_words=)", "pad_sequences(maxlen=)")
        texts = [TableCell(_conclusion_text(cell, source, whole), bool(cell.larger)) for cell in records(cells)]
        rows.append([TableCell(row if row != before else ""), TableCell(source), *texts])
        before = row
    at = f", at epoch {original['at_epoch']}" if "at_epoch" in original else ""
    columns = [f"{title} ({name})" for title, name in zip(original["columns"], COLUMNS[which], strict=True)]
    return {
        "id": which,
        "title": TITLES[which] + at,
        "table": Table(["", "", *columns], rows, layout="conclusion"),
        "notes": [*_sentence(original.get("note", "")), *(_gru_epoch_note(published) if which == "gru" else [])],
        "generated": bool(len(shown)) and not shown["real"].iloc[0],
        "data": data_name(shown) if len(shown) else "",
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

    three, two = COLUMNS["gru"]
    return [
        f"The heading says epoch {at}, but the printed figures are those of the logs' last epochs. Training / "
        f"validation in the logs at epoch {at}: {pair(three, at - 1)} (3 layers) and {pair(two, at - 1)} (2 layers); "
        f"in the last epochs: {pair(three, -1)} and {pair(two, -1)}. So both are measured here. The 3-layer figures in "
        "the row maxlen=500 are those of gru-3x-1k, the 2-layer ones those of gru-2x-10k-500."
    ]
