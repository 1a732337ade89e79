"""An ensemble of networks that a ledger has: the mean of their logits, chosen greedily on the validation texts.

Ensemble selection from libraries of models: Caruana and others 2004. The test texts take no part in the choice.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnsweep.choice import run_seconds
from rnnsweep.ledger import LedgerFrames
from rnnsweep.network.output import Output, Softmax, output_of
from rnnsweep.spec import NOT_HELD_OUT
from rnnsweep.stats import wilson
from rnnsweep.types import Floats, Predictions, Row

CANDIDATES = 50  # the best by validation, of more
MOST = 20  # members, each as often as it was chosen
CERTAIN = 2.0**-12  # half precision knows no probability nearer to 1, but 1 itself


@dataclass(frozen=True)
class Ensemble:
    """Networks whose logits are averaged, and what their mean has."""

    members: dict[str, int]  # how often each counts, by key; the first is the one that was chosen first
    val_accuracy: float  # nan where none was held out
    test_accuracy: float
    test_loss: float
    test_texts: int
    seconds: float  # of the members' trainings together
    params: int  # of the members together

    @property
    def name(self) -> str:
        """The word `ensemble` and a checksum of the members."""
        text = json.dumps(self.members, sort_keys=True)
        return f"ensemble-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def interval(self) -> tuple[float, float]:
        """Return low and high of Wilson's 95 % interval of the test accuracy, for other test texts."""
        return wilson(round(self.test_accuracy * self.test_texts), self.test_texts)

    def to_dict(self) -> Row:
        """Return it as `--json` prints it."""
        low, high = self.interval()
        return {
            "members": self.members, "val_accuracy": self.val_accuracy, "test_accuracy": self.test_accuracy,
            "low": low, "high": high, "test_loss": self.test_loss, "seconds": self.seconds, "params": self.params,
        }  # fmt: skip


@dataclass(frozen=True)
class _Candidate:
    """A finished trial, as logits [texts, units] of the validation and test texts by its best epoch's weights."""

    row: Row
    validation: Floats
    test: Floats
    labels: tuple[NDArray[Any], NDArray[Any]]  # of the validation and of the test texts


def ensemble(frames: LedgerFrames, predictions: Predictions, keys: Collection[str] | None = None) -> Ensemble | None:
    """Return the ensemble of finished trials that is best on validation, None where one alone is.

    Of these keys, or of all of the ledger. Trials count that were validated on the same texts, never the test set, the
    most that there are of such, and whose validation predictions the ledger has.
    """
    candidates = _candidates(_alike(frames, keys), predictions)
    if len(candidates) < 2:
        return None
    output = _output(next(iter(candidates.values())).row)
    members = Counter(greedy({key: one.validation for key, one in candidates.items()}, _labels(candidates, 0), output))
    if len(members) < 2:
        return None
    found = [output.metrics(output.probabilities(_mean(candidates, members, part)), _labels(candidates, at))
             for at, part in enumerate(("validation", "test"))]  # fmt: skip
    taken = frames.trials[frames.trials["key"].isin(members)]
    (_, validated), (loss, tested) = found
    texts = len(_labels(candidates, 1))
    return Ensemble(dict(members), validated, tested, loss, texts, *_costs(taken))


def mean_of(trials: pd.DataFrame, predictions: Predictions) -> Ensemble | None:
    """Return the mean of the logits of these finished trials, each counting once: nothing was chosen.

    None where there is one trial, or the ledger lacks the predictions of one.
    """
    arrays = [predictions(key) for key in trials["key"]]
    known = [one for one in arrays if one is not None and {"best", "label"} <= one.keys()]
    if len(known) < max(2, len(arrays)) or not trials["class_names"].iloc[0]:
        return None
    output = _output({str(name): value for name, value in trials.iloc[0].items()})
    mean: Floats = np.mean([logits_of(one["best"], output) for one in known], axis=0, dtype=np.float32)
    loss, accuracy = output.metrics(output.probabilities(mean), known[0]["label"])
    return Ensemble(dict.fromkeys(trials["key"], 1), math.nan, accuracy, loss, len(mean), *_costs(trials))


