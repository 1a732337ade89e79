"""Does validation on whole groups of texts flatter less than on random ones, where the true groups are known?

    python benchmarks/validation.py --seeds 5 --json validation.jsonl

Validation and test accuracy of a linear model where a fifth is held out at random, in groups that are found, and in
groups that are named. What came out: docs/decisions/validation.md. All of it takes 23 CPU minutes, most of them for the
46 sections. Exit status 1 where a floor is missed.
"""

from __future__ import annotations

import functools
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environment  # noqa: F401  (before NumPy)
import numpy as np
import pandas as pd
from shared import parser, show

from rnnsweep.baselines import BaselineSettings, baselines
from rnnsweep.data import Reviews, load
from rnnsweep.data.copies import copies, copies_of_words, with_copies
from rnnsweep.data.groups import found_groups, named_groups
from rnnsweep.data.holdout import hold_out, split_rows
from rnnsweep.data.reviews import INDEX_FROM, OUT_OF_VOCABULARY, SHUFFLE_SEED, START
from rnnsweep.data.split import Parts
from rnnsweep.data.tokens import Characters, Words, encoded, ranks_of, vocabulary

DATA = Path(__file__).parents[2] / "shared" / "data"
SHARE = 0.2
TOPICS = (
    "admin", "database", "editors", "electronics", "fonts", "games", "graphics", "hamradio", "mail", "math", "net",
    "science", "sound", "text", "video", "web",
)  # fmt: skip
VOCABULARIES = (1000, 5000, 10_000, 30_000, 88_588)
FLOORS = {"cut": 0.08, "flatters": 0.035}  # of groups that are found: at most


@dataclass(frozen=True)
class Texts:
    """A data set, and how its linear line reads it."""

    name: str
    train: Reviews
    test: Reviews
    true: np.ndarray | None  # int64 [training texts], the true groups where they are known
    model: str  # of the baselines
    num_words: tuple[int, ...]


def texts_of(
    kind: Words,
    name: str,
    words: list[list[str]],
    labels: Sequence[str],
    test: np.ndarray,
    groups: np.ndarray,
    model: str,
) -> Texts:
    """Return training and test set of tokens of one kind, in a shuffled order, ranks by frequency in training."""
    order = np.random.RandomState(SHUFFLE_SEED).permutation(len(words))
    numbers = np.unique(np.array(labels, object).astype(str), return_inverse=True)[1].astype(np.uint8)
    kept = vocabulary(kind, (words[row] for row in np.flatnonzero(~test)))

    def reviews(rows: np.ndarray) -> Reviews:
        lists = encoded((words[row] for row in rows), ranks_of(kept), OUT_OF_VOCABULARY - INDEX_FROM)
        offsets = np.concatenate(([0], np.cumsum([len(ranks) + 1 for ranks in lists])))
        flat = itertools.chain.from_iterable([START - INDEX_FROM, *ranks] for ranks in lists)
        return Reviews(np.fromiter(flat, np.int32, offsets[-1]) + INDEX_FROM, offsets, numbers[rows])

    train, test_rows = order[~test[order]], order[test[order]]
    return Texts(name, reviews(train), reviews(test_rows), groups[train], model, (len(kept) + INDEX_FROM + 1,))


def debian(path: Path, sections: Sequence[str]) -> Texts:
    """Return descriptions of packages, their sections as classes; the packages of one source are a group."""
    table = pd.read_csv(path, keep_default_na=False)
    table = table[table["section"].isin(sections)] if sections else table
    words = Words().split(table["description"])
    test = (table["split"] == "test").to_numpy()
    groups = named_groups(table["source"].tolist())
    name = f"{table['section'].nunique()} sections"
    return texts_of(Words(), name, words, table["section"].tolist(), test, groups, "tfidf_lr_1")


def chinese(path: Path) -> Texts:
    """Return Chinese reviews as characters; copies of one text are a group, and 30 % of them the test set."""
    table = pd.read_csv(path, keep_default_na=False)
    words = Characters().split(table["review"])
    rows = [row for row, characters in enumerate(words) if characters]
    words, labels = [words[row] for row in rows], table["sentiment"].iloc[rows].tolist()
    ids = copies_of_words(words)
    test = split_rows(ids, np.unique(labels, return_inverse=True)[1], 0.3, SHUFFLE_SEED)
    return texts_of(Characters(), "Chinese", words, labels, test, ids, "tfidf_lr_2")


def imdb(path: Path) -> Texts:
    """Return IMDB, whose films nobody has named."""
    data = load(str(path))
    return Texts("IMDB", data.train, data.test, None, "tfidf_lr_1", VOCABULARIES)


