"""Which texts of a user's file are trained on and which are tested on, where the file does not say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnsweep.data.copies import copies_note, copies_of_words, with_copies
from rnnsweep.data.holdout import HeldOut, hold_out, split_rows, strata
from rnnsweep.data.reviews import SHUFFLE_SEED
from rnnsweep.types import Ints

TEST_SHARE = 0.2


def divide(
    split: Sequence[str] | None, whole: bool, words: Sequence[Sequence[str]], labels: Ints, groups: Ints | None
) -> tuple[list[str], list[str]]:
    """Return train, test or validation for each text, and lines on the test set and on copies.

    `split` is what the data says of each text (None: all train); where that is not the `whole` division, a fifth of the
    training texts is the test set. `labels` and `groups` are int64 [texts], `words` those of each text; of several
    labels a text, int64 [texts, labels], the test set is drawn at random, whichever labels its texts have.
    """
    divided = np.array(split or ["train"] * len(words), object)
    copy_ids = copies_of_words(words)
    notes = []
    if not whole:
        rows = np.flatnonzero(divided == "train")
        held = held_for_test(copy_ids[rows], labels[rows], None if groups is None else groups[rows])
        divided[rows[held.rows]] = "test"
        notes.append(f"the test set is made here: {held.note}")
    copied = int(copy_ids.max(initial=-1)) + 1 < len(copy_ids)
    return divided.tolist(), notes + ([_copies_line(divided, copy_ids, labels)] if copied else [])


def held_for_test(copy_ids: Ints, labels: Ints, groups: Ints | None = None) -> HeldOut:
    """Return which texts are the test set: copies of one text on one side, and whole groups where there are any.

    Each class gives its share; but two classes are drawn at random, as they always were, if both come of it. Raises
    `DataError`.
    """
    if labels.ndim == 2 and groups is None:
        rows = split_rows(copy_ids, strata(labels), TEST_SHARE, SHUFFLE_SEED)
        return HeldOut(rows, f"{rows.sum():,} of {len(rows):,} texts, at random")
    if groups is not None:
        return hold_out(with_copies(groups, copy_ids), strata(labels), TEST_SHARE, SHUFFLE_SEED, copy_ids)
    if len(np.unique(labels)) == 2:
        rows = split_rows(copy_ids, labels, TEST_SHARE, SHUFFLE_SEED)
        # Fewer than ten texts have a test set of one, which is of one class however it is drawn.
        if len(labels) < 10 or len(np.unique(labels[rows])) == len(np.unique(labels[~rows])) == 2:
            return HeldOut(rows, f"{rows.sum():,} of {len(rows):,} texts, at random")
    rows = hold_out(copy_ids, labels, TEST_SHARE, SHUFFLE_SEED, copy_ids).rows
    return HeldOut(rows, f"{rows.sum():,} of {len(rows):,} texts, at random, of each class its share")


def _copies_line(divided: NDArray[np.object_], copy_ids: Ints, labels: Ints) -> str:
    """Return how many texts are copies, and how many of the other sets' are copies of training texts."""
    trained = copy_ids[divided == "train"]
    parts = [copies_note(copy_ids, labels)]
    for which in ("validation", "test"):
        others = copy_ids[divided == which]
        shared = int(np.isin(others, trained).sum())
        if shared:
            parts.append(f"{shared:,} of the {len(others):,} {which} texts are copies of training texts")
    return "; ".join(parts if len(parts) > 1 else [*parts, "none stands on both sides of a split"])
