"""How texts become tokens: words as Keras splits them, words as Unicode does, characters, or learned pieces of words.

A kind is a class with `name`, `learns`, `fit`, `split` and `to_json`, and a row in `KINDS`. All kinds but Keras's write
one letter one way, by `normal`.
"""

from __future__ import annotations

import html
import itertools
import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import regex

from rnnsweep.data.reading import PIECES
from rnnsweep.data.reviews import DataError

# The defaults of the Keras tokenizer: keras.preprocessing.text.Tokenizer, Keras 1 to 2.
FILTERS = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))
UNKNOWN = "\ufffd"  # a piece that the training set does not have; never a word of a vocabulary
BEGIN = "▁"  # in front of a piece that begins a word
UNSPACED = ("Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar")  # written without blanks between words
SCRIPTS = (
    "Latin", *UNSPACED, "Hangul", "Cyrillic", "Arabic", "Greek", "Hebrew", "Devanagari", "Bengali", "Tamil", "Telugu",
    "Gujarati", "Gurmukhi", "Kannada", "Malayalam", "Sinhala", "Georgian", "Armenian", "Ethiopic", "Tibetan",
)  # fmt: skip
BATCH = 1000  # texts whose pieces are found at a time: the library keeps much beside each
SAMPLE = 2000  # texts that scripts are told by, spread over all
IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}+")
SEGMENT = regex.compile(r"(?w)\b\S.*?\b", regex.VERSION1 | regex.DOTALL)
WORD_LIKE = regex.compile(r"[\p{Alphabetic}\p{N}\p{Extended_Pictographic}\p{Regional_Indicator}]")
_CLUSTER = regex.compile(r"\X")
RUN = regex.compile(r"[\p{L}\p{M}\p{N}_]+(?:['’][\p{L}\p{M}]+)*|[\p{Extended_Pictographic}\p{Regional_Indicator}]")
TAG = re.compile(r"<!--(?:(?!<!--).)*?-->|</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>", re.DOTALL)
_ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,30}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});")


class Kind(Protocol):
    """A way to make tokens of texts."""

    name: str
    learns: bool  # whether it has to be fitted on the training texts before it splits any

    def fit(self, texts: Sequence[str]) -> None:
        """Learn from the training texts, where this kind learns anything."""

    def split(self, texts: Iterable[str]) -> list[list[str]]:
        """Return the tokens of each text; none for a text without a letter, a digit or (but for Keras) an emoji."""

    def has_token(self, text: str) -> bool:
        """Return whether a text has a token, before this kind has learned anything."""

    def to_json(self) -> str:
        """Return all of this kind as JSON, for `from_json`."""


class Words:
    """Words by the rule of the Keras tokenizer: in lower case, punctuation left out, split at blanks."""

    name = "words"
    learns = False

    def fit(self, texts: Sequence[str]) -> None:
        """Learn nothing."""

    def split(self, texts: Iterable[str]) -> list[list[str]]:
        """Return the words of each text."""
        return shared(filter(None, text.lower().translate(FILTERS).split(" ")) for text in texts)

    def has_token(self, text: str) -> bool:
        """Return whether a text has a token."""
        return bool(self.split([text])[0])

    def to_json(self) -> str:
        """Return the name of this kind as JSON."""
        return json.dumps({"kind": self.name})


class UnicodeWords(Words):
    """Words between Unicode's word boundaries (UAX 29), apostrophes and diacritics inside; an emoji is a word."""

    name = "unicode"

    def split(self, texts: Iterable[str]) -> list[list[str]]:
        """Return the words of each text, in normal form."""
        return shared(filter(WORD_LIKE.search, SEGMENT.findall(normal(text))) for text in texts)


class Characters(Words):
    """Characters as readers count them (grapheme clusters, UAX 29), punctuation too, blanks left out."""

    name = "characters"

    def split(self, texts: Iterable[str]) -> list[list[str]]:
        """Return the characters of each text, in normal form."""
        return shared(self._of(normal(text)) for text in texts)

    def _of(self, text: str) -> list[str]:
        if not WORD_LIKE.search(text):
            return []
        return [character for character in _CLUSTER.findall(text) if not character.isspace()]


