"""Which texts a source names: IMDB, Reuters, the embedded corpus, or a file or folder of your own."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rnnsweep.data import corpus
from rnnsweep.data.cache import cached_dataset, content_sha256, file_checksum, folder_checksum, named_arrays
from rnnsweep.data.imdb import AUTO_TIMEOUT, TIMEOUT, NotHereError, load_imdb, load_npz
from rnnsweep.data.own import dataset_of, name_of
from rnnsweep.data.reading import Reading
from rnnsweep.data.reuters import is_like_reuters, load_newswires, load_reuters
from rnnsweep.data.reviews import CLASSES, DataError, Dataset, Reviews

if TYPE_CHECKING:
    from rnnsweep.data.understand import Understood

NAMED = ("auto", "imdb", "reuters", "embedded")  # all other sources are files or folders


def _to_stderr(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def load(source: str = "auto", warn: Callable[[str], None] = _to_stderr, reading: Reading | None = None) -> Dataset:
    """Return the texts that `source` names: auto, imdb, reuters, embedded, or a file or folder of your own.

    `imdb` is the file that RNNSWEEP_DATA names, or Keras's copy, or downloaded; `auto` is the same, but where IMDB
    cannot be had it is the embedded corpus, with one line to `warn`; `reuters` is Keras's, in the same way. A file is
    an .npz in the layout of one of these, or any table of texts and labels, read as `reading` says. With the vectors
    that `reading` names, where it does. Raises `DataError`.
    """
    if reading is None or reading.vectors is None:
        return _loaded(source, warn, reading)
    from rnnsweep.data.vectors import with_vectors

    # They are no part of what is kept of the texts.
    return with_vectors(_loaded(source, warn, replace(reading, vectors=None)), source, reading.vectors)


def _loaded(source: str, warn: Callable[[str], None], reading: Reading | None) -> Dataset:
    if not source:
        raise DataError(f"--data has no name: '' is no file; give {', '.join(NAMED)}, or a file or folder of texts")
    if is_own(source):
        return _own(Path(source), reading or Reading())
    refuse_reading(source, reading)
    if source == "embedded":
        return _embedded()
    if source == "imdb":
        return _imdb(TIMEOUT)
    if source == "reuters":
        return load_reuters(TIMEOUT)
    if source != "auto":
        return _npz(Path(source))
    try:
        return _imdb(AUTO_TIMEOUT)
    except NotHereError as reason:
        warn(f"training on generated reviews, not on IMDB: {reason}")
        return _embedded()


def is_own(source: str) -> bool:
    """Return whether a source is a table or a folder of texts, of which a `Reading` can say something."""
    return source not in NAMED and Path(source).suffix != ".npz"


def refuse_reading(source: str, reading: Reading | None) -> None:
    """Raise `DataError` where a reading says something of a source that holds numbers and no texts."""
    if reading is not None and reading.given:
        raise DataError(
            f"{', '.join(reading.given)} cannot be had of --data {source}, which holds no texts; give a file of texts, "
            "or leave it out"
        )


def _imdb(timeout: float) -> Dataset:
    if named := os.environ.get("RNNSWEEP_DATA"):
        if not named.endswith(".npz"):
            raise DataError(f"RNNSWEEP_DATA is {named}; give an .npz in the layout of Keras's imdb.npz, or use --data")
        try:
            return _npz(Path(named))
        except DataError as error:
            raise DataError(f"RNNSWEEP_DATA: {error}") from None
    return load_imdb(timeout)


def _npz(path: Path) -> Dataset:
    _check_is_there(path)
    return load_newswires(path) if is_like_reuters(path) else load_npz(path)


def _own(path: Path, reading: Reading) -> Dataset:
    """Return the texts of a file or folder, from the cache if it was read in this way before."""
    files = reading.files(path)
    for file in files:
        _check_is_there(file)
    checksums = [folder_checksum(file) if file.is_dir() else file_checksum(file) for file in files]
    key = f"{checksums[0]}-{reading.digest(*map(str, files), *checksums[1:])}"
    return cached_dataset(key, lambda: dataset_of(understood(path, reading), name_of(path)))


def understood(path: Path, reading: Reading) -> Understood:
    """Return what a file or folder holds, read as `reading` says; raises `DataError`."""
    from rnnsweep.data.understand import understand  # imports pandas, which a known file does not need

    return understand(path, reading)


def _check_is_there(path: Path) -> None:
    try:
        there = path.exists()
    except (OSError, ValueError):  # a name that is too long, or with a zero in it
        there = False
    if not there:
        raise DataError(
            f"there is no file {str(path)[:200]}; give {', '.join(NAMED)}, a file of texts, an .npz, or a "
            "folder with one folder per class"
        )


@functools.cache
def _embedded() -> Dataset:
    train, test = (Reviews(*arrays) for arrays in corpus.generate())
    for values in (*named_arrays(train, "train").values(), *named_arrays(test, "test").values()):
        values.flags.writeable = False
    return Dataset("embedded", content_sha256(train, test), False, CLASSES, train, test)
