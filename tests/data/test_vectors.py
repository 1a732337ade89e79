"""Pretrained vectors: the two text formats, what is found of the words, and what is refused."""

import dataclasses
import gzip
import json

import numpy as np
import pytest

from rnnsweep.data import DataError, Reading, load
from rnnsweep.data.vectors import check_columns, coverage, of_vectors, read_vectors, vectors_of
from rnnsweep.spec import Spec
from tests.helpers.reviews import write, write_npz

LINES = "film 1 2\nThe .5 -1\nnew york 3 4\nfilm 9 9\nthe 5 6\n"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("header", ["", "5 2\n"])
def test_rows_of_the_words_are_found_in_either_format(tmp_path, header, packed):
    path = tmp_path / "v.txt.gz"
    path.write_bytes(gzip.compress((header + LINES).encode()) if packed else (header + LINES).encode())
    found = read_vectors(path, ("the", "film", "rare", "new york"))
    assert found.ids.tolist() == [4, 5, 7]  # ranks from 1, and 3 more
    assert found.values.tolist() == [
        [5, 6],
        [1, 2],
        [3, 4],
    ]  # a word itself before one in capitals, the first of equals
    assert (found.values.dtype, found.ids.dtype, len(found.sha256)) == (np.float32, np.int64, 64)
    assert read_vectors(path, ("york", "the")).values.tolist() == [[5, 6]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b c\n", "line 1 is no word with numbers behind it; give a text file of a word and its numbers a line"),
        ("film 1 2\nother 3\n", "line 2 has 1 numbers, and the first one 2"),
        ("film 1 nan\n", "what stands behind 'film' are no 2 numbers; get the file again"),
        ("word 1 2\n", "has none of the 1 words of the texts; give vectors of their language"),
    ],
)
def test_what_is_no_file_of_vectors_is_refused_with_its_line(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_vectors(tmp_path / write(tmp_path / "v.txt", text), ("film",))
    with pytest.raises(DataError, match=r"--vectors .*none.txt cannot be read \(No such file"):
        read_vectors(tmp_path / "none.txt", ("film",))


def test_vectors_change_nothing_of_the_data_and_fix_two_fields_of_its_specs(tmp_path):
    rows = "".join(f"the film {i},{i % 2}\n" for i in range(20))
    data, vectors = tmp_path / "a.csv", tmp_path / "v.txt"
    write(data, "text,label\n" + rows)
    write(vectors, LINES)
    plain, found = load(str(data)), load(str(data), reading=Reading(vectors=vectors))
    assert found.sha256 == plain.sha256
    assert of_vectors(plain) == {}
    fields = of_vectors(found)
    assert fields == {"vectors_sha256": found.vectors.sha256, "embedding_dim": 2}
    assert "(2 columns, checksum" in coverage(found, 6)
    assert "num_words 6 finds 2 of its 2 words in it, 100.0 % of their occurrences" in coverage(found, 6)
    check_columns([2], found)
    with pytest.raises(
        DataError, match=r"--embedding-dim is 2 50, but the vectors of v.txt have 2 columns; leave it out"
    ):
        check_columns([2, 50], found)
    spec = Spec(**fields)
    assert vectors_of(spec, found) is found.vectors
    assert vectors_of(Spec(), found) is None
    for other in (plain, dataclasses.replace(found, vectors=dataclasses.replace(found.vectors, sha256="1" * 64))):
        with pytest.raises(DataError, match=r"begins with the vectors of checksum .*; give their file with --vectors"):
            vectors_of(spec, other)


def test_the_words_of_imdb_are_those_of_an_index_beside_it(tmp_path):
    path = write_npz(tmp_path / "imdb.npz")
    write(tmp_path / "imdb_word_index.json", json.dumps({"the": 1, "film": 2}))
    write(tmp_path / "v.txt", LINES)
    found = load(str(path), reading=Reading(vectors=tmp_path / "v.txt"))
    assert found.vectors.ids.tolist() == [4, 5]
    with pytest.raises(DataError, match="--vectors cannot be had of --data embedded, which has no words"):
        load("embedded", reading=Reading(vectors=tmp_path / "v.txt"))


def test_specs_without_vectors_keep_their_keys():
    fields = {"vectors_sha256", "train_vectors"}
    assert not fields & set(json.loads(Spec().to_json()))
    assert Spec(train_vectors=False).key != Spec().key
