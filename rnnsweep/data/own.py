"""Your own texts in Keras's numbering: what was understood of a file becomes a data set, ranks by frequency."""

from __future__ import annotations

from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnsweep.data import tokens
from rnnsweep.data.cache import content_sha256
from rnnsweep.data.reviews import (
    INDEX_FROM,
    OUT_OF_VOCABULARY,
    SHUFFLE_SEED,
    DataError,
    Dataset,
    Reviews,
    labels_of,
    reviews_of_ranks,
)
from rnnsweep.data.unpack import PACKED
from rnnsweep.types import Ints

if TYPE_CHECKING:
    from rnnsweep.data.understand import Understood


def name_of(path: Path) -> str:
    """Return what a data set is called: its file's name without its endings, `mine` for mine.csv.gz."""
    if path.is_dir():
        return path.resolve().name
    return Path(path.stem).stem if path.suffix.lower() in PACKED else path.stem


def dataset_of(understood: Understood, name: str) -> Dataset:
    """Return the texts in a shuffled order, since files are often sorted by label; ranks of the training texts' words.

    Raises `DataError` where there is no training or no test set, or one of them is of one class.
    """
    order = np.random.RandomState(SHUFFLE_SEED).permutation(len(understood.texts))
    split = np.array(understood.split)[order]
    words = tokens.vocabulary(understood.kind, compress(understood.words, understood.training))
    ranks = tokens.ranks_of(words)
    train, test = (_reviews(understood, order[split == which], which, ranks) for which in ("train", "test"))
    named = order[split == "validation"]
    validation = _reviews(understood, named, "validation", ranks) if len(named) else None
    groups = None if understood.groups is None else understood.groups[order[split == "train"]]
    sha256 = content_sha256(train, test, validation, groups)
    pieces = understood.kind.to_json() if understood.kind.learns else None
    return Dataset(
        name, sha256, True, understood.labels.names, train, test, validation, words, understood.kind.name, groups,
        understood.notes, pieces,
    )  # fmt: skip


def _reviews(understood: Understood, rows: Ints, which: str, ranks: dict[str, int]) -> Reviews:
    called = f"{understood.name}: {'training' if which == 'train' else which}"
    if not len(rows):
        raise DataError(f"{called} reviews are missing; give rows that are for it, or a file with --test")
    unseen = OUT_OF_VOCABULARY - INDEX_FROM
    lists = tokens.encoded((understood.words[i] for i in rows), ranks, unseen)
    classes = len(understood.labels.names)
    return reviews_of_ranks(lists, labels_of(understood.labels.codes[rows], classes), called, unseen, classes)
