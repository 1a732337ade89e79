"""Newswires of 46 topics, as `keras.datasets.reuters` ships them, and split as it splits them."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from rnnsweep.data.cache import cached_dataset, content_sha256, file_checksum
from rnnsweep.data.imdb import arrays_of, published
from rnnsweep.data.reviews import SHUFFLE_SEED, Dataset, reviews_of_ranks

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/reuters.npz"
OFFICIAL = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"  # sha256, as Keras 3 has it
TRAIN_SHARE = 1 - 0.2  # computed as Keras does it, so that it rounds alike
TOPICS = (  # of keras.datasets.reuters.get_label_names()
    "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply", "coffee", "sugar",
    "trade", "reserves", "ship", "cotton", "carcass", "crude", "nat-gas", "cpi", "money-fx", "interest", "gnp",
    "meal-feed", "alum", "oilseed", "gold", "tin", "strategic-metal", "livestock", "retail", "ipi", "iron-steel",
    "rubber", "heat", "jobs", "lei", "bop", "zinc", "orange", "pet-chem", "dlr", "gas", "silver", "wpi", "hog", "lead",
)  # fmt: skip


def load_reuters(timeout: float) -> Dataset:
    """Return the newswires from Keras's copy, from our own, or downloaded; `timeout` is in seconds without an answer.

    Raises `NotHereError` where Keras's copy is another file, or there is none and none can be downloaded.
    """
    found = published("reuters.npz", URL, OFFICIAL, timeout, "Reuters")
    if isinstance(found, Path):
        return load_newswires(found)
    return cached_dataset(OFFICIAL + "-reuters", lambda: _content(io.BytesIO(found), URL))


def load_newswires(path: Path) -> Dataset:
    """Return the newswires of an .npz in the layout of Keras's reuters.npz; raises `DataError`."""
    return cached_dataset(f"{file_checksum(path)}-reuters", lambda: _content(path, str(path)))


def is_like_reuters(path: Path) -> bool:
    """Return whether an .npz has the arrays of Keras's reuters.npz, x and y, and not those of its imdb.npz."""
    with suppress(OSError, zipfile.BadZipFile, ValueError), zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        return {"x.npy", "y.npy"} <= names and "x_train.npy" not in names
    return False


def _content(file: Path | io.BytesIO, name: str) -> Dataset:
    """Return what `keras.datasets.reuters.load_data()` makes of this file, before any num_words."""
    ((ranks, labels),) = arrays_of(file, name, [("x", "y")], len(TOPICS), "reuters.npz")
    order = np.arange(len(ranks))
    np.random.RandomState(SHUFFLE_SEED).shuffle(order)
    trained = int(len(ranks) * TRAIN_SHARE)
    train, test = (
        reviews_of_ranks([ranks[i] for i in rows], labels[rows], f"{name}: {which}", classes=len(TOPICS))
        for which, rows in (("train", order[:trained]), ("test", order[trained:]))
    )
    return Dataset("reuters", content_sha256(train, test), True, TOPICS, train, test)
