"""Readers of files: whatever kind a table of texts is stored as, one frame comes of it, and what the file was."""

from __future__ import annotations

import io
import json
import re
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from rnnsweep.data.columns import is_usual, split_of
from rnnsweep.data.delimited import NAMES, distinct_names, is_header, read_delimited
from rnnsweep.data.reviews import DataError
from rnnsweep.data.unpack import DAMAGE, PACKED, Content, Limit, check_zip, cut, decoded, limit_of, reason_of, unpacked

UNLABELLED = ("unsup", "unlabeled", "unlabelled", "unsupervised")  # folders of texts without a class
BATCH = 512  # rows of Parquet that are unpacked at once, so that a bomb is seen before it fills the memory
CELL = 16  # bytes that any cell takes here, however well a file packs it


@dataclass(frozen=True)
class RawTable:
    """A file as it was read: text fields as text, other values as the file has them, what is missing as None."""

    name: str  # the path, for messages
    frame: pd.DataFrame  # its index is the row from 1, or the file of a folder
    kind: str
    separator: str | None = None
    encoding: str | None = None
    compression: str | None = None
    header: bool = True
    class_names: dict[str, list[str]] = field(default_factory=dict)  # by column, in the order of the file's own codes
    notes: tuple[str, ...] = ()

    @property
    def facts(self) -> str:
        """What the file was found to be, in one line."""
        parts = [self.kind]
        parts += [f"fields between {NAMES.get(self.separator, repr(self.separator))}"] if self.separator else []
        parts += [] if self.header else ["no header"]
        parts += [value for value in (self.encoding, self.compression) if value]
        return f"{self.name}: {', '.join(parts)}; {len(self.frame):,} rows, {len(self.frame.columns)} columns"


@dataclass(frozen=True)
class _Source:
    content: Content
    name: str
    encoding: str | None
    header: bool | None
    expected: Sequence[str]
    limit: Limit


def read(path: Path, encoding: str | None = None, header: bool | None = None, expected: Sequence[str] = ()) -> RawTable:
    """Return the table in a file, or in a folder with a folder of .txt files per class.

    Files are .csv, .tsv, .txt (separators , ; tab | by content), .jsonl, .json (lines or an array), .parquet, .xlsx,
    each also packed as .gz, .bz2, .xz, .zip (one file) or .zst. `encoding` is for text that is not UTF-8 or UTF-16;
    `header` says whether the first row names the columns, which is else told by its content; `expected` are names of
    columns that it may hold. Raises `DataError`.
    """
    try:
        if path.is_dir():
            return read_folder(path, encoding)
        if not path.is_file():
            raise DataError(f"there is no file {path}; give a file ({_kinds()}), or a folder with one folder per class")
    except (OSError, ValueError) as error:  # a name too long or with a zero in it, a folder that may not be entered
        if isinstance(error, DataError):
            raise
        raise DataError(f"{cut(str(path), 200)} cannot be read ({reason_of(error)}); give another path") from None
    content = unpacked(path)
    suffix = _suffix(content, path)
    reader = READERS.get(suffix)
    if reader is None:
        if path.name.endswith((".tar", ".tgz")) or content.suffix == ".tar":
            raise DataError(f"{path} is an archive of files; unpack it, and give its file or its folder")
        raise DataError(f"{path} is of an unknown type; give a file: {_kinds()}")
    source = _Source(content, str(path), encoding, header, expected, limit_of(path.stat().st_size))
    try:
        table = reader(source)
    except DataError:
        raise
    except (*DAMAGE, RecursionError, MemoryError, KeyError, TypeError, AttributeError, IndexError) as error:
        reason = cut(reason_of(error), 120)
        raise DataError(f"{path} is no readable {suffix} file ({reason}); get it again") from None
    if not len(table.frame) or not len(table.frame.columns):
        raise DataError(f"{path} has no rows; give a file with a text and a label in each row")
    return table


def _kinds() -> str:
    return f"{', '.join(READERS)}, also packed as {', '.join(PACKED)}"


def _suffix(content: Content, path: Path) -> str:
    """Return what kind of file it is, by its first bytes where these tell it."""
    if content.data.startswith(b"PAR1"):
        return ".parquet"
    if content.data.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError(f"{path} is an Excel file of before 2007, or a locked one; save it as .xlsx or .csv")
    if content.data.startswith(b"PK\x03\x04"):
        return ".xlsx"
    return content.suffix


