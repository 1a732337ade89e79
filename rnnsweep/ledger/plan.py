"""How many seeds were planned, by cell: before they are reached, a verdict is an interim one."""

from __future__ import annotations

from collections.abc import Mapping

from rnnsweep.cells import CELLS
from rnnsweep.ledger.record import json_object
from rnnsweep.space import SYSTEM

PLAN = "plan.json"
KINDS = (*CELLS, SYSTEM)  # the eight systems of the report are one kind, whatever their cells


def parse_plan(data: bytes | None, warnings: list[str]) -> dict[str, int]:
    """Return the planned number of seeds by cell; a damaged file is one more warning, and no plan."""
    if data is None:
        return {}
    plan = json_object(data)
    if plan is None or not all(name in KINDS and type(seeds) is int and seeds > 0 for name, seeds in plan.items()):
        warnings.append(f"{PLAN}: half-written or damaged; how many seeds were planned is not known")
        return {}
    return plan


def raised(plan: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Return the plan with more seeds where more are asked for: fewer would be a plan made after the results."""
    return {name: max(plan.get(name, 0), more.get(name, 0)) for name in KINDS if name in plan or name in more}