class Subwords:
    """Pieces of words by byte-pair encoding, learned on the training texts; a piece that begins a word begins with ▁.

    The pieces are of characters, at most half of them single ones; rarer characters are `UNKNOWN`.
    """

    name = "subwords"
    learns = True

    def __init__(self, size: int = PIECES, tokenizer: Any = None) -> None:
        if size < 4:
            raise DataError(f"{size} pieces of words are too few; give at least 4 with --pieces")
        self.size = size  # pieces that are learned, single characters among them
        self._tokenizer = tokenizer

    def fit(self, texts: Sequence[str]) -> None:
        """Learn the pieces from the training texts; the same texts give the same pieces."""
        _one_thread()
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers

        marked = [_marked(text) for text in texts]
        counts = Counter(itertools.chain.from_iterable(marked))
        del counts[" "]
        # Chosen here, since the trainer breaks ties between characters by no rule.
        alphabet = sorted(sorted(counts), key=lambda c: -counts[c])[: max(1, self.size // 2)]
        tokenizer: Any = Tokenizer(models.BPE(unk_token=UNKNOWN, fuse_unk=True))
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        trainer = trainers.BpeTrainer(
            vocab_size=self.size + 1,
            min_frequency=2,
            special_tokens=[UNKNOWN],
            initial_alphabet=alphabet,
            limit_alphabet=len(alphabet),
            show_progress=False,
        )
        tokenizer.train_from_iterator(marked, trainer)
        self._tokenizer = tokenizer

    def split(self, texts: Iterable[str]) -> list[list[str]]:
        """Return the pieces of each text, in normal form; raises `DataError` before `fit`."""
        if self._tokenizer is None:
            raise DataError("these pieces of words have not been learned; fit them on the training texts first")
        return shared(self._pieces(texts))

    def _pieces(self, texts: Iterable[str]) -> Iterator[list[str]]:
        _one_thread()
        rest = iter(texts)
        while marked := [_marked(text) for text in itertools.islice(rest, BATCH)]:
            encodings = self._tokenizer.encode_batch(marked, add_special_tokens=False)
            yield from (encoding.tokens for encoding in encodings)

    def has_token(self, text: str) -> bool:
        """Return whether a text has a letter, a digit or an emoji."""
        return RUN.search(normal(text)) is not None

    def to_json(self) -> str:
        """Return the pieces and how they are joined as JSON; raises `DataError` before `fit`."""
        if self._tokenizer is None:
            raise DataError("these pieces of words have not been learned; fit them on the training texts first")
        return json.dumps({"kind": self.name, "size": self.size, "tokenizer": json.loads(self._tokenizer.to_str())})


def _one_thread() -> None:
    # The library's own threads would take cores that are not this trial's, and warn at each fork.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def _marked(text: str) -> str:
    return " ".join(BEGIN + run for run in RUN.findall(normal(text)))


KINDS: dict[str, Callable[[int], Kind]] = {
    "words": lambda size: Words(),
    "unicode": lambda size: UnicodeWords(),
    "characters": lambda size: Characters(),
    "subwords": Subwords,
}


def kind_of(name: str, size: int = PIECES) -> Kind:
    """Return the kind of this name; `size` is the number of pieces that subwords learn. Raises `DataError`."""
    if name not in KINDS:
        raise DataError(f"--tokens {name} is unknown; give auto, {', '.join(KINDS)}")
    return KINDS[name](size)


def from_json(text: str) -> Kind:
    """Return the kind that `to_json` wrote; raises `DataError` for anything else."""
    try:
        fields = json.loads(text)
        if fields["kind"] != Subwords.name:
            return kind_of(fields["kind"])
        from tokenizers import Tokenizer

        return Subwords(int(fields["size"]), Tokenizer.from_str(json.dumps(fields["tokenizer"])))
    except DataError:
        raise
    except Exception as error:  # the library raises plain Exception for what is no tokenizer
        raise DataError(f"these are no tokens that rnnsweep wrote ({type(error).__name__}); write them again") from None


def normal(text: str) -> str:
    """Return a text with one form for each letter: Unicode's NFKC_Casefold, which has no invisible characters either.

    ß is ss, ﬁ is fi, full-width ａ is a. No language's own rule is followed: the Turkish capital İ is i, but so is the
    Turkish capital I, which is no ı.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return IGNORABLE.sub("", folded).replace("i\u0307", "i")


def shared(lists: Iterable[Iterable[str]]) -> list[list[str]]:
    """Return the words of each text, equal ones as one object: by themselves they take ten times a text's memory."""
    known: dict[str, str] = {}
    return [[known.setdefault(word, word) for word in words] for words in lists]


# ---- vocabulary
def vocabulary(kind: Kind, lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Return the words of the training texts by rank, commonest first; of equal counts, the one first seen."""
    counts = Counter(itertools.chain.from_iterable(lists))
    if kind.learns:  # for the others, that character is a word as any
        del counts[UNKNOWN]
    return tuple(word for word, _ in counts.most_common())


def ranks_of(words: Sequence[str]) -> dict[str, int]:
    """Return the rank from 1 of each word of a vocabulary."""
    return {word: rank for rank, word in enumerate(words, 1)}


def encoded(lists: Iterable[Sequence[str]], ranks: Mapping[str, int], unseen: int = -1) -> list[list[int]]:
    """Return the rank of each word, `unseen` for one that the vocabulary lacks."""
    return [[ranks.get(word, unseen) for word in words] for words in lists]


# ---- scripts
def scripts(texts: Sequence[str]) -> dict[str, float]:
    """Return the share of the letters of each script, the commonest first, in some 2,000 of the texts."""
    step = max(1, len(texts) // SAMPLE)
    counts = Counter(itertools.chain.from_iterable(texts[::step]))
    letters = {c: n for c, n in counts.items() if c.isalpha()}
    total = sum(letters.values())
    shares: Counter[str] = Counter()
    for character, count in letters.items():
        shares[_script_of(character)] += count
    return {script: count / total for script, count in shares.most_common()}


def _script_of(character: str) -> str:
    if character.isascii():
        return "Latin"
    return next((s for s, pattern in _SCRIPT_PATTERNS.items() if pattern.match(character)), "another script")


_SCRIPT_PATTERNS = {script: regex.compile(rf"\p{{Script={script}}}") for script in SCRIPTS}


def automatic(texts: Sequence[str]) -> tuple[str, str]:
    """Return the kind for texts of which nothing is known, words or characters, and a line that says why."""
    shares = scripts(texts)
    unspaced = sum(shares.get(script, 0.0) for script in UNSPACED)
    if unspaced > 0.5:
        named = " and ".join(script for script in shares if script in UNSPACED)
        return (
            "characters",
            f"tokens are characters: {100 * unspaced:.0f} % of the letters are {named}, written without blanks "
            "(--tokens words splits at blanks all the same)",
        )
    return "words", "tokens are words, as Keras splits them (--tokens unicode, characters or subwords are others)"


# ---- markup
def markup(texts: Sequence[str]) -> str | None:
    """Return one line on the markup and the entities in the texts, or None where there are none."""
    tags: Counter[str] = Counter()
    entities: Counter[str] = Counter()
    holding = 0
    for text in texts:
        found = TAG.findall(text) if "<" in text else []
        named = _ENTITY.findall(text) if "&" in text else []
        tags.update(found)
        entities.update(named)
        holding += bool(found or named)
    if not holding:
        return None
    parts = [
        f"{sum(counts.values()):,} {what} (most often {counts.most_common(1)[0][0][:30]})"
        for what, counts in (("tags", tags), ("entities", entities))
        if counts
    ]
    return f"{holding:,} of {len(texts):,} texts hold {' and '.join(parts)}; --strip-markup takes them out"


def strip_markup(text: str) -> str:
    """Return a text with a blank for each tag and comment, and with the character that each entity stands for."""
    if "<" in text:
        text = TAG.sub(" ", text)
    return html.unescape(text) if "&" in text else text
