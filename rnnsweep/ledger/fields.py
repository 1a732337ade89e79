"""What the fields of records hold, so that one which nothing here can have written is told from the others.

A ledger outlives programs, disks and editors, and a file of it may hold anything. Only names that are known are looked
at: a record of a later version has more of them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

from rnnsweep.types import EpochRow, ResultRow

STATUSES = ("finished", "diverged", "failed", "pruned")
RESULT_FIELDS, EPOCH_FIELDS = get_type_hints(ResultRow), get_type_hints(EpochRow)
SUGGESTION_FIELDS = {"number": int, "state": str, "params": dict, "known": bool, "suggest_seconds": float}
STUDY_FIELDS = {"goal": dict, "axes": dict, "base": dict, "sampler": str, "pruner": str}
GOAL_FIELDS = {"objectives": list[str], "max_params": int, "max_seconds": float}
FOUND_FIELDS = {"confirmed": list[str], "seeds": int, "winner": str}
STUDY = re.compile(r"[\w.-]+")  # a study's name, which is a file's


def misfit(row: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    """Return the name of a field whose value is not of its type, or ''; one that is null or not there is no misfit."""
    return next((name for name, hint in fields.items() if row.get(name) is not None and not _fits(row[name], hint)), "")


def is_suggestion(row: Any) -> bool:
    """Return whether a search can have said this of a trial."""
    return isinstance(row, dict) and row.get("number") is not None and not misfit(row, SUGGESTION_FIELDS)


def is_study(value: Mapping[str, Any]) -> bool:
    """Return whether a search can have said this of itself."""
    whole = all(value.get(name) is not None for name in STUDY_FIELDS)
    if not whole or misfit(value, STUDY_FIELDS | FOUND_FIELDS):
        return False
    return bool(value["goal"].get("objectives")) and not misfit(value["goal"], GOAL_FIELDS)


def _fits(value: Any, hint: Any) -> bool:
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    if get_origin(hint) is list:
        each = dict if get_origin(get_args(hint)[0]) is dict else get_args(hint)[0]
        return isinstance(value, list) and all(isinstance(item, each) for item in value)
    if get_origin(hint) is dict:
        return isinstance(value, dict)
    if get_args(hint):  # `X | None`, and null was let pass before
        return _fits(value, get_args(hint)[0])
    return isinstance(value, hint)
