"""Files of every kind give one table, and each mistake in them one line."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnsweep.data import unpack
from rnnsweep.data.delimited import is_header, read_delimited, refuse_swallowed, separator_of
from rnnsweep.data.reviews import DataError
from rnnsweep.data.tables import class_names, json_columns, read
from tests.helpers.properties import quick

ROWS = [["good, warm soup", "1"], ["cold\nbread", "0"], ['a "fine" room', "1"]]
CSV = 'text,label\n"good, warm soup",1\n"cold\nbread",0\n"a ""fine"" room",1\n'


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows_of(table):
    return table.frame.values.tolist()


# ---- text with separators


def test_quotes_line_breaks_and_separators_inside_quotes_belong_to_the_text(tmp_path):
    table = read(write(tmp_path / "a.csv", CSV))
    assert rows_of(table) == ROWS
    assert list(table.frame.columns) == ["text", "label"]
    assert table.frame.index.tolist() == [1, 2, 3]
    assert table.facts.endswith("a.csv: a table of text, fields between commas, utf-8; 3 rows, 2 columns")
    assert table.notes == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_marks_encodings_and_line_ends_do_not_change_the_rows(tmp_path, encoding, end):
    table = read(write(tmp_path / "a.csv", CSV.replace("\n", end).encode(encoding)))
    assert rows_of(table) == ROWS


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_by_content_whatever_the_name_says(tmp_path, suffix, separator):
    text = "".join(f"{a}{separator}{b}\n" for a, b in [("Review", "Sentiment"), ("warm soup", "good"), ("a b", "bad")])
    table = read(write(tmp_path / f"a{suffix}", text))
    assert table.separator == separator
    assert rows_of(table) == [["warm soup", "good"], ["a b", "bad"]]


def test_the_separator_of_unknown_names_is_the_one_that_makes_even_rows():
    assert separator_of("was;wie\ngut, sehr gut, doch;1\nschlecht;0\n", ".csv") == ";"
    assert separator_of("one column\nof texts\n", ".csv") == ","


def test_a_line_of_excel_says_the_separator():
    assert read_delimited("sep=;\ntext;label\na, b;1\n", "x").frame.values.tolist() == [["a, b", "1"]]


def test_words_that_look_like_missing_values_are_words(tmp_path):
    table = read(write(tmp_path / "a.csv", "text,label\nNA,null\nNone,nan\n,\n"))
    assert rows_of(table) == [["NA", "null"], ["None", "nan"], ["", ""]]


def test_a_short_row_lacks_its_last_fields(tmp_path):
    assert rows_of(read(write(tmp_path / "a.csv", "text,label\na,1\nb\n"))) == [["a", "1"], ["b", ""]]


def test_a_blank_behind_the_separator_does_not_hide_a_quote():
    frame = read_delimited('text, label\n"a, b", "x"\n"c", "y"\n', "x").frame
    assert frame.values.tolist() == [["a, b", "x"], ["c", "y"]]
    assert list(frame.columns) == ["text", "label"]


def test_quotes_that_are_escaped_with_a_backslash_are_read_and_said():
    read_ = read_delimited('text,label\n"she said \\"no, thanks\\" twice",1\nfine,0\n', "x.csv")
    assert read_.frame.values.tolist() == [['she said "no, thanks" twice', "1"], ["fine", "0"]]
    assert 'quotes inside texts are written \\"' in read_.notes[0]


def test_columns_without_a_name_or_with_one_name_can_still_be_told():
    frame = read_delimited("text,,text,label\na,b,c,1\n", "x").frame
    assert list(frame.columns) == ["text", "column 2", "text.1", "label"]


@pytest.mark.parametrize(
    ("first", "below", "header"),
    [
        (["text", "label"], [["a"], ["1"]], True),  # a usual name
        (["Was", "Wie"], [["a b c"], ["gut"]], True),  # nothing speaks for data
        (["warm soup", "1"], [["cold soup"], ["0"]], False),  # a number
        (["warm soup", "good"], [["cold soup", "x"], ["bad", "good"]], False),  # stands again below
        (["a long sentence about the soup here", "good"], [["x"], ["bad"]], False),
        (["so bad"], [[]], True),  # one row only
    ],
)
def test_a_first_row_is_a_header_unless_it_looks_like_data(first, below, header):
    assert is_header(first, below, lambda field: field in ("text", "label")) == header


def test_a_file_without_a_header_is_recognised_and_said_and_can_be_forced(tmp_path):
    path = write(tmp_path / "a.csv", "warm soup,1\ncold soup,0\n")
    table = read(path)
    assert list(table.frame.columns) == ["1", "2"]
    assert len(table.frame) == 2
    assert not table.header
    assert "no header" in table.facts
    assert "columns are called by number, from 1" in table.notes[0]
    assert list(read(path, header=True).frame.columns) == ["warm soup", "1"]
    assert len(read(write(path, CSV), header=False).frame) == 4


def test_a_name_that_the_user_gives_makes_the_first_row_a_header(tmp_path):
    path = write(tmp_path / "a.csv", "5,6\nwarm soup,1\ncold soup,0\n")
    assert not read(path).header
    assert read(path, expected=["5"]).header


def test_a_lone_quote_of_a_tsv_with_as_many_tabs_on_each_line_swallows_nothing(tmp_path):
    text = 'text\tlabel\na\t1\n"not again\t0\nb\t1\n"no" she said\t0\nc\t1\n'
    table = read(write(tmp_path / "a.tsv", text))
    assert rows_of(table) == [["a", "1"], ['"not again', "0"], ["b", "1"], ['"no" she said', "0"], ["c", "1"]]
    assert "line 3 has a lone quote" in table.notes[0]


def test_a_tsv_whose_quotes_close_is_read_with_them():
    read_ = read_delimited('text\tlabel\n"a ""b"" c"\t"x"\nd\ty\n', "x", ".tsv")
    assert read_.frame.values.tolist() == [['a "b" c', "x"], ["d", "y"]]
    assert read_.notes == ()


def test_a_csv_whose_quote_never_closes_is_refused_with_its_line(tmp_path):
    path = write(tmp_path / "a.csv", 'text,label\na,1\n"b\nc",1\n"not again,0\nd,1\ne,0\n')
    with pytest.raises(
        DataError, match=r"a\.csv: the quote that opens in line 5 is never closed; write a quote inside"
    ):
        read(path)


def test_rows_swallowed_behind_a_lone_quote_are_refused_with_the_row():
    frame = read_delimited('text,label\na,1\n"not again,0\nb,1\n"no" she said,0\nc,1\n', "x").frame
    assert len(frame) == 3
    with pytest.raises(DataError, match=r"x: the texts of 1 rows hold lines .* \(row 2: 'not again,0'\)"):
        refuse_swallowed(frame, ",", "text", "label", "x")
    first = read_delimited('label,text\n1,a\n0,"not again\n1,b\n0,"no" she said\n1,c\n', "x").frame
    with pytest.raises(DataError, match=r"row 2: '1,b'"):
        refuse_swallowed(first, ",", "text", "label", "x")


def test_lines_of_a_text_that_only_look_like_rows_are_no_rows():
    text = 'label,kind,text\ngood,x,"- a\n- use,good,x, and so on"\nbad,y,b\ngood,x,c\nbad,y,d\n'
    refuse_swallowed(read_delimited(text, "x").frame, ",", "text", "label", "x")


def test_rows_with_more_fields_than_the_first_are_counted_and_shown(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\n" + "a,1\n" * 3 + "b,c,1\nd,e,f,0\n" + "a,b,1\n" * 3)
    with pytest.raises(
        DataError, match=r"5 rows have more fields than the 2 .*line 5 has 3, line 6 has 4, line 7 has 3\)"
    ):
        read(path)


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_an_empty_file_is_refused(tmp_path, content):
    with pytest.raises(DataError, match=r"a\.csv is empty; give a file with"):
        read(write(tmp_path / "a.csv", content))
    with pytest.raises(DataError, match=r"b\.csv has no rows; give a file with"):
        read(write(tmp_path / "b.csv", "text,label\n"))


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=8)


@quick
@given(st.lists(st.tuples(CELL, st.sampled_from(["good", "bad"])), min_size=1, max_size=6), st.sampled_from(",;|\t"))
def test_what_pandas_writes_is_read_as_it_was(rows, separator):
    written = pd.DataFrame(rows, columns=["text", "label"]).to_csv(sep=separator, index=False)
    assert [tuple(row) for row in read_delimited(written, "x").frame.values.tolist()] == rows


@quick
@given(st.binary(max_size=60), st.sampled_from([".csv", ".tsv", ".json", ".jsonl", ".parquet", ".xlsx", ".csv.gz"]))
def test_any_bytes_are_a_table_or_one_line(tmp_path_factory, content, suffix):
    path = write(tmp_path_factory.mktemp("fuzz") / f"a{suffix}", content)
    problem = ""
    try:
        read(path)
    except DataError as error:
        problem = str(error)
    assert "\n" not in problem


# ---- encodings


def test_what_is_not_utf8_is_refused_with_its_byte_and_what_it_looks_like(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\ncafé,1\nthé,0\nplain,1\nà la carte,0\n".encode("latin-1"))
    with pytest.raises(DataError) as refusal:
        read(path)
    assert "a.csv is not utf-8: byte 0xe9 at offset 14, in line 2, and 2 more such lines (3, 5, ...)" in str(
        refusal.value
    )
    assert "it looks like cp1252, in which that line is 'café,1': give --encoding cp1252" in str(refusal.value)
    assert rows_of(read(path, "cp1252"))[0] == ["café", "1"]


def test_a_wrong_encoding_is_refused_and_so_is_no_encoding(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\ncafé,1\n")
    with pytest.raises(DataError, match="is not ascii: byte 0xc3 at offset 14, in line 2"):
        read(path, "ascii")
    for wrong in ("utf-88", "rot13", "zlib"):
        with pytest.raises(DataError, match=f"--encoding {wrong} cannot be used"):
            read(path, wrong)


def test_bytes_that_are_no_text_are_called_so(tmp_path):
    with pytest.raises(DataError, match="it looks like no text at all"):
        read(write(tmp_path / "a.csv", b"\x00\x01\xff\xfe\x80\x03" * 20))


# ---- packed files


def zipped(content, name="a.csv", **others):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, data in {name: content, "__MACOSX/._a.csv": b"x", **others}.items():
            archive.writestr(each, data)
    return file.getvalue()


def zstd(content):
    return pa.Codec("zstd").compress(content).to_pybytes()


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd, ".zip": zipped}


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_packed_file_is_read_as_what_is_in_it(tmp_path, suffix):
    packed = PACKERS[suffix](CSV.encode())
    table = read(write(tmp_path / f"a.csv{suffix}", packed))
    assert rows_of(table) == ROWS
    assert table.compression == suffix
    assert rows_of(read(write(tmp_path / "b.csv", packed))) == ROWS  # its name does not have to say so


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_packed_file_that_is_cut_is_refused(tmp_path, suffix):
    packed = PACKERS[suffix](CSV.encode() * 50)
    with pytest.raises(DataError, match=r"cannot be read \(.*get the file again, or unpack it"):
        read(write(tmp_path / f"a.csv{suffix}", packed[: len(packed) // 2]))


def test_several_parts_packed_one_behind_the_other_are_one_file(tmp_path):
    first, second = CSV.encode()[:20], CSV.encode()[20:]
    for suffix in (".gz", ".bz2", ".xz", ".zst"):
        parts = PACKERS[suffix](first) + PACKERS[suffix](second)
        assert rows_of(read(write(tmp_path / f"a.csv{suffix}", parts))) == ROWS


def test_a_zip_of_several_files_is_refused_with_their_names(tmp_path):
    with pytest.raises(DataError, match=r"a\.zip holds 2 files \(a\.csv, b\.csv\); unpack it"):
        read(write(tmp_path / "a.zip", zipped(b"x", **{"b.csv": b"y"})))


def test_a_zip_is_read_by_the_name_of_what_is_in_it(tmp_path):
    assert read(write(tmp_path / "a.zip", zipped(b'{"text": "a", "label": 1}', "a.jsonl"))).kind == "JSON lines"


@pytest.mark.parametrize("suffix", PACKERS)
def test_what_unpacks_to_far_more_than_it_weighs_is_refused(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr(unpack, "FREE", 10_000)
    monkeypatch.setattr(unpack, "RATIO", 10)
    bomb = write(tmp_path / f"a.csv{suffix}", PACKERS[suffix](b"0" * 3_000_000))
    with pytest.raises(DataError, match=r"unpacks to .*[KM]B, more than 10 times its own .*give a smaller file"):
        read(bomb)


def test_more_than_the_memory_holds_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "memory_at_hand", lambda: 40)
    with pytest.raises(DataError, match=r"a\.csv is at least \d+ bytes, more than a quarter of the 40 bytes of memory"):
        read(write(tmp_path / "a.csv", CSV))


def test_the_limit_is_the_smallest_of_three(monkeypatch):
    monkeypatch.setattr(unpack, "memory_at_hand", lambda: 10**15)
    assert unpack.limit_of(1).size == unpack.FREE
    assert unpack.limit_of(10**6).size == 10**9
    assert unpack.limit_of(10**9).size == unpack.LARGEST
    monkeypatch.setattr(unpack, "memory_at_hand", lambda: 4000)
    assert unpack.limit_of(10**9).size == 1000


# ---- JSON


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("JSON lines", '{"text": "a", "label": 1}\n\n{"text": "b", "label": 0}\n'),
        ("a JSON array", '[{"text": "a", "label": 1},\n {"text": "b", "label": 0}]'),
        ("a JSON array", '{"data": [{"text": "a", "label": 1}, {"text": "b", "label": 0}]}'),
        ("JSON lists by column", '{"text": ["a", "b"],\n "label": [1, 0]}'),
        ("JSON lists by column", '{"text": {"0": "a", "1": "b"}, "label": {"0": 1, "1": 0}}'),
    ],
)
def test_json_of_all_layouts_is_one_table(kind, text):
    assert json_columns(text) == (kind, {"text": ["a", "b"], "label": [1, 0]})


def test_what_a_json_object_lacks_is_missing_and_its_words_are_words(tmp_path):
    text = '{"text": "NA", "label": null}\n{"text": "null", "label": NaN}\n{"label": true}\n'
    assert rows_of(read(write(tmp_path / "a.jsonl", text))) == [["NA", None], ["null", None], [None, True]]


def test_half_a_surrogate_pair_becomes_the_sign_for_it(tmp_path):
    table = read(write(tmp_path / "a.jsonl", r'{"text": "a\ud83d b \ud83d\ude00", "label": 1}'))
    assert rows_of(table)[0][0] == "a\ufffd b 😀"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"text": 1}\n{oops}\n', "line 2: Expecting property name"),
        ("[1, 2]", "each line has to be one JSON object, and row 1 is none"),
        ("[" * 100_000, "recursion|depth"),
        ("7", "row 1 is none"),
    ],
)
def test_json_that_is_no_table_is_refused(tmp_path, text, reason):
    with pytest.raises(DataError, match=rf"a\.json is no readable \.json file \(.*({reason})"):
        read(write(tmp_path / "a.json", text))


# ---- Parquet and Excel


def parquet(path, table, features=None):
    if features is not None:
        about = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": about})
    pq.write_table(table, path)
    return path


def test_parquet_keeps_words_and_what_is_really_missing(tmp_path):
    path = parquet(tmp_path / "a.parquet", pa.table({"text": ["NA", None, "null"], "label": [1, None, 0]}))
    assert rows_of(read(path)) == [["NA", 1], [None, None], ["null", 0]]


def test_parquet_of_pandas_is_read_without_its_index(tmp_path):
    pd.DataFrame({"text": ["a", "b"], "label": ["x", "y"]}, index=[5, 9]).to_parquet(tmp_path / "a.parquet")
    table = read(tmp_path / "a.parquet")
    assert rows_of(table) == [["a", "x"], ["b", "y"]]
    assert table.frame.index.tolist() == [1, 2]


def test_class_names_beside_a_parquet_schema_take_the_place_of_codes(tmp_path):
    features = {
        "text": {"dtype": "string", "_type": "Value"},
        "label": {"names": ["pos", "neg"], "_type": "ClassLabel"},
        "tags": {"feature": {"names": ["a", "b"], "_type": "ClassLabel"}, "_type": "Sequence"},
    }
    columns = {"text": ["x", "y", "z"], "label": [0, 1, -1], "tags": [[0, 1], [], [1]]}
    table = read(parquet(tmp_path / "a.parquet", pa.table(columns), features))
    assert rows_of(table) == [["x", "pos", ["a", "b"]], ["y", "neg", []], ["z", None, ["b"]]]
    assert table.class_names == {"label": ["pos", "neg"], "tags": ["a", "b"]}


@pytest.mark.parametrize(
    "about", [b"", b"[]", b"{}", b'{"info": {"features": {"a": 5, "b": {"names": 7}}}}', b"[" * 9999]
)
def test_other_metadata_names_no_classes(about):
    assert class_names({b"huggingface": about}) == {}


def test_parquet_that_declares_or_holds_far_more_than_it_weighs_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "FREE", 100_000)
    monkeypatch.setattr(unpack, "RATIO", 1)
    many = parquet(tmp_path / "many.parquet", pa.table({"text": ["x"] * 10_000, "label": [1] * 10_000}))
    with pytest.raises(DataError, match=r"many\.parquet says that it unpacks to 320\.0 KB, more than 1 times its own"):
        read(many)
    wide = parquet(tmp_path / "wide.parquet", pa.table({"text": ["x" * 20_000] * 100, "label": [1] * 100}))
    with pytest.raises(DataError, match=r"wide\.parquet unpacks to at least 2\.\d MB, more than 1 times its own"):
        read(wide)


def excel(path, rows, *others):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title in others:
        book.create_sheet(title)
    book.save(path)
    return path


def test_excel_keeps_words_numbers_and_what_is_missing_and_says_which_sheet(tmp_path):
    path = excel(tmp_path / "a.xlsx", [["Text", "Label"], ["NA", 1], [None, 0], ["null", None], [None, None]], "more")
    table = read(path)
    assert rows_of(table) == [["NA", 1], [None, 0], ["null", None]]
    assert list(table.frame.columns) == ["Text", "Label"]
    assert "read is its first sheet, not 'more'" in table.notes[0]
    assert list(read(excel(tmp_path / "b.xlsx", [["warm soup", 1], ["cold", 0]])).frame.columns) == ["1", "2"]


def test_an_excel_file_is_known_by_content_and_one_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    path = excel(tmp_path / "a.xlsx", [["text", "label"], *[["x" * 1000, 1]] * 100])
    assert read(path.rename(tmp_path / "a.csv")).kind == "Excel"
    monkeypatch.setattr(unpack, "FREE", 100)
    monkeypatch.setattr(unpack, "RATIO", 1)
    with pytest.raises(DataError, match=r"a\.csv says that it unpacks to .*, more than 1 times its own"):
        read(tmp_path / "a.csv")


def test_old_excel_files_archives_and_unknown_files_are_refused_with_what_to_give(tmp_path):
    with pytest.raises(DataError, match=r"save it as \.xlsx or \.csv"):
        read(write(tmp_path / "a.xls", b"\xd0\xcf\x11\xe0" + b"0" * 50))
    with pytest.raises(DataError, match=r"a\.tar\.gz is an archive of files; unpack it"):
        read(write(tmp_path / "a.tar.gz", gzip.compress(b"0" * 600)))
    with pytest.raises(DataError, match=r"a\.docx is of an unknown type; give a file: \.csv, .*also packed as \.gz"):
        read(write(tmp_path / "a.docx", b"word"))
    with pytest.raises(DataError, match="there is no file"):
        read(tmp_path / "none.csv")
    for odd in ("x" * 5000, "a\0.csv"):
        with pytest.raises(DataError, match=r"cannot be read|there is no file"):
            read(tmp_path / odd)


# ---- a folder per class


def folder(root, *files):
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        write(root / file, f"text of {file}")
    return root


def test_a_folder_per_class_is_labelled_by_its_folders(tmp_path):
    table = read(folder(tmp_path, "pos/2.txt", "pos/1.txt", "neg/a/1.txt", "neg/notes.md", "README.txt"))
    assert table.frame["label"].tolist() == ["neg", "pos", "pos"]
    assert table.frame.index.tolist() == [str(Path("neg/a/1.txt")), str(Path("pos/1.txt")), str(Path("pos/2.txt"))]
    assert table.frame["text"].tolist()[1] == "text of pos/1.txt"
    assert "split" not in table.frame.columns


def test_folders_of_train_and_test_say_the_split_and_unsup_is_left_out(tmp_path):
    files = [
        "train/pos/1.txt",
        "train/neg/1.txt",
        "train/unsup/1.txt",
        "train/urls.txt",
        "test/pos/1.txt",
        "val/neg/1.txt",
    ]
    table = read(folder(tmp_path, *files))
    assert sorted(zip(table.frame["split"], table.frame["label"], strict=True)) == [
        ("test", "pos"), ("train", "neg"), ("train", "pos"), ("validation", "neg"),
    ]  # fmt: skip
    assert table.notes == (f"{tmp_path}: train/unsup is left out, since its texts have no class",)


def test_a_folder_without_folders_of_texts_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"is a folder without a folder of \.txt files per class"):
        read(folder(tmp_path, "a.txt"))
