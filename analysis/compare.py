"""Two networks of a ledger beside each other, or one beside a stranger's predictions: is the difference real?

python analysis/compare.py A B [--results URI]

A and B are keys, labels (`gru 100-50 · 1,000 words · 500 steps`), ids of the eight systems, or a CSV with a row per
test review in their order: a column `prediction` (a class) or `probability` (of class 1).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `analysis` is never installed

from analysis.command import DONE, INTERRUPTED, Parser, existing
from rnnsweep.errors import UserError

if TYPE_CHECKING:
    from analysis.frames.comparison import Comparison, Side

SIDE = "a key (for its network, with all its seeds), a label, one of the eight systems, or a CSV of predictions"


def lines(found: Comparison) -> list[str]:
    """Return the comparison as lines of text."""
    from analysis.document import p_value, points, points_interval
    from analysis.sections.comparison import ALIKE, ONCE

    once = min(found.first.seeds, found.second.seeds) == 1
    return [
        f"A  {_side(found.first)}",
        f"B  {_side(found.second)}",
        "",
        f"A − B  {points(found.difference)} points of test accuracy on {found.data}, {found.epoch} epoch",
        f"       95 % interval {points_interval(found.low, found.high)}, p {p_value(found.p)}",
        f"       random in the interval: {found.random}",
        *([f"       {ONCE}"] if once else []),
        "",
        *(_reviews(found) if len(found.reviews) else [ALIKE]),
    ]


def _reviews(found: Comparison) -> list[str]:
    from analysis.sections.comparison import REVIEWS

    return [
        f"The reviews on which they differ most, by the probability of the true class. {REVIEWS}",
        f"{'review':>8}  {'A':>5}  {'B':>5}  true class",
        *(f"{row.review:>8}  {row.first:5.3f}  {row.second:5.3f}  {row.true}" for row in found.reviews.itertuples()),
    ]


def _side(side: Side) -> str:
    where = f"n = {side.seeds}, {side.key}" if side.key else "a file"
    return f"{side.name}: {side.accuracy:.4f} ({where})"


def flags() -> Parser:
    """Return the command's flags."""
    parser = Parser("compare", "Compare two networks of a ledger, or one with a stranger's predictions.")
    parser.add_argument("first", metavar="A", help=SIDE)
    parser.add_argument("second", metavar="B", help="as A")
    parser.add_argument("--epoch", choices=("best", "last"), default="", help="of whose weights (default: the best "
                        "epoch by validation, but the last where one of the two had no held-out reviews)")  # fmt: skip
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a comparison; returns the exit status, 2 for a user's mistake in one line."""
    parser = flags()
    options = parser.parse_args(arguments)
    try:
        found = _compared(options.results, (options.first, options.second), options.epoch)
    except UserError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"{error.filename or options.results}: {error.strerror or error}; give another --results")
    except KeyboardInterrupt:
        return INTERRUPTED
    print("\n".join(lines(found)))
    return DONE


def _compared(results: str, names: Sequence[str], epoch: str) -> Comparison:
    ledger = existing(results)

    from analysis.frames.comparison import compare
    from analysis.frames.trials import prepared

    contents = ledger.load()
    return compare(names, prepared(contents.trials), contents.specs, ledger.predictions, epoch)


if __name__ == "__main__":
    sys.exit(main())
