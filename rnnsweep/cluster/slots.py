"""How many trials run at a time on Ray, by what its nodes hold and may come to hold."""

from __future__ import annotations

from collections.abc import Iterable

from rnnsweep.cluster.connect import prepare
from rnnsweep.cluster.nodes import Node, slots_of
from rnnsweep.machine.gpu import installed, smallest_mb
from rnnsweep.sweep import Machines, SweepError


def check_gpus(machines: Machines) -> None:
    """Raise `SweepError` where trials of a private Ray want GPUs that this machine has not.

    It starts nothing, and comes before anything is written; a cluster is asked once it is reached (`count_slots`).
    """
    if machines.in_process or machines.address is not None or not machines.gpus_per_trial:
        return
    prepare(machines)
    there = _gpus_here()
    if there < machines.least(smallest_gpu_mb(machines, ()))["GPU"]:
        raise SweepError(f"{_no_room(machines)}: Ray sees {there or 'no'} GPU{'s' * (there > 1)} here")


def _gpus_here() -> int:
    """Return how many GPUs of this machine a private Ray would hand out."""
    from ray._private.accelerators import get_accelerator_manager_for_resource

    manager = get_accelerator_manager_for_resource("GPU")
    there, visible = manager.get_current_node_num_accelerators(), manager.get_current_process_visible_accelerator_ids()
    return int(there if visible is None else min(there, len(visible)))


def count_slots(machines: Machines, nodes: Iterable[Node] = (), trials: int | None = None) -> int:
    """Return how many trials run at a time: as many as the nodes hold that there are or may be, or fewer if asked.

    At most as many as there are trials. Raises `SweepError` where no node, now or later, has room for one.
    """
    import ray

    wanted = machines.least(smallest_gpu_mb(machines, nodes))
    most = sum(slots_of(node["Resources"], wanted) for node in ray.nodes() if node["Alive"])
    for node in nodes:
        most = max(most, node.autoscaler.slots(wanted) if node.autoscaler else 0)
    if not most and machines.address is not None and machines.max_concurrent:
        most = machines.max_concurrent  # taken at its word: nodes may come that nobody here knows of
    if not most:
        more = ", or, where nodes come while trials wait, give --max-concurrent" if machines.address else ""
        raise SweepError(_no_room(machines) + more)
    return min(value for value in (most, trials, machines.max_concurrent) if value)


def _no_room(machines: Machines) -> str:
    share = machines.gpus_per_trial if machines.gpus_per_trial == "auto" else f"{machines.gpus_per_trial:g}"
    return (
        f"no node has room for a trial of {machines.least_cpus:g} CPUs and {share} GPUs; "
        "lower --cpus-per-trial or --gpus-per-trial"
    )


def smallest_gpu_mb(machines: Machines, nodes: Iterable[Node]) -> float | None:
    """Return the memory in MB of the smallest GPU that there is, here or on the nodes, or None where none is seen."""
    return smallest_mb(installed() if machines.address is None else [each for node in nodes for each in node.gpus])
