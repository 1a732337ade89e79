"""How much memory this process held at most, and how much it may have."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))  # a container's
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")  # Linux's; other systems have no such files


def reset_peak_memory() -> None:
    """Begin the peak anew, on Linux; elsewhere it stays that of the whole process."""
    with suppress(OSError):
        CLEAR.write_text("5")


def peak_memory_mb() -> float:
    """Return the MB of memory that this process held at most since the last reset, or since it began."""
    with suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        memory: Any = psutil.Process().memory_info()  # its types are those of this system, not of Windows
        return float(memory.peak_wset) / 2**20
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, elsewhere KB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def memory_here_mb() -> float:
    """Return the MB of memory that all processes here together may hold: the machine's, or less in a container."""
    import psutil

    limits = [psutil.virtual_memory().total + psutil.swap_memory().total]
    for path in LIMITS:
        with suppress(OSError, ValueError):  # no container, or one without a limit
            limits.append(int(path.read_text()))
    return min(limits) / 2**20
