"""Several labels of one text: from a cell, a list or a column per label to a row of 0 and 1."""

import json

import numpy as np
import pytest

from rnnsweep.data import DataError, Reading, load, split
from rnnsweep.data.copies import copies
from rnnsweep.data.look import look, warnings
from rnnsweep.data.multilabel import labels_in, labels_of_texts
from rnnsweep.data.understand import understand
from rnnsweep.spec import Spec
from tests.helpers.reviews import same, write

# Rows as (text, labels).
ROWS = [
    ("good film", "Fun new"),
    ("more film", "fun"),
    ("bad film", "sad"),
    ("old film", ""),
    ("long film", "fun  sad"),
    ("fine film", "rare"),
]


def as_table(path, rows=ROWS):
    return write(path, "text,label\n" + "".join(f"{text},{labels}\n" for text, labels in rows))


def several(count=200):
    """Return rows whose texts all differ, but for the last ten, which are copies of the first."""
    texts = [f"text w{i} w{i % 7} w{i % 11}" for i in range(count - 10)]
    return [
        (text, " ".join(f"l{n}" for n in (2, 3, 5) if i % n == 0) or "l7") for i, text in enumerate(texts + texts[:10])
    ]


def test_labels_of_a_cell_stand_between_separators_and_count_once(tmp_path):
    found = understand(as_table(tmp_path / "a.csv") and tmp_path / "a.csv", Reading(label_separator=" "))
    assert found.labels.names == ("fun", "new", "rare", "sad")
    assert found.labels.codes.tolist() == [[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [1, 0, 0, 1], [0, 0, 1, 0]]
    notes = "\n".join(found.notes)
    assert "1 of 6 rows are without a label" in notes
    assert "labels that differ in case or blanks only are one: 'Fun', 'fun' as 'fun'" in notes
    assert "several labels a text, 1.4 in the mean, 2 at most" in notes
    assert labels_in("a; b ;a;", ";") == ("a", "b")
    assert labels_in(" ", ";") is None


def test_lists_in_parquet_and_json_are_labels_by_the_names_of_their_metadata(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    features = {"labels": {"feature": {"_type": "ClassLabel", "names": ["zero", "one", "two"]}}}
    table = pa.table({"text": ["a b", "c d", "e f"], "labels": [[0, 2], [1], []]})
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "a.parquet")
    found = understand(tmp_path / "a.parquet")
    assert found.labels.names == ("zero", "one", "two")
    assert found.labels.codes.tolist() == [[1, 0, 1], [0, 1, 0]]
    rows = [{"text": "a b", "labels": ["x", "y"]}, {"text": "c d", "labels": ["y"]}]
    write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    assert understand(tmp_path / "a.jsonl").labels.codes.tolist() == [[1, 1], [0, 1]]


def test_a_column_of_0_and_1_per_label_also_says_that_a_text_has_none(tmp_path):
    write(tmp_path / "a.csv", "id,comment_text,toxic,insult\n1,a b,1,1\n2,c d,0,0\n3,e f,,1\n4,g h,false,TRUE\n")
    found = understand(tmp_path / "a.csv", Reading(label_columns=("toxic", "4")))
    assert found.labels.names == ("insult", "toxic")
    assert found.labels.codes.tolist() == [[1, 1], [0, 0], [1, 0]]
    assert any("1 texts have none of them, and stay" in note for note in found.notes)
    assert any("1 of 4 rows are without a label" in note for note in found.notes)


def test_rare_labels_are_counted_in_the_training_texts_and_left_out_and_their_texts_stay(tmp_path):
    values = [("a", "b"), ("a", "c"), ("c",), ("b",)]
    trained = np.array([True, True, True, False])
    found = labels_of_texts(values, least=2, counted=trained)
    assert found.names == ("a", "c")
    assert found.codes.tolist() == [[1, 0], [1, 1], [0, 1], [0, 0]]
    assert "1 of 3 labels, which fewer than 2 training texts have, are left out" in found.notes[0]
    assert labels_of_texts(values, chosen=("c", "A")).names == ("c", "a")
    with pytest.raises(DataError, match="has 0 labels to tell apart; give at least two: lower --min-label"):
        labels_of_texts(values, least=3, counted=trained)


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        (Reading(label_columns=("x", "text")), r"'a b' in the column text of --label-columns \(row 1\); give col"),
        (Reading(label_columns=("x", "z")), "--label-columns z: .* has no such column; give some of text, x, y"),
        (Reading(label_columns=("x",)), "--label-columns is one column; give at least two"),
        (Reading(label_columns=("x", "y"), label_column="x"), "leave them out"),
        (Reading(label_columns=("x", "y"), positive="x"), "--positive is for two classes, and a text has several"),
        (Reading(label_column="x", min_label=2), "--min-label is of several labels a text"),
        (Reading(label_column="x", label_separator=""), "--label-separator is empty; give what stands between"),
    ],
)  # fmt: skip
def test_what_cannot_be_labels_is_refused_in_one_line(tmp_path, reading, message):
    write(tmp_path / "a.csv", "text,x,y\na b,1,0\nc d,0,1\ne f,1,1\n")
    with pytest.raises(DataError, match=message):
        understand(tmp_path / "a.csv", reading)


def test_a_data_set_of_labels_is_the_same_from_the_cache_and_says_so(tmp_path):
    path = as_table(tmp_path / "a.csv", several())
    reading = Reading(label_separator=" ")
    first, second = load(path, reading=reading), load(path, reading=reading)
    assert first.multilabel
    assert first.train.labels.dtype == np.uint8
    assert first.train.labels.shape == (len(first.train), 4)
    assert same(first.train, second.train)
    assert first.sha256 == second.sha256
    assert "all of their labels right" in warnings(first)[0]
    lines = "\n".join(look(understand(tmp_path / "a.csv", reading)))
    assert "4 labels, of 200 texts" in lines
    assert "row 1 [l2, l3, l5]" in lines


@pytest.mark.parametrize("validation", [0.2, "grouped"])
def test_copies_stay_on_one_side_of_every_split(tmp_path, validation):
    data = load(as_table(tmp_path / "a.csv", several()), reading=Reading(label_separator=" "))
    parts = split(Spec(validation=validation, batch_size=8), data)
    sets = [{reviews.part(i, i + 1).tokens.tobytes() for i in range(len(reviews))} for reviews in vars(parts).values()
            if not isinstance(reviews, str)]  # fmt: skip
    assert not sets[0] & sets[1]
    assert copies(data.train).max() + 1 < len(data.train)
    assert parts.train.labels.ndim == parts.validation.labels.ndim == 2
