"""How a user named the data: kept by checksum, and read back with the rest."""

import pytest

from rnnsweep.ledger import Ledger

WORDS = ["--data", "my reviews.csv", "--text-column", "2"]


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path)


def test_the_words_that_name_the_data_come_back_by_its_checksum(ledger):
    ledger.name_data("a", WORDS)
    ledger.name_data("b", ["--data", "imdb"])
    found = ledger.load()
    assert found.sources == {"a": WORDS, "b": ["--data", "imdb"]}
    assert found.warnings == []


def test_the_last_words_count(ledger):
    ledger.name_data("a", ["--data", "old.csv"])
    ledger.name_data("a", WORDS)
    assert ledger.load().sources == {"a": WORDS}


@pytest.mark.parametrize("text", [b"{", b'{"a": "--data x"}', b'{"a": ["x"]}', b'{"a": ["--data", 1]}', b"[]"])
def test_a_damaged_file_is_one_warning_and_no_words(ledger, text):
    ledger.write_file("data.json", text)
    found = ledger.load()
    assert found.sources == {}
    assert found.warnings == ["data.json: half-written or damaged; how the data was named is not known"]
