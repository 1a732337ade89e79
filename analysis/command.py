"""What the report's commands share: one line for a user's mistake, and their exit statuses."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, NoReturn

from rnnsweep import commands
from rnnsweep.errors import UserError
from rnnsweep.redact import one_line

if TYPE_CHECKING:
    from rnnsweep.ledger import Ledger

DONE, WRONG_USAGE, INTERRUPTED = 0, 2, 130


class Parser(argparse.ArgumentParser):
    """A parser of whose messages each is one line, and which takes no abbreviated flags."""

    def __init__(self, command: str, description: str) -> None:
        """Make the parser of `analysis/<command>.py`, with `--results`."""
        installed = commands.own_words()
        prog = " ".join(installed) if installed[0] == commands.PROGRAM else f"analysis/{command}.py"
        super().__init__(prog=prog, description=description, allow_abbrev=False)
        self.add_argument("--results", default="results", metavar="URI", help="the ledger (default: results)")

    def error(self, message: str) -> NoReturn:
        """End with status 2 and one line."""
        self.exit(WRONG_USAGE, f"{self.prog}: {one_line(message)}\n")


def existing(results: str) -> Ledger:
    """Return the ledger there; raises `UserError` with the command that makes one where there is none."""
    from rnnsweep.ledger import Ledger

    ledger = Ledger(results)
    if not ledger.exists():
        command = shlex.join([*commands.words("grid"), "--results", results])
        raise UserError(f"there are no results at {results}; make them: {command}")
    return ledger
