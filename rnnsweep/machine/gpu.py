"""A trial's share of a GPU: how large it must be, and how each backend is kept to it.

docs/gpu.md has what was measured on one.
"""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Iterable

PER_GPU = 8  # trials that share a GPU at most: more of them than that wait for the GPU, not for its memory
CONTEXT_MB = 1000.0  # of a process on a GPU beside its arrays: CUDA's, cuBLAS's and cuDNN's own


def memory_limit_mb(total_mb: float, share: float) -> int:
    """Return how many MB of arrays a trial may hold on a GPU of this many MB, so that all shares fit side by side."""
    return max(int(total_mb * share - CONTEXT_MB), 1)


def fraction(total_mb: float, share: float) -> float:
    """Return the part of a GPU of this many MB that a trial's arrays may fill, where a backend asks for a part."""
    return memory_limit_mb(total_mb, share) / total_mb


def smallest_mb(gpus: Iterable[tuple[str, float]]) -> float | None:
    """Return the memory in MB of the smallest of these GPUs, each name and memory, or None of none."""
    return min((memory for _, memory in gpus), default=None)


def environment(share: float) -> dict[str, str]:
    """Return what a worker's environment must say before a backend is imported.

    Without a share no GPU is to be seen: Ray leaves all of them visible to who asked for none.
    """
    if not share:
        return {"CUDA_VISIBLE_DEVICES": ""}
    total = smallest_mb(installed()) if share < 1 else None
    return {"XLA_PYTHON_CLIENT_MEM_FRACTION": f"{fraction(total, share):.4f}"} if total else {}


def hidden() -> bool:
    """Return whether the environment lets no program see a GPU, as CUDA reads it."""
    return os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")


@functools.cache  # asked before each trial, and no GPU comes while a process runs
def installed() -> list[tuple[str, float]]:
    """Return name and memory in MB of the GPUs of this machine, by NVIDIA's own tool; empty where there is none."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        text = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
        rows = [line.rsplit(",", 1) for line in text.strip().splitlines()]
        return [(name.strip(), float(memory)) for name, memory in rows]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []
