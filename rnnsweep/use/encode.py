"""Texts as a network reads them, with a note on each that it cannot be expected to say much of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnsweep.data.reviews import OUT_OF_VOCABULARY, START
from rnnsweep.data.tokens import scripts
from rnnsweep.data.vocabulary import Vocabulary
from rnnsweep.types import Tokens

UNIT = {"words": "word", "unicode": "word", "characters": "character", "subwords": "piece"}
SAMPLE, BEGINNING = 2000, 200  # words that a vocabulary's scripts are told by, and characters of a text
MAIN = 0.05  # share of the letters from which on a script is one of a vocabulary's


@dataclass(frozen=True)
class Encoded:
    """Texts as numbers."""

    ids: Tokens  # [texts, max_len]
    notes: tuple[str, ...]  # of each text, '' where there is nothing to say


def narrowed(ids: Tokens, num_words: int, max_len: int) -> Tokens:
    """Return texts that were encoded with at least so many words and steps as with these: int32 [texts, max_len]."""
    last = ids[:, -max_len:]
    return last if int(last.max(initial=0)) < num_words else np.where(last < num_words, last, OUT_OF_VOCABULARY)


class Encoder:
    """Makes numbers of texts as training did: the vocabulary's tokens, a spec's number of words and steps."""

    def __init__(self, vocabulary: Vocabulary, num_words: int, max_len: int) -> None:
        """Prepare for networks of so many words and steps."""
        self._vocabulary, self._max_len = vocabulary, max_len
        self._ids = vocabulary.ids(num_words)
        self._letters = vocabulary.kind.name in ("characters", "subwords")  # known ones make no known words
        self._unit = UNIT.get(vocabulary.kind.name, "token")
        shares = scripts([" ".join(vocabulary.words[:SAMPLE])])
        self._scripts = {script for script, share in shares.items() if share >= MAIN}

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Return the texts as numbers, a text without a word as its start alone."""
        ids, notes = np.zeros((len(texts), self._max_len), np.int32), []
        for row, (text, tokens) in enumerate(zip(texts, self._vocabulary.split(list(texts)), strict=True)):
            numbers = [START, *(self._ids.get(token, OUT_OF_VOCABULARY) for token in tokens)]
            read = numbers[-self._max_len :]
            ids[row, -len(read) :] = read
            notes.append(self._note(text, numbers[1:]))
        return Encoded(ids, tuple(notes))

    def _note(self, text: str, numbers: list[int]) -> str:
        if not numbers:
            return f"without a {self._unit}" if text.strip() else "empty"
        lines, unknown = [], numbers.count(OUT_OF_VOCABULARY)
        if unknown == len(numbers):
            lines.append(f"none of its {self._many(unknown)} is known")
        elif 2 * unknown > len(numbers):
            lines.append(f"{unknown:,} of its {self._many(len(numbers))} are not known")
        if (lines or self._letters) and (other := self._other_script(text)):
            lines.append(other)
        if len(numbers) > self._max_len:  # whose start is cut off, too
            lines.append(f"its last {self._max_len:,} of {self._many(len(numbers))} are read")
        return "; ".join(lines)

    def _other_script(self, text: str) -> str:
        found = next(iter(scripts([text[:BEGINNING]])), None)
        if found is None or not self._scripts or found in self._scripts:
            return ""
        return f"its letters are {found}, the network has learned {' and '.join(sorted(self._scripts))}"

    def _many(self, count: int) -> str:
        return f"{count:,} {self._unit}{'s' * (count != 1)}"
