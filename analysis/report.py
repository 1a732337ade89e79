"""A ledger in, a report out: report.html, report.md, figures/ and tables/, the same bytes each time.

python analysis/report.py [--results URI] [--out DIR]
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import shlex
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import jinja2
import pandas as pd

from analysis import search_section, sections, tables
from rnnsweep.ledger import CONTRACT, EPOCH_COLUMNS, Contents, Ledger
from rnnsweep.store import StoreError

WRITTEN, WRONG_USAGE, INTERRUPTED = 0, 2, 130
HTML, MARKDOWN, TRIALS, EPOCHS = "report.html", "report.md", "tables/trials.csv", "tables/epochs.csv"


def report(contents: Contents, predictions: sections.Predictions) -> dict[str, bytes]:
    """Return the report's files by their path below the output folder; a pure function of the ledger."""
    context = sections.build(contents, predictions)
    context["searches"] = search_section.build(contents, tables.prepared(contents.trials))
    pictures = {picture.name: picture.png for picture in _pictures(context)}
    markdown = re.sub(r"\n{3,}", "\n\n", _render("report.md.j2", context))  # what was left out leaves empty lines
    files = {HTML: _render("report.html.j2", context).encode(), MARKDOWN: markdown.encode()}
    files |= {f"figures/{name}": png for name, png in pictures.items()}
    return files | {TRIALS: _csv(contents.trials, CONTRACT), EPOCHS: _csv(contents.epochs, EPOCH_COLUMNS)}


def write(files: dict[str, bytes], out: Path) -> list[Path]:
    """Write each file whole or not at all, the two reports last; returns the paths. Raises OSError."""
    order = sorted(files, key=lambda name: (name in (HTML, MARKDOWN), name))
    for name in order:
        _replace(out / name, files[name])
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
        print(f"{out / 'figures'} ({sections.plural(len(figures), 'figure')})")


def _pictures(context: dict[str, Any]) -> list[sections.Picture]:
    parts = [
        *context["systems"],
        *context["blocks"],
        *context["searches"],
        *([context["best"]] if context["best"] else []),
    ]
    return [picture for part in parts for picture in part["pictures"]]


def _render(template: str, context: dict[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=".html" in template,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["data_uri"] = _data_uri
    environment.filters["in_cell"] = _in_cell
    return environment.get_template(template).render(context)


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _in_cell(text: str) -> str:
    """Return a text that keeps to its cell in a Markdown table."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _csv(frame: pd.DataFrame, first: Sequence[str]) -> bytes:
    columns = [*first, *(name for name in frame.columns if name not in first)]
    return frame[columns].to_csv(index=False, lineterminator="\n").encode()


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)  # noqa: PTH105  (one call that is atomic everywhere)
    finally:
        temporary.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