SETS = {
    "imdb": lambda folder: imdb(folder / "imdb.npz"),
    "topics": lambda folder: debian(folder / "debian.csv.gz", TOPICS),
    "chinese": lambda folder: chinese(folder / "reviews_zh.csv.gz"),
    "sections": lambda folder: debian(folder / "debian.csv.gz", ()),
}


def kinds(texts: Texts, seed: int) -> Iterator[tuple[str, np.ndarray, float]]:
    """Yield each kind of validation, bool [training texts] of those held out, and the CPU seconds of finding them."""
    size = len(texts.train)
    yield "random", np.random.RandomState(seed).permutation(size) < SHARE * size, 0.0
    begin = time.process_time()
    found = hold_out(found_groups(texts.train), texts.train.labels, SHARE, seed).rows
    yield "found", found, time.process_time() - begin
    if texts.true is not None:
        yield "named", hold_out(with_copies(texts.true, copies(texts.train)), texts.train.labels, SHARE, seed).rows, 0.0


def taken(reviews: Reviews, rows: np.ndarray) -> Reviews:
    """Return the reviews of bool [reviews]."""
    lengths = reviews.lengths[rows]
    return Reviews(
        reviews.tokens[np.repeat(rows, reviews.lengths)],
        np.concatenate(([0], np.cumsum(lengths))),
        reviews.labels[rows],
    )


def cut(true: np.ndarray, held: np.ndarray) -> float:
    """Return the share of the true groups of two texts or more that stand on both sides."""
    sizes, inside = np.bincount(true), np.bincount(true, held)
    return float(((inside > 0) & (inside < sizes)).sum() / (sizes > 1).sum())


def linear(texts: Texts, parts: Parts, num_words: int, choices: Sequence[float] = ()) -> dict[str, Any]:
    """Return the row of the data set's linear line, with one C or the one that the validation texts choose."""
    settings = BaselineSettings(
        data_sha256="", reviews=None, validation=SHARE, num_words=num_words, max_len=int(texts.train.lengths.max())
    )
    return baselines(parts, settings, [texts.model], choices)[0].row


def measured(texts: Texts, seeds: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield a row for each seed, kind of validation and number of words.

    `test` is of the model that the validation texts chose, trained without them; `test_of_C` is what its C is worth:
    the test accuracy of a model with it that all training texts have trained.
    """

    @functools.cache
    def whole(num_words: int, c: float) -> float:
        return float(linear(texts, Parts(texts.train, texts.test, texts.test), num_words, [c])["test_accuracy"])

    for seed in seeds:
        for kind, held, seconds in kinds(texts, seed):
            parts = Parts(taken(texts.train, ~held), taken(texts.train, held), texts.test)
            for num_words in texts.num_words:
                row = linear(texts, parts, num_words)
                yield {
                    "texts": texts.name,
                    "kind": kind,
                    "seed": seed,
                    "num_words": num_words,
                    "held_out": int(held.sum()),
                    "val": row["val_accuracy"],
                    "test": row["test_accuracy"],
                    "flatters": row["val_accuracy"] - row["test_accuracy"],
                    "C": row["C"],
                    "test_of_C": whole(num_words, row["C"]),
                    "true_cut": "" if texts.true is None else cut(texts.true, held),
                    "finding_s": seconds,
                }


def missed(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return a line for each floor that the groups found do not keep, means of the seeds."""
    frame = pd.DataFrame([row for row in rows if row["kind"] == "found"])
    lines = []
    for (name, words), part in frame.groupby(["texts", "num_words"]):
        off = abs(part["flatters"].mean())
        if off > FLOORS["flatters"]:
            lines.append(f"{name}, {words:,} words: validation is {100 * off:.1f} points from the test set")
        if name != "IMDB" and part["true_cut"].astype(float).mean() > FLOORS["cut"]:
            lines.append(f"{name}: {100 * part['true_cut'].astype(float).mean():.1f} % of the true groups are cut")
    return lines


def main() -> None:
    """Measure the data sets asked for and print a row per kind of validation; exit status 1 where a floor is missed."""
    arguments = parser(__doc__)
    arguments.add_argument("--folder", type=Path, default=DATA, help="where the data lie (default: beside the project)")
    arguments.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS), help="default: all")
    arguments.add_argument("--seeds", type=int, default=1, help="draws of validation texts (default: 1)")
    given = arguments.parse_args()
    rows: list[dict[str, Any]] = []
    for name in given.sets:
        rows.extend(measured(SETS[name](given.folder), range(1, given.seeds + 1)))
    show(rows, given.json)
    lines = missed(rows)
    print("\n".join(lines) or "Groups that are found keep both floors.")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
