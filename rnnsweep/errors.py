"""What every message meant for a user is raised as, so that a command catches one kind and prints one line."""

from __future__ import annotations

import re
from itertools import dropwhile

TRACEBACK = "Traceback (most recent call last):"
LONGEST = 600  # characters of a reason: Keras says much around what a layer itself said
_BOLD = re.compile(r"\x1b\[[\d;]*m")  # and colours, which Keras puts into its errors
_OWN_NAME = re.compile(r"rnnsweep\.[\w.]+: ")  # of an error whose message is a whole sentence


class UserError(Exception):
    """A user can put this right: one line names the culprit, the valid values and the remedy."""


def plain(text: str) -> str:
    """Return a text without what makes a terminal write bold or in colour."""
    return _BOLD.sub("", text)


def reason(text: str) -> str:
    """Return in one line why something failed: the error that its traceback ends with, of other texts the last line."""
    _, found, last = text.rpartition(TRACEBACK)
    # Behind the stack, whose lines are indented, an error may say several lines.
    said = list(dropwhile(lambda line: not line or line[0].isspace(), last.splitlines())) if found else []
    said = said or text.strip().splitlines()[-1:]
    line = _OWN_NAME.sub("", " ".join(plain(" ".join(said)).split()), count=1)
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
