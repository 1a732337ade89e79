"""A ledger in, a report out: report.html, report.md, figures/ and tables/, the same bytes each time.

python analysis/report.py [--results URI] [--out DIR]
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from analysis.document import Picture, plural
from analysis.frames.trials import blocks, prepared, records, scopes
from analysis.original.claims import RULE
from analysis.original.published import COLUMNS, load_published
from analysis.render.html import render_html
from analysis.sections.claims import claims_section
from analysis.sections.conclusions import conclusion_section
from analysis.sections.grid import best_section, block_section
from analysis.sections.overview import Predictions, Source, head_section
from analysis.sections.searches import searches_section
from analysis.sections.systems import system_section
from analysis.sections.trials import failures_section, trials_section
from rnnsweep.files import write_whole
from rnnsweep.ledger import CONTRACT, EPOCH_COLUMNS, Ledger, LedgerFrames, StoreError
from rnnsweep.space import SYSTEMS


def build(contents: LedgerFrames, predictions: Predictions) -> dict[str, Any]:
    """Return what the templates need, all of it computed from the ledger: sections of text, tables and pictures."""
    published = load_published()
    trials = prepared(contents.trials)
    found = scopes(trials, {name: spec.epochs for name, spec in SYSTEMS.items()})
    shown = trials[trials["key"].isin(found["keys"].iloc[0] if len(found) else [])]
    source = Source(contents, predictions, trials)
    systems = [system_section(source, original, shown) for original in published["systems"]]
    return {
        "head": head_section(source, found, shown),
        "systems": systems,
        "conclusions": [conclusion_section(name, published, shown, contents.epochs) for name in COLUMNS],
        "claims": claims_section(published, shown, source),
        "claim_rule": RULE,
        "blocks": [block_section(position, block, source) for position, block in enumerate(records(blocks(trials)), 1)],
        "best": best_section(source),
        "trials": trials_section(trials),
        "failures": failures_section(trials),
    }


WRITTEN, WRONG_USAGE, INTERRUPTED = 0, 2, 130
HTML, MARKDOWN, TRIALS, EPOCHS = "report.html", "report.md", "tables/trials.csv", "tables/epochs.csv"


def report(contents: LedgerFrames, predictions: Predictions) -> dict[str, bytes]:
    """Return the report's files by their path below the output folder; a pure function of the ledger."""
    context = build(contents, predictions)
    context["searches"] = searches_section(contents, prepared(contents.trials))
    pictures = {picture.name: picture.png for picture in _pictures(context)}
    markdown = re.sub(r"\n{3,}", "\n\n", render_html("report.md.j2", context))  # what was left out leaves empty lines
    files = {HTML: render_html("page.html.j2", context).encode(), MARKDOWN: markdown.encode()}
    files |= {f"figures/{name}": png for name, png in pictures.items()}
    return files | {TRIALS: _csv(contents.trials, CONTRACT), EPOCHS: _csv(contents.epochs, EPOCH_COLUMNS)}


def write(files: dict[str, bytes], out: Path) -> list[Path]:
    """Write each file whole or not at all, the two reports last; returns the paths. Raises OSError."""
    order = sorted(files, key=lambda name: (name in (HTML, MARKDOWN), name))
    for name in order:
        write_whole(out / name, files[name])
    return [out / name for name in order]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the report of a ledger; returns the exit status, 2 for a user's mistake in one line."""
    parser = _Parser(prog="analysis/report.py", description="Write the report of a ledger.", allow_abbrev=False)
    parser.add_argument("--results", default="results", metavar="URI", help="the ledger (default: results)")
    parser.add_argument("--out", default="report", metavar="DIR", help="folder of the report (default: report)")
    options = parser.parse_args(arguments)
    try:
        ledger = Ledger(options.results)
        if not ledger.exists():
            command = shlex.join(["python", "sweeps/grid.py", "--results", options.results])
            parser.error(f"there are no results at {options.results}; make them: {command}")
        paths = write(report(ledger.load(), ledger.predictions), Path(options.out))
    except StoreError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"{error.filename or options.results}: {error.strerror or error}; give another --results or --out")
    except KeyboardInterrupt:
        return INTERRUPTED
    _say(paths, Path(options.out))
    return WRITTEN


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_USAGE, f"{self.prog}: {message}\n")


def _say(paths: list[Path], out: Path) -> None:
    figures = [path for path in paths if path.parent.name == "figures"]
    for path in paths:
        if path not in figures:
            print(path)
    if figures:
        print(f"{out / 'figures'} ({plural(len(figures), 'figure')})")


def _pictures(context: dict[str, Any]) -> list[Picture]:
    parts = [
        *context["systems"],
        *context["blocks"],
        *context["searches"],
        *([context["best"]] if context["best"] else []),
    ]
    return [picture for part in parts for picture in part["pictures"]]


def _csv(frame: pd.DataFrame, first: Sequence[str]) -> bytes:
    columns = [*first, *(name for name in frame.columns if name not in first)]
    return frame[columns].to_csv(index=False, lineterminator="\n").encode()


if __name__ == "__main__":
    sys.exit(main())
