"""What nobody else may read never reaches a screen, a log or a file."""

from __future__ import annotations

import re

HIDDEN = "***"
# The password of an address; greedy, because one may hold an unquoted @ itself. And one among its parameters.
IN_ADDRESS = re.compile(r"(\w://[^\s/:@]*):\S*@")
IN_PARAMETERS = re.compile(r"([?&;](?:password|passwd|pwd|secret_key|access_key|token)=)[^&;\s'\"]*", re.IGNORECASE)


def one_line(text: str) -> str:
    """Return a message without passwords in one line, in which no character of a file or ledger steers a terminal."""
    return printable(" ".join(without_password(text).splitlines()))


def printable(text: str) -> str:
    """Return a text with escapes for what is no letter, sign or blank; bytes of odd file names stay as they are."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or "\ud800" <= c <= "\udfff" else repr(c)[1:-1] for c in text)


def without_password(text: str) -> str:
    """Return the text with stars for the password of each address in it: `postgresql://me:***@host/studies`."""
    return IN_PARAMETERS.sub(rf"\g<1>{HIDDEN}", IN_ADDRESS.sub(rf"\g<1>:{HIDDEN}@", text))
