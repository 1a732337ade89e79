"""Flags that say how a file of your own is read, and what they make: a `Reading`."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnsweep.data import Reading

# As in rnnsweep.data.tokens and .reading, which are not imported here, so that --help waits for nothing.
TOKENS = ("auto", "words", "unicode", "characters", "subwords")
PIECES = 8000


def add_data_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of how `--data FILE` is read; all that they do not say is found in the file, and printed."""
    add = parser.add_argument_group("your own texts (--data FILE or FOLDER)").add_argument
    add("--look", action="store_true", help="print what was understood of the file, and exit")
    for role in ("text", "label", "split"):
        add(f"--{role}-column", metavar="NAME|N", help=f"the {role}s, by name or number from 1 (default: usual names)")
    add("--label-columns", nargs="+", metavar="NAME|N", help="several labels a text: a column of 0 and 1 for each")
    add("--label-separator", metavar="TEXT", help="several labels a text: what stands between those of one cell")
    add("--min-label", type=int, metavar="N", help="of several labels a text, leave out those of fewer training texts")
    add("--group-column", metavar="NAME|N", help="what belongs together, and never stands on both sides of a split")
    add("--test", type=named, metavar="FILE", help="the test set (default: as the file says, else a fifth of it)")
    add("--validation-file", type=named, metavar="FILE", help="texts that every network is validated on")
    add("--classes", nargs="+", metavar="NAME", help="classes or labels to keep, in this order (default: all)")
    add("--positive", metavar="NAME", help="the one of two classes that counts as 1 (default: the second by name)")
    add("--tokens", choices=TOKENS, default="auto", metavar="|".join(TOKENS),
        help="what a text is split into (default: auto: characters in scripts without blanks, else words)")  # fmt: skip
    add("--pieces", type=int, default=PIECES, metavar="N", help=f"that subwords learn (default: {PIECES:,})")
    add("--vectors", type=named, metavar="FILE",
        help="pretrained vectors that embeddings begin with: GloVe's or word2vec's text format, also .gz")  # fmt: skip
    add("--strip-markup", action="store_true", help="take tags out of the texts, and read entities as characters")
    add("--encoding", metavar="NAME", help="of a file that is neither UTF-8 nor UTF-16, such as cp1252")
    add("--header", action=argparse.BooleanOptionalAction, default=None,
        help="whether the first row names the columns (default: by its content)")  # fmt: skip
    add("--strict", action="store_true", help="refuse rows without text, word or label, which are else left out")


def named(text: str) -> Path:
    """Return the path of a flag's text; raises argparse's error on an empty one, which would mean this folder."""
    if not text:
        raise argparse.ArgumentTypeError("'' is no name; give that of a file or folder, or leave the flag out")
    return Path(text)


def reading_of(options: argparse.Namespace) -> Reading:
    """Return how a file is to be read, by the flags of `add_data_flags`."""
    from rnnsweep.data import Reading

    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(Reading)}
    lists = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
    return Reading(**given | lists)


def data_words(options: argparse.Namespace) -> list[str]:
    """Return the words of a command line that name the same data, read in the same way."""
    return reading_of(options).words(options.data)


def found_again(options: argparse.Namespace, name: str) -> list[str]:
    """Return `data_words`, and where the program was to choose the data the name of what it chose."""
    words = data_words(options)
    return [words[0], name, *words[2:]] if options.data == "auto" else words
