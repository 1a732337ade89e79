"""Which texts are held out when some belong together: whole groups, of every class its share.

The same on every machine: numpy's legacy generator, whose draws are fixed for good, and no arithmetic that rounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnsweep.data.copies import by_first
from rnnsweep.data.reviews import DataError
from rnnsweep.types import Ints

# How far over its share a class may go, tried one after the other until the share of all texts is met.
ALLOWANCES = (1.0, 1.5, 2.5)


@dataclass(frozen=True)
class HeldOut:
    """Which texts are held out, and the line that says how."""

    rows: NDArray[np.bool_]  # [texts]
    note: str


def hold_out(
    groups: Ints, labels: Ints, share: float, seed: int, copy_ids: Ints | None = None, divide: bool = True
) -> HeldOut:
    """Return whole groups, drawn at random until the share of all texts is met, at most that share.

    `groups` and `labels` are int [texts]. No class gives more than its share as long as other groups meet it, nor ever
    all of its texts. A group larger than the share stays behind whole; where the others are too few to draw from, it is
    divided at random (by `copy_ids`, if given, so that copies stay together), or, without `divide`, a `DataError` is
    raised, as it is where nothing can be held out.
    """
    most = math.floor(len(groups) * share + 1e-9)
    numbers, note = _undivided(by_first(groups), most, copy_ids, divide)
    chosen = _draw(numbers, by_first(labels), most, share, seed)
    rows = chosen[numbers]
    if not rows.any():
        raise DataError(
            f"no group of texts fits into {share:g} of {len(groups):,} texts; give more texts, smaller groups or a "
            "larger share"
        )
    return HeldOut(rows, note or _note(numbers, chosen, rows))


def strata(labels: Ints) -> Ints:
    """Return what each text is stratified by, int64 [texts]: its class, but nothing, so 0, of several labels a text."""
    return labels if labels.ndim == 1 else np.zeros(len(labels), np.int64)


def split_rows(copy_ids: Ints, labels: Ints, share: float, seed: int) -> NDArray[np.bool_]:
    """Return bool [rows]: which rows are the test set, so that copies of one text stand on one side.

    A file without copies is split as it always was, by one permutation, so that the keys of its trials stay.
    """
    size = max(1, round(share * len(copy_ids)))
    plain = np.zeros(len(copy_ids), bool)
    plain[np.random.RandomState(seed).permutation(len(copy_ids))[:size]] = True
    return uncut(plain, copy_ids, labels, share, seed)


def uncut(held: NDArray[np.bool_], copy_ids: Ints, labels: Ints, share: float, seed: int) -> NDArray[np.bool_]:
    """Return `held`, bool [texts], where it has no text without all of its copies, else a draw of whole copies."""
    if not np.isin(copy_ids[held], copy_ids[~held]).any():
        return held
    return hold_out(copy_ids, labels, share, seed, copy_ids).rows


def _undivided(numbers: Ints, most: int, copy_ids: Ints | None, divide: bool) -> tuple[Ints, str]:
    """Return the groups to draw from, and a line where one is larger than the `most` texts that may be held out."""
    sizes = np.bincount(numbers)
    large = sizes > most
    if not large.any():
        return numbers, ""
    many, largest, rest = int(large.sum()), int(sizes.max()), int(sizes[~large].sum())
    who = f"one group of {largest:,} texts is" if many == 1 else f"{many:,} groups of up to {largest:,} texts are each"
    line = f"{who} larger than the {most:,} of {len(numbers):,} texts to hold out"
    # Held out, the others must leave as many of their kind to train on.
    if rest >= 2 * most:
        return numbers, f"{line} and stay{'s' if many == 1 else ''} in training whole"
    if not divide:
        raise DataError(f"{line}; name a column with more groups, or give a larger --validation-share")
    within = np.arange(len(numbers)) if copy_ids is None else copy_ids
    divided = by_first(np.where(large[numbers], len(sizes) + within, numbers))
    return divided, f"{line}, and the other groups hold only {rest:,}: divided at random"


def _note(numbers: Ints, chosen: NDArray[np.bool_], rows: NDArray[np.bool_]) -> str:
    held = f"{rows.sum():,} of {len(rows):,} texts held out"
    if len(chosen) == len(numbers):
        return f"{held} at random: no two texts are of one group"
    largest = int(np.bincount(numbers).max())
    return f"{held} in {chosen.sum():,} whole groups of {len(chosen):,}, the largest of {largest:,} texts"


def _draw(numbers: Ints, classes: Ints, most: int, share: float, seed: int) -> NDArray[np.bool_]:
    """Return bool [groups], the groups held out."""
    sizes, class_sizes = np.bincount(numbers), np.bincount(classes)
    pairs, counts = np.unique(numbers * len(class_sizes) + classes, return_counts=True)
    starts = np.searchsorted(pairs // len(class_sizes), np.arange(len(sizes) + 1)).tolist()
    of_class, counted = (pairs % len(class_sizes)).tolist(), counts.tolist()
    chosen = np.zeros(len(sizes), bool)
    held, total = [0] * len(class_sizes), 0
    order = np.random.RandomState(seed).permutation(len(sizes))
    for allowance in ALLOWANCES:
        limits = np.minimum(np.ceil(class_sizes * min(allowance * share, (1 + share) / 2)), class_sizes - 1).tolist()
        for group in order[~chosen[order] & (sizes[order] <= most - total)].tolist():
            inside = range(starts[group], starts[group + 1])
            if total + sizes[group] > most or any(held[of_class[i]] + counted[i] > limits[of_class[i]] for i in inside):
                continue
            chosen[group] = True
            total += int(sizes[group])
            for i in inside:
                held[of_class[i]] += counted[i]
            if total == most:
                return chosen
    return chosen
