"""Your own reviews, from a table with a row each: words by the Keras tokenizer's rule, ranks by frequency."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnsweep.data.cache import Content
from rnnsweep.data.reviews import (
    CLASSES,
    INDEX_FROM,
    OUT_OF_VOCABULARY,
    SHUFFLE_SEED,
    DataError,
    Reviews,
    reviews_of_ranks,
)
from rnnsweep.types import Ints

if TYPE_CHECKING:
    import pandas as pd


TEST_SHARE = 0.2
# The defaults of the Keras tokenizer: keras.preprocessing.text.Tokenizer, Keras 1 to 2.
FILTERS = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))
TABLES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")


def table_content(path: Path) -> Content:
    """Return the reviews of a table with the columns `text`, `label` and, if it is there, `split`.

    Raises `DataError` where it cannot be read, has not two classes, or has a row without text or label.
    """
    table = _read_table(path)
    missing = [name for name in ("text", "label") if name not in table.columns]
    if missing:
        raise DataError(f"{path} has no column {missing[0]!r}, only {', '.join(map(str, table.columns))}; name one so")
    words = [words_of(text, f"{path}, row {row}") for row, text in enumerate(table["text"], 1)]
    names = [_name(label, f"{path}, row {row}") for row, label in enumerate(table["label"], 1)]
    classes = sorted(set(names))
    if len(classes) != 2:
        shown = ", ".join(classes[:5]) + (", ..." if len(classes) > 5 else "")
        raise DataError(f"{path} has {len(classes)} classes ({shown}); give 0 and 1, or two names, as the labels")
    labels = np.array([name == classes[1] for name in names], np.uint8)
    train, test = _sets(table, path)
    counts = Counter(itertools.chain.from_iterable(words[i] for i in np.sort(train)))
    ranks = {word: rank for rank, (word, _) in enumerate(counts.most_common(), 1)}  # equal counts: first seen first
    unseen = OUT_OF_VOCABULARY - INDEX_FROM

    def reviews(rows: Ints, which: str) -> Reviews:
        lists = [[ranks.get(word, unseen) for word in words[i]] for i in rows]
        return reviews_of_ranks(lists, labels[rows], f"{path}: {which}", unseen)

    named = CLASSES if classes == ["0", "1"] else (classes[0], classes[1])
    return named, reviews(train, "training"), reviews(test, "test")


def _read_table(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        if path.suffix in (".csv", ".tsv"):
            # A review may be the word "null": nothing is a missing value here.
            separator = "," if path.suffix == ".csv" else "\t"
            table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
            if not isinstance(table.index, pd.RangeIndex):  # pandas has taken the first column for row names
                raise ValueError("rows have more fields than the header; put quotes around the texts")
            return table
        # An own loop, since pandas would turn texts that look like dates or numbers into such.
        rows = [json.loads(line) for line in path.read_text("utf-8-sig").split("\n") if line.strip()]
        if not all(isinstance(row, dict) for row in rows):
            raise ValueError("each line has to be one JSON object")
        return pd.DataFrame(rows, dtype=object)
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} is no readable {path.suffix} file ({reason}); give {', '.join(TABLES)}") from None


def words_of(text: Any, where: str) -> list[str]:
    """Return the words of a text as the Keras tokenizer splits it; raises `DataError` where there are none."""
    if not isinstance(text, str):
        raise DataError(f"{where}: the text is {text!r}; give words, or leave the row out")
    words = [word for word in text.lower().translate(FILTERS).split(" ") if word]
    if not words:
        raise DataError(f"{where}: the text is empty; give words, or leave the row out")
    return words


def _name(label: Any, where: str) -> str:
    if isinstance(label, float) and label.is_integer():  # how pandas reads 0 and 1 beside a gap
        label = int(label)
    name = str(label).strip()
    if name in ("", "nan", "None", "<NA>"):
        raise DataError(f"{where}: the label is missing; give 0 and 1, or two names")
    return name


def _sets(table: pd.DataFrame, path: Path) -> tuple[Ints, Ints]:
    """Return the rows of the training and the test set, both shuffled, since files are often sorted by label."""
    order = np.random.RandomState(SHUFFLE_SEED).permutation(len(table))
    if "split" not in table.columns:
        tests = max(1, round(TEST_SHARE * len(table)))
        return order[tests:], order[:tests]
    where = np.array([str(value).strip().lower() for value in table["split"]])
    wrong = sorted(set(where.tolist()) - {"train", "test"})
    if wrong:
        raise DataError(
            f"{path} has {wrong[0]!r} in the column split; give train or test in every row, or no such column"
        )
    return order[where[order] == "train"], order[where[order] == "test"]
