import json

import pandas as pd
import pytest

from rnnsweep.data import DataError, load
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


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (ROWS, ("review", "label", "split"), "has no column 'text', only review, label, split"),
        (ROWS, ("text", "sentiment", "split"), "has no column 'label'"),
        (changed(1, 0, " ...! "), ("text", "label", "split"), "row 2: the text is empty; give words"),
        (changed(3, 0, None), ("text", "label", "split"), "row 4: the text is"),
        (changed(2, 1, None), ("text", "label", "split"), "row 3: the label is missing"),
        (changed(2, 1, "so-so"), ("text", "label", "split"), r"has 3 classes \(neg, pos, so-so\); give 0 and 1"),
        ([("a", "x", "train"), ("b", "x", "test")], ("text", "label", "split"), r"has 1 classes \(x\)"),
        (changed(0, 1, "neg"), ("text", "label", "split"), "training reviews are all of one class"),
        (changed(4, 1, "pos"), ("text", "label", "split"), "test reviews are all of one class"),
        (changed(4, 2, "dev"), ("text", "label", "split"), "has 'dev' in the column split; give train or test"),
        ([row for row in ROWS if row[2] == "train"], ("text", "label", "split"), "test reviews are missing"),
        ([], ("text", "label"), r"has 0 classes \(\)"),
    ],
)
def test_a_table_that_cannot_be_trained_on_is_refused(tmp_path, rows, columns, message):
    with pytest.raises(DataError, match=message):
        load(write_table(tmp_path / "mine.parquet", rows, columns))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a\.csv is no readable \.csv file"),
        ("b.csv", b"\xff\xfe\x00", r"b\.csv is no readable \.csv file"),
        ("c.csv", b"text,label\ngood, really,1\n", "more fields than the header; put quotes"),
        ("d.jsonl", b'{"text": "a"', r"d\.jsonl is no readable \.jsonl file"),
        ("e.json", b"[1, 2]", "each line has to be one JSON object"),
        ("f.parquet", b"PAR1", r"f\.parquet is no readable \.parquet file"),
        ("g.txt", b"text", r"g\.txt is of an unknown type; give a file: \.npz, \.csv"),
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
