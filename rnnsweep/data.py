"""IMDB, the embedded corpus or your own reviews, in Keras's numbering; and how a network gets to see them.

Keras's numbering: 0 pads, 1 starts a review, 2 is out of vocabulary, a word of rank r (1 = commonest) is r + 3.
"""

from __future__ import annotations

import array
import functools
import hashlib
import http.client
import io
import itertools
import json
import math
import os
import pickle
import shutil
import sys
import tempfile
import time
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

from rnnsweep import corpus
from rnnsweep.spec import Spec

if TYPE_CHECKING:
    import pandas as pd

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz"
OFFICIAL = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"  # sha256, as Keras 3 has it
TIMEOUT = 10.0  # seconds without an answer
AUTO_TIMEOUT = 4.0  # the same, where there is something else to fall back to

START, OUT_OF_VOCABULARY, INDEX_FROM = 1, 2, 3
SHUFFLE_SEED = 113  # of keras.datasets.imdb; your own reviews are shuffled, and split 80 to 20, with the same
TEST_SHARE = 0.2
CLASSES = ("negative", "positive")
# The defaults of the Keras tokenizer: keras.preprocessing.text.Tokenizer, Keras 1 to 2.
FILTERS = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))
TABLES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
FORMAT = 1  # of the cache; a new number leaves what older versions wrote alone

Ints = NDArray[np.int64]


class DataError(ValueError):
    """Reviews that cannot be had or used; the message names the culprit, the valid values and the remedy."""


class _NotHereError(DataError):
    """IMDB is not on this machine and cannot be fetched, so `auto` takes the embedded corpus."""


@dataclass(frozen=True)
class Reviews:
    """Reviews of different lengths, one behind the other."""

    tokens: NDArray[np.int32]  # [tokens of all reviews], Keras numbering, each review with its start token
    offsets: Ints  # [reviews + 1], where each review begins in tokens, and where the last one ends
    labels: NDArray[np.uint8]  # [reviews], 0 or 1

    def __len__(self) -> int:
        """Return the number of reviews."""
        return len(self.labels)

    @property
    def lengths(self) -> Ints:
        """Tokens of each review with its start token, int64 [reviews]."""
        return np.diff(self.offsets)

    def part(self, start: int, stop: int) -> Reviews:
        """Return the reviews from `start` to before `stop`, without a copy of their tokens."""
        offsets = self.offsets[start : stop + 1]
        return Reviews(self.tokens[offsets[0] : offsets[-1]], offsets - offsets[0], self.labels[start:stop])

    def first(self, n: int) -> Reviews:
        """Return the first n reviews, or all where there are fewer."""
        return self.part(0, min(n, len(self)))


@dataclass(frozen=True)
class Dataset:
    """Reviews with two classes, to train on and to test on."""

    name: str  # imdb, embedded, or the stem of the user's file
    sha256: str  # of tokens, offsets and labels of both sets: equal reviews have one checksum, however they are stored
    real: bool  # False for the embedded corpus
    classes: tuple[str, str]  # what label 0 and label 1 are called
    train: Reviews
    test: Reviews


@dataclass(frozen=True)
class Parts:
    """What one spec trains on, selects its best epoch by, and is tested on."""

    train: Reviews
    validation: Reviews
    test: Reviews


_Content = tuple[tuple[str, str], Reviews, Reviews]  # classes, train, test


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
    except _NotHereError as reason:
        warn(f"training on generated reviews, not on IMDB: {reason}")
        return _embedded()