def _table(source: _Source, kind: str, columns: dict[str, list[Any]], **facts: Any) -> RawTable:
    size = len(next(iter(columns.values()), []))
    index = pd.RangeIndex(1, size + 1, name="row")
    frame = pd.DataFrame({name: pd.Series(values, index, dtype=object) for name, values in columns.items()}, index)
    return RawTable(source.name, frame, kind, compression=source.content.compression, **facts)


# ---- text with separators
def _read_text(source: _Source) -> RawTable:
    text, encoding = decoded(source.content.data, source.name, source.encoding)
    read = read_delimited(text, source.name, source.content.suffix, source.header, source.expected)
    return RawTable(
        source.name, read.frame, "a table of text", read.separator, encoding, source.content.compression, read.header,
        notes=read.notes,
    )  # fmt: skip


# ---- JSON
def _read_json(source: _Source) -> RawTable:
    text, encoding = decoded(source.content.data, source.name, source.encoding)
    kind, columns = json_columns(text)
    if re.search(r"\\u[dD][89a-fA-F]", text):
        columns = {name: [_whole(value) for value in values] for name, values in columns.items()}
    return _table(source, kind, columns, encoding=encoding)


def json_columns(text: str) -> tuple[str, dict[str, list[Any]]]:
    """Return the kind of a JSON text, and its columns: an array of objects, one object a line, or lists by column.

    What an object lacks is None. Raises ValueError for anything else.
    """
    if text.lstrip().startswith("["):
        return "a JSON array", _columns(_loads(text, "the array"))
    try:
        rows = [_loads(line, f"line {n}") for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    except ValueError:
        if re.match(r'\s*\{\s*(?:\n|"[^"]*"\s*:\s*[\[{])', text) is None:
            raise
        rows = [_loads(text, "the object")]
    if len(rows) == 1 and isinstance(rows[0], dict):
        if (lists := _lists(rows[0])) is not None:
            return "JSON lists by column", lists
        inner = list(rows[0].values())
        if len(inner) == 1 and isinstance(inner[0], list) and all(isinstance(row, dict) for row in inner[0]):
            return "a JSON array", _columns(inner[0])
    return "JSON lines", _columns(rows)


def _loads(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _columns(rows: Any) -> dict[str, list[Any]]:
    wrong = next((n for n, row in enumerate(rows, 1) if not isinstance(row, dict)), None)
    if wrong is not None:
        raise ValueError(f"each line has to be one JSON object, and row {wrong} is none")
    names = dict.fromkeys(str(name) for row in rows for name in row)
    return {name: [_present(row.get(name)) for row in rows] for name in names}


def _lists(value: dict[str, Any]) -> dict[str, list[Any]] | None:
    lists = {str(name): list(v.values()) if isinstance(v, dict) else v for name, v in value.items()}
    whole = len(lists) > 1 and all(isinstance(v, list) for v in lists.values())
    if not whole or len({len(v) for v in lists.values()}) != 1:
        return None
    return {name: [_present(item) for item in v] for name, v in lists.items()}


def _present(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value


def _whole(value: Any) -> Any:
    """Return a text without halves of surrogate pairs, which JSON can spell and no file can hold."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value


# ---- Parquet
def _read_parquet(source: _Source) -> RawTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(source.content.data))
    groups = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
    cells = file.metadata.num_rows * max(1, file.metadata.num_columns)
    declared = max(sum(group.total_byte_size for group in groups), cells * CELL)
    source.limit.check(declared, source.name, "says that it unpacks to")
    names = class_names(file.schema_arrow.metadata or {})
    kept = [n for n in file.schema_arrow.names if not n.startswith("__index_level_")]
    columns: dict[str, list[Any]] = {name: [] for name in kept}
    size = 0
    for batch in file.iter_batches(BATCH, columns=kept):
        size += batch.nbytes
        source.limit.check(size, source.name, "unpacks to at least")
        for name in kept:
            columns[name] += _values(batch.column(name), names.get(name))
    return _table(source, "Parquet", columns, class_names=names)


def _values(column: Any, names: list[str] | None) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        try:
            column = column.cast(pa.string())  # as systems write it that know no UTF-8 in Parquet
        except pa.ArrowInvalid:
            return [None if value is None else value.decode("latin-1") for value in column.to_pylist()]
    values = [_present(value) for value in column.to_pylist()]
    return values if names is None else [_named(value, names) for value in values]


def _named(value: Any, names: list[str]) -> Any:
    """Return the name of a class code, of each code of a list, or None for -1, which says that there is no label."""
    if isinstance(value, list):
        return [_named(item, names) for item in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None


def class_names(metadata: dict[bytes, bytes]) -> dict[str, list[str]]:
    """Return the names of classes by column, as Hugging Face datasets write them beside a Parquet schema."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        found = {str(column): _class_label(feature) for column, feature in features.items()}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return {column: names for column, names in found.items() if names}


def _class_label(feature: Any) -> list[str] | None:
    if isinstance(feature, list):
        feature = feature[0] if feature else None
    if isinstance(feature, dict) and "feature" in feature:
        feature = feature["feature"]
    if not isinstance(feature, dict) or feature.get("_type") != "ClassLabel":
        return None
    names = feature.get("names")
    return [str(name) for name in names] if isinstance(names, list) else None


# ---- Excel
def _read_excel(source: _Source) -> RawTable:
    import openpyxl

    with zipfile.ZipFile(io.BytesIO(source.content.data)) as archive:
        check_zip(archive, source.name, source.limit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and drop-down lists, which are no texts
        book = openpyxl.load_workbook(io.BytesIO(source.content.data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # which a file may state as it likes
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
        others = [other.title for other in book.worksheets[1:]]
        book.close()
    while rows and not any(value is not None for value in rows[-1]):
        rows.pop()
    width = max((len(row) for row in rows), default=0)
    rows = [[*row, *[None] * (width - len(row))] for row in rows]
    notes = (f"{source.name}: read is its first sheet, not {', '.join(map(repr, others[:3]))}",) if others else ()
    return _sheet_table(source, rows, notes)


def _sheet_table(source: _Source, rows: list[list[Any]], notes: tuple[str, ...]) -> RawTable:
    first = ["" if value is None else str(value) for value in (rows[0] if rows else [])]
    below = [[None if v is None else str(v) for v in column] for column in zip(*rows[1:201], strict=True)]
    named = source.header
    if named is None:
        named = is_header(first, below, lambda value: is_usual(value) or value.strip() in source.expected)
    names = distinct_names([v.strip() for v in first]) if named else [str(n) for n in range(1, len(first) + 1)]
    columns = {name: [row[i] for row in rows[int(named) :]] for i, name in enumerate(names)}
    return _table(source, "Excel", columns, header=named, notes=notes)


# ---- a folder per class
def read_folder(path: Path, encoding: str | None = None) -> RawTable:
    """Return the texts of a folder's .txt files, labelled by the folder they are in, in the order of their names.

    Folders may lie in folders train, test and validation, as in the original IMDB. Raises `DataError`.
    """
    classes, left_out = _class_folders(path)
    files = [(split, folder, file) for split, folder in classes for file in _text_files(folder)]
    if not files:
        raise DataError(
            f"{path} is a folder without a folder of .txt files per class (such as pos/1.txt and neg/1.txt); give such "
            f"a one, or a file: {_kinds()}"
        )
    size = sum(file.stat().st_size for _, _, file in files)
    limit_of(size).check(size, path, "holds")
    rows = [(folder.name, _text_of(file, encoding), split) for split, folder, file in files]
    index = pd.Index([str(file.relative_to(path)) for _, _, file in files], name="file", dtype=object)
    frame = pd.DataFrame(rows, index, ["label", "text", "split"], dtype=object)
    if not any(split for split, _ in classes):
        frame = frame.drop(columns="split")
    notes = tuple(f"{path}: {name} is left out, since its texts have no class" for name in left_out)
    return RawTable(str(path), frame, "a folder of text files per class", encoding=encoding or "utf-8", notes=notes)


def _class_folders(path: Path) -> tuple[list[tuple[str, Path]], list[str]]:
    """Return the folders of classes with their split or nothing, in order, and the names of those without a class."""
    inside = _folders(path)
    splits = [(split_of(folder.name), folder) for folder in inside]
    if any(split and _folders(folder) for split, folder in splits):
        found = [(split, folder) for split, upper in splits if split for folder in _folders(upper)]
    else:
        found = [("", folder) for folder in inside]
    left_out = [folder for _, folder in found if folder.name.lower() in UNLABELLED]
    return [pair for pair in found if pair[1] not in left_out], [str(f.relative_to(path)) for f in left_out]


def _folders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))


def _text_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*.txt") if p.is_file() and not p.name.startswith("."))


def _text_of(file: Path, encoding: str | None) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}); mend it, or leave it out") from None
    return decoded(data, file, encoding)[0]


READERS: dict[str, Callable[[_Source], RawTable]] = {
    ".csv": _read_text,
    ".tsv": _read_text,
    ".txt": _read_text,
    ".tab": _read_text,
    ".jsonl": _read_json,
    ".ndjson": _read_json,
    ".json": _read_json,
    ".parquet": _read_parquet,
    ".xlsx": _read_excel,
}
