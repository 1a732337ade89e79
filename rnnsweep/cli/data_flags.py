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
    add("--group-column", metavar="NAME|N", help="what belongs together, and never stands on both sides of a split")
    add("--test", type=Path, metavar="FILE", help="the test set (default: as the file says, else a fifth of it)")
    add("--validation-file", type=Path, metavar="FILE", help="texts that every network is validated on")
    add("--classes", nargs="+", metavar="NAME", help="classes to keep, in this order (default: all)")
    add("--positive", metavar="NAME", help="the one of two classes that counts as 1 (default: the second by name)")
    add("--tokens", choices=TOKENS, default="auto", metavar="|".join(TOKENS),
        help="what a text is split into (default: auto: characters in scripts without blanks, else words)")  # fmt: skip
    add("--pieces", type=int, default=PIECES, metavar="N", help=f"that subwords learn (default: {PIECES:,})")
    add("--strip-markup", action="store_true", help="take tags out of the texts, and read entities as characters")
    add("--encoding", metavar="NAME", help="of a file that is neither UTF-8 nor UTF-16, such as cp1252")
    add("--header", action=argparse.BooleanOptionalAction, default=None,
        help="whether the first row names the columns (default: by its content)")  # fmt: skip
    add("--strict", action="store_true", help="refuse rows without text, word or label, which are else left out")


def reading_of(options: argparse.Namespace) -> Reading:
    """Return how a file is to be read, by the flags of `add_data_flags`."""
    from rnnsweep.data import Reading

    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(Reading)}
    return Reading(**given | {"classes": None if options.classes is None else tuple(options.classes)})


def data_words(options: argparse.Namespace) -> list[str]:
    """Return the words of a command line that name the same data, read in the same way."""
    reading, words = reading_of(options), ["--data", options.data]
    for field in dataclasses.fields(reading):
        value, flag = getattr(reading, field.name), field.name.replace("_", "-")
        if value == field.default:
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", *(map(str, value) if isinstance(value, tuple) else [str(value)])]
    return words
