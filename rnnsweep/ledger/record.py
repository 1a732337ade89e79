"""TODO docstring of rnnsweep/ledger/record.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnsweep.spec import Spec, SpecError

SPEC, EPOCHS, RESULT, ERROR = "spec.json", "epochs.jsonl", "result.json", "error.txt"
PREDICTIONS, CHECKPOINT = "predictions.npz", "checkpoint.npz"
BEST_WEIGHTS, LAST_WEIGHTS, SEARCH = "best.weights.h5", "last.weights.h5", "search.json"
NAMES = frozenset((SPEC, EPOCHS, RESULT, ERROR, PREDICTIONS, CHECKPOINT, BEST_WEIGHTS, LAST_WEIGHTS, SEARCH))
SMALL = (SPEC, RESULT, ERROR, EPOCHS, SEARCH)  # what a report is made of, but for the predictions


def finite_json(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(item, float) and not np.isfinite(item) else item for name, item in value.items()}


def json_object(data: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def parse_spec(key: str, data: bytes | None, warnings: list[str]) -> Spec | None:
    if data is None:
        warnings.append(f"{key}/{SPEC}: missing; the folder is left out")
        return None
    try:
        spec = Spec.from_json(data)
    except SpecError as error:
        warnings.append(f"{key}/{SPEC}: {error}; the folder is left out")
        return None
    if spec.key != key:
        warnings.append(f"{key}/{SPEC}: its spec belongs to {spec.key}; the folder is left out")
        return None
    return spec


def parse_result(key: str, data: bytes | None, warnings: list[str]) -> dict[str, Any]:
    if data is None:
        return {}
    result = json_object(data)
    if result is None or "status" not in result:
        warnings.append(f"{key}/{RESULT}: half-written or damaged; the trial counts as unfinished")
        return {}
    return result


def parse_epochs(key: str, data: bytes | None, warnings: list[str]) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate((data or b"").splitlines(), 1):
        row = json_object(line)
        if row is None or "epoch" not in row:
            warnings.append(f"{key}/{EPOCHS}: line {number} is half-written or damaged; it is left out")
        else:
            rows.append({"key": key, **row})
    return rows
