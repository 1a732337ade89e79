"""The original's conclusions as hypotheses: a measured difference, its interval, and a verdict.

A claim has parts that must all hold. A part is a difference, or a slope, with the sign the claim gives it. Evidence is
either the report's own systems, compared over seeds by Welch's t interval, or pairs of networks that differ in the
claimed axis alone, compared over pairs by Student's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis import tables
from analysis.tables import BEST, CONFIDENCE, LAST

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
MARGIN = 0.01  # of accuracy: a smaller difference is "little"
RULE = (
    "A part of a claim is supported if the 95 % interval of the measured difference lies wholly on the claim's side of "
    "0, contradicted if it lies wholly on the other side, else undecided. “Makes little difference” is supported if "
    "the interval lies wholly within ±1 percentage point, contradicted if wholly outside, else undecided. A claim "
    "is supported if all its parts are, contradicted if one of them is, else undecided. Fewer than two values on a "
    "side decide nothing."
)
SYSTEMS, MATCHED = "eight systems", "matched pairs"
EVIDENCE = ["part", "evidence", "data", "real", "dataset", "first_n", "second_n", "difference", "low", "high",
            "verdict", "reason", "used"]  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One difference, first minus second, in accuracy; `sign` 1: it is above 0, -1: below 0, 0: it is little.

    A part without a second side is the slope of the least-squares line of the validation accuracy over the epochs.
    """

    text: str
    first: tuple[str, ...]  # systems; with several, a seed's value is their mean
    second: tuple[str, ...]
    axis: str  # of the matched pairs
    values: tuple[Any, ...]  # of the axis: first, second
    sign: int = 1
    training: bool = False  # accuracy on the training reviews, else on the whole test set
    cell: str = ""  # matched pairs of this cell only


@dataclass(frozen=True)
class Claim:
    """One sentence of the original: which of `published.json`, its Chinese, its parts, and what is wrong with it."""

    table: str
    index: int
    chinese: str
    caveat: str
    parts: tuple[Part, ...]


_RNN = ("rnn-2x-10k", "rnn-3x-1k")
_GRU = ("gru-3x-1k", "gru-2x-10k-80", "gru-2x-10k-500")
_LSTM = ("lstm-1x-5k", "lstm-1x-1k", "lstm-3x-1k")
_CONFOUNDED = (
    "The two networks differ in depth, num_words (10,000 and 1,000), embedding (100 and 32), units and validation "
    "reviews at once; no difference between them can be laid to one of these."
)

CLAIMS = (
    Claim(
        "simple_rnn", 0, "整體來說，2層RNN比3層RNN表現的好。", _CONFOUNDED,
        (Part("2 layers − 3 layers", ("rnn-2x-10k",), ("rnn-3x-1k",), "depth", (2, 3), cell="simple_rnn"),),
    ),
    Claim(
        "simple_rnn", 1, "並且epochs數越多時validation會下降",
        "One run each. The 3-layer log rises from 0.52 to 0.71; the 2-layer log rises to epoch 4 and then falls. The "
        "2-layer network was validated on the test set. Measured is the slope of the least-squares line through all "
        "epochs.",
        (Part("validation accuracy per epoch (slope)", _RNN, (), "cell", ("simple_rnn",), sign=-1, cell="simple_rnn"),),
    ),
    Claim(
        "simple_rnn", 2, "load_data時設定的num_word在1000和10000的時候差別不大",
        _CONFOUNDED + " The original's own figures, 0.82 and 0.70, are not a little difference.",
        (Part("10,000 words − 1,000 words", ("rnn-2x-10k",), ("rnn-3x-1k",), "num_words", (10_000, 1000), sign=0,
              cell="simple_rnn"),),
    ),
    Claim(
        "gru", 0, "2層 GRU 在training的時候效果比3層來的高，但是validation的效果3層的GRU效果更好。",
        "The networks also differ in num_words (10,000 and 1,000), max_len (80 and 500), units and epochs, and were "
        "validated on different reviews. At maxlen 500 the original's own table has 0.86 for 2 layers and 0.84 for 3, "
        "against the claim. Here both sides are judged on the whole test set.",
        (
            Part("training: 2 layers − 3 layers", ("gru-2x-10k-80",), ("gru-3x-1k",), "depth", (2, 3), training=True,
                 cell="gru"),
            Part("test: 3 layers − 2 layers", ("gru-3x-1k",), ("gru-2x-10k-80",), "depth", (3, 2), cell="gru"),
        ),
    ),
    Claim(
        "gru", 1, "當pad_sequences一次餵進去embedding的向量從80 -> 500, validation的效果變得更好。",
        "The fairest comparison of the original, but one run each, on the test set; the embedding has 11,000 rows in "
        "one and 10,000 in the other, which no word uses.",
        (Part("maxlen 500 − maxlen 80", ("gru-2x-10k-500",), ("gru-2x-10k-80",), "max_len", (500, 80), cell="gru"),),
    ),
    Claim(
        "lstm", 0, "整體表現來看 LSTM的 test 效果最好",
        "The two 1-layer LSTMs were validated on 64 training reviews (one batch), in steps of 1/64 = 0.016; the best "
        "of those, 0.90(?), is compared with figures on 5,000 or 25,000 reviews. On the whole test set the original's "
        "classification reports have 0.85 to 0.87 for LSTM and 0.86 for GRU.",
        (
            Part("LSTM − GRU", _LSTM, _GRU, "cell", ("lstm", "gru")),
            Part("LSTM − SimpleRNN", _LSTM, _RNN, "cell", ("lstm", "simple_rnn")),
        ),
    ),
    Claim(
        "lstm", 1, "整體來說， 1層LSTM表現的比3層的LSTM更好。",
        "The 1-layer figures are of 64 reviews, the 3-layer figure of 5,000; the batch size differs too (64 and 128). "
        "On the whole test set both have 0.87 in the original's own classification reports.",
        (Part("1 layer − 3 layers", ("lstm-1x-1k",), ("lstm-3x-1k",), "depth", (1, 3), cell="lstm"),),
    ),
)  # fmt: skip


