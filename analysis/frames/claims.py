"""The original's conclusions as hypotheses: a measured difference, its interval, and a verdict.

A claim has parts that must all hold. A part is a difference, or a slope, with the sign the claim gives it. Evidence is
either the report's own systems, compared over seeds by Welch's t interval, or pairs of networks that differ in the
claimed axis alone, compared over pairs by Student's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames.trials import BEST, LAST, blocks, finished, records
from analysis.original.claims import CONTRADICTED, MARGIN, MATCHED, SUPPORTED, SYSTEMS, UNDECIDED, Claim, Part
from rnnsweep.choice import NETWORK
from rnnsweep.stats import interval, least_squares_slope, welch

EVIDENCE = ["part", "evidence", "data", "real", "dataset", "first_n", "second_n", "difference", "low", "high",
            "verdict", "reason", "used"]  # fmt: skip


def verdict(low: float, high: float, sign: int) -> str:
    """Return what the interval says of a part: `sign` 1 it is above 0, -1 below 0, 0 within `MARGIN`; see `RULE`."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return UNDECIDED
    if sign == 0:
        inside, outside = low > -MARGIN and high < MARGIN, low > MARGIN or high < -MARGIN
    else:
        inside, outside = (low > 0, high < 0) if sign > 0 else (high < 0, low > 0)
    return SUPPORTED if inside else CONTRADICTED if outside else UNDECIDED


def together(verdicts: Sequence[str]) -> str:
    """Return the verdict on a claim from those on its parts: all must hold, and one that fails is enough."""
    if CONTRADICTED in verdicts:
        return CONTRADICTED
    return SUPPORTED if verdicts and all(item == SUPPORTED for item in verdicts) else UNDECIDED


def judge(claim: Claim, shown: pd.DataFrame, trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """Return the evidence on a claim, a row per part and kind of evidence (`EVIDENCE`); `used` marks the deciding one.

    `shown` are the trials of the scope of the eight systems, `trials` all of the ledger (both `prepared`). Decides:
    evidence with an interval before none, real data before generated, matched pairs before the eight systems.
    """
    rows: list[dict[str, Any]] = []
    for part in claim.parts:
        found = [_of_systems(part, shown, epochs), *_of_pairs(part, trials, epochs)]
        used = max(found, key=lambda row: (np.isfinite(row["low"]), row["real"], row["evidence"] == MATCHED))
        rows += [{"part": part.text} | row | {"used": row is used} for row in found]
    return pd.DataFrame(rows, columns=EVIDENCE)


def _slopes(trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    logs = dict(list(epochs.groupby("key")))
    found = [
        least_squares_slope(logs[key]["epoch"], logs[key]["val_accuracy"]) if key in logs else np.nan
        for key in trials["key"]
    ]
    return trials.assign(slope=pd.Series(found, index=trials.index, dtype=float)).dropna(subset="slope")


def _of_systems(part: Part, shown: pd.DataFrame, epochs: pd.DataFrame) -> dict[str, Any]:
    done = finished(shown)
    column = "last_train_accuracy" if part.training else LAST
    if not part.second:
        done, column = _slopes(done, epochs), "slope"
    first, second = (_by_seed(done, side, column) for side in (part.first, part.second))
    where = _where(shown)
    if part.second:
        return _row(part, SYSTEMS, where, welch(first, second), len(first), len(second))
    found = interval(first)
    return _row(part, SYSTEMS, where, (found["mean"], found["low"], found["high"]), len(first), None)


def _where(trials: pd.DataFrame) -> dict[str, Any]:
    if not len(trials):
        return {"data": "", "real": False, "dataset": ""}
    first, epochs = records(trials)[0], trials["epochs"].unique().tolist()
    trained = f"{epochs[0]} epoch{'s' * (epochs[0] > 1)}" if len(epochs) == 1 else "published epochs"
    return {"data": f"{first.data}, {trained}", "real": first.real, "dataset": first.dataset}


def _by_seed(done: pd.DataFrame, systems: Sequence[str], column: str) -> list[float]:
    """Return one value per seed that has all of the systems: their mean."""
    chosen = done[done["system"].isin(systems)]
    table = chosen.pivot_table(column, "seed", "system", aggfunc="mean").reindex(columns=list(systems))
    return [float(value) for value in table.dropna().mean(axis=1)]


def _of_pairs(part: Part, trials: pd.DataFrame, epochs: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the row of the best data block with at least two pairs, or nothing."""
    for block in records(blocks(trials)):
        inside = trials[trials["key"].isin(block.keys)]
        if part.cell:
            inside = inside[inside["cell"] == part.cell]
        values = _cell_slopes(inside, epochs) if not part.second else paired_differences(inside, part)
        found = interval(values)
        if found["n"] >= 2:
            numbers = (found["mean"], found["low"], found["high"])
            return [_row(part, MATCHED, _where(inside), numbers, int(found["n"]), None)]
    return []


def _cell_slopes(trials: pd.DataFrame, epochs: pd.DataFrame) -> list[float]:
    return [float(value) for value in _slopes(trials, epochs).groupby(NETWORK, dropna=False)["slope"].mean()]


def paired_differences(trials: pd.DataFrame, part: Part) -> list[float]:
    """Return first minus second for each pair of networks that differ in the part's axis alone, seeds averaged.

    In depth, two networks are a pair if the deeper one begins with the layers of the other.
    """
    column = "last_train_accuracy" if part.training else BEST
    same = [name for name in NETWORK if name not in (part.axis, "units" if part.axis == "depth" else "")]
    if part.axis == "num_words":  # the embedding has a row per word
        same.remove("vocab_size")
        trials = trials[trials["vocab_size"] == trials["num_words"]]
    sides = [trials[trials[part.axis] == value] for value in part.values]
    first, second = (side.assign(same=_joined(side, same)) for side in sides)
    pairs = first.merge(second, on=["same", "seed"], suffixes=("", "_2"))
    if part.axis == "depth":
        nested = [_nested(*units) for units in zip(pairs["units"], pairs["units_2"], strict=True)]
        pairs = pairs[np.array(nested, dtype=bool)]
    differences = pairs[column] - pairs[f"{column}_2"]
    return [float(value) for value in differences.groupby([pairs["same"], pairs["units"]]).mean()]


def _joined(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    return ["|".join(map(str, row)) for row in frame[list(names)].itertuples(index=False)]


def _nested(one: str, other: str) -> bool:
    shorter, longer = sorted((one.split("-"), other.split("-")), key=len)
    return longer[: len(shorter)] == shorter


def _row(
    part: Part,
    evidence: str,
    where: dict[str, Any],
    numbers: tuple[float, float, float],
    first: int,
    second: int | None,
) -> dict[str, Any]:
    difference, low, high = numbers
    return where | {
        "evidence": evidence,
        "first_n": first,
        "second_n": second,
        "difference": difference,
        "low": low,
        "high": high,
        "verdict": verdict(low, high, part.sign),
        "reason": _reason(first, second),
    }


def _reason(first: int, second: int | None) -> str:
    if second is None:
        return "" if first > 1 else f"n = {first}: an interval needs two seeds or two networks"
    if min(first, second) > 1:
        return ""
    return f"n = {first} and {second}: an interval needs two seeds of each"