def _costs(trials: pd.DataFrame) -> tuple[float, int]:
    """Return the seconds and the parameters of all of these trials together."""
    return float(run_seconds(trials).sum()), int(trials["params"].sum())


def greedy(logits: dict[str, Floats], labels: NDArray[Any], output: Output) -> list[str]:
    """Return keys, one as often as it counts: each the one that helps the mean most, until none does or `MOST` are in.

    `logits` are of the validation texts, [texts, units]. The most accurate mean is best, of equals the least loss.
    """
    chosen: list[str] = []
    total, best = np.zeros_like(next(iter(logits.values()))), (-1.0, 0.0)
    while len(chosen) < MOST:
        scores = {key: _score(total + one, len(chosen) + 1, labels, output) for key, one in logits.items()}
        key = max(scores, key=scores.__getitem__)
        if scores[key] <= best:
            break
        chosen.append(key)
        total, best = total + logits[key], scores[key]
    return chosen


def logits_of(probabilities: NDArray[Any], output: Output) -> Floats:
    """Return float32 [texts, units], of a softmax its logarithms, whose mean is that of the logits but for a number."""
    known = np.clip(probabilities.astype(np.float32), CERTAIN, 1 - CERTAIN).reshape(len(probabilities), output.units)
    logits: Floats = np.log(known)
    return logits if isinstance(output, Softmax) else logits - np.log1p(-known)


def _score(total: Floats, count: int, labels: NDArray[Any], output: Output) -> tuple[float, float]:
    loss, accuracy = output.metrics(output.probabilities(total / np.float32(count)), labels)
    return accuracy, -loss


def _alike(frames: LedgerFrames, keys: Collection[str] | None) -> list[Row]:
    """Return the rows of the finished trials that share their validation texts, the most there are, best first."""
    trials = frames.trials
    found = trials[(trials["status"] == "finished") & ~trials["validation"].isin(NOT_HELD_OUT)]
    found = found[(found["class_names"] != "") & found["val_accuracy"].notna()]
    found = found if keys is None else found[found["key"].isin(keys)]
    if not len(found):
        return []
    batch = found["batch_size"].where(found["validation"] == "first_batch", 0)
    texts = ["data_sha256", "reviews", "validation", "validation_share", "batch"]
    groups = found.assign(batch=batch).groupby(texts, sort=False, dropna=False)
    largest = max((rows for _, rows in groups), key=len)
    ranked = largest.sort_values(["val_accuracy", "key"], ascending=[False, True]).head(CANDIDATES)
    return [{str(name): value for name, value in row.items()} for row in ranked.to_dict("records")]


def _output(row: Row) -> Output:
    return output_of(len(json.loads(row["class_names"])), bool(row["multilabel"]))


def _candidates(trials: Sequence[Row], predictions: Predictions) -> dict[str, _Candidate]:
    found = {}
    for row in trials:
        arrays = predictions(row["key"])
        if arrays is not None and "validation" in arrays:
            output, labels = _output(row), (arrays["validation_label"], arrays["label"])
            validation, test = (logits_of(arrays[name], output) for name in ("validation", "best"))
            found[row["key"]] = _Candidate(row, validation, test, labels)
    return found


def _labels(candidates: Mapping[str, _Candidate], part: int) -> NDArray[Any]:
    return next(iter(candidates.values())).labels[part]


def _mean(candidates: Mapping[str, _Candidate], members: Counter[str], part: str) -> Floats:
    mean: Floats = np.mean([getattr(candidates[key], part) for key in members.elements()], axis=0, dtype=np.float32)
    return mean


def members_frame(found: Ensemble, frames: LedgerFrames) -> pd.DataFrame:
    """Return the rows of the members' trials in their order, and in `times` how often each counts."""
    rows = frames.trials.set_index("key", drop=False).loc[list(found.members)]
    return rows.assign(times=list(found.members.values())).reset_index(drop=True)
