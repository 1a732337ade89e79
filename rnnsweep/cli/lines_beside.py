"""Linear lines in processes of their own, while the sweep trains for one.

One after another, before the first trial, those of five settings of IMDB took over two minutes on one core, and all
others were idle.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import IO

from rnnsweep.baselines import Baseline, BaselineSettings, baselines
from rnnsweep.data.split import Parts

NICENESS = 15  # that of Ray's workers
PATIENCE = 60.0  # seconds that others have at the end for what they were asked: a crowded machine may forget them
Asked = Sequence[tuple[Parts, BaselineSettings]]
Answer = list[Baseline] | ValueError
Take = Callable[[int, Answer], None]  # is given the place of what was asked, and the answer
UNANSWERED = (OSError, EOFError, pickle.UnpicklingError)  # the process was killed, for its memory maybe


@contextlib.contextmanager
def beside(
    asked: Asked,
    take: Take,
    waiting: Callable[[], contextlib.AbstractContextManager[object]],
    processes: int = 1,
    patience: float = PATIENCE,
) -> Iterator[None]:
    """Answer all that is asked in other processes while this one goes on; threads of this one take the answers.

    At the end, within `waiting`, this one helps with what is left, and answers what others were asked and did not
    answer within so many seconds more. Where this one is interrupted, the others are ended. What `take` raises is
    raised at the end.
    """
    left = deque(range(len(asked)))
    with contextlib.ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(processes))
        children = [stack.enter_context(_process()) for _ in range(processes)]
        try:
            asking = [threads.submit(_ask, child, asked, left, take) for child in children]
            yield
            with waiting():
                _answer_here(asked, left, take)
                wait(asking, patience)
        finally:
            for child in children:
                child.kill()
        with waiting():
            for asker in asking:
                asker.result()
            _answer_here(asked, left, take)


def _process() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,  # else Ctrl-C would reach it, too, and it would say so
    )


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


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    answer_all(sys.stdin.buffer, sys.stdout.buffer)
