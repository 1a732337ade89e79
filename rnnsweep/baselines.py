"""The bar: what linear models get from the same words, lengths and reviews as the networks, in seconds.

TF-IDF with logistic regression, and NB-SVM (Wang and Manning, "Baselines and Bigrams", ACL 2012): of words, and of
words and pairs of neighbours. They see what the networks see: encoded reviews without their padding, so that the start
token and the one for words out of vocabulary count as words. C is chosen on the validation reviews; a refit is
what was chosen, trained again on both. Beside them the share of the commonest class, which is no model at all.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rnnsweep.data.reviews import Reviews, encode
from rnnsweep.data.split import Parts
from rnnsweep.ledger import COMMONEST
from rnnsweep.spec import Spec
from rnnsweep.types import Ints, Row

FORMAT = 1  # of what is computed: a new number computes all lines again
ENCODED, MOST_ROWS = 8_000_000, 1_000_000  # ids and reviews that are encoded at a time
FEWEST = 2  # training reviews that hold a word or a pair, else it is left out: it says nothing of others
BETA = 0.25  # of NB-SVM: how far each weight keeps its own value, instead of the mean of all
LR_C = (1.0, 3.0, 10.0, 30.0)
SVM_C = (0.003, 0.01, 0.03, 0.1)
LINES = (COMMONEST, "tfidf_lr_1", "tfidf_lr_2", "nbsvm_2")
Scores = Callable[[sparse.csr_matrix], NDArray[np.float64]]  # counts [reviews, features] -> [reviews, classes]
Fit = Callable[[float], Scores]  # by C


@dataclass(frozen=True, kw_only=True)
class BaselineSettings:
    """All that changes a linear line's numbers; `key` names its files."""

    data_sha256: str  # checksum of the data's content
    reviews: int | None  # the first N training and test reviews; None: all
    validation: float | str  # as in the spec
    num_words: int  # as in the spec
    max_len: int  # as in the spec
    validation_share: float = 0.2  # as in the spec
    batch_size: int | None = None  # reviews of the first batch, where that is the validation set

    @classmethod
    def of(cls, spec: Spec) -> BaselineSettings:
        """Return the settings of the lines that stand beside a spec's network."""
        batch = spec.batch_size if spec.validation == "first_batch" else None
        names = ("data_sha256", "reviews", "validation", "num_words", "max_len", "validation_share")
        return cls(**{name: getattr(spec, name) for name in names}, batch_size=batch)


@dataclass(frozen=True)
class Baseline:
    """What one line gets: a row of the ledger, and what it says of each test review."""

    row: Row  # model, settings, C, accuracies, seconds and numbers of reviews
    predicted: NDArray[Any]  # [test reviews], classes; of several labels 0 and 1 [test reviews, labels]
    scores: NDArray[np.float16]  # [test reviews, classes]: probabilities, or of nbsvm_2 distances from the border


def baseline_key(settings: BaselineSettings) -> str:
    """Return the first 12 hex digits of the sha256 of the settings, which name the files of their lines."""
    return _key(asdict(settings) | {"format": FORMAT})


def refit_key(settings: BaselineSettings) -> str:
    """Return the same of the lines whose C was chosen in this setting, trained again on all of its reviews."""
    return _key(asdict(settings) | {"format": FORMAT, "refit": True})


def _key(fields: Row) -> str:
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def baselines(
    parts: Parts, settings: BaselineSettings, models: Sequence[str] = LINES, choices: Sequence[float] = ()
) -> list[Baseline]:
    """Return these lines of one data set and setting, computed on one core, the same on every call.

    `choices` are the values of C to choose from, ascending, instead of each model's own. Raises `DataError` as `encode`
    does.
    """
    return _computed(parts, settings, dict.fromkeys(models, tuple(choices)), refit=False)


def refitted(parts: Parts, settings: BaselineSettings, chosen: Mapping[str, float | None]) -> list[Baseline]:
    """Return the lines with the C that each has by its name, trained on these parts, which hold nothing out.

    `settings` are those in which it was chosen.
    """
    choices = {name: () if c is None else (c,) for name, c in chosen.items()}
    lines = _computed(parts, settings, choices, refit=True)
    for line in lines:
        for name in [name for name in line.row if name.startswith("val_")]:
            del line.row[name]
    return lines


