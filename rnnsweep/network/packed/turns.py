"""Groups of a batch computed side by side, and what they add to common sums in an order that no thread changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnsweep.network.packed.batch import Sequence, Workspace
from rnnsweep.network.packed.denormals import flushed

Work = Callable[[int, Sequence], Callable[[], None]]


class Additions:
    """What a group adds to arrays that all groups share: done at once, or kept until it is the group's turn.

    Sums of float32 depend on their order. Kept additions are the same operations on the same numbers in the same
    order, so the bits are those of one thread.
    """

    def __init__(self, buffer: Workspace, kept: bool) -> None:
        self._buffer, self._kept = buffer, kept
        self._waiting: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self._rooms = 0

    def room(self, name: str, *shape: int) -> NDArray[Any]:
        """Return a buffer that nothing else writes to before the additions are done."""
        if self._kept:
            self._rooms += 1
            name = f"kept {self._rooms}"
        return self._buffer(name, *shape)

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function that adds to a shared array, now or in turn."""
        if self._kept:
            self._waiting.append((function, arguments))
        else:
            function(*arguments)

    def make(self) -> None:
        """Do what was kept."""
        for function, arguments in self._waiting:
            function(*arguments)
        self._waiting, self._rooms = [], 0


class Turns:
    """Computes groups by several threads, the first free one the next group, and ends each in turn, in their order."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads - 1, "packed") if threads > 1 else None

    def end(self) -> None:
        """Let the threads go."""
        if self._pool:
            self._pool.shutdown()

    def __call__(self, groups: list[Sequence], work: Work) -> None:
        """Call `work(thread, group)` for every group, and what it returns in the groups' order.

        The first exception ends all work and is raised.
        """
        run = _Run(groups, work)
        others = [self._pool.submit(run, i) for i in range(1, min(self.threads, len(groups)))] if self._pool else []
        run(0)
        for other in others:
            other.result()
        if run.error is not None:
            raise run.error


class _Run:
    """One pass over groups: whose turn it is, and what went wrong."""

    def __init__(self, groups: list[Sequence], work: Work) -> None:
        self._groups, self._work, self._next, self._turn = groups, work, 0, 0
        self._changed = threading.Condition()
        self.error: BaseException | None = None

    def __call__(self, thread: int) -> None:
        """Take groups until there are none."""
        try:
            with np.errstate(all="ignore"), flushed():  # both are a thread's own
                while (place := self._take()) is not None:
                    finish = self._work(thread, self._groups[place])
                    if not self._wait(place):
                        return
                    finish()
                    with self._changed:
                        self._turn += 1
                        self._changed.notify_all()
        except BaseException as error:
            with self._changed:
                self.error = self.error or error
                self._changed.notify_all()

    def _take(self) -> int | None:
        """Return the place of the next group; None where there is none."""
        with self._changed:
            self._next += 1
            return self._next - 1 if self._next <= len(self._groups) and self.error is None else None

    def _wait(self, place: int) -> bool:
        """Wait until it is a group's turn; False where another has failed."""
        with self._changed:
            self._changed.wait_for(lambda: self._turn == place or self.error is not None)
            return self.error is None
