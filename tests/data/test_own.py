"""Your own texts as a data set: ranks, sets, classes, what is left out, and what is refused."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from rnnsweep.data import DataError, Reading, load
from rnnsweep.data.own import name_of
from tests.helpers.reviews import rows_of, same, write

ROWS = [
    ("Good, GOOD film!", "pos", "train"),
    ("bad film", "neg", "train"),
    ("awful\tfilm: bad", "neg", "train"),
    ("good unseen words", "pos", "test"),
    ("bad", "neg", "test"),
]


def write_table(path, rows=ROWS, columns=("text", "label", "split")):
    table = pd.DataFrame(rows, columns=list(columns))
    if path.suffix == ".parquet":
        table.to_parquet(path)
    elif path.suffix in (".csv", ".tsv"):
        table.to_csv(path, index=False, sep="," if path.suffix == ".csv" else "\t")
    else:
        table.to_json(path, orient="records", lines=True)
    return str(path)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
def test_every_type_of_file_gives_the_same_reviews(tmp_path, suffix):
    dataset = load(write_table(tmp_path / f"mine{suffix}"))
    assert (dataset.name, dataset.real, dataset.classes) == ("mine", True, ("neg", "pos"))
    # film 3, good 2 (seen before bad), bad 2, awful 1: ranks 1 to 4, as tokens 4 to 7.
    assert sorted(rows_of(dataset.train)) == [[1, 5, 5, 4], [1, 6, 4], [1, 7, 4, 6]]
    assert sorted(zip(rows_of(dataset.test), dataset.test.labels.tolist(), strict=True)) == [
        ([1, 5, 2, 2], 1),
        ([1, 6], 0),
    ]
    assert same(load(str(tmp_path / f"mine{suffix}")).train, dataset.train)


def test_words_and_ranks_are_those_of_the_keras_tokenizer(tmp_path):
    from keras.src.legacy.preprocessing.text import Tokenizer

    texts = ["It's a <br />film\nÄrger; don't [stop]~", "A film\r film", 'say "a" \\ b_c', "İstanbul a-b-c  a"]
    rows = [(text, index % 2, "train") for index, text in enumerate(texts)]
    dataset = load(write_table(tmp_path / "mine.jsonl", [*rows, ("a", 0, "test"), ("b", 1, "test")]))
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(texts)
    expected = [[1] + [rank + 3 for rank in row] for row in tokenizer.texts_to_sequences(texts)]
    assert sorted(rows_of(dataset.train)) == sorted(expected)


def test_without_a_split_column_a_fifth_is_the_test_set_and_always_the_same(tmp_path):
    rows = [(f"word{i} film", int(i >= 25)) for i in range(50)]
    path = write_table(tmp_path / "mine.csv", rows, ("text", "label"))
    dataset = load(path)
    assert (len(dataset.train), len(dataset.test)) == (40, 10)
    assert dataset.classes == ("negative", "positive")
    assert dataset.train.labels.tolist() != sorted(dataset.train.labels.tolist())
    assert load(path).sha256 == dataset.sha256 == load(write_table(tmp_path / "b.tsv", rows, ("text", "label"))).sha256


def test_texts_that_look_like_nothing_or_a_number_are_texts(tmp_path):
    rows = [("null", 1, "train"), ("1999", 0, "train"), ("NA", 1, "test"), ("2001-01-01", 0, "test")]
    for suffix in (".csv", ".jsonl", ".parquet"):
        dataset = load(write_table(tmp_path / f"mine{suffix}", rows))
        assert sorted(rows_of(dataset.train)) == [[1, 4], [1, 5]]


def changed(row, column, value):
    rows = [list(values) for values in ROWS]
    rows[row][column] = value
    return rows


COLUMNS = ("text", "label", "split")


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (ROWS, ("words", "label", "split"), r"has no column that is usual for the text .*one of words, label, split"),
        (ROWS, ("text", "mood", "split"), "has no column that is usual for the label .*with --label-column"),
        ([("a", "x", "train"), ("b", "x", "test")], COLUMNS, r"has only one class \(x\); give at least two"),
        (changed(0, 1, "neg"), COLUMNS, "training reviews are all of one class"),
        (changed(4, 1, "pos"), COLUMNS, "test reviews are all of one class"),
        (changed(4, 2, "later"), COLUMNS, r"in the column split \(row 5: 'later'\); give train, test or validation"),
        ([row for row in ROWS if row[2] == "train"], COLUMNS, "test reviews are missing; .* or a file with --test"),
        ([row for row in ROWS if row[2] == "test"], COLUMNS, "training reviews are missing"),
        ([*ROWS, ("fine", "pos", "dev")], COLUMNS, "validation reviews are all of one class"),
        ([], ("text", "label"), "has no rows"),
    ],
)
def test_a_table_that_cannot_be_trained_on_is_refused(tmp_path, rows, columns, message):
    with pytest.raises(DataError, match=message):
        load(write_table(tmp_path / "mine.parquet", rows, columns))


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (1, 0, " ...! ", r"1 of 5 rows are without a word \(row 2: '\.\.\.!'\)"),
        (3, 0, None, r"1 of 5 rows are without a text \(row 4: nothing\)"),
        (2, 1, None, r"1 of 5 rows are without a label \(row 3: 'awful film: bad'\)"),
    ],
)
def test_a_row_that_lacks_something_is_left_out_and_said_and_refused_where_all_is_to_be_whole(
    tmp_path, row, column, value, message
):
    rows = [*changed(row, column, value), ("fine film", "pos", "test"), ("poor film", "neg", "train")]
    path = write_table(tmp_path / "mine.parquet", rows, COLUMNS)
    message = message.replace("of 5", "of 7")
    dataset = load(path)
    assert len(dataset.train) + len(dataset.test) == 6
    assert re.search(message, "\n".join(dataset.notes))
    with pytest.raises(DataError, match=message):
        load(path, reading=Reading(strict=True))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a\.csv is empty; give a file"),
        ("b.csv", b"\xff\xfe\x00", r"b\.csv is not utf-16: byte 0x00 at offset 2"),
        ("c.csv", b"text,label\ngood, really,1\n", "more fields than the 2 of the first .*; put quotes"),
        ("d.jsonl", b'{"text": "a"', r"d\.jsonl is no readable \.jsonl file"),
        ("e.json", b"[1, 2]", "each line has to be one JSON object"),
        ("f.parquet", b"PAR1", r"f\.parquet is no readable \.parquet file"),
        ("g.doc", b"text", r"g\.doc is of an unknown type; give a file: \.csv"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load(str(tmp_path / name))


def test_json_texts_may_hold_unicode_line_separators(tmp_path):
    rows = [{"text": f"a\u2028b {i}", "label": i % 2, "split": ("train", "test")[i // 2]} for i in range(4)]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    assert len(load(write(tmp_path / "mine.jsonl", text)).train) == 2


def numbered(classes, each=10):
    """Return a table of distinct texts, so many of each class."""
    return [(f"word{i} of text {i}", f"class{i % classes}") for i in range(classes * each)]


def test_three_classes_are_shared_out_evenly_and_have_their_names(tmp_path):
    dataset = load(write_table(tmp_path / "mine.csv", numbered(3), ("review", "sentiment")))
    assert dataset.classes == ("class0", "class1", "class2")
    assert dataset.train.labels.dtype == np.uint8
    assert np.bincount(dataset.train.labels).tolist() == [8, 8, 8]
    assert np.bincount(dataset.test.labels).tolist() == [2, 2, 2]


def test_more_classes_than_a_byte_holds_have_labels_of_two_from_the_cache_too(tmp_path):
    path = write_table(tmp_path / "mine.csv", numbered(300, 5), ("text", "label"))
    for _ in range(2):
        dataset = load(path)
        assert dataset.train.labels.dtype == np.uint16
        assert dataset.train.labels.max() == 299
        assert len(dataset.classes) == 300


def test_rows_for_validation_are_a_set_of_their_own_and_change_the_checksum(tmp_path):
    rows = [*ROWS, ("good film bad", "pos", "valid"), ("film", "neg", "dev")]
    dataset = load(write_table(tmp_path / "mine.csv", rows))
    assert sorted(rows_of(dataset.validation)) == [[1, 4], [1, 5, 4, 6]]
    without = load(write_table(tmp_path / "less.csv", ROWS))
    assert same(dataset.train, without.train)
    assert same(dataset.test, without.test)
    assert without.validation is None
    assert dataset.sha256 != without.sha256


def test_files_beside_the_first_are_test_and_validation(tmp_path):
    columns = ("text", "label")
    rows = [(f"a w{i}", i % 2) for i in range(10)]
    paths = [write_table(tmp_path / f"{name}.csv", rows[at:], columns) for at, name in enumerate("abc")]
    dataset = load(paths[0], reading=Reading(test=tmp_path / "b.csv", validation_file=tmp_path / "c.csv"))
    assert (dataset.name, len(dataset.train), len(dataset.test), len(dataset.validation)) == ("a", 10, 9, 8)
    dataset = load(paths[0], reading=Reading(validation_file=tmp_path / "c.csv"))
    assert (len(dataset.train), len(dataset.test), len(dataset.validation)) == (8, 2, 8)
    with pytest.raises(DataError, match=r"there is no file .*d\.csv; give auto"):
        load(paths[0], reading=Reading(test=tmp_path / "d.csv"))


def test_the_vocabulary_is_the_words_by_rank_and_tokens_say_what_they_are(tmp_path):
    dataset = load(write_table(tmp_path / "mine.csv"))
    assert dataset.vocabulary == ("film", "good", "bad", "awful")
    assert dataset.tokens == "words"
    rows = [("好吃下次还来", 1, "train"), ("太慢了", 0, "train"), ("很慢", 0, "test"), ("很好", 1, "test")]
    dataset = load(write_table(tmp_path / "zh.csv", rows))
    assert dataset.tokens == "characters"
    assert sorted(rows_of(dataset.test)) == [[1, 2, 4], [1, 2, 11]]
    assert "tokens are characters: 100 % of the letters are Han" in "\n".join(dataset.notes)


def test_pieces_of_words_are_learned_and_counted_on_the_training_texts_only(tmp_path):
    rows = [("low lower", 1, "train"), ("low low lower", 0, "train"), ("ж low", 1, "test"), ("lower", 0, "test")]
    dataset = load(write_table(tmp_path / "mine.csv", rows), reading=Reading(tokens="subwords", pieces=30))
    assert "ж" not in "".join(dataset.vocabulary)
    assert [1, 4, 2, 5] in rows_of(dataset.test) or any(2 in row for row in rows_of(dataset.test))
    assert dataset.tokens == "subwords"


def test_groups_that_a_column_names_are_of_the_training_texts_and_stand_on_one_side(tmp_path):
    rows = [(f"w{i} a", i % 2, f"film {i // 4}") for i in range(40)]
    path = write_table(tmp_path / "mine.csv", rows, ("text", "label", "about"))
    dataset = load(path, reading=Reading(group_column="about"))
    names = [dataset.vocabulary[row[1] - 4] for row in rows_of(dataset.train)]
    films = [int(name[1:]) // 4 if name != "a" else None for name in names]
    assert dataset.groups.dtype == np.int64
    assert len(dataset.groups) == len(dataset.train) == 32
    pairs = {(film, group) for film, group in zip(films, dataset.groups.tolist(), strict=True) if film is not None}
    assert len(pairs) == 8  # two whole films are the test set
    again = load(path, reading=Reading(group_column="about"))
    assert again.groups.tolist() == dataset.groups.tolist()
    assert again.sha256 == dataset.sha256 != load(path).sha256


def test_a_folder_with_a_folder_per_class_is_a_data_set_of_its_name(tmp_path):
    for i in range(20):
        folder = tmp_path / "films" / ("pos" if i % 2 else "neg")
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / f"{i}.txt", f"a film {i}")
    dataset = load(str(tmp_path / "films"))
    assert (dataset.name, dataset.classes, len(dataset.train), len(dataset.test)) == ("films", ("neg", "pos"), 16, 4)
    write(tmp_path / "films" / "pos" / "1.txt", "another film")
    assert load(str(tmp_path / "films")).sha256 != dataset.sha256


@pytest.mark.parametrize(
    ("file", "name"),
    [("mine.csv", "mine"), ("mine.csv.gz", "mine"), ("my.data.csv", "my.data"), ("mine.parquet", "mine")],
)
def test_a_data_set_is_called_by_its_file_without_endings(tmp_path, file, name):
    assert name_of(tmp_path / file) == name


def test_labels_that_are_lists_are_several_labels_a_text_and_one_label_is_too_few(tmp_path):
    rows = [{"text": f"a b{i}", "label": ["x", "y"] if i % 2 else ["x"]} for i in range(10)]
    data = load(write(tmp_path / "mine.jsonl", "\n".join(map(json.dumps, rows))))
    assert (data.multilabel, data.classes) == (True, ("x", "y"))
    path = write(tmp_path / "one.jsonl", json.dumps({"text": "a", "label": ["x"]}))
    with pytest.raises(DataError, match="has 1 labels to tell apart; give at least two: give another column"):
        load(path)
