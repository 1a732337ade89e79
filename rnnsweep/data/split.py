"""What of the data one spec trains on, validates on and is tested on."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnnsweep.data.copies import copies, shared_between, with_copies
from rnnsweep.data.groups import known_groups
from rnnsweep.data.holdout import HeldOut, hold_out, strata, uncut
from rnnsweep.data.reviews import SHUFFLE_SEED, DataError, Dataset, Reviews
from rnnsweep.spec import NONE_HELD_OUT, Spec
from rnnsweep.types import Ints

T = TypeVar("T")
SEED = SHUFFLE_SEED  # of what is held out: the same texts for every network, and for every seed of its weights


@dataclass(frozen=True)
class Parts:
    """What one spec trains on, selects its best epoch by, and is tested on."""

    train: Reviews
    validation: Reviews
    test: Reviews
    note: str = ""  # how the validation reviews were chosen, where that is more than a share of them


def split(spec: Spec, dataset: Dataset) -> Parts:
    """Return the reviews that a spec trains on, validates on and is tested on, in the order of the data.

    Validation is the last share of the training reviews, as Keras's `validation_split`, or the first batch of them, or
    the test set, or whole groups of texts; rows that a file itself names for it are taken in place of the usual share.
    With `none` there is no validation review: those that a file names for it are trained on, behind the others.
    Of a user's file, copies of one text stand on one side, and of three classes or more each gives its share; several
    labels a text are left to chance. Raises `DataError` if there are fewer reviews than the spec wants, or fewer than
    one batch, or no groups to hold out.
    """
    parts = _LATEST.get(dataset, ("parts", *_setting(spec)), lambda: _parts(spec, dataset))
    wanted = spec.validation != NONE_HELD_OUT
    if len(parts.train) < spec.batch_size or (wanted and not len(parts.validation)):
        raise DataError(
            f"{dataset.name} leaves {len(parts.train):,} reviews for training and {len(parts.validation):,} for "
            f"validation, with batches of {spec.batch_size}; give more reviews or a smaller --batch-size"
        )
    return parts


def shared_with_training(spec: Spec, dataset: Dataset) -> NDArray[np.bool_]:
    """Return bool [test reviews of a spec], true for copies of one of its training or validation reviews."""

    def shared() -> NDArray[np.bool_]:
        train, test = _train_and_test(spec, dataset)
        return shared_between(train if spec.validation != NONE_HELD_OUT else _all(spec, dataset, train), test)

    return _LATEST.get(dataset, ("shared", spec.reviews, spec.validation == NONE_HELD_OUT), shared)


def names_validation(spec: Spec, dataset: Dataset) -> bool:
    """Return whether a spec validates on the rows that the file names for it: where it says nothing of its own."""
    return dataset.validation is not None and spec.validation == Spec.validation


def _setting(spec: Spec) -> tuple[Hashable, ...]:
    batch = spec.batch_size if spec.validation == "first_batch" else None
    return spec.reviews, spec.validation, spec.validation_share, batch


def _train_and_test(spec: Spec, dataset: Dataset) -> tuple[Reviews, Reviews]:
    train, test = dataset.train, dataset.test
    if spec.reviews is None:
        return train, test
    if spec.reviews > len(train):
        raise DataError(f"{dataset.name} has {len(train):,} training reviews, not {spec.reviews:,}; lower --reviews")
    return train.first(spec.reviews), test.first(spec.reviews)


def _parts(spec: Spec, dataset: Dataset) -> Parts:
    train, test = _train_and_test(spec, dataset)
    if spec.validation == "test":
        return Parts(train, test, test)
    if spec.validation == NONE_HELD_OUT:
        return Parts(_all(spec, dataset, train), train.first(0), test, "no text is held out: all are trained on")
    if dataset.validation is not None and names_validation(spec, dataset):
        named = _named(spec, dataset.validation)
        return Parts(train, named, test, f"the {len(named):,} rows that {dataset.name} names for it")
    held = _held_out(spec, dataset, train)
    return Parts(_taken(train, ~held.rows), _taken(train, held.rows), test, held.note)


def _named(spec: Spec, validation: Reviews) -> Reviews:
    return validation if spec.reviews is None else validation.first(spec.reviews)


def _all(spec: Spec, dataset: Dataset, train: Reviews) -> Reviews:
    """Return the training reviews with those behind them that the file names for validation."""
    return train if dataset.validation is None else train.and_then(_named(spec, dataset.validation))


def _held_out(spec: Spec, dataset: Dataset, train: Reviews) -> HeldOut:
    """Return which of the training reviews are for validation."""
    if spec.validation == "grouped":
        return _groups_held_out(spec, dataset, train)
    plain = np.zeros(len(train), bool)
    first = spec.validation == "first_batch"
    until = min(spec.batch_size, len(train)) if first else math.floor(len(train) * (1.0 - float(spec.validation)))
    plain[slice(until) if first else slice(until, None)] = True
    if len(dataset.classes) > 2 and not first and not dataset.multilabel:
        copy_ids = _copies(dataset, train)
        rows = hold_out(copy_ids, _classes(train), float(spec.validation), SEED, copy_ids).rows
        return HeldOut(rows, f"{rows.sum():,} of {len(rows):,} texts held out at random, of each class its share")
    if not _is_users(dataset):
        return HeldOut(plain, "")
    rows = uncut(plain, _copies(dataset, train), _classes(train), float(plain.mean()), SEED)
    moved = "" if rows is plain else f"{rows.sum():,} of {len(rows):,} texts held out at random, copies of one together"
    return HeldOut(rows, moved)


def _groups_held_out(spec: Spec, dataset: Dataset, train: Reviews) -> HeldOut:
    copy_ids, share = _copies(dataset, train), spec.validation_share
    if dataset.groups is not None:
        named = with_copies(dataset.groups[: len(train)], copy_ids)
        held = hold_out(named, _classes(train), share, SEED, divide=False)
        return HeldOut(held.rows, f"{held.note}; groups as the data name them")
    groups, seconds = known_groups(train)
    held = hold_out(groups, _classes(train), share, SEED, copy_ids)
    return HeldOut(held.rows, f"{held.note}; groups were looked for among shared rare words, {seconds:.1f} s")


def _is_users(dataset: Dataset) -> bool:
    """Return whether it is a user's table or folder of texts: those have words. A published .npz stays as it is."""
    return dataset.vocabulary is not None


