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
    """Answer all that is asked in another process and a thread of this one, while this one goes on.

    Each answer is taken as it comes. At the end what is left is waited for, within `waiting`; what that process
    did not answer is answered here. Where this one is interrupted, that one is ended. What `take` raises is raised at
    the end.
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
    with child, ThreadPoolExecutor(1) as threads:
        try:
            taken = threads.submit(_taken, child, asked, take)
            yield
            with waiting():
                for place in range(taken.result(), len(asked)):
                    take(place, answered(*asked[place]))
        finally:
            child.kill()


def _taken(child: subprocess.Popen[bytes], asked: Asked, take: Take) -> int:
    """Ask the other process, and take what it answers; returns how many answers there were."""
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(*UNANSWERED), child.stdin as stdin:
        pickle.dump(asked, stdin)
    for place in range(len(asked)):
        try:
            answer = pickle.load(child.stdout)
        except UNANSWERED:
            return place
        take(place, answer)
    return len(asked)


def answered(parts: Parts, settings: BaselineSettings) -> Answer:
    """Return the lines of a setting, or why scikit-learn can have none, as of texts of one class."""
    try:
        return baselines(parts, settings)
    except ValueError as error:
        return error


def answer_all(stdin: IO[bytes], stdout: IO[bytes]) -> None:
    """Read what is asked, and write each answer as soon as it is known."""
    for parts, settings in pickle.load(stdin):
        pickle.dump(answered(parts, settings), stdout)
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
