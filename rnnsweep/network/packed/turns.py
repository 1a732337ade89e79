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

IsTurn = Callable[[], bool]
Work = Callable[[int, Sequence, IsTurn], Callable[[], None]]


class Additions:
    """What a group adds to arrays that all groups share: done at once in the group's turn, and kept until then.

    Sums of float32 depend on their order. Kept additions are the same operations on the same numbers in the same
    order, so the bits are those of one thread. What is kept leaves the caches before it is added, so a group whose turn
    comes while it is computed keeps nothing from then on.
    """

    def __init__(self, buffer: Workspace) -> None:
        self._buffer, self._is_turn = buffer, _always
        self._waiting: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self._rooms = 0

    def begin(self, is_turn: IsTurn) -> None:
        """Begin with a group, which says whether it is its turn; once it is, it is until the group's end."""
        self._is_turn = is_turn

    def end(self) -> None:
        """Do what was kept, in the group's turn; what comes next belongs to no group, and is done at once."""
        self._make()
        self._is_turn = _always

    def room(self, name: str, *shape: int) -> NDArray[Any]:
        """Return a buffer that nothing else writes to before what is called next is done."""
        if not self._is_turn():
            self._rooms += 1
            name = f"kept {self._rooms}"
        return self._buffer(name, *shape)

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function that adds to a shared array, now or in turn."""
        if self._is_turn():
            self._make()
            function(*arguments)
        else:
            self._waiting.append((function, arguments))

    def _make(self) -> None:
        for function, arguments in self._waiting:
            function(*arguments)
        self._waiting, self._rooms = [], 0


def _always() -> bool:
    return True


class Turns:
    """Computes groups by several threads, the first free one the next group, and ends each in turn, in their order.

    A thread does not wait for a group's turn: it leaves it to whoever ends the one before, and takes another. A group
    that waits keeps its **lane**, the number of a set of buffers, of which there are two for each thread.
    """

    def __init__(self, threads: int) -> None:
        self.threads, self.lanes = threads, 2 * threads if threads > 1 else 1
        self._pool = ThreadPoolExecutor(threads - 1, "packed") if threads > 1 else None

    def end(self) -> None:
        """Let the threads go."""
        if self._pool:
            self._pool.shutdown()

    def __call__(self, groups: list[Sequence], work: Work) -> None:
        """Call `work(lane, group, is_turn)` for every group, and what it returns in the groups' order.

        `is_turn` says whether all groups before this one have ended, so that none but it may add to what they share.
        The first exception ends all work and is raised.
        """
        run = _Run(groups, work, self.lanes)
        others = [self._pool.submit(run) for _ in range(1, min(self.threads, len(groups)))] if self._pool else []
        run()
        for other in others:
            other.result()
        if run.error is not None:
            raise run.error


class _Run:
    """One pass over groups: which comes next, whose turn it is, and what went wrong."""

    def __init__(self, groups: list[Sequence], work: Work, lanes: int) -> None:
        self._groups, self._work, self._next, self._turn = groups, work, 0, 0
        self._free = list(range(lanes))
        self._waiting: dict[int, tuple[int, Callable[[], None]]] = {}  # by place: computed, with its lane
        self._ending = False  # whether a thread ends groups now
        self._changed = threading.Condition()
        self.error: BaseException | None = None

    def __call__(self) -> None:
        """Take groups until there are none."""
        try:
            with np.errstate(all="ignore"), flushed():  # both are a thread's own
                while (taken := self._take()) is not None:
                    place, lane = taken
                    self._end(place, lane, self._work(lane, self._groups[place], self._is_turn(place)))
        except BaseException as error:
            with self._changed:
                self.error = self.error or error
                self._changed.notify_all()

    def _is_turn(self, place: int) -> IsTurn:
        return lambda: self._turn == place

    def _take(self) -> tuple[int, int] | None:
        """Return the place of the next group and a free lane, as soon as there is one; None where no group is left."""
        with self._changed:
            # The group whose turn it is was taken before all that wait, so it has a lane and a thread.
            self._changed.wait_for(lambda: self._free or self._over)
            if self._over:
                return None
            self._next += 1
            return self._next - 1, self._free.pop()

    @property
    def _over(self) -> bool:
        return self._next >= len(self._groups) or self.error is not None

    def _end(self, place: int, lane: int, finish: Callable[[], None]) -> None:
        """End the groups whose turn it is, beginning with this one; leave it to the thread that ends others now."""
        with self._changed:
            self._waiting[place] = lane, finish
            if self._ending:
                return
            self._ending = True
        while (turn := self._next_turn()) is not None:
            lane, finish = turn
            finish()
            with self._changed:
                self._turn += 1
                self._free.append(lane)
                self._changed.notify_all()

    def _next_turn(self) -> tuple[int, Callable[[], None]] | None:
        """Return the group whose turn it is, if it is computed; None ends this thread's ending of groups."""
        with self._changed:
            turn = self._waiting.pop(self._turn, None)
            self._ending = turn is not None
            return turn