def _copies(dataset: Dataset, train: Reviews) -> Ints:
    return _LATEST.get(dataset, ("copies", len(train)), lambda: copies(train))


def _classes(reviews: Reviews) -> Ints:
    return strata(reviews.labels.astype(np.int64))


def _taken(reviews: Reviews, rows: NDArray[np.bool_]) -> Reviews:
    """Return the reviews of bool [reviews], without a copy of their tokens where they lie side by side."""
    at = np.flatnonzero(rows)
    if len(at) and at[-1] - at[0] + 1 == len(at):
        return reviews.part(int(at[0]), int(at[-1]) + 1)
    offsets = np.concatenate(([0], np.cumsum(reviews.lengths[at])))
    return Reviews(reviews.tokens[np.repeat(rows, reviews.lengths)], offsets, reviews.labels[at])


@dataclass
class _Latest:
    """What was worked out of the data set that was used last: a sweep asks the same of one for every spec."""

    dataset: Dataset | None = None
    known: dict[Hashable, Any] = field(default_factory=dict)

    def get(self, dataset: Dataset, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` returned for this data set and key."""
        if dataset is not self.dataset:
            self.dataset, self.known = dataset, {}
        if key not in self.known:
            self.known[key] = make()
        found: T = self.known[key]
        return found


_LATEST = _Latest()
