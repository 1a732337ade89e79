"""The report of a sweep that still runs: written again when its ledger has changed, until all that is planned is in."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import pandas as pd

    from rnnsweep.ledger import Ledger, LedgerFrames

PAUSE = 5.0  # seconds between two looks at the ledger
SHARE = 10  # times as long as a writing took, the next one waits: the processor is the sweep's
QUIET = 12  # looks in a row at a ledger in which nothing changes, before what is in it counts as all
AGAIN = 10  # seconds after which an open page loads itself again
T = TypeVar("T")


def watch(
    ledger: Ledger,
    write: Callable[[LedgerFrames, int], T],
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.perf_counter,
) -> T:
    """Call `write` with the ledger's frames and `AGAIN` whenever a file of it has changed, and last with 0.

    Returns the last call's value, when all trials have ended, each network has its planned seeds, and nothing has
    changed for `QUIET` looks.
    """
    seen: object = None
    quiet, rest = 0, 0.0
    while True:
        stamps = ledger.stamps()
        if stamps != seen:
            start = clock()
            contents = ledger.load()
            write(contents, AGAIN)
            seen, quiet, rest = stamps, 0, SHARE * (clock() - start)
        else:
            quiet, rest = quiet + 1, 0.0
        if quiet >= QUIET and complete(contents):
            return write(contents, 0)
        pause(max(PAUSE, rest))


def complete(contents: LedgerFrames) -> bool:
    """Return whether there is a trial, none is unfinished, and each network has the planned number of seeds."""
    from rnnsweep.choice import NETWORK

    trials = contents.trials
    if not len(trials) or (trials["status"] == "unfinished").any():
        return False
    groups = trials.groupby(NETWORK, dropna=False)
    return all(group["seed"].nunique() >= _planned(group, contents.planned) for _, group in groups)


def _planned(group: pd.DataFrame, planned: dict[str, int]) -> int:
    from rnnsweep.space import SYSTEM

    kinds = [str(group["cell"].iloc[0]), *([SYSTEM] if group["system"].iloc[0] else [])]
    return min((planned[kind] for kind in kinds if kind in planned), default=1)