def _computed(
    parts: Parts, settings: BaselineSettings, models: Mapping[str, Sequence[float]], refit: bool
) -> list[Baseline]:
    """Return these lines, each with the best of its values of C, of its model's own where there are none."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():
        # A fit that was cut off is a model like any other: the validation reviews judge it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        features = functools.cache(lambda pairs: _Features(parts, settings, pairs))
        rows = [
            _commonest(parts) if name == COMMONEST else _line(name, features(MODELS[name].pairs), parts, choices)
            for name, choices in models.items()
        ]
    common = asdict(settings) | {
        "train_reviews": len(parts.train),
        "validation_reviews": len(parts.validation),
        "test_reviews": len(parts.test),
        "refit": refit,
    }
    return [Baseline(line.row | common, line.predicted, line.scores) for line in rows]


def baseline_files(lines: list[Baseline]) -> tuple[bytes, bytes]:
    """Return what is kept of the lines of one setting: their rows as JSON, and their predictions as npz."""
    arrays = {f"{line.row['model']}_{name}": getattr(line, name) for line in lines for name in ("predicted", "scores")}
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return json.dumps([line.row for line in lines], indent=1, sort_keys=True).encode() + b"\n", file.getvalue()


def read_baselines(rows: bytes, predictions: bytes) -> list[Baseline]:
    """Return the lines that `baseline_files` made these bytes of."""
    with np.load(io.BytesIO(predictions), allow_pickle=False) as arrays:
        return [
            Baseline(row, arrays[f"{row['model']}_predicted"], arrays[f"{row['model']}_scores"])
            for row in json.loads(rows)
        ]


class _Features:
    """How often each word, and with `pairs` each pair of neighbours, stands in each review of the parts."""

    def __init__(self, parts: Parts, settings: BaselineSettings, pairs: bool) -> None:
        begin = time.thread_time()
        found = [_found(reviews, settings, pairs) for reviews in (parts.train, parts.validation, parts.test)]
        names, holders = np.unique(found[0][1], return_counts=True)
        kept = names[holders >= FEWEST]
        names = kept if len(kept) else names  # a handful of reviews may share nothing
        sets = (parts.train, parts.validation, parts.test)
        self.train, self.validation, self.test = (
            _counts(len(reviews), *columns, names) for reviews, columns in zip(sets, found, strict=True)
        )
        self.seconds = time.thread_time() - begin


def _found(reviews: Reviews, settings: BaselineSettings, pairs: bool) -> tuple[Ints, Ints, Ints]:
    """Return three int64 [features of all reviews]: the review, the feature's name and how often it stands there."""
    steps = min(settings.max_len, int(reviews.lengths.max(initial=1)))
    size = min(MOST_ROWS, max(1, ENCODED // steps))
    blocks = []
    for start in range(0, max(len(reviews), 1), size):
        ids = encode(reviews.part(start, min(start + size, len(reviews))), settings.num_words, steps).astype(np.int64)
        row, column = np.nonzero(ids)
        names = ids[row, column]
        if pairs:
            # Padding stands in front only, so that what follows in a row are neighbours. No token is 0, so that the
            # number of a pair is that of no token.
            second = np.flatnonzero(row[1:] == row[:-1]) + 1
            row = np.append(row, row[second])
            names = np.append(names, names[second - 1] * settings.num_words + names[second])
        # One sort of one number; a million reviews of a million words still fit into it.
        base = settings.num_words**2
        both, times = np.unique(row * base + names, return_counts=True)
        blocks.append((both // base + start, both % base, times))
    row, names, times = (np.concatenate(column) for column in zip(*blocks, strict=True))
    return row, names, times


def _counts(reviews: int, row: Ints, found: Ints, times: Ints, names: Ints) -> sparse.csr_matrix:
    """Return float64 [reviews, names]; other names are left out."""
    column = np.minimum(np.searchsorted(names, found), len(names) - 1)
    known = names[column] == found
    return sparse.csr_matrix((times[known].astype(float), (row[known], column[known])), shape=(reviews, len(names)))


def _line(name: str, features: _Features, parts: Parts, choices: Sequence[float]) -> Baseline:
    model = MODELS[name]
    begin = time.thread_time()
    truth = _Truth(parts)
    fit = model.method(features.train, truth.labels, truth.classes)
    prepared = time.thread_time()
    tried = []
    for c in choices or model.choices:
        started = time.thread_time()
        scores = fit(c)
        seconds = time.thread_time() - started
        tried.append((truth.judged(features.validation, scores, model.border), c, seconds, scores))
    _, c, fitted, scores = max(tried, key=lambda one: one[0])  # of equal ones the smaller C, the simpler model
    chosen = time.thread_time()
    test = scores(features.test)
    end = time.thread_time()
    predicted = truth.said(test, model.border)
    held = len(parts.validation) > 0
    validated = truth.said(scores(features.validation), model.border) if held else predicted[:0]
    row = {
        "model": name,
        "C": c,
        **_accuracies(validated, predicted, parts),
        # As a network's seconds are those of its own training: reviews to words, one fit, the test set.
        "seconds": features.seconds + prepared - begin + fitted + end - chosen,
        "choice_seconds": chosen - prepared - fitted,  # the other values of C
    }
    return Baseline(row, predicted, truth.columns(test))


class _Truth:
    """What the training reviews are: one of several classes each, or 0 and 1 of several labels."""

    def __init__(self, parts: Parts) -> None:
        given = parts.train.labels
        self._parts, self._several = parts, given.ndim == 2
        # Of classes those that a training review has; of labels those that some have and some have not.
        self._known = np.flatnonzero(given.any(0) & ~given.all(0)) if self._several else np.unique(given)
        self.labels: Ints = (
            given[:, self._known].astype(np.int64) if self._several else np.searchsorted(self._known, given)
        )
        self.classes = len(self._known)

    def said(self, scores: NDArray[np.float64], border: float) -> NDArray[Any]:
        """Return the class of each review, or of several labels 1 where its score is above the border."""
        if not self._several:
            classes: NDArray[Any] = self._known[scores.argmax(1)]
            return classes
        found = np.tile(self._parts.train.labels.all(0).astype(np.uint8), (len(scores), 1))
        found[:, self._known] = scores > border
        return found

    def judged(self, validation: sparse.csr_matrix, scores: Scores, border: float) -> float:
        """Return what C is chosen by on the validation reviews: the accuracy, or of several labels their micro F1."""
        given = self._parts.validation.labels
        if not len(given):  # which scikit-learn would refuse
            return float("nan")
        said = self.said(scores(validation), border)
        if not self._several:
            return float((said == given).mean())
        return float(2 * (said & given).sum() / max(1, said.sum(dtype=np.int64) + given.sum(dtype=np.int64)))

    def columns(self, scores: NDArray[np.float64]) -> NDArray[np.float16]:
        """Return the scores with a column for each class or label, nan for those that were not learned."""
        if not self._several:
            return _of_all_classes(scores, self._known.astype(np.int64), self._parts)
        whole = np.full((len(scores), self._parts.train.labels.shape[1]), np.nan, np.float16)
        whole[:, self._known] = np.clip(scores, np.finfo(np.float16).min, np.finfo(np.float16).max)
        return whole


def _accuracies(validation: NDArray[Any], test: NDArray[Any], parts: Parts) -> Row:
    """Return accuracy and macro F1 of what is said of both sets, and of several labels micro F1, by column."""
    from sklearn.metrics import f1_score

    row: Row = {}
    for part, said, reviews in (("val", validation, parts.validation), ("test", test, parts.test)):
        given = reviews.labels
        right = (said == given).all(1) if given.ndim == 2 else said == given
        row[f"{part}_accuracy"] = float(right.mean()) if len(given) else float("nan")
        if not len(given):
            continue
        counted = given.any(0) | said.any(0) if given.ndim == 2 else slice(None)
        both = (given[:, counted], said[:, counted]) if given.ndim == 2 else (given, said)
        row[f"{part}_macro_f1"] = float(f1_score(*both, average="macro", zero_division=0))
        if given.ndim == 2:
            row[f"{part}_micro_f1"] = float(f1_score(given, said, average="micro", zero_division=0))
    return row


def _of_all_classes(scores: NDArray[np.float64], classes: Ints, parts: Parts) -> NDArray[np.float16]:
    """Return the scores with a column for each class, nan for those that no training review has."""
    many = 1 + max(int(reviews.labels.max(initial=1)) for reviews in (parts.train, parts.validation, parts.test))
    whole = np.full((len(scores), many), np.nan, np.float16)
    whole[:, classes] = np.clip(scores, np.finfo(np.float16).min, np.finfo(np.float16).max)
    return whole


def _commonest(parts: Parts) -> Baseline:
    """Return the line of the commonest class, or of several labels that of those that most reviews have."""
    begin = time.thread_time()
    given = parts.train.labels
    shares = given.mean(0) if given.ndim == 2 else np.bincount(given) / len(given)
    one = (shares > 0.5).astype(np.uint8) if given.ndim == 2 else np.array(shares.argmax(), given.dtype)
    validation, predicted = (np.tile(one, (len(part), *[1] * one.ndim)) for part in (parts.validation, parts.test))
    row = {
        "model": COMMONEST,
        "C": None,
        **_accuracies(validation, predicted, parts),
        "seconds": time.thread_time() - begin,
        "choice_seconds": 0.0,
    }
    scores = np.tile(shares, (len(parts.test), 1))
    if given.ndim == 2:
        return Baseline(row, predicted, scores.astype(np.float16))
    return Baseline(row, predicted, _of_all_classes(scores, np.arange(len(shares)), parts))


def _tfidf_lr(counts: sparse.csr_matrix, labels: Ints, classes: int) -> Fit:
    """Return the fit of logistic regression on TF-IDF with logarithmic counts.

    From three classes, it is one against the rest: a multinomial fit takes six times as long, and was no better (16
    topics of Debian's packages: .803 against .811).
    """
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    scale = TfidfTransformer(sublinear_tf=True).fit(counts)
    rows = scale.transform(counts)

    def fit(c: float) -> Scores:
        model = LogisticRegression(C=c, solver="liblinear", max_iter=300)
        model = (model if classes == 2 and labels.ndim == 1 else OneVsRestClassifier(model)).fit(rows, labels)
        return lambda others: model.predict_proba(scale.transform(others))

    return fit


def _nbsvm(counts: sparse.csr_matrix, labels: Ints, classes: int) -> Fit:
    """Return the fit of NB-SVM on what stands in a review, however often; one class against the rest from three."""
    from sklearn.svm import LinearSVC

    present = counts.astype(bool).astype(float)
    of_each = labels.T == 1 if labels.ndim == 2 else [labels == one for one in range(classes)]
    positives = of_each[1:] if classes == 2 and labels.ndim == 1 else of_each
    ratios = [_log_count_ratio(present, positive) for positive in positives]

    def fit(c: float) -> Scores:
        weights, biases = [], []
        for positive, ratio in zip(positives, ratios, strict=True):
            model = LinearSVC(C=c, random_state=0).fit(present @ sparse.diags(ratio), positive)
            own = model.coef_.ravel()
            weights.append(ratio * ((1 - BETA) * np.abs(own).mean() + BETA * own))
            biases.append(BETA * model.intercept_[0])
        linear = np.stack(weights, 1)
        both = _both if labels.ndim == 1 else lambda scores: scores
        return lambda others: both(others.astype(bool).astype(float) @ linear + biases)

    return fit


def _log_count_ratio(present: sparse.csr_matrix, positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return float64 [features]: the logarithm of how much commoner a feature is in the class than outside it."""
    inside, outside = (1 + np.asarray(present[rows].sum(0)).ravel() for rows in (positive, ~positive))
    ratio: NDArray[np.float64] = np.log((inside / inside.sum()) / (outside / outside.sum()))
    return ratio


def _both(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the scores of both classes where there is one column for two."""
    return np.concatenate([-scores, scores], 1) if scores.shape[1] == 1 else scores


@dataclass(frozen=True)
class _Model:
    pairs: bool  # whether pairs of words count beside words
    method: Callable[[sparse.csr_matrix, Ints, int], Fit]
    choices: tuple[float, ...]  # of C, ascending
    border: float  # of several labels, a review has those that score above it


MODELS = {
    "tfidf_lr_1": _Model(False, _tfidf_lr, LR_C, 0.5),
    "tfidf_lr_2": _Model(True, _tfidf_lr, LR_C, 0.5),
    "nbsvm_2": _Model(True, _nbsvm, SVM_C, 0.0),
}
