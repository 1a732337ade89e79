"""What nobody else may read never reaches a screen, a log or a file."""

from __future__ import annotations

import re

HIDDEN = "***"
# The password of an address; greedy, because one may hold an unquoted @ itself. And one among its parameters.
IN_ADDRESS = re.compile(r"(\w://[^\s/:@]*):\S*@")
IN_PARAMETERS = re.compile(r"([?&;](?:password|passwd|pwd|secret_key|access_key|token)=)[^&;\s'\"]*", re.IGNORECASE)


def without_password(text: str) -> str:
    """Return the text with stars for the password of each address in it: `postgresql://me:***@host/studies`."""
    return IN_PARAMETERS.sub(rf"\g<1>{HIDDEN}", IN_ADDRESS.sub(rf"\g<1>:{HIDDEN}@", text))
