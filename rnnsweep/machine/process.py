"""Which process this is and whether another still runs: ids are used again, machines boot again, and clocks jump."""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "RNNSWEEP_DRIVER"  # in the environment of what a driver starts: which driver that was
END_SECONDS = 10.0  # that killed processes have to be gone
ENDED_STATES = ("Z", "X")  # of Linux: it only waits for its parent to hear of its end


@dataclass(frozen=True)
class Process:
    """A process that no other ever is mistaken for."""

    machine: str  # this boot of a system and, in a container, its own numbering of processes
    pid: int
    started: str  # counted by the machine from its boot, where it does that

    @property
    def is_here(self) -> bool:
        """Whether this process can see it, should it run."""
        return self.machine == this_machine()

    @property
    def runs(self) -> bool:
        """Whether it runs, if it `is_here`."""
        return started(self.pid) == self.started

    @property
    def mark(self) -> str:
        """What the environment of the processes that it starts has as `MARK`, within `marking`."""
        return f"{self.machine} {self.pid} {self.started}"


def this_process() -> Process:
    """Return the process that asks."""
    return Process(this_machine(), os.getpid(), started(os.getpid()) or "")


def this_machine() -> str:
    """Return a text that only processes share which know each other by the same ids."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{platform.node()} {boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # no Linux
        return f"{platform.node()} {uuid.getnode():x}"


def started(pid: int) -> str | None:
    """Return when the process of this id started, in a text that is its own; None where none runs."""
    if Path("/proc/self/stat").exists():
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            return None if fields[0] in ENDED_STATES else fields[19]  # ticks since boot: proc(5), starttime
        return None
    import psutil

    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


@contextmanager
def marking() -> Iterator[None]:
    """Have the processes that start within, and those that they start, bear the mark of this one."""
    before = os.environ.get(MARK)
    os.environ[MARK] = this_process().mark
    try:
        yield
    finally:
        os.environ.pop(MARK)
        if before is not None:
            os.environ[MARK] = before


def end_marked(mark: str) -> int:
    """Kill the processes of this user that bear the mark, and return how many; again, for what they began meanwhile."""
    import psutil

    ended = 0
    while found := [process for process in psutil.process_iter() if _mark_of(process) == mark]:
        for process in found:
            with suppress(psutil.Error):
                process.kill()  # psutil itself sees to it that the id is still this process's
        gone, left = psutil.wait_procs(found, END_SECONDS)
        ended += len(gone)
        if left:
            break
    return ended


def _mark_of(process: object) -> str | None:
    import psutil

    try:
        return process.environ().get(MARK) if isinstance(process, psutil.Process) else None
    except (psutil.Error, OSError):  # another user's, or one that has ended
        return None
