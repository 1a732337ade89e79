"""Which reviews a source names: IMDB, the embedded corpus or a file of your own."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path

from rnnsweep.data import corpus
from rnnsweep.data.cache import cached_dataset, content_sha256, file_checksum, named_arrays
from rnnsweep.data.imdb import AUTO_TIMEOUT, TIMEOUT, NotHereError, load_imdb, load_npz
from rnnsweep.data.own import TABLES, table_content
from rnnsweep.data.reviews import CLASSES, DataError, Dataset, Reviews


def _to_stderr(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def load(source: str = "auto", warn: Callable[[str], None] = _to_stderr) -> Dataset:
    """Return IMDB, the embedded corpus or your own reviews; `source` is auto, imdb, embedded or a file.

    `imdb` is the file that RNNSWEEP_DATA names, or Keras's copy, or downloaded; `auto` is the same, but where IMDB
    cannot be had it is the embedded corpus, with one line to `warn`. A file is an .npz in the layout of Keras's
    imdb.npz, or .csv, .tsv, .jsonl, .json (lines) or .parquet with the columns `text`, `label` and, if you like,
    `split`: words by the Keras tokenizer's rule, ranks by frequency in the training set. Raises `DataError`.
    """
    if source == "embedded":
        return _embedded()
    if source == "imdb":
        return _imdb(TIMEOUT)
    if source != "auto":
        return _from_path(source)
    try:
        return _imdb(AUTO_TIMEOUT)
    except NotHereError as reason:
        warn(f"training on generated reviews, not on IMDB: {reason}")
        return _embedded()


def _imdb(timeout: float) -> Dataset:
    if named := os.environ.get("RNNSWEEP_DATA"):
        if not named.endswith(".npz"):
            raise DataError(f"RNNSWEEP_DATA is {named}; give an .npz in the layout of Keras's imdb.npz, or use --data")
        try:
            return _from_path(named)
        except DataError as error:
            raise DataError(f"RNNSWEEP_DATA: {error}") from None
    return load_imdb(timeout)


def _from_path(name: str) -> Dataset:
    path = Path(name)
    if path.is_dir():
        raise DataError(f"{path} is a folder; give a file: .npz, {', '.join(TABLES)}")
    if not path.is_file():
        raise DataError(f"there is no file {path}; give auto, imdb, embedded or a file: .npz, {', '.join(TABLES)}")
    if path.suffix == ".npz":
        return load_npz(path)
    if path.suffix not in TABLES:
        raise DataError(f"{path} is of an unknown type; give a file: .npz, {', '.join(TABLES)}")
    return cached_dataset(path.stem, f"{file_checksum(path)}-{path.suffix[1:]}", lambda: table_content(path))


@functools.cache
def _embedded() -> Dataset:
    train, test = (Reviews(*arrays) for arrays in corpus.generate())
    for values in (*named_arrays(train, "train").values(), *named_arrays(test, "test").values()):
        values.flags.writeable = False
    return Dataset("embedded", content_sha256(train, test), False, CLASSES, train, test)
