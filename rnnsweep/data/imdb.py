"""IMDB as Keras ships it: found on this machine or downloaded, and read without running what is in it.

What is the same for Keras's other files of the kind is here, too: the copy of Keras, the download, the pickle.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import pickle
import sys
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

from rnnsweep.data.cache import cached_dataset, content_sha256, file_checksum
from rnnsweep.data.reviews import CLASSES, SHUFFLE_SEED, DataError, Dataset, reviews_of_ranks
from rnnsweep.data.unpack import cut
from rnnsweep.files import cache_folder, home_folder, write_whole

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz"
OFFICIAL = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"  # sha256, as Keras 3 has it
TIMEOUT = 10.0  # seconds without an answer
AUTO_TIMEOUT = 4.0  # the same, where there is something else to fall back to


class NotHereError(DataError):
    """Published reviews are not on this machine and cannot be fetched, so `auto` takes the embedded corpus."""


def download(url: str, target: Path, sha256: str, timeout: float = TIMEOUT, title: str = "IMDB") -> bytes:
    """Return what is at `url`, and keep it as `target` where that can be written; nothing unchecked gets that name.

    `sha256` may also be an md5, where that is what Keras has of a file. `timeout` is in seconds without an answer.
    Raises `DataError` if it cannot be had or has another checksum.
    """
    remedy = "give your own copy with --data PATH"
    try:
        with urlopen(url, timeout=timeout) as response:
            content = _read(response, title)
    except (OSError, http.client.HTTPException) as error:
        raise NotHereError(f"{url} cannot be downloaded ({error or type(error).__name__}); {remedy}") from None
    kind = "md5" if len(sha256) == 32 else "sha256"
    found = hashlib.new(kind, content, usedforsecurity=False).hexdigest()
    if found != sha256:
        raise NotHereError(f"{url} has the wrong checksum, {found[:12]} and not {sha256[:12]}; {remedy}")
    with suppress(OSError):
        write_whole(target, content)
    return content


def _read(response: Any, title: str) -> bytes:
    size = int(response.headers.get("Content-Length") or 0)
    content = bytearray()
    shown = -1
    while block := response.read(1 << 16):
        content += block
        percent = 100 * len(content) // size if size else 0
        if percent // 5 > shown:
            shown = percent // 5
            print(f"\rdownloading {title}: {percent} %", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if len(content) < size:  # read() of a closed connection just ends
        raise OSError(f"the connection was cut after {len(content):,} of {size:,} bytes")
    return bytes(content)


def keras_folder() -> Path:
    """Return the folder in which Keras keeps the files that it downloads."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else home_folder() / ".keras") / "datasets"


def published(name: str, url: str, official: str, timeout: float, title: str) -> Path | bytes:
    """Return where Keras's copy or our own of a published file is, by its name there, or its bytes, downloaded.

    `official` is its sha256, `timeout` is in seconds without an answer. Raises `NotHereError` where Keras's copy is
    another file, or there is none and none can be downloaded.
    """
    keras_copy = keras_folder() / name
    own_copy = cache_folder() / name
    if keras_copy.is_file():
        if file_checksum(keras_copy) != official:
            raise NotHereError(
                f"{keras_copy} has the wrong checksum, so it is not the file that Keras downloads; delete it, or name "
                "it with --data"
            )
        return keras_copy
    if own_copy.is_file() and file_checksum(own_copy) == official:
        return own_copy
    return download(url, own_copy, official, timeout, title)


def load_imdb(timeout: float) -> Dataset:
    """Return IMDB from Keras's copy, from our own, or downloaded; `timeout` is in seconds without an answer.

    Raises `NotHereError` where Keras's copy is another file, or there is none and none can be downloaded.
    """
    found = published("imdb.npz", URL, OFFICIAL, timeout, "IMDB")
    if isinstance(found, Path):
        return load_npz(found)
    return cached_dataset(OFFICIAL + "-npz", lambda: _npz_content(io.BytesIO(found), URL))


