"""`sweeps/predict.py`: what the best network, its refit, one that is named, or the ensemble says of texts."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from rnnsweep.cli.data_flags import named
from rnnsweep.cli.flags import Parser

KEY = re.compile(r"[0-9a-f]{12}|best|refit|ensemble")


def predict_parser(description: str | None) -> Parser:
    """Return the flags of `sweeps/predict.py`."""
    parser = Parser(description)
    add = parser.add_argument
    add(
        "words",
        nargs="*",
        metavar="[KEY|best|refit|ensemble] TEXT",
        help="the network by its key (default: best), its refit or the ensemble, and texts",
    )
    add("--results", default="results", metavar="URI", help="folder or bucket of the ledger (default: results)")
    add(
        "--file",
        type=named,
        metavar="FILE",
        help="a file of texts: .csv, .tsv, .txt, .jsonl, .parquet, .xlsx, packed too",
    )
    add("--out", type=named, metavar="FILE", help="a .csv of what is said of each row; the command goes on with it")
    add("--text-column", metavar="NAME|N", help="the texts in the file (default: as in training, or a usual name)")
    add("--encoding", metavar="NAME", help="of a file that is neither UTF-8 nor UTF-16, such as cp1252")
    add("--header", action=argparse.BooleanOptionalAction, default=None,
        help="whether the first row names the columns (default: by its content)")  # fmt: skip
    add("--train", action="store_true", help="train the network again here where its weights are not in the ledger")
    return parser


def predict(description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Run `sweeps/predict.py`; returns the exit status."""
    parser = predict_parser(description)
    options = parser.parse_intermixed_args(arguments)
    key, texts = split_words(options.words)
    if options.out and not options.file:
        parser.error("--out is for the rows of a --file; without one, what is said is printed")
    if options.out and options.out.suffix.lower() != ".csv":
        parser.error(f"--out is {options.out}; give a name that ends in .csv")
    if texts and options.file:
        parser.error("texts are given, and a --file, too; give one of them")
    if not texts and not options.file and not options.train:
        parser.error("no text is given; give some in quotes, or a file of them with --file")

    from rnnsweep.cli.run_predict import run_predict

    return run_predict(parser, options, key, texts)


def split_words(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the key or the word for a network, `best` where the first word is neither, and the texts."""
    if words and KEY.fullmatch(words[0]):
        return words[0], list(words[1:])
    return "best", list(words)
