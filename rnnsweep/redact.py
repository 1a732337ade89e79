"""What nobody else may read never reaches a screen, a log or a file."""

from __future__ import annotations

import re

HIDDEN = "***"
LONG_WORD = re.compile(r"(\S{200})\S{200,}(\S{40})")  # as someone's whole file may be, pasted as one value
# The password of an address; greedy, because one may hold an unquoted @ itself. And one among its parameters.
IN_ADDRESS = re.compile(r"(\w://[^\s/:@]*):\S*@")
IN_PARAMETERS = re.compile(r"([?&;](?:password|passwd|pwd|secret_key|access_key|token)=)[^&;\s'\"]*", re.IGNORECASE)


def one_line(text: str) -> str:
    """Return a message in one line, without passwords and endless words' middles; nothing in it steers a terminal."""
    return printable(LONG_WORD.sub(r"\1...\2", " ".join(without_password(text).splitlines())))


def printable(text: str) -> str:
    """Return a text with escapes for what is no letter, sign or blank; bytes of odd file names stay as they are."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or "\ud800" <= c <= "\udfff" else repr(c)[1:-1] for c in text)


def without_password(text: str) -> str:
    """Return the text with stars for the password of each address in it: `postgresql://me:***@host/studies`."""
    return IN_PARAMETERS.sub(rf"\g<1>{HIDDEN}", IN_ADDRESS.sub(rf"\g<1>:{HIDDEN}@", text))
