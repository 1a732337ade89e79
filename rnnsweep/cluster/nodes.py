"""What there is on a cluster, and what may come: nodes, and what its autoscaler may start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class NodeType:
    """A kind of node that the cluster's autoscaler may start, and how many of them."""

    resources: Mapping[str, float]
    most: int


@dataclass(frozen=True)
class Autoscaler:
    """What the cluster's autoscaler may start: kinds of nodes, and how many of all kinds together."""

    types: list[NodeType]
    most: int

    def slots(self, wanted: Mapping[str, float]) -> int:
        """Return how many trials that want this fit on all that may come, the roomiest kinds first."""
        trials, left = 0, self.most
        for each, most in sorted(((slots_of(kind.resources, wanted), kind.most) for kind in self.types), reverse=True):
            trials += each * min(most, left)
            left -= min(most, left)
        return trials


@dataclass(frozen=True)
class Node:
    """What a node of the cluster said about itself, or why it could not."""

    name: str  # host name and address
    resources: Mapping[str, float] = field(default_factory=dict)  # by Ray's names; memory in bytes
    gpus: list[tuple[str, float]] = field(default_factory=list)  # name and memory in MB of the GPUs that it found
    versions: Mapping[str, str] = field(default_factory=dict)
    blas: str = ""  # library, version and kernel, as in results
    revision: str = ""
    reviews: int = 0  # that it has received
    results: str | None = None  # the probe that it wrote; None: it does not see the driver's
    autoscaler: Autoscaler | None = None  # None: this node is not its head, or there is none
    error: str = ""


def slots_of(resources: Mapping[str, float], wanted: Mapping[str, float]) -> int:
    """Return how many trials that want this fit on a node that has that; a head of no CPUs holds none."""
    return min(int(resources.get(name, 0) / share + 1e-9) for name, share in wanted.items())
