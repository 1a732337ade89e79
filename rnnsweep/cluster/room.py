"""TODO docstring of rnnsweep/cluster/room.py."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rnnsweep.cluster.nodes import Autoscaler, Node, NodeType, room
from rnnsweep.machine.gpu import installed
from rnnsweep.sweep import Machines, SweepError

POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")  # of every pod on Kubernetes


def autoscaler_here() -> Autoscaler | None:
    """Return what the autoscaler of this machine, the head, was told: by a file or by Kubernetes."""
    import yaml  # type: ignore[import-untyped]

    if POD_NAMESPACE.exists():
        return _on_kubernetes()
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode(errors="replace").split("\0")
            named = [word.partition("=")[2] for word in words if word.startswith("--autoscaling-config=")]
            if named and named[0]:
                return _configured(yaml.safe_load(Path(named[0]).expanduser().read_text()))
        except (OSError, yaml.YAMLError):
            continue
    return None


def _on_kubernetes() -> Autoscaler | None:
    """Return what the RayCluster of this pod says, which KubeRay lets only the head of one that scales itself read."""
    from ray.autoscaler._private.kuberay import autoscaling_config, node_provider

    api = node_provider.KubernetesHttpApiClient(POD_NAMESPACE.read_text().strip())
    try:
        found = api.get(f"rayclusters/{os.environ['RAY_CLUSTER_NAME']}")
        return _configured(autoscaling_config._derive_autoscaling_config_from_ray_cr(found))
    except (OSError, KeyError):  # no such name, no answer, or not allowed: requests' errors are OSErrors
        return None


def _configured(config: Mapping[str, Any]) -> Autoscaler:
    """Return the types of worker in a cluster's configuration."""
    most = int(config.get("max_workers", 2**31))
    types = config.get("available_node_types", {})
    workers = [kind for name, kind in types.items() if name != config.get("head_node_type")]
    kinds = [NodeType(kind.get("resources", {}), int(kind.get("max_workers", most))) for kind in workers]
    return Autoscaler(kinds, most)


def width(machines: Machines, nodes: Iterable[Node] = (), trials: int | None = None) -> int:
    """Return how many trials run at a time: as many as the nodes hold that there are or may be, or fewer if asked.

    At most as many as there are trials. Raises `SweepError` where no node, now or later, has room for one.
    """
    import ray

    wanted = machines.least(gpu_mb(machines, nodes))
    most = sum(room(node["Resources"], wanted) for node in ray.nodes() if node["Alive"])
    for node in nodes:
        most = max(most, node.autoscaler.room(wanted) if node.autoscaler else 0)
    if not most and machines.address is not None and machines.max_concurrent:
        most = machines.max_concurrent  # taken at its word: nodes may come that nobody here knows of
    if not most:
        share = machines.gpus_per_trial if machines.gpus_per_trial == "auto" else f"{machines.gpus_per_trial:g}"
        raise SweepError(
            f"no node has room for a trial of {machines.cpus_per_trial:g} CPUs and {share} GPUs; "
            "lower --cpus-per-trial or --gpus-per-trial"
            + (", or, where nodes come while trials wait, give --max-concurrent" if machines.address else "")
        )
    return min(value for value in (most, trials, machines.max_concurrent) if value)


def gpu_mb(machines: Machines, nodes: Iterable[Node]) -> float | None:
    """Return the memory in MB of the smallest GPU that there is, here or on the nodes, or None where none is seen."""
    found = installed() if machines.address is None else [each for node in nodes for each in node.gpus]
    return min((memory for _, memory in found), default=None)
