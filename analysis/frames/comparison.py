"""Two networks, or a network and a stranger's predictions: how far their test accuracies part, and on which reviews.

Random are the test reviews, and the seeds of a network that has several. What has one seed, or none, as a file of
predictions, is taken as it is: nothing is said of what another training of it would do.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from analysis.frames.predictions import class_names, count_classes
from analysis.frames.trials import finished, held_out
from rnnsweep.cells import CELLS
from rnnsweep.choice import NETWORK
from rnnsweep.choice import right as judged
from rnnsweep.errors import UserError
from rnnsweep.spec import Spec
from rnnsweep.stats import CONFIDENCE, DIFFERENCE, Sample, contrast, sample
from rnnsweep.types import Floats, Predictions

BEST, LAST = "best", "last"
MOST = 10  # reviews that are named
PREDICTION, PROBABILITY = "prediction", "probability"  # columns of a file of predictions
THESE = "reviews (these two as they are trained)"


@dataclass(frozen=True)
class Side:
    """One of the two: its name, and what its seeds say of the test reviews."""

    name: str
    right: NDArray[np.bool_]  # [seeds, reviews]
    certainty: Floats  # [reviews]: the probability of the true class, mean over the seeds
    key: str = ""  # of the first seed; '' for a file

    @property
    def seeds(self) -> int:
        """Number of seeds; 1 for a file."""
        return len(self.right)

    @property
    def accuracy(self) -> float:
        """Mean accuracy on the test reviews."""
        return float(self.right.mean())


@dataclass(frozen=True)
class Comparison:
    """How far two sides part: a difference of accuracies, first minus second, and the reviews behind it."""

    first: Side
    second: Side
    data: str
    epoch: str  # whose weights: of the best epoch by validation, or of the last
    difference: float
    low: float
    high: float
    p: float
    random: str  # what is random in the interval
    reviews: pd.DataFrame  # review (from 0), true, first, second (probabilities of it): where they differ, most first


class _Fixed(Sample):
    """A classifier as it is: nothing random is in it but the reviews it meets."""

    @property
    def variance(self) -> float:
        """0."""
        return 0.0


def compare(
    names: Sequence[str], trials: pd.DataFrame, specs: Mapping[str, Spec], predictions: Predictions, epoch: str = ""
) -> Comparison:
    """Return the comparison of two sides, each the key, label or system of a network of the ledger, or a CSV's path.

    `trials` are prepared. A key stands for its network, with all its seeds. `epoch` is `best` or `last`; without it,
    it is the best one where both chose it by held-out reviews. Raises `UserError` where a side cannot be found, where
    a name has several networks, or where the two do not predict the same reviews.
    """
    if "" in names:
        raise UserError("'' names no network; give a key, a network's label, or a CSV of predictions")
    known = [None if _is_file(name) else _network(name, trials, specs) for name in names]
    inside = [rows for rows in known if rows is not None]
    if not inside:
        raise UserError("both are files; give a network of the ledger for one of them, which knows the true classes")
    chosen = epoch or (BEST if all(len(held_out(rows)) == len(rows) for rows in inside) else LAST)
    label, classes = _truth(inside, predictions)
    sides = [
        _of_file(name, label, classes) if rows is None else _of_ledger(rows, specs, predictions, chosen, label)
        for name, rows in zip(names, known, strict=True)
    ]
    first, second = sides
    return Comparison(
        first, second, str(inside[0]["data"].iloc[0]), chosen, *_difference(first, second),
        _farthest(first, second, [_named(one, classes) for one in label]),
    )  # fmt: skip


def _is_file(name: str) -> bool:
    return name.endswith(".csv") or Path(name).is_file()


# A side of the ledger.
def _network(name: str, trials: pd.DataFrame, specs: Mapping[str, Spec]) -> pd.DataFrame:
    """Return the finished trials of the network of this name, in the order of their seeds."""
    done = finished(trials)
    fields = done[NETWORK].astype("string").fillna("").agg("|".join, axis=1)
    of_key = done["key"] == name
    if of_key.any():
        same: pd.DataFrame = done[fields == fields[of_key].iloc[0]]
        return same.sort_values("seed")
    if (trials["key"] == name).any():
        raise UserError(f"{name} has no result: its trial is {trials.loc[trials['key'] == name, 'status'].iloc[0]}")
    called = [
        name == system or _plain(name) in _labels(specs[key]) for key, system in done[["key", "system"]].to_numpy()
    ]
    named: pd.DataFrame = done[np.array(called, dtype=bool)]
    if not len(named):
        raise UserError(
            f"nothing finished in the ledger is called {name}; give a key, a network's label (gru 100-50 · 1,000 words "
            "· 500 steps), the id of one of the eight systems, or a CSV of predictions"
        )
    several = fields[named.index]
    if several.nunique() > 1:
        keys = ", ".join(sorted(named.groupby(several)["key"].first()))
        raise UserError(f"{name} is {several.nunique()} networks of the ledger; give a key of the one you mean: {keys}")
    return named.sort_values("seed")


def _labels(spec: Spec) -> set[str]:
    return {_plain(spec.label()), _plain(spec.label(CELLS[spec.cell].title))}


def _plain(label: str) -> str:
    """Return a label without what a person may leave out: commas, points between, capitals."""
    return " ".join(label.replace(",", "").replace("·", " ").casefold().split())


def _truth(inside: Sequence[pd.DataFrame], predictions: Predictions) -> tuple[NDArray[Any], list[str]]:
    """Return the true classes, [reviews], and their names; raises where the sides have not the same reviews."""
    labels = [_stored(rows["key"].iloc[0], predictions)["label"] for rows in inside]
    which = {(row["data_sha256"], row["reviews_used"]) for rows in inside for _, row in rows.iterrows()}
    if len(which) > 1 or not all(np.array_equal(labels[0], other) for other in labels):
        raise UserError("the two were not tested on the same reviews; compare networks of the same data")
    first: dict[str, Any] = inside[0].iloc[0].to_dict()  # type: ignore[assignment]  # its columns are words
    probabilities = _stored(first["key"], predictions)[LAST]
    return labels[0], class_names(first, count_classes(probabilities))


def _named(label: Any, classes: Sequence[str]) -> str:
    """Return the name of a class, or of several labels, 0 and 1 each, the names of those that are 1."""
    if np.ndim(label):
        return ", ".join(name for name, on in zip(classes, label, strict=True) if on) or "none"
    return str(classes[label])


def _stored(key: str, predictions: Predictions) -> Mapping[str, NDArray[Any]]:
    found = predictions(key)
    if found is None:
        raise UserError(f"the predictions of trial {key} are not in the ledger; delete its folder and train it again")
    return found


def _of_ledger(
    rows: pd.DataFrame, specs: Mapping[str, Spec], predictions: Predictions, epoch: str, label: NDArray[Any]
) -> Side:
    key = rows["key"].iloc[0]
    stored = [_stored(one, predictions)[epoch] for one in rows["key"]]
    right = np.stack([judged(label, one) for one in stored])
    certainty = np.stack([_of_true(one, label) for one in stored]).mean(axis=0)
    system = str(rows["system"].iloc[0])
    name = specs[key].label(CELLS[specs[key].cell].title)
    return Side(f"{system} ({name})" if system else name, right, certainty, key)


def _of_true(probabilities: NDArray[Any], label: NDArray[Any]) -> Floats:
    """Return the probability of each review's true class, or of several labels their mean, float32 [reviews]."""
    values = np.asarray(probabilities, dtype=np.float32)
    if values.ndim == 1:
        return np.where(label == 1, values, 1 - values)
    if label.ndim > 1:
        return np.asarray(np.where(label == 1, values, 1 - values).mean(axis=1))
    return np.asarray(np.take_along_axis(values, label.astype(np.int64)[:, None], axis=1)[:, 0])


