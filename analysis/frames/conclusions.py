"""The original's conclusion tables as a frame: its figures, those measured, and the largest value of each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames.trials import LAST, finished
from analysis.original.published import AT_500, COLUMNS, OF_EPOCH, QUANTITIES, published_test_accuracy
from rnnsweep.stats import interval

WHOLE_TEST_SET = "test set (all of it)"


def conclusion(which: str, published: dict[str, Any], trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """Return a conclusion table of the original: row, source, column, text, value, sd, n, larger.

    `which` is simple_rnn, gru or lstm; `trials` are those of one scope. `text` is set where the original prints no
    plain number. `larger` marks the one largest value of a row and source, and none where it is not unique or alone.
    """
    original = published["conclusions"][which]
    at = original.get("at_epoch")
    rows: list[dict[str, Any]] = []
    for label, values in original["rows"].items():
        for name, quantity, cells in _unfolded(label, values):
            systems = AT_500 if label.endswith("maxlen=500") else COLUMNS[which]
            rows += [_published_cell(name, column, cell) for column, cell in enumerate(cells)]
            for source, epoch in _sources(quantity, at):
                rows += [
                    _measured_cell(name, source, column, quantity, epoch, trials[trials["system"] == system], epochs)
                    if cells[column] is not None
                    else _cell(name, source, column, text="X")
                    for column, system in enumerate(systems)
                ]
    rows += _whole_test_set(COLUMNS[which], published, trials)
    return _with_larger(pd.DataFrame(rows))


def _unfolded(label: str, values: list[Any]) -> list[tuple[str, str, list[Any]]]:
    """Return row name, quantity and cells; a row whose cells hold training and testing becomes two."""
    if not any(isinstance(value, dict) for value in values):
        return [(label, QUANTITIES[label], values)]
    return [
        (f"{label}: {part}", QUANTITIES[part], [None if value is None else value[part] for value in values])
        for part in ("training", "testing")
    ]


def _sources(quantity: str, at: int | None) -> list[tuple[str, int | None]]:
    if at is None or quantity not in OF_EPOCH:
        return [("measured", None)]
    return [(f"measured, epoch {at}", at), ("measured, last epoch", None)]


def _cell(row: str, source: str, column: int, **fields: Any) -> dict[str, Any]:
    empty = {"text": "", "value": np.nan, "sd": np.nan, "n": 0}
    return {"row": row, "source": source, "column": column} | empty | fields


def _published_cell(row: str, column: int, value: Any) -> dict[str, Any]:
    if value is None:
        return _cell(row, "published", column, text="X")
    if isinstance(value, str):  # "0.90(?)"
        return _cell(row, "published", column, text=value, value=float(value.split("(")[0]))
    return _cell(row, "published", column, value=float(value))


def _measured_cell(
    row: str, source: str, column: int, quantity: str, epoch: int | None, trials: pd.DataFrame, epochs: pd.DataFrame
) -> dict[str, Any]:
    done = finished(trials)
    values = done[quantity]
    if epoch is not None:
        values = epochs[epochs["key"].isin(done["key"]) & (epochs["epoch"] == epoch)][OF_EPOCH[quantity]]
    found = interval(values.astype(float))
    return _cell(row, source, column, value=found["mean"], sd=found["sd"], n=found["n"])


def _whole_test_set(systems: Sequence[str], published: dict[str, Any], trials: pd.DataFrame) -> list[dict[str, Any]]:
    originals = {system["id"]: system for system in published["systems"]}
    rows = [
        _cell(WHOLE_TEST_SET, "published", column, value=published_test_accuracy(originals[system]))
        for column, system in enumerate(systems)
    ]
    return rows + [
        _measured_cell(WHOLE_TEST_SET, "measured", column, LAST, None, trials[trials["system"] == system], trials)
        for column, system in enumerate(systems)
    ]


def _with_larger(frame: pd.DataFrame) -> pd.DataFrame:
    shown = frame["value"].round(4)  # what the table prints decides what counts as equal
    by_row = [frame["row"], frame["source"]]
    largest = shown == shown.groupby(by_row).transform("max")
    unique = largest.groupby(by_row).transform("sum") == 1
    compared = shown.groupby(by_row).transform("count") > 1
    return frame.assign(larger=largest & unique & compared)
