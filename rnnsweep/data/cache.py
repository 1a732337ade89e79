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
from typing import Any

import numpy as np

from rnnsweep.data.reviews import DataError, Dataset, Reviews
from rnnsweep.files import cache_folder, write_whole
from rnnsweep.types import Arrays, Ints

FORMAT = 3  # of the cache; a new number leaves what older versions wrote alone


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


def folder_checksum(path: Path) -> str:
    """Return the sha256 of all files of a folder, by their names and bytes; raises `DataError`."""
    digest = hashlib.sha256()
    try:
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            content = file.read_bytes()
            digest.update(f"{file.relative_to(path)} {len(content)}\n".encode())
            digest.update(content)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from None
    return digest.hexdigest()


def named_arrays(reviews: Reviews, prefix: str) -> Arrays:
    """Return tokens, offsets and labels by the names that the cache keeps them under, such as `train_tokens`."""
    return {f"{prefix}_{field}": getattr(reviews, field) for field in ("tokens", "offsets", "labels")}


def content_sha256(train: Reviews, test: Reviews, validation: Reviews | None = None, groups: Ints | None = None) -> str:
    """Return the sha256 of tokens, offsets and labels of the sets, and of the groups, as little-endian bytes.

    Validation reviews and groups that there are not leave no trace, so that keys without them stay.
    """
    digest = hashlib.sha256()
    for reviews in (train, test, *([] if validation is None else [validation])):
        digest.update(np.ascontiguousarray(reviews.tokens, "<i4").data)
        digest.update(np.ascontiguousarray(reviews.offsets, "<i8").data)
        digest.update(np.ascontiguousarray(reviews.labels, "u1" if reviews.labels.dtype == np.uint8 else "<u2").data)
    if groups is not None:
        digest.update(b"groups")
        digest.update(np.ascontiguousarray(groups, "<i8").data)
    return digest.hexdigest()


_DAMAGE = (OSError, ValueError, KeyError, TypeError, IndexError, EOFError)  # what opening a damaged entry raises


def cached_dataset(key: str, convert: Callable[[], Dataset]) -> Dataset:
    """Return the reviews with this key from the cache, else convert them and keep them there if it can be written."""
    folder = cache_folder() / f"{key}-v{FORMAT}"
    with suppress(*_DAMAGE):
        return _open(folder)
    dataset = convert()
    try:
        _write(folder, dataset)
        return _open(folder)
    except _DAMAGE:  # read-only, full, or being replaced: memory will do
        return dataset


def _open(folder: Path) -> Dataset:
    about = json.loads((folder / "about.json").read_text("utf-8"))
    sets = {prefix: _open_reviews(folder, prefix) for prefix in about["sets"]}
    groups = _array(folder / "groups.npy") if about["grouped"] else None
    if groups is not None and (groups.dtype.str != "<i8" or len(groups) != len(sets["train"])):
        raise ValueError(f"{folder} is damaged")
    vocabulary = about["vocabulary"]
    return Dataset(
        about["name"], about["sha256"], True, tuple(about["classes"]), sets["train"], sets["test"],
        sets.get("validation"), None if vocabulary is None else tuple(vocabulary), about["tokens"], groups,
        tuple(about["notes"]), about["pieces"],
    )  # fmt: skip


def _open_reviews(folder: Path, prefix: str) -> Reviews:
    tokens, offsets, labels = (_array(folder / f"{prefix}_{field}.npy") for field in ("tokens", "offsets", "labels"))
    whole = len(offsets) == len(labels) + 1 and offsets[-1] == len(tokens) and bool((np.diff(offsets) > 0).all())
    kinds = [array.dtype.str for array in (tokens, offsets, labels)]
    if not whole or kinds[:2] != ["<i4", "<i8"] or kinds[2] not in ("|u1", "<u2"):
        raise ValueError(f"{folder} is damaged")
    return Reviews(tokens, offsets, labels)


def _array(path: Path) -> Any:
    """Return a memory map as a plain array, since a np.memmap would be copied into every message that Ray sends."""
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _write(folder: Path, dataset: Dataset) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    part, damaged = (folder.with_name(f".{uuid.uuid4().hex}") for _ in range(2))
    part.mkdir()
    try:
        _write_parts(part, dataset)
        try:
            part.rename(folder)
        except OSError:
            try:
                _open(folder)  # another process was faster, with the same bytes
            except _DAMAGE:
                folder.rename(damaged)
                part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(damaged, ignore_errors=True)


def _write_parts(part: Path, dataset: Dataset) -> None:
    named = {"train": dataset.train, "test": dataset.test, "validation": dataset.validation}
    sets = {prefix: reviews for prefix, reviews in named.items() if reviews is not None}
    for prefix, reviews in sets.items():
        for name, values in named_arrays(reviews, prefix).items():
            np.save(part / f"{name}.npy", values, allow_pickle=False)
    if dataset.groups is not None:
        np.save(part / "groups.npy", dataset.groups, allow_pickle=False)
    names = ("name", "sha256", "classes", "vocabulary", "tokens", "notes", "pieces")
    about = {name: getattr(dataset, name) for name in names}
    about |= {"sets": list(sets), "grouped": dataset.groups is not None}
    (part / "about.json").write_text(json.dumps(about), "utf-8")


def at_hand(sha256: str) -> Dataset | None:
    """Return the texts of this checksum if the cache has them, however their file is called, else None."""
    for about in sorted(cache_folder().glob(f"*-v{FORMAT}/about.json")):
        with suppress(*_DAMAGE):
            if json.loads(about.read_text("utf-8"))["sha256"] == sha256:
                return _open(about.parent)
    return None