def welch(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float]:
    """Return the difference of the means and its interval by Welch's t (Biometrika 34, 1947); nan if a side has < 2."""
    a, b = tables.interval(first), tables.interval(second)
    difference = a["mean"] - b["mean"]
    if min(a["n"], b["n"]) < 2:
        return difference, np.nan, np.nan
    va, vb = a["sd"] ** 2 / a["n"], b["sd"] ** 2 / b["n"]
    if va + vb == 0:
        return difference, difference, difference
    freedom = (va + vb) ** 2 / (va**2 / (a["n"] - 1) + vb**2 / (b["n"] - 1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * (va + vb) ** 0.5
    return difference, difference - half, difference + half


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


def published_difference(part: Part, published: dict[str, Any]) -> float:
    """Return the difference of a part by the original's logs: last epochs, validation accuracy standing for test."""
    logs = {system["id"]: pd.DataFrame(system["epochs"]) for system in published["systems"]}
    column = "accuracy" if part.training else "val_accuracy"
    if not part.second:
        return float(np.mean([_slope(range(1, len(logs[name]) + 1), logs[name][column]) for name in part.first]))
    first, second = (np.mean([logs[name][column].iloc[-1] for name in side]) for side in (part.first, part.second))
    return float(first - second)


def _slope(epochs: Any, values: Any) -> float:
    """Return the slope of the least-squares line; nan for fewer than two points."""
    if len(values) < 2:
        return np.nan
    return float(np.polyfit(np.asarray(epochs, float), np.asarray(values, float), 1)[0])


def _slopes(trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    logs = dict(list(epochs.groupby("key")))
    found = [_slope(logs[key]["epoch"], logs[key]["val_accuracy"]) if key in logs else np.nan for key in trials["key"]]
    return trials.assign(slope=pd.Series(found, index=trials.index, dtype=float)).dropna(subset="slope")


def _of_systems(part: Part, shown: pd.DataFrame, epochs: pd.DataFrame) -> dict[str, Any]:
    done = tables.finished(shown)
    column = "last_train_accuracy" if part.training else LAST
    if not part.second:
        done, column = _slopes(done, epochs), "slope"
    first, second = (_by_seed(done, side, column) for side in (part.first, part.second))
    where = _where(shown)
    if part.second:
        return _row(part, SYSTEMS, where, welch(first, second), len(first), len(second))
    found = tables.interval(first)
    return _row(part, SYSTEMS, where, (found["mean"], found["low"], found["high"]), len(first), None)


def _where(trials: pd.DataFrame) -> dict[str, Any]:
    if not len(trials):
        return {"data": "", "real": False, "dataset": ""}
    first, epochs = tables.records(trials)[0], trials["epochs"].unique().tolist()
    trained = f"{epochs[0]} epoch{'s' * (epochs[0] > 1)}" if len(epochs) == 1 else "published epochs"
    return {"data": f"{first.data}, {trained}", "real": first.real, "dataset": first.dataset}


def _by_seed(done: pd.DataFrame, systems: Sequence[str], column: str) -> list[float]:
    """Return one value per seed that has all of the systems: their mean."""
    chosen = done[done["system"].isin(systems)]
    table = chosen.pivot_table(column, "seed", "system", aggfunc="mean").reindex(columns=list(systems))
    return [float(value) for value in table.dropna().mean(axis=1)]


def _of_pairs(part: Part, trials: pd.DataFrame, epochs: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the row of the best data block with at least two pairs, or nothing."""
    for block in tables.records(tables.blocks(trials)):
        inside = trials[trials["key"].isin(block.keys)]
        if part.cell:
            inside = inside[inside["cell"] == part.cell]
        values = _cell_slopes(inside, epochs) if not part.second else paired_differences(inside, part)
        found = tables.interval(values)
        if found["n"] >= 2:
            numbers = (found["mean"], found["low"], found["high"])
            return [_row(part, MATCHED, _where(inside), numbers, int(found["n"]), None)]
    return []


def _cell_slopes(trials: pd.DataFrame, epochs: pd.DataFrame) -> list[float]:
    return [float(value) for value in _slopes(trials, epochs).groupby(tables.NETWORK)["slope"].mean()]


def paired_differences(trials: pd.DataFrame, part: Part) -> list[float]:
    """Return first minus second for each pair of networks that differ in the part's axis alone, seeds averaged.

    In depth, two networks are a pair if the deeper one begins with the layers of the other.
    """
    column = "last_train_accuracy" if part.training else BEST
    same = [name for name in tables.NETWORK if name not in (part.axis, "units" if part.axis == "depth" else "")]
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
