"""Reviews converted once: per source file, a folder of arrays that open without being read."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from rnnsweep.data.reviews import DataError, Dataset, Reviews
from rnnsweep.files import cache_folder, write_whole
from rnnsweep.types import Arrays

FORMAT = 1  # of the cache; a new number leaves what older versions wrote alone
Content = tuple[tuple[str, str], Reviews, Reviews]  # classes, train, test


def file_checksum(path: Path) -> str:
    """Return the sha256 of a file, remembered by its path, size and time of change; raises `DataError`."""
    try:
        stat = path.stat()
        known = hashlib.sha256(f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:32]
        stamp = cache_folder() / "checksums" / known
        with suppress(OSError):
            text = stamp.read_text()
            if len(text) == 64:
                return text
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from None
    # A file written this moment may be written again with the same time of change.
    if time.time() - stat.st_mtime > 2:
        with suppress(OSError):
            write_whole(stamp, found.encode())
    return found


def named_arrays(reviews: Reviews, prefix: str) -> Arrays:
    """Return tokens, offsets and labels by the names that the cache keeps them under, such as `train_tokens`."""
    return {f"{prefix}_{field}": getattr(reviews, field) for field in ("tokens", "offsets", "labels")}


def content_sha256(train: Reviews, test: Reviews) -> str:
    """Return the sha256 of tokens, offsets and labels of both sets, as little-endian bytes."""
    digest = hashlib.sha256()
    for reviews in (train, test):
        digest.update(np.ascontiguousarray(reviews.tokens, "<i4").data)
        digest.update(np.ascontiguousarray(reviews.offsets, "<i8").data)
        digest.update(np.ascontiguousarray(reviews.labels, "u1").data)
    return digest.hexdigest()


_DAMAGE = (OSError, ValueError, KeyError, TypeError, IndexError, EOFError)  # what opening a damaged entry raises


def cached_dataset(name: str, key: str, convert: Callable[[], Content]) -> Dataset:
    """Return the reviews with this key from the cache, else convert them and keep them there if it can be written."""
    folder = cache_folder() / f"{key}-v{FORMAT}"
    with suppress(*_DAMAGE):
        return _open(name, folder)
    classes, train, test = convert()
    sha256 = content_sha256(train, test)
    try:
        _write(folder, classes, sha256, named_arrays(train, "train") | named_arrays(test, "test"))
        return _open(name, folder)
    except _DAMAGE:  # read-only, full, or being replaced: memory will do
        return Dataset(name, sha256, True, classes, train, test)


def _open(name: str, folder: Path) -> Dataset:
    about = json.loads((folder / "about.json").read_text())
    sets = []
    for prefix in ("train", "test"):
        # As plain arrays, since a np.memmap would be copied into every message that Ray sends of it.
        tokens, offsets, labels = (
            np.asarray(np.load(folder / f"{prefix}_{field}.npy", mmap_mode="r", allow_pickle=False))
            for field in ("tokens", "offsets", "labels")
        )
        whole = len(offsets) == len(labels) + 1 and offsets[-1] == len(tokens) and bool((np.diff(offsets) > 0).all())
        if not whole or [array.dtype.str for array in (tokens, offsets, labels)] != ["<i4", "<i8", "|u1"]:
            raise ValueError(f"{folder} is damaged")
        sets.append(Reviews(tokens, offsets, labels))
    first, second = about["classes"]
    return Dataset(name, about["sha256"], True, (first, second), *sets)


def _write(folder: Path, classes: tuple[str, str], sha256: str, arrays: Arrays) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    part, damaged = (folder.with_name(f".{uuid.uuid4().hex}") for _ in range(2))
    part.mkdir()
    try:
        for name, values in arrays.items():
            np.save(part / f"{name}.npy", values, allow_pickle=False)
        (part / "about.json").write_text(json.dumps({"classes": classes, "sha256": sha256}))
        try:
            part.rename(folder)
        except OSError:
            try:
                _open("", folder)  # another process was faster, with the same bytes
            except _DAMAGE:
                folder.rename(damaged)
                part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(damaged, ignore_errors=True)
