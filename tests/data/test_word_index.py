"""The words of published files of ranks: found beside a file, or checked and fetched like the reviews."""

import hashlib
import json
from dataclasses import replace

import pytest

from rnnsweep.data import DataError
from rnnsweep.data import word_index as module
from rnnsweep.data.word_index import INDEXES, parse_index, words_by_rank
from tests.helpers.reviews import write_npz

INDEX = json.dumps({"the": 1, "film": 3, "a": 2}).encode()


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """Let Keras's copies lie in an empty folder, and nothing be downloaded."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("RNNSWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RNNSWEEP_DATA", raising=False)
    monkeypatch.setattr("rnnsweep.data.imdb.urlopen", lambda *a, **b: (_ for _ in ()).throw(OSError("no network")))
    return tmp_path


def test_words_are_ordered_by_rank_and_what_is_no_index_is_refused():
    assert parse_index(INDEX, "x") == ("the", "a", "film")
    for damaged in (b"", b"[]", b"{}", b'{"the": 0}', b'{"the": "1"}', INDEX[:-4]):
        with pytest.raises(DataError, match="x is no word index, a JSON object of ranks from 1 by word"):
            parse_index(damaged, "x")


def test_the_words_of_a_file_of_ranks_are_named_beside_it(offline, monkeypatch):
    path = write_npz(offline / "mine.npz")
    with pytest.raises(DataError, match=r"mine\.npz holds ranks and no words; put imdb_word_index\.json.* beside it"):
        words_by_rank("imdb", str(path))
    (offline / "imdb_word_index.json").write_bytes(INDEX)
    assert words_by_rank("imdb", str(path)) == ("the", "a", "film")
    monkeypatch.setenv("RNNSWEEP_DATA", str(path))
    assert words_by_rank("imdb", "auto") == ("the", "a", "film")


def test_the_published_index_is_kerass_own_copy_checked_or_cannot_be_had(offline, monkeypatch):
    keras_copy = offline / "keras" / "datasets" / "imdb_word_index.json"
    keras_copy.parent.mkdir(parents=True)
    keras_copy.write_bytes(INDEX)  # of another checksum, so it is no copy
    with pytest.raises(DataError, match=r"imdb_word_index\.json cannot be downloaded \(no network\)"):
        words_by_rank("imdb", "imdb")
    known = replace(INDEXES["imdb"], md5=hashlib.md5(INDEX).hexdigest())
    monkeypatch.setitem(module.INDEXES, "imdb", known)
    assert words_by_rank("imdb", "imdb") == ("the", "a", "film")
