"""The original's conclusions as claims that trials can support or contradict: each a difference with a sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rnnsweep.stats import least_squares_slope

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
MARGIN = 0.01  # of accuracy: a smaller difference is "little"


@dataclass(frozen=True)
class Part:
    """One difference, first minus second, in accuracy; `sign` 1: it is above 0, -1: below 0, 0: it is little.

    A part without a second side is the slope of the least-squares line of the validation accuracy over the second half
    of the epochs.
    """

    text: str
    first: tuple[str, ...]  # systems; with several, it is their mean
    second: tuple[str, ...]
    axis: str  # in which matched networks differ
    values: tuple[Any, ...]  # of the axis: first, second
    sign: int = 1
    training: bool = False  # accuracy on the training reviews, else on the whole test set
    cell: str = ""  # matched networks of this cell only


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
        "2-layer network was validated on the test set. Measured is the slope of the least-squares line through the "
        "second half of the epochs: through all of them, a curve that rises and then falls would count as rising.",
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


def published_difference(part: Part, published: dict[str, Any]) -> float:
    """Return the difference of a part by the original's logs: last epochs, validation accuracy standing for test."""
    logs = {system["id"]: pd.DataFrame(system["epochs"]) for system in published["systems"]}
    column = "accuracy" if part.training else "val_accuracy"
    if not part.second:
        return float(np.mean([_late_slope(logs[name][column]) for name in part.first]))
    first, second = (np.mean([logs[name][column].iloc[-1] for name in side]) for side in (part.first, part.second))
    return float(first - second)


def _late_slope(values: pd.Series[Any]) -> float:
    """Return the slope over the second half of the epochs, as that of the trials is taken."""
    first = len(values) // 2
    return least_squares_slope(range(first, len(values)), values.iloc[first:])
