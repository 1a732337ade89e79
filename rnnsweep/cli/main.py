"""The installed command `rnnsweep`: each script of the checkout by its name, from any folder."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnsweep.cli.flags import Parser
from rnnsweep.commands import PROGRAM


@dataclass(frozen=True)
class Command:
    """A command: its module, the functions there that run it and that return its flags, and its line of help.

    One that reads its own description takes that as the first argument; those of the report know theirs.
    """

    module: str
    run: str
    parser: str
    meaning: str

    @property
    def of_report(self) -> bool:
        """Whether it is one of the report's, which the library does not import: it only starts them."""
        return self.module.startswith("analysis.")

    def flags(self) -> argparse.ArgumentParser:
        """Return its parser."""
        make = getattr(self._load(), self.parser)
        parser: argparse.ArgumentParser = make() if self.of_report else make(self.meaning)
        return parser

    def start(self, arguments: Sequence[str]) -> int:
        """Run it; returns the exit status."""
        run = getattr(self._load(), self.run)
        status: int = run(arguments) if self.of_report else run(self.meaning, arguments)
        return status

    def _load(self) -> object:
        if self.of_report:
            sys.path.insert(0, str(report_folder()))
        return importlib.import_module(self.module)


# fmt: off
COMMANDS = {
    "grid": Command("rnnsweep.cli.grid", "grid", "grid_parser", "train a grid of networks, what is missing of it"),
    "search": Command("rnnsweep.cli.search", "search", "search_parser", "let Optuna suggest each network"),
    "one": Command("rnnsweep.cli.grid", "one", "one_parser", "train one network, in this process"),
    "predict": Command("rnnsweep.cli.predict", "predict", "predict_parser", "ask the best network about texts"),
    "export": Command("rnnsweep.cli.export", "export", "export_parser", "write the best network for Keras and ONNX"),
    "report": Command("analysis.report", "main", "flags", "write the report of a ledger"),
    "compare": Command("analysis.compare", "main", "flags", "compare two networks, or one and your own predictions"),
    "dashboard": Command("analysis.export", "main", "flags", "write a ledger into TensorBoard or MLflow"),
}
# fmt: on


def report_folder() -> Path:
    """Return the folder that holds the report's code: inside the installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "scripts"
    return inside if inside.is_dir() else package.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first word names; returns its exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] and words[0] in COMMANDS:
        sys.argv = [f"{PROGRAM} {words[0]}", *words[1:]]  # what its messages call it
        return COMMANDS[words[0]].start(words[1:])
    sys.argv[0] = PROGRAM
    _parser(whole="--print-completion" in words).parse_args(words)
    return 0


def _parser(whole: bool) -> Parser:
    """Return the flags of `rnnsweep` itself; completion needs those of each command too, which is the `whole`."""
    parser = Parser("Which recurrent network should classify your texts, and how sure is that?")
    version = importlib.metadata.version(PROGRAM)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {version}", help="print the version")
    if whole:
        import shtab

        shtab.add_argument_to(parser, "--print-completion", help="print the completion of a shell")
    else:
        parser.add_argument("--print-completion", metavar="bash|zsh|tcsh", help="print the completion of a shell")
    each = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=argparse.ArgumentParser,
        title="commands (each has --help)",
    )  # fmt: skip
    for name, command in COMMANDS.items():
        parents = [command.flags()] if whole else []
        each.add_parser(name, help=command.meaning, parents=parents, add_help=False)
    return parser