# A side of a file.
def _of_file(path: str, label: NDArray[Any], classes: Sequence[str]) -> Side:
    """Return a stranger's predictions: a column `prediction` of classes or `probability` of class 1, in order."""
    if label.ndim > 1:
        raise UserError(f"{path}: a file has one class a review, and this data has several labels; give two networks")
    columns, rows = _read(path)
    if len(rows) != len(label):
        raise UserError(f"{path} has {len(rows):,} rows; give one per test review, {len(label):,}, in their order")
    if PROBABILITY in columns:
        if len(classes) > 2:
            raise UserError(f"{path}: a probability is of two classes, and there are {len(classes)}; give {PREDICTION}")
        values = np.array(
            [_probability(path, row[PROBABILITY], place) for place, row in enumerate(rows, 2)], np.float32
        )
        return Side(path, judged(label, values)[None], _of_true(values, label))
    numbers = {name: number for number, name in enumerate(classes)}
    numbers = {str(number): number for number in range(len(classes))} | numbers
    guesses = [_class(path, row[PREDICTION], place, numbers) for place, row in enumerate(rows, 2)]
    right = np.array(guesses) == label
    return Side(path, right[None], right.astype(np.float32))


def _read(path: str) -> tuple[Sequence[str], list[dict[str, str]]]:
    try:
        reader = csv.DictReader(io.StringIO(Path(path).read_text(encoding="utf-8-sig")))
        columns, rows = reader.fieldnames or (), list(reader)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}; give the path of a CSV") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is no CSV in UTF-8: {error}") from None
    if not {PREDICTION, PROBABILITY} & set(columns):
        given = ", ".join(map(str, columns)) or "none"
        raise UserError(f"{path} has the columns {given}; give {PREDICTION} (of classes) or {PROBABILITY} (of class 1)")
    return columns, rows


