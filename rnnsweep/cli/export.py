"""`sweeps/export.py`: the best network, its refit, one that is named, or the ensemble as a folder without rnnsweep."""

from __future__ import annotations

from collections.abc import Sequence

from rnnsweep.cli.data_flags import named
from rnnsweep.cli.flags import Parser
from rnnsweep.cli.predict import KEY


def export_parser(description: str | None) -> Parser:
    """Return the flags of `sweeps/export.py`."""
    parser = Parser(description)
    add = parser.add_argument
    add(
        "key",
        nargs="?",
        default="best",
        metavar="KEY|best|refit|ensemble",
        help="the network by its key (default: best), its refit or the ensemble",
    )
    add("--results", default="results", metavar="URI", help="folder or bucket of the ledger (default: results)")
    add("--out", type=named, required=True, metavar="DIR", help="the folder to write")
    add("--int8", action="store_true", help="and a model.int8.onnx, whose weights take 8 bits")
    add("--train", action="store_true", help="train the network again here where its weights are not in the ledger")
    return parser


def export(description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Run `sweeps/export.py`; returns the exit status."""
    parser = export_parser(description)
    options = parser.parse_args(arguments)
    if not KEY.fullmatch(options.key):
        parser.error(
            f"{options.key[:40]!r} is no key; give best, refit, ensemble, or the 12 hexadecimal digits of a trial's "
            "folder"
        )

    from rnnsweep.cli.run_export import run_export

    return run_export(parser, options)
