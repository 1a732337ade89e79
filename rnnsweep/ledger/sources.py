"""How a user named the data of each checksum: the words of the command line, by which it is found again."""

from __future__ import annotations

from rnnsweep.ledger.record import json_object

SOURCES = "data.json"


def parse_sources(data: bytes | None, warnings: list[str]) -> dict[str, list[str]]:
    """Return the words that name the data and how it is read, by its checksum; a damaged file is one more warning."""
    if data is None:
        return {}
    found = json_object(data)
    if found is None or not all(_is_words(words) for words in found.values()):
        warnings.append(f"{SOURCES}: half-written or damaged; how the data was named is not known")
        return {}
    return found


def _is_words(value: object) -> bool:
    return isinstance(value, list) and value[:1] == ["--data"] and all(isinstance(word, str) for word in value)
