"""What every command does around its work: print any character, stop politely, say a mistake in one line."""

from __future__ import annotations

import codecs
import io
import shlex
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from rich.console import Console

from rnnsweep import commands
from rnnsweep.cli.flags import INTERRUPTED, Parser
from rnnsweep.cli.screen import print_interrupted
from rnnsweep.errors import UserError
from rnnsweep.redact import without_password

# A scheduler's polite end and a closed terminal are interruptions as Ctrl-C is; Windows has but two of them.
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
PRINTABLE = "rnnsweep-printable"  # the name of what is done with a character that cannot be printed


def guard(parser: Parser, console: Console, work: Callable[[], int]) -> int:
    """Return the exit status of the work; a mistake is one line and status 2, an interruption says how to go on."""
    for number in STOPS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as SIGHUP under nohup
            signal.signal(number, _interrupt)
    try:
        return work()
    except UserError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        command = shlex.join([*commands.own_words(), *sys.argv[1:]])
        print_interrupted(console, without_password(command))
        return INTERRUPTED


def _interrupt(number: int, frame: object) -> NoReturn:
    """Interrupt, once: what comes again while all is being ended would only leave some of it behind."""
    for each in STOPS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def take_every_character() -> None:
    """Have the terminal or file that is printed to take what it has no character for, and bytes that are no text.

    A name of a file that is no UTF-8 is printed as its bytes.
    """
    codecs.register_error(PRINTABLE, _as_printable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=PRINTABLE)


def _as_printable(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return "?" * (error.end - error.start), error.end
