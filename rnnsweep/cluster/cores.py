"""The cores that a trial on Ray may use: its own, and its part of those of its node that nothing has reserved."""

from __future__ import annotations

from collections.abc import Iterable

import ray
from ray.util.placement_group import placement_group_table


def cores_now() -> int:
    """Return how many cores the trial that this process runs may use until it asks again.

    What a trial that starts, or anybody else on the cluster, has reserved is not free any more; each trial of a node
    takes its own part of what is, so that together they never take more.
    """
    context = ray.get_runtime_context()
    node, own = context.get_node_id(), context.get_placement_group_id()
    free = ray._private.state.available_resources_per_node().get(node, {}).get("CPU", 0.0)
    trials = [
        name
        for name, group in placement_group_table().items()
        if group["state"] == "CREATED" and node in group["bundles_to_node_id"].values()
    ]
    return 1 + part(int(free), {*trials, str(own)}, str(own))


def part(free: int, trials: Iterable[str], own: str) -> int:
    """Return how many of the free cores are this trial's: as many as each, and what is left over by their order."""
    order = sorted(trials)
    each, over = divmod(free, len(order))
    return each + (order.index(own) < over)
