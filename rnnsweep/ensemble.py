"""An ensemble of networks that a ledger has: the mean of their logits, chosen greedily on the validation texts.

Ensemble selection from libraries of models: Caruana and others 2004. The test texts take no part in the choice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsweep.ledger import Ledger
from rnnsweep.network.output import Output, Softmax, output_of
from rnnsweep.spec import Spec
from rnnsweep.types import Floats, Row

CANDIDATES = 50  # the best by validation, of more
MOST = 20  # members, each as often as it was chosen
CERTAIN = 2.0**-12  # half precision knows no probability nearer to 1, but 1 itself


@dataclass(frozen=True)
class _Candidate:
    """A finished trial, as logits [texts, units] of the validation and test texts by its best epoch's weights."""

    row: Row
    validation: Floats
    test: Floats
    labels: tuple[NDArray[Any], NDArray[Any]]  # of the validation and of the test texts


def ensemble(ledger: Ledger, specs: Iterable[Spec]) -> Row | None:
    """Return the ensemble of these specs' finished trials that is best on validation, None where one alone is.

    Its row has `members` (how often each counts, by key), `val_accuracy`, `test_accuracy` and `test_loss` of the mean
    logits, and the sums of `seconds` and `params` over the members. Trials count that were validated on the same texts,
    never the test set, the most that there are of such, and whose validation predictions the ledger has.
    """
    alike = _alike(ledger, specs)
    candidates = _candidates(ledger, alike)
    if len(candidates) < 2:
        return None
    row = next(iter(candidates.values())).row
    output = output_of(len(row["class_names"]), row.get("multilabel", False))
    members = Counter(greedy({key: one.validation for key, one in candidates.items()}, _labels(candidates, 0), output))
    if len(members) < 2:
        return None
    found = [output.metrics(output.probabilities(_mean(candidates, members, part)), _labels(candidates, at))
             for at, part in enumerate(("validation", "test"))]  # fmt: skip
    sums = {name: sum(candidates[key].row[name] for key in members) for name in ("seconds", "params")}
    (_, validated), (loss, tested) = found
    return {"members": dict(members), "val_accuracy": validated, "test_accuracy": tested, "test_loss": loss, **sums}


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


def _score(total: Floats, count: int, labels: NDArray[Any], output: Output) -> tuple[float, float]:
    loss, accuracy = output.metrics(output.probabilities(total / np.float32(count)), labels)
    return accuracy, -loss


def _alike(ledger: Ledger, specs: Iterable[Spec]) -> list[tuple[str, Row]]:
    """Return key and row of the finished trials that share their validation texts, the most there are, best first."""
    results = ledger.results()
    groups: dict[Any, list[tuple[str, Row]]] = {}
    for spec in {spec.key: spec for spec in specs}.values():
        row = results.get(spec.key, {})
        if row.get("status") == "finished" and spec.validation != "test" and row.get("class_names"):
            batch = spec.batch_size if spec.validation == "first_batch" else 0
            texts = (spec.data_sha256, spec.reviews, str(spec.validation), spec.validation_share, batch)
            groups.setdefault(texts, []).append((spec.key, row))
    largest = max(groups.values(), key=len, default=[])
    return sorted(largest, key=lambda item: -item[1]["val_accuracy"])[:CANDIDATES]


def _candidates(ledger: Ledger, trials: Sequence[tuple[str, Row]]) -> dict[str, _Candidate]:
    found = {}
    for key, row in trials:
        arrays = ledger.predictions(key)
        if arrays is not None and "validation" in arrays:
            output = output_of(len(row["class_names"]), row.get("multilabel", False))
            labels = arrays["validation_label"], arrays["label"]
            found[key] = _Candidate(row, _logits(arrays["validation"], output), _logits(arrays["best"], output), labels)
    return found


def _logits(probabilities: NDArray[Any], output: Output) -> Floats:
    """Return float32 [texts, units], of a softmax its logarithms, whose mean is that of the logits but for a number."""
    known = np.clip(probabilities.astype(np.float32), CERTAIN, 1 - CERTAIN).reshape(len(probabilities), output.units)
    logits: Floats = np.log(known)
    return logits if isinstance(output, Softmax) else logits - np.log1p(-known)


def _labels(candidates: dict[str, _Candidate], part: int) -> NDArray[Any]:
    return next(iter(candidates.values())).labels[part]


def _mean(candidates: dict[str, _Candidate], members: Counter[str], part: str) -> Floats:
    mean: Floats = np.mean([getattr(candidates[key], part) for key in members.elements()], axis=0, dtype=np.float32)
    return mean
