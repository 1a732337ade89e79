"""Linear lines in a process of their own while the sweep trains, behind all else that the machine does.

One after another, before the first trial, those of four settings of IMDB took two minutes on one core, and all others
were idle.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from rnnsweep.baselines import Baseline, BaselineSettings, baselines
from rnnsweep.data.split import Parts

LAST = 19  # the nicest that a process can be; Ray's workers are at 15
AUTOGROUP = Path("/proc/self/autogroup")  # what a desktop's Linux weighs sessions against each other by
Asked = Sequence[tuple[Parts, BaselineSettings]]
Answer = list[Baseline] | ValueError
Take = Callable[[int, Answer], None]  # is given the place of what was asked, and the answer
UNANSWERED = (OSError, EOFError, pickle.UnpicklingError)  # the process was killed, for its memory maybe


@contextlib.contextmanager
def beside(
    asked: Asked, take: Take, waiting: Callable[[], contextlib.AbstractContextManager[object]]
) -> Iterator[None]:
    """Answer all that is asked in another process while this one goes on; a thread of this one takes the answers.

    At the end, within `waiting`, both answer what is left, and this one what the other was asked and did not answer.
    Where this one is interrupted, the other is ended. What `take` raises is raised at the end.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # else Ctrl-C would reach it, too, and it would say so
    )
    left = deque(range(len(asked)))
    with child, ThreadPoolExecutor(1) as threads:
        try:
            asking = threads.submit(_ask, child, asked, left, take)
            yield
            with waiting():
                _answer_here(asked, left, take)
                asking.result()
                _answer_here(asked, left, take)  # what that process was asked and did not answer
        finally:
            child.kill()


def _ask(child: subprocess.Popen[bytes], asked: Asked, left: deque[int], take: Take) -> None:
    """Ask the other process for one answer after another, and take it, until none is left or it answers no more."""
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(*UNANSWERED):
        pickle.dump(asked, child.stdin)
    while (place := _next(left.popleft)) is not None:
        try:
            pickle.dump(place, child.stdin)
            child.stdin.flush()
            answer = pickle.load(child.stdout)
        except UNANSWERED:
            left.append(place)
            return
        take(place, answer)


def _answer_here(asked: Asked, left: deque[int], take: Take) -> None:
    """Answer what nobody has been asked yet, the last first: the other process may be at it, too."""
    while (place := _next(left.pop)) is not None:
        take(place, answered(*asked[place]))


def _next(pop: Callable[[], int]) -> int | None:
    try:
        return pop()
    except IndexError:
        return None


def answered(parts: Parts, settings: BaselineSettings) -> Answer:
    """Return the lines of a setting, or why scikit-learn can have none, as of texts of one class."""
    try:
        return baselines(parts, settings)
    except ValueError as error:
        return error


def answer_all(stdin: IO[bytes], stdout: IO[bytes]) -> None:
    """Read what may be asked, then places of it, and answer each, until there are no more."""
    asked: Asked = pickle.load(stdin)
    with contextlib.suppress(EOFError):
        while True:
            pickle.dump(answered(*asked[pickle.load(stdin)]), stdout)
            stdout.flush()


def step_back() -> None:
    """Leave the processors to all that wants them, as far as the system knows of that: trials' seconds are compared."""
    if hasattr(os, "nice"):
        os.nice(LAST)
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(LAST))
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


if __name__ == "__main__":
    step_back()
    answer_all(sys.stdin.buffer, sys.stdout.buffer)
