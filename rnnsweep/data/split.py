"""What of the data one spec trains on, validates on and is tested on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rnnsweep.data.reviews import DataError, Dataset, Reviews
from rnnsweep.spec import Spec


@dataclass(frozen=True)
class Parts:
    """What one spec trains on, selects its best epoch by, and is tested on."""

    train: Reviews
    validation: Reviews
    test: Reviews


def split(spec: Spec, dataset: Dataset) -> Parts:
    """Return the reviews that a spec trains on, validates on and is tested on, in the order of the data.

    Validation is the last share of the training reviews, as Keras's `validation_split`, or the first batch of them, or
    the test set. Raises `DataError` if there are fewer reviews than the spec wants, or fewer than one batch.
    """
    train, test = dataset.train, dataset.test
    if spec.reviews is not None:
        if spec.reviews > len(train):
            raise DataError(
                f"{dataset.name} has {len(train):,} training reviews, not {spec.reviews:,}; lower --reviews"
            )
        train, test = train.first(spec.reviews), test.first(spec.reviews)
    if spec.validation == "test":
        parts = Parts(train, test, test)
    elif spec.validation == "first_batch":
        batch = min(spec.batch_size, len(train))
        parts = Parts(train.part(batch, len(train)), train.first(batch), test)
    else:
        until = math.floor(len(train) * (1.0 - float(spec.validation)))
        parts = Parts(train.first(until), train.part(until, len(train)), test)
    if len(parts.train) < spec.batch_size or not len(parts.validation):
        raise DataError(
            f"{dataset.name} leaves {len(parts.train):,} reviews for training and {len(parts.validation):,} for "
            f"validation, with batches of {spec.batch_size}; give more reviews or a smaller --batch-size"
        )
    return parts
