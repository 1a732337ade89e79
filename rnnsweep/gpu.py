"""A trial's share of a GPU: how large it must be, and how each backend is kept to it.

No figure here was measured on a GPU: `CONTEXT_MB` and the estimate are assumptions on the safe side, which the peaks
that trials record on a GPU replace.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from rnnsweep.estimate import gpu_memory_mb
from rnnsweep.spec import Spec

PER_GPU = 8  # trials that share a GPU at most: more of them than that wait for the GPU, not for its memory
CONTEXT_MB = 600.0  # of a process on a GPU beside its arrays: CUDA's and cuDNN's own
SLACK = 1.2  # memory is given to a trial in pieces, and some of each is lost
# All that a network's memory depends on; the seed, the epochs and the reviews change nothing.
SHAPE = ("cell", "units", "bidirectional", "pooling", "embedding_dim", "embedding_rows", "max_len", "mask_padding",
         "batch_size", "optimizer")  # fmt: skip
Peaks = list[tuple[Spec, float]]  # specs that were trained on a GPU, and the MB that their arrays took there


def peaks(specs: Mapping[str, Spec], results: Mapping[str, Mapping[str, Any]]) -> Peaks:
    """Return the peak memory in MB that the results of these specs recorded on a GPU."""
    found = ((spec, results[key].get("peak_gpu_memory_mb")) for key, spec in specs.items())
    return [(spec, float(peak)) for spec, peak in found if peak]


def packed_share(spec: Spec, known: Iterable[tuple[Spec, float]], total_mb: float | None) -> float:
    """Return the share of a GPU of this many MB that a trial needs: 1/k, so that k of them fit; 1 if nothing is known.

    The trial's peak is the largest that one of its shape recorded, else the estimate, scaled to what others recorded.
    """
    if total_mb is None:
        return 1.0
    known = list(known)
    same = [peak for other, peak in known if _shape(other) == _shape(spec)]
    ratios = [peak / gpu_memory_mb(other) for other, peak in known]
    peak = max(same) if same else gpu_memory_mb(spec) * max(ratios, default=1.0)
    return 1.0 / min(max(int(total_mb / (SLACK * peak + CONTEXT_MB)), 1), PER_GPU)


def memory_limit_mb(total_mb: float, share: float) -> int:
    """Return how many MB of arrays a trial may hold on a GPU of this many MB, so that all shares fit side by side."""
    return max(int(total_mb * share - CONTEXT_MB), 1)


def environment(share: float) -> dict[str, str]:
    """Return what a worker's environment must say before a backend is imported.

    Without a share no GPU is to be seen: Ray leaves all of them visible to who asked for none.
    """
    if not share:
        return {"CUDA_VISIBLE_DEVICES": ""}
    return {"XLA_PYTHON_CLIENT_MEM_FRACTION": f"{share:.4f}"} if share < 1 else {}


def installed() -> list[tuple[str, float]]:
    """Return name and memory in MB of the GPUs of this machine, by NVIDIA's own tool; empty where there is none."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        text = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
        rows = [line.rsplit(",", 1) for line in text.strip().splitlines()]
        return [(name.strip(), float(memory)) for name, memory in rows]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []


def _shape(spec: Spec) -> tuple[Any, ...]:
    return tuple(getattr(spec, name) for name in SHAPE)
