"""What the autoscaler of a cluster may start, as its head was told: by a file, or by Kubernetes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rnnsweep.cluster.nodes import Autoscaler, NodeType

POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")  # of every pod on Kubernetes


def autoscaler_here() -> Autoscaler | None:
    """Return what the autoscaler of this machine was told; None where it is no head, or has none."""
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