def encode(reviews: Reviews, num_words: int, max_len: int) -> NDArray[np.int32]:
    """Return the reviews as int32 [reviews, max_len], as `load_data(num_words=...)` and `pad_sequences` of Keras do.

    Tokens from `num_words` become 2; long reviews lose their beginning, short ones are padded with 0 in front. Raises
    `DataError` if num_words is below 4 or max_len below 1.
    """
    if num_words < INDEX_FROM + 1:
        raise DataError(f"num_words is {num_words}; give at least 4: 0 to 3 are no words")
    if max_len < 1:
        raise DataError(f"max_len is {max_len}; give at least 1")
    kept = np.minimum(reviews.lengths, max_len)
    tokens = reviews.tokens[_ends(reviews.lengths, kept)]
    tokens[tokens >= num_words] = OUT_OF_VOCABULARY
    ids = np.zeros((len(reviews), max_len), np.int32)
    ids.ravel()[_ends(np.full(len(reviews), max_len), kept)] = tokens
    return ids


def _ends(lengths: Ints, kept: Ints) -> NDArray[np.bool_]:
    """Return bool [sum of lengths], true for the last `kept` elements of each run of `lengths` elements."""
    return np.repeat(np.tile([False, True], len(lengths)), np.stack([lengths - kept, kept], 1).ravel())


def split(spec: Spec, dataset: Dataset) -> Parts:
    """Return the reviews that a spec trains on, validates on and is tested on, in the order of the data.

    Validation is the last share of the training reviews, as Keras's `validation_split`, or the first batch of them, or
    the test set. Raises `DataError` if there are fewer reviews than the spec wants, or fewer than one batch.
    """
    train, test = dataset.train, dataset.test
    if spec.reviews is not None:
        if spec.reviews > len(train):
            raise DataError(
                f"{dataset.name} has {len(train):,} training reviews, not {spec.reviews:,}; lower --reviews"
            )
        train, test = train.first(spec.reviews), test.first(spec.reviews)
    if spec.validation == "test":
        parts = Parts(train, test, test)
    elif spec.validation == "first_batch":
        batch = min(spec.batch_size, len(train))
        parts = Parts(train.part(batch, len(train)), train.first(batch), test)
    else:
        until = math.floor(len(train) * (1.0 - float(spec.validation)))
        parts = Parts(train.first(until), train.part(until, len(train)), test)
    if len(parts.train) < spec.batch_size or not len(parts.validation):
        raise DataError(
            f"{dataset.name} leaves {len(parts.train):,} reviews for training and {len(parts.validation):,} for "
            f"validation, with batches of {spec.batch_size}; give more reviews or a smaller --batch-size"
        )
    return parts


