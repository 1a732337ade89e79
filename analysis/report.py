"""A ledger in, a report out: report.html, report.md, figures/ and tables/, the same bytes each time.

python analysis/report.py [--results URI] [--out DIR] [--compare A B] [--watch] [--pdf]

pandas, matplotlib and scikit-learn take seconds to import: they wait until the words of the command are understood.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `analysis` is never installed

from analysis.command import DONE, INTERRUPTED, Parser, existing
from analysis.side_by_side import beside, processes_here, side_by_side
from analysis.watch import watch
from rnnsweep.errors import UserError
from rnnsweep.files import write_whole

if TYPE_CHECKING:
    import pandas as pd

    from analysis.document import Section
    from analysis.frames.networks import Stored
    from rnnsweep.ledger import Ledger, LedgerFrames

HTML, MARKDOWN, PDF = "report.html", "report.md", "report.pdf"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
TRIALS, EPOCHS, PARQUET = "tables/trials.csv", "tables/epochs.csv", "tables/trials.parquet"


def report(
    contents: LedgerFrames,
    predictions: Stored,
    compared: Sequence[str] = (),
    as_pdf: bool = False,
    again: int = 0,
    processes: int = 1,
) -> dict[str, bytes]:
    """Return the report's files by their path below the output folder; a pure function of the ledger.

    `compared` are the two sides of a section of its own, as `analysis/compare.py` takes them, or none. An open page
    loads itself `again` after so many seconds. Raises `UserError` where there is no such side. Work is done in so many
    `processes` (`side_by_side`), which need a ledger in a folder: what reads a bucket must not be forked.
    """
    from analysis.document import pictures
    from analysis.frames.study import tables
    from analysis.render.html import page
    from analysis.render.latex import latex
    from analysis.render.markdown import markdown
    from analysis.sections.source import read
    from analysis.sections.whole import whole
    from rnnsweep.ledger import CONTRACT, EPOCH_COLUMNS

    source = read(contents, predictions, processes=processes)
    document, found = whole(source, compared, processes), tables(source.study)
    parts: list[Callable[[], dict[str, bytes]]] = [
        lambda: {HTML: _text(page(document, again))},
        lambda: {PDF: _pdf(document)} if as_pdf else {},
        lambda: {TRIALS: _csv(contents.trials, CONTRACT), EPOCHS: _csv(contents.epochs, EPOCH_COLUMNS)},
        lambda: {MARKDOWN: _text(markdown(document)), PARQUET: _parquet(contents.trials, CONTRACT)},
        lambda: {f"tables/{name}.tex": latex(frame).encode() for name, frame in found.items()},
        lambda: {f"tables/{name}.csv": _csv(frame, []) for name, frame in found.items()},
    ]
    files = {f"figures/{picture.name}": picture.png for picture in pictures(document)}
    for part in side_by_side(parts, processes):
        files |= part
    return files


def write(files: dict[str, bytes], out: Path) -> list[Path]:
    """Write each file whole or not at all, the reports last; returns the paths. Raises OSError."""
    order = sorted(files, key=lambda name: (name in (HTML, MARKDOWN, PDF), name))
    for name in order:
        write_whole(out / name, files[name])
    return [out / name for name in order]


def flags() -> Parser:
    """Return the command's flags."""
    parser = Parser("report", "Write the report of a ledger.")
    parser.add_argument("--out", default="report", metavar="DIR", help="folder of the report (default: report)")
    parser.add_argument("--compare", nargs=2, default=(), metavar=("A", "B"), help="a section that compares two "
                        "networks, as analysis/compare.py does")  # fmt: skip
    parser.add_argument("--watch", action="store_true", help="write it again whenever the ledger has changed, until "
                        "all that is planned is in; the open page follows")  # fmt: skip
    parser.add_argument("--pdf", action="store_true", help="a report.pdf, too")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the report of a ledger; returns the exit status, 2 for a user's mistake in one line."""
    parser = flags()
    options = parser.parse_args(arguments)
    if not options.out:
        parser.error("--out has no name: '' is no place; give a folder")
    try:
        ledger = existing(options.results)

        def written(contents: LedgerFrames, again: int = 0) -> list[Path]:
            processes = processes_here() if ledger.local else 1
            files = report(contents, ledger.predictions, options.compare, options.pdf, again, processes)
            return write(files, Path(options.out))

        paths = watch(ledger, written) if options.watch else written(_loaded(ledger))
    except UserError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"{error.filename or options.results}: {error.strerror or error}; give another --results or --out")
    except KeyboardInterrupt:
        return INTERRUPTED
    _say(paths, Path(options.out))
    return DONE


def _loaded(ledger: Ledger) -> LedgerFrames:
    """Return all that is in a ledger; a second process reads a folder while this one imports what draws."""
    return beside(ledger.load, _imported) if ledger.local and processes_here() > 1 else ledger.load()


def _imported() -> None:
    import analysis.sections.whole  # noqa: F401  (a second of imports: matplotlib's and SciPy's)


def _say(paths: list[Path], out: Path) -> None:
    figures = [path for path in paths if path.parent.name == "figures"]
    for path in paths:
        if path not in figures:
            print(path)
    if figures:
        print(f"{out / 'figures'} ({len(figures)} figure{'s' * (len(figures) > 1)})")


def _text(text: str) -> bytes:
    """Return a text as UTF-8, its lines apart, with escapes for control characters: `cat` shows a report, too."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text).encode()


def _pdf(document: Section) -> bytes:
    from analysis.figures.fonts import fonts, wide_font
    from analysis.render.pdf import pdf

    return pdf(document, fonts(), wide_font)


def _parquet(frame: pd.DataFrame, first: Sequence[str]) -> bytes:
    """Return the frame's columns as Parquet, the same bytes each time; what is missing among words is null."""
    plain = frame[[*first, *(name for name in frame.columns if name not in first)]]
    words = {str(name): column.where(column.notna(), None) for name, column in plain.items() if column.dtype == object}
    buffer = io.BytesIO()
    plain.assign(**words).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _csv(frame: pd.DataFrame, first: Sequence[str]) -> bytes:
    columns = [*first, *(name for name in frame.columns if name not in first)]
    return frame[columns].to_csv(index=False, lineterminator="\n").encode()


if __name__ == "__main__":
    sys.exit(main())
