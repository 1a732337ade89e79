"""A trial that hangs: said where, and ended with its process, because no other way leads out of code without return."""

from __future__ import annotations

import faulthandler
import os
import tempfile
import threading
import time
from collections.abc import Callable
from types import TracebackType

STATUS = 1  # of a process that is ended so: some trials failed
GRACE_SECONDS = 60.0  # after which the process ends even where no Python can run in it, then without a record
STANDARD_ERROR = 2


class Watchdog:
    """A context manager that ends this process when nothing was heard for so long; a clock that jumps is no matter."""

    def __init__(self, seconds: float | None, hung: Callable[[str], None]) -> None:
        """Wait these seconds, None for ever; `hung` takes the Python stacks of all threads before the end."""
        self._seconds, self._hung = seconds, hung
        self._deadline = 0.0
        self._done = threading.Event()

    def __enter__(self) -> Watchdog:
        """Begin to wait."""
        self.heard()
        if self._seconds is not None:
            threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait no more."""
        self._done.set()
        if self._seconds is not None:
            faulthandler.cancel_dump_traceback_later()

    def heard(self) -> None:
        """Begin to wait anew."""
        if self._seconds is not None:
            self._deadline = time.monotonic() + self._seconds
            faulthandler.dump_traceback_later(self._seconds + GRACE_SECONDS, exit=True, file=STANDARD_ERROR)

    def _watch(self) -> None:
        while not self._done.wait(max(self._deadline - time.monotonic(), 0)):
            if time.monotonic() >= self._deadline:
                try:
                    self._hung(_stacks())
                finally:
                    os._exit(STATUS)


def _stacks() -> str:
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        return file.read().decode(errors="replace")