def download(url: str, target: Path, sha256: str, timeout: float = TIMEOUT) -> bytes:
    """Return what is at `url`, and keep it as `target` where that can be written; nothing unchecked gets that name.

    `timeout` is in seconds without an answer. Raises `DataError` if it cannot be had or has another checksum.
    """
    remedy = "give your own copy with --data PATH"
    try:
        with urlopen(url, timeout=timeout) as response:
            content = _read(response)
    except (OSError, http.client.HTTPException) as error:
        raise _NotHereError(f"{url} cannot be downloaded ({error or type(error).__name__}); {remedy}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise _NotHereError(f"{url} has the wrong checksum, {found[:12]} and not {sha256[:12]}; {remedy}")
    with suppress(OSError):
        part = target.parent / f".{target.name}.{uuid.uuid4().hex}"
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return content


def _read(response: Any) -> bytes:
    size = int(response.headers.get("Content-Length") or 0)
    content = bytearray()
    shown = -1
    while block := response.read(1 << 16):
        content += block
        percent = 100 * len(content) // size if size else 0
        if percent // 5 > shown:
            shown = percent // 5
            print(f"\rdownloading IMDB: {percent} %", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if len(content) < size:  # read() of a closed connection just ends
        raise OSError(f"the connection was cut after {len(content):,} of {size:,} bytes")
    return bytes(content)


def _imdb(timeout: float) -> Dataset:
    if named := os.environ.get("RNNSWEEP_DATA"):
        if not named.endswith(".npz"):
            raise DataError(f"RNNSWEEP_DATA is {named}; give an .npz in the layout of Keras's imdb.npz, or use --data")
        try:
            return _from_path(named)
        except DataError as error:
            raise DataError(f"RNNSWEEP_DATA: {error}") from None
    home = os.environ.get("KERAS_HOME")
    keras_copy = (Path(home) if home else _home() / ".keras") / "datasets" / "imdb.npz"
    own_copy = cache_folder() / "imdb.npz"
    if keras_copy.is_file():
        if _checksum(keras_copy) != OFFICIAL:
            raise _NotHereError(
                f"{keras_copy} has the wrong checksum, so it is not the file that Keras downloads; delete it, or name "
                "it with --data"
            )
        return _from_npz(keras_copy)
    if own_copy.is_file() and _checksum(own_copy) == OFFICIAL:
        return _from_npz(own_copy)
    content = download(URL, own_copy, OFFICIAL, timeout)
    return _dataset("imdb", OFFICIAL + "-npz", lambda: _npz_content(io.BytesIO(content), URL))


def _from_path(name: str) -> Dataset:
    path = Path(name)
    if path.is_dir():
        raise DataError(f"{path} is a folder; give a file: .npz, {', '.join(TABLES)}")
    if not path.is_file():
        raise DataError(f"there is no file {path}; give auto, imdb, embedded or a file: .npz, {', '.join(TABLES)}")
    if path.suffix == ".npz":
        return _from_npz(path)
    if path.suffix not in TABLES:
        raise DataError(f"{path} is of an unknown type; give a file: .npz, {', '.join(TABLES)}")
    return _dataset(path.stem, f"{_checksum(path)}-{path.suffix[1:]}", lambda: _table_content(path))


def _from_npz(path: Path) -> Dataset:
    return _dataset("imdb", f"{_checksum(path)}-npz", lambda: _npz_content(path, str(path)))


@functools.cache
def _embedded() -> Dataset:
    train, test = (Reviews(*arrays) for arrays in corpus.generate())
    for values in (*_arrays(train, "train").values(), *_arrays(test, "test").values()):
        values.flags.writeable = False
    return Dataset("embedded", _content_sha256(train, test), False, CLASSES, train, test)


# ---- the cache: per source file, its reviews as arrays that open without being read


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a container's user without a name
        return Path(tempfile.gettempdir())


def cache_folder() -> Path:
    """Return the folder of what can be made again: converted reviews, and the studies of ledgers in buckets."""
    if own := os.environ.get("RNNSWEEP_CACHE"):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else _home() / ".cache") / "rnnsweep"


def _checksum(path: Path) -> str:
    """Return the sha256 of a file, remembered by its path, size and time of change."""
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
            stamp.parent.mkdir(parents=True, exist_ok=True)
            part = stamp.with_name(f".{uuid.uuid4().hex}")
            part.write_text(found)
            part.replace(stamp)
    return found


def _arrays(reviews: Reviews, prefix: str) -> dict[str, NDArray[Any]]:
    return {f"{prefix}_{field}": getattr(reviews, field) for field in ("tokens", "offsets", "labels")}


def _content_sha256(train: Reviews, test: Reviews) -> str:
    digest = hashlib.sha256()
    for reviews in (train, test):
        digest.update(np.ascontiguousarray(reviews.tokens, "<i4").data)
        digest.update(np.ascontiguousarray(reviews.offsets, "<i8").data)
        digest.update(np.ascontiguousarray(reviews.labels, "u1").data)
    return digest.hexdigest()


_DAMAGE = (OSError, ValueError, KeyError, TypeError, IndexError, EOFError)  # what opening a damaged entry raises


def _dataset(name: str, key: str, convert: Callable[[], _Content]) -> Dataset:
    """Return the reviews with this key from the cache, else convert them and keep them there if it can be written."""
    folder = cache_folder() / f"{key}-v{FORMAT}"
    with suppress(*_DAMAGE):
        return _open(name, folder)
    classes, train, test = convert()
    sha256 = _content_sha256(train, test)
    try:
        _write(folder, classes, sha256, _arrays(train, "train") | _arrays(test, "test"))
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


def _write(folder: Path, classes: tuple[str, str], sha256: str, arrays: dict[str, NDArray[Any]]) -> None:
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


# ---- IMDB's npz, read without running what is in it


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


def _npz_content(file: Path | io.BytesIO, name: str) -> _Content:
    """Return what `keras.datasets.imdb.load_data()` makes of this file, before any num_words."""
    # Whatever a hostile or cut file makes zipfile, numpy or pickle raise, it is one thing to the user.
    try:
        with zipfile.ZipFile(file) as archive:
            parts = {}
            for which in ("train", "test"):
                missing = {f"x_{which}.npy", f"y_{which}.npy"} - set(archive.namelist())
                if missing:
                    raise DataError(f"it has no {min(missing).removesuffix('.npy')}")
                ranks = _rank_lists(archive.read(f"x_{which}.npy"), f"x_{which}")
                parts[which] = (ranks, _labels(archive.read(f"y_{which}.npy"), f"y_{which}", len(ranks)))
    except Exception as error:
        why = str(error) if isinstance(error, DataError) else f"{type(error).__name__}: {error}"
        raise DataError(
            f"{name} is no npz in the layout of Keras's imdb.npz, or not all of it ({why}); get the file again"
        ) from None
    rng = np.random.RandomState(SHUFFLE_SEED)
    sets = []
    for which, (ranks, labels) in parts.items():
        order = np.arange(len(ranks))
        rng.shuffle(order)
        sets.append(_reviews([ranks[i] for i in order], labels[order], f"{name}: {which}"))
    return CLASSES, sets[0], sets[1]


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


def _labels(npy: bytes, name: str, reviews: int) -> NDArray[np.uint8]:
    labels = np.lib.format.read_array(io.BytesIO(npy), allow_pickle=False)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(f"{name} is {labels.dtype} {list(labels.shape)}, not a row of whole numbers")
    if len(labels) != reviews:
        raise DataError(f"{name} has {len(labels)} labels for {reviews} reviews")
    if not np.isin(labels, (0, 1)).all():
        raise DataError(f"{name} has labels that are neither 0 nor 1")
    return labels.astype(np.uint8)


def _reviews(ranks: list[list[int]], labels: NDArray[np.uint8], name: str, least: int = 0) -> Reviews:
    """Return lists of ranks, none below `least`, as reviews: a start token, then each rank + 3."""
    if len(np.unique(labels)) != 2:
        raise DataError(f"{name} reviews are {'all of one class' if len(labels) else 'missing'}; give both classes")
    try:
        flat = np.frombuffer(array.array("q", itertools.chain.from_iterable(ranks)), np.int64)
    except (TypeError, OverflowError) as error:
        raise DataError(f"{name} reviews are not lists of word ranks ({error}); get the file again") from None
    offsets = np.concatenate(([0], np.cumsum([len(row) + 1 for row in ranks])))
    tokens = np.full(offsets[-1], START, np.int32)
    words = np.ones(len(tokens), bool)
    words[offsets[:-1]] = False
    most = np.iinfo(np.int32).max - INDEX_FROM
    if len(flat) and not (least <= flat.min() and flat.max() <= most):
        raise DataError(
            f"{name} reviews have word ranks from {flat.min()} to {flat.max()}; give ranks from 0 to {most}"
        )
    tokens[words] = flat + INDEX_FROM
    return Reviews(tokens, offsets, labels)


# ---- your own reviews


def _table_content(path: Path) -> _Content:
    """Return the reviews of a table with the columns `text`, `label` and, if it is there, `split`."""
    table = _read_table(path)
    missing = [name for name in ("text", "label") if name not in table.columns]
    if missing:
        raise DataError(f"{path} has no column {missing[0]!r}, only {', '.join(map(str, table.columns))}; name one so")
    words = [_words(text, f"{path}, row {row}") for row, text in enumerate(table["text"], 1)]
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
        return _reviews(lists, labels[rows], f"{path}: {which}", unseen)

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


def _words(text: Any, where: str) -> list[str]:
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
