"""Pure tasks of the report in two processes: drawing a figure holds the interpreter, so that threads would not help."""

from __future__ import annotations

import gc
import os
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar, cast

T = TypeVar("T")
MOST = 2  # processes: each holds what it draws
_tasks: Sequence[Callable[[], object]] = ()


def processes_here() -> int:
    """Return in how many processes tasks can be worked out: 1 where there is one core, or none can be forked safely.

    A fork copies one thread only, with the locks that others hold; off Linux, the system's own libraries have some.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return min(MOST, len(os.sched_getaffinity(0)))


def side_by_side(tasks: Sequence[Callable[[], T]], processes: int) -> list[T]:
    """Return what the tasks return, in their order; of several processes each is forked, and so has all that they need.

    An error of a task is raised here. Where a process was killed, for its memory, all is worked out in this one.
    """
    if processes < 2 or len(tasks) < 2:
        return [task() for task in tasks]
    try:
        with (
            warnings.catch_warnings(),
            ProcessPoolExecutor(processes, get_context("fork"), _begin, (tasks,)) as pool,
        ):
            warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads that NumPy has put to rest
            return list(pool.map(_run, range(len(tasks))))
    except BrokenProcessPool:
        return [task() for task in tasks]


def beside(task: Callable[[], T], meanwhile: Callable[[], object]) -> T:
    """Return what a task returns in a forked process, while this one does something else.

    Where the task fails there, or its process is killed, it is tried here.
    """
    with ProcessPoolExecutor(1, get_context("fork"), _begin, ((task,),)) as pool:
        found = pool.submit(_run, 0)
        meanwhile()
        if found.exception() is None:
            return cast(T, found.result())
    return task()


def _begin(tasks: Sequence[Callable[[], object]]) -> None:
    """Take the tasks in a new process: it was forked with them, so that nothing needs to be sent."""
    global _tasks  # a pool's processes can be given nothing else
    _tasks = tasks
    gc.disable()  # it ends soon, and looking through all that it was forked with would copy that


def _run(place: int) -> Any:
    return _tasks[place]()