def load_npz(path: Path) -> Dataset:
    """Return the reviews of an .npz in the layout of Keras's imdb.npz; raises `DataError`."""
    return cached_dataset(f"{file_checksum(path)}-npz", lambda: _npz_content(path, str(path)))


class _Inert:
    """Takes the place of everything that a pickle names, and only keeps the state it is given."""

    state: Any = None

    def __init__(self, *args: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    """Reads lists and numbers, and knows numpy's names without numpy."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _NUMPY_NAMES:
            return _Inert
        raise DataError(f"its pickle wants {module}.{name}")


_NUMPY_NAMES = frozenset(
    {
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
    }
)


def _npz_content(file: Path | io.BytesIO, name: str) -> Dataset:
    """Return what `keras.datasets.imdb.load_data()` makes of this file, before any num_words."""
    parts = arrays_of(file, name, (("x_train", "y_train"), ("x_test", "y_test")), len(CLASSES), "imdb.npz")
    rng = np.random.RandomState(SHUFFLE_SEED)
    sets = []
    for which, (ranks, labels) in zip(("train", "test"), parts, strict=True):
        order = np.arange(len(ranks))
        rng.shuffle(order)
        sets.append(reviews_of_ranks([ranks[i] for i in order], labels[order], f"{name}: {which}"))
    return Dataset("imdb", content_sha256(sets[0], sets[1]), True, CLASSES, sets[0], sets[1])


def arrays_of(
    file: Path | io.BytesIO, name: str, pairs: Sequence[tuple[str, str]], classes: int, layout: str
) -> list[tuple[list[list[int]], NDArray[np.uint8]]]:
    """Return the lists of word ranks and the labels, uint8 [reviews], of each pair of arrays in an .npz.

    Nothing in the file is run. Raises `DataError` for whatever is wrong with it, `name` and the `layout` named.
    """
    # Whatever a hostile or cut file makes zipfile, numpy or pickle raise, it is one thing to the user.
    try:
        with zipfile.ZipFile(file) as archive:
            return [_pair(archive, x, y, classes) for x, y in pairs]
    except Exception as error:
        why = str(error) if isinstance(error, DataError) else f"{type(error).__name__}: {cut(str(error), 200)}"
        raise DataError(
            f"{name} is no npz in the layout of Keras's {layout}, or not all of it ({why}); get the file again"
        ) from None


def _pair(archive: zipfile.ZipFile, x: str, y: str, classes: int) -> tuple[list[list[int]], NDArray[np.uint8]]:
    missing = {f"{x}.npy", f"{y}.npy"} - set(archive.namelist())
    if missing:
        raise DataError(f"it has no {min(missing).removesuffix('.npy')}")
    ranks = _rank_lists(archive.read(f"{x}.npy"), x)
    return ranks, _labels(archive.read(f"{y}.npy"), y, len(ranks), classes)


def _rank_lists(npy: bytes, name: str) -> list[list[int]]:
    file = io.BytesIO(npy)
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(file)
    if not dtype.hasobject or len(shape) != 1:
        raise DataError(f"{name} is {dtype} {list(shape)}, not an object array of lists of word ranks")
    state = _Unpickler(file).load().state
    rows = state[-1]
    if type(rows) is not list or len(rows) != shape[0] or any(type(row) is not list for row in rows):
        raise DataError(f"{name} is not {shape[0]} lists of word ranks")
    return rows


def _labels(npy: bytes, name: str, reviews: int, classes: int) -> NDArray[np.uint8]:
    labels = np.lib.format.read_array(io.BytesIO(npy), allow_pickle=False)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(f"{name} is {labels.dtype} {list(labels.shape)}, not a row of whole numbers")
    if len(labels) != reviews:
        raise DataError(f"{name} has {len(labels)} labels for {reviews} reviews")
    if not np.isin(labels, np.arange(classes)).all():
        allowed = "neither 0 nor 1" if classes == 2 else f"not from 0 to {classes - 1}"
        raise DataError(f"{name} has labels that are {allowed}")
    return labels.astype(np.uint8)
