"""Looking at every node of a Ray cluster before a trial runs: what it has, and whether it could train.

It knows nothing of Tune, of specs or of training.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from rnnsweep.cluster.autoscaler import autoscaler_here
from rnnsweep.cluster.connect import connected
from rnnsweep.cluster.nodes import Node
from rnnsweep.cluster.slots import count_slots
from rnnsweep.ledger import Ledger, StoreError
from rnnsweep.machine.gpu import installed
from rnnsweep.machine.keras_backend import USUAL
from rnnsweep.machine.software import blas_text, revision, versions
from rnnsweep.sweep import Machines, SweepError

if TYPE_CHECKING:
    from rnnsweep.data import Dataset

NODE_SECONDS = 120  # that the nodes have to look at themselves, the first fetch of the reviews and imports included
MUST_AGREE = ("python", "ray", "tensorflow", "keras", "igraph")  # igraph: groups are found on each node


def survey(ledger: Ledger, dataset: Dataset, machines: Machines) -> tuple[list[Node], int]:
    """Return what every node of the cluster says before a sweep, and how many trials it holds; starts none.

    Raises `SweepError` where the cluster cannot be reached or a node could not train.
    """
    with connected(machines, dataset):
        nodes = preflight(ledger, dataset)
        return nodes, count_slots(machines, nodes)


def preflight(ledger: Ledger, dataset: Dataset) -> list[Node]:
    """Have every node fetch the reviews and write to the results, and return what they said.

    Raises `SweepError`, naming the node, where one cannot, or runs other software than this driver.
    """
    import ray

    probe = ledger.write_probe()
    try:
        nodes = _ask(ray.put(dataset), ledger, probe)
        seen = [node.results for node in nodes if node.results]
        with ThreadPoolExecutor(16) as pool:
            arrived = {name for name, here in zip(seen, pool.map(ledger.has_probe, seen), strict=True) if here}
            list(pool.map(ledger.remove_probe, seen))
    finally:
        ledger.remove_probe(probe)
    problem = next(problems(nodes, arrived, len(dataset.train) + len(dataset.test), ledger.uri), None)
    if problem:
        raise SweepError(problem)
    return nodes


def problems(nodes: Iterable[Node], arrived: set[str], reviews: int, uri: str) -> Iterator[str]:
    """Yield, in one line each, what keeps nodes from training like this driver: it saw these probes of theirs."""
    here, ours = versions(), revision()
    for node in nodes:
        if node.error:
            yield f"node {node.name}: {node.error}"
        elif node.results is None or node.results not in arrived:
            yield (
                f"results {uri} is another place on node {node.name} than here; with --results give a folder that "
                "every node shares, or a bucket, s3://BUCKET/PATH"
            )
        elif node.reviews != reviews:
            yield f"node {node.name} received {node.reviews} of {reviews} reviews; see to its object store's memory"
        for name in MUST_AGREE:
            if not node.error and node.versions.get(name) != here.get(name):
                found = node.versions.get(name, "none")
                yield f"node {node.name} has {name} {found}, this driver {here.get(name)}; install the same on both"
        there, ours_backend = (found.get("backend", USUAL) for found in (node.versions, here))
        if not node.error and there != ours_backend:
            yield f"node {node.name} has KERAS_BACKEND {there}, this driver {ours_backend}; set the same on both"
        if ours and node.revision and ours != node.revision:
            yield f"node {node.name} has rnnsweep {node.revision}, this driver {ours}; install the same on both"


def _ask(reference: Any, ledger: Ledger, probe: str) -> list[Node]:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look = ray.remote(num_cpus=0, max_retries=0)(_look)
    asked = {}
    for node in ray.nodes():
        if node["Alive"]:
            here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            asked[look.options(scheduling_strategy=here).remote(reference, ledger, probe)] = node
    ray.wait(list(asked), num_returns=len(asked), timeout=NODE_SECONDS)
    return [_answer(reference, node) for reference, node in asked.items()]


def _answer(reference: Any, node: Mapping[str, Any]) -> Node:
    """Return what a node said, with what Ray says of it."""
    import ray

    name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
    facts: dict[str, Any]
    try:
        facts = ray.get(reference, timeout=0)
    except ray.exceptions.GetTimeoutError:
        facts = {"error": f"it has not answered within {NODE_SECONDS} s; see to it, or take it out of the cluster"}
    except Exception as error:  # whatever a node that is set up wrongly raises
        last = (str(error).strip() or repr(error)).splitlines()[-1].strip()
        facts = {"error": f"{last}; set it up like this machine, with the same rnnsweep installed"}
    return Node(name, node["Resources"], **facts)


def _look(dataset: Dataset, ledger: Ledger, probe: str) -> dict[str, Any]:
    """Look at the node that this runs on; the reviews came through Ray's object store."""
    facts: dict[str, Any] = {
        "reviews": len(dataset.train) + len(dataset.test),
        "versions": versions(),
        "blas": blas_text(),
        "revision": revision(),
        "gpus": installed(),
        "autoscaler": autoscaler_here(),
    }
    try:
        if ledger.has_probe(probe):
            facts["results"] = ledger.write_probe()
    except StoreError as error:
        facts["error"] = str(error)
    return facts
