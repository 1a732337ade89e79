"""Files of texts without labels, read a few at a time."""

import bz2
import gzip
import json
import zipfile

import pandas as pd
import pytest

from rnnsweep.data import DataError
from rnnsweep.data.stream import Source, stream

TEXTS = ["a fine film", 'he said "no", twice', "two\nlines", "", "null"]


def texts(path, rows=2, **said):
    return [text for part in stream(Source(path, **said), rows) for text in part.texts]


def csv_of(texts):
    return "id,review\n" + "".join(f'{i},"{t.replace(chr(34), chr(34) * 2)}"\n' for i, t in enumerate(texts))


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def test_every_kind_of_file_gives_its_texts_in_order(tmp_path):
    table = csv_of(TEXTS)
    lines = "".join(json.dumps({"id": i, "review": text}) + "\n" for i, text in enumerate(TEXTS))
    frame = pd.DataFrame({"id": range(5), "review": TEXTS})
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    files = [
        write(tmp_path / "a.csv", table), write(tmp_path / "b.csv", table.replace("\n", "\r\n")),
        write(tmp_path / "c.csv", "\ufeff" + table), write(tmp_path / "d.csv", table, "utf-16"),
        write(tmp_path / "e.jsonl", lines), tmp_path / "a.parquet", tmp_path / "a.xlsx",
    ]  # fmt: skip
    for name, pack in (("a.csv.gz", gzip.compress), ("a.csv.bz2", bz2.compress)):
        (tmp_path / name).write_bytes(pack(table.encode()))
        files.append(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("inner.csv", table)
    for file in [*files, tmp_path / "a.zip"]:
        assert texts(file) == TEXTS, file


def test_a_file_longer_than_its_beginning_is_read_to_its_end(tmp_path):
    long = [f"text {i} " + "word " * 50 + "ü" for i in range(9000)]
    for name, content in (("a.csv", csv_of(long)), ("a.txt", "\n".join(long))):
        path = write(tmp_path / name, content)
        assert path.stat().st_size > 2**21
        assert texts(path, 1000) == long
    assert [part.share for part in stream(Source(tmp_path / "a.txt"), 5000)][-1] == 1


def test_a_text_a_line_needs_no_quotes_and_a_single_column_no_name(tmp_path):
    assert texts(write(tmp_path / "a.txt", "one, two, three\n\nfour\n")) == ["one, two, three", "", "four"]
    assert texts(write(tmp_path / "b.csv", "opinion\nfine\ndull\n")) == ["fine", "dull"]


@pytest.mark.parametrize(
    ("content", "said", "message"),
    [
        ("a,b\n1,2\n", {}, "no column that is usual for the text .* --text-column"),
        ("a,b\n1,2\n", {"text_column": "c"}, "--text-column c: .* has no such column; give one of a, b"),
        ("", {}, "is empty; give a file with a text in each row"),
        ('review,x\n"never closed,1\n' + "a,b\n" * 400, {}, "cannot be read as a table .* put texts"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_in_one_line(tmp_path, content, said, message):
    with pytest.raises(DataError, match=message):
        texts(write(tmp_path / "a.csv", content), **said)


def test_a_column_is_found_by_number_or_by_the_name_it_had_in_training(tmp_path):
    path = write(tmp_path / "a.csv", "a,b\nx y,1\nz,2\n")
    assert texts(path, text_column="1") == texts(path, usual="a") == ["x y", "z"]


def test_bytes_of_another_encoding_are_named(tmp_path):
    path = write(tmp_path / "a.csv", "review\n" + "caf\u00e9 bar\n" * 9, "cp1252")
    with pytest.raises(DataError, match="is not utf-8"):
        texts(path)
    assert texts(path, encoding="cp1252") == ["caf\u00e9 bar"] * 9