def _probability(path: str, text: str | None, line: int) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = np.nan
    if not 0 <= value <= 1:
        raise UserError(f"{path}, line {line}: {text!r} is no {PROBABILITY}; give a number from 0 to 1")
    return value


def _class(path: str, text: str | None, line: int, numbers: Mapping[str, int]) -> int:
    name = (text or "").strip()
    if name not in numbers:
        raise UserError(f"{path}, line {line}: {text!r} is no class; the classes are {', '.join(numbers)}")
    return numbers[name]


# The difference.
def _difference(first: Side, second: Side) -> tuple[float, float, float, float, str]:
    """Return first minus second, its interval (low, high), its two-sided p-value, and what is random in these."""
    several = [side for side in (first, second) if side.seeds > 1]
    if not several:
        return *_of_reviews(first.right[0], second.right[0]), THESE
    found = contrast([_sample(first), _sample(second)], [1.0, -1.0], DIFFERENCE)
    random = "seeds and reviews" if len(several) == 2 else f"reviews, and the seeds of {several[0].name}"
    p = 2 * min(found.p_beyond(0.0)) if found.decidable else np.nan
    return found.estimate, *found.interval(), p, random


def _sample(side: Side) -> Sample:
    found = sample(side.right.mean(axis=1), side.right)
    return found if side.seeds > 1 else _Fixed(found.values, found.shares, 0.0)


def _of_reviews(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Return the mean difference over the reviews, Student's interval of it and p; nan where they never differ."""
    each = first.astype(np.float64) - second
    mean, n = float(each.mean()), len(each)
    se = float(each.std(ddof=1)) / n**0.5 if n > 1 else 0.0
    if not se > 0:
        return mean, np.nan, np.nan, np.nan
    half = float(special.stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * se
    p = 2 * float(special.stdtr(n - 1, -abs(mean) / se))
    return mean, max(mean - half, -1.0), min(mean + half, 1.0), p


def _farthest(first: Side, second: Side, truth: Sequence[str]) -> pd.DataFrame:
    apart = np.abs(first.certainty.astype(np.float64) - second.certainty)
    order = np.argsort(-apart, kind="stable")[: min(MOST, np.count_nonzero(apart))]
    return pd.DataFrame(
        {
            "review": order,
            "true": [truth[place] for place in order],
            "first": first.certainty[order],
            "second": second.certainty[order],
        }
    )
