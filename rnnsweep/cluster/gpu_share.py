"""How large a share of a GPU a trial needs, by what other trials took."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from rnnsweep.machine.gpu import CONTEXT_MB, PER_GPU
from rnnsweep.network.cost import gpu_memory_mb
from rnnsweep.spec import Spec

SLACK = 1.2  # memory is given to a trial in pieces, and some of each is lost
# What changes nothing in a network's memory; all other fields do, and one that nobody thought of keeps two apart.
# num_words and vocab_size count together, as rows of the embedding.
NOT_IN_MEMORY = frozenset(
    ("dataset", "data_sha256", "reviews", "num_words", "vocab_size", "dropout", "drop_remainder", "validation",
     "epochs", "learning_rate", "seed")
)  # fmt: skip
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


def _shape(spec: Spec) -> tuple[Any, ...]:
    fields = (field.name for field in dataclasses.fields(spec))
    return spec.embedding_rows, *(getattr(spec, name) for name in fields if name not in NOT_IN_MEMORY)
