"""A Ray cluster around a sweep: reaching it, looking at every node before a trial runs, and how many trials it holds.

Beside `sweep` the only module that knows Ray; it knows nothing of Tune, of specs or of training.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnsweep import gpu
from rnnsweep.ledger import Ledger
from rnnsweep.store import StoreError
from rnnsweep.versions import revision, versions

if TYPE_CHECKING:
    from rnnsweep.data import Dataset

ANSWER_SECONDS = 3  # that a cluster's address has to take a connection in
CONNECT_SECONDS = 10  # that the cluster behind it has to let a driver in
NODE_SECONDS = 120  # that the nodes have to look at themselves, the first fetch of the reviews and imports included
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")  # of every pod on Kubernetes
MUST_AGREE = ("python", "ray", "tensorflow", "keras")
QUIET = {"log_to_driver": False, "logging_level": 50}  # 50: critical; what matters is raised, or in the ledger

# Ray itself tries for a minute or more, prints as it goes, and can end the process: a child takes that risk.
_KNOCK = f"""
import logging, os, sys
import ray
logging.getLogger("ray").setLevel(logging.CRITICAL)
try:
    ray.init(address=sys.argv[1], **{QUIET!r})
except Exception as error:
    while error is not None:
        print(str(error).replace("\\n", " "))
        error = error.__cause__
    sys.stdout.flush()
    os._exit(1)
"""


class SweepError(RuntimeError):
    """A sweep that cannot be run as asked; the message names the culprit and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Where and how wide a sweep runs; no part of any spec, because results must not depend on it."""

    in_process: bool = False  # one trial after another in this process, for a debugger
    address: str | None = None  # of a running Ray cluster, `auto` for one on this machine; None: a private one, here
    cpus_per_trial: float = 1.0  # cores of a trial; two trials of one core finish sooner than one trial of two
    gpus_per_trial: float | str = 0.0  # share of a GPU of a trial; `auto`: what its memory needs
    max_concurrent: int | None = None  # trials at a time; None: as many as the cores and GPUs hold

    def least(self, gpu_mb: float | None) -> dict[str, float]:
        """Return the least that a trial takes, by Ray's names, of GPUs with this memory, or of GPUs nobody has seen."""
        share = self.gpus_per_trial
        if isinstance(share, str):
            share = 1.0 if gpu_mb is None else 1 / gpu.PER_GPU
        return {"CPU": self.cpus_per_trial} | ({"GPU": share} if share else {})


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

    def room(self, wanted: Mapping[str, float]) -> int:
        """Return how many trials that want this fit on all that may come, the roomiest kinds first."""
        trials, left = 0, self.most
        for each, most in sorted(((room(kind.resources, wanted), kind.most) for kind in self.types), reverse=True):
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
    revision: str = ""
    reviews: int = 0  # that it has received
    results: str | None = None  # the probe that it wrote; None: it does not see the driver's
    autoscaler: Autoscaler | None = None  # None: this node is not its head, or there is none
    error: str = ""


def cores_here() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def connect(machines: Machines, dataset: Dataset) -> None:
    """Start Ray here, or join the cluster at the address; raises `SweepError` with the reason where that fails."""
    import logging

    address = machines.address
    if address is not None:
        _use_token(address)
        _knock(address)
    import ray

    logging.getLogger("ray").setLevel(logging.CRITICAL)  # Tune's
    if address is not None:
        try:
            ray.init(address=address, **QUIET)
        except Exception as error:  # it let the child in, so what it says now is news
            raise SweepError(_refusal(address, str(error), "try again")) from None
        return
    # The reviews are all that lies in the object store; the default, a third of the memory, warns in containers.
    tokens = dataset.train.tokens.nbytes + dataset.test.tokens.nbytes
    store = 512 * 2**20 + 2 * tokens
    ray.init("local", num_cpus=cores_here(), include_dashboard=False, object_store_memory=store, **QUIET)


def _use_token(address: str) -> None:
    """Have Ray show a token, or none, as the cluster wants it; a choice that the user made stays.

    Ray itself decides by whether this machine has a token, which any sweep on it leaves behind. But a driver that shows
    one asks for one, too, and then the workers of a cluster without tokens take it for dead. Ray reads the choice when
    it is imported, so nothing may import it before.
    """
    if "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token" if _wants_token(address) else "disabled"


def _wants_token(address: str) -> bool:
    import grpc

    if address == "auto":  # where Ray looks for it
        here = Path(os.environ.get("RAY_TMPDIR", "/tmp"), "ray", "ray_current_cluster")
        address = os.environ.get("RAY_ADDRESS") or (here.read_text().strip() if here.exists() else "")
    with grpc.insecure_channel(address) as channel:
        try:
            channel.unary_unary("/ray.rpc.NodeInfoGcsService/CheckAlive")(b"", timeout=ANSWER_SECONDS)
        except grpc.RpcError as error:
            return bool(error.code() == grpc.StatusCode.UNAUTHENTICATED)
    return False


def _knock(address: str) -> None:
    """Raise `SweepError` where the address is not of a cluster that lets this driver in."""
    remedy = "start one with `ray start --head`, or leave --address out"
    host, _, port = address.rpartition(":")
    try:
        if "://" in address:
            raise ValueError("that is not HOST:PORT; name the head and its port, 6379, from a machine of the cluster")
        if host:
            socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
        environment = os.environ | {"RAY_NUM_REDIS_GET_RETRIES": "2"}  # at the door, not in the run
        child = subprocess.run(
            [sys.executable, "-c", _KNOCK, address], env=environment, capture_output=True, text=True,
            timeout=CONNECT_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SweepError(
            f"no Ray cluster at --address {address}: something is there, but it does not answer as Ray does within "
            f"{CONNECT_SECONDS} s; give the head's HOST:PORT, by default port 6379"
        ) from None
    except (OSError, ValueError) as error:
        raise SweepError(f"no Ray cluster at --address {address}: {error}; {remedy}") from None
    if child.returncode:
        raise SweepError(_refusal(address, child.stdout, remedy))


def _refusal(address: str, said: str, remedy: str) -> str:
    """Return why a cluster let nobody in, in one line with the remedy, from the messages of Ray's errors."""
    if "AuthToken" in said or "authentication token" in said.lower():
        return (
            f"the Ray cluster at --address {address} refuses this machine's token; copy the cluster's to "
            "~/.ray/auth_token, or name its file in RAY_AUTH_TOKEN_PATH"
        )
    if "Version mismatch" in said:
        theirs, _, ours = said.splitlines()[0].partition("This process")
        words = [" and ".join(part.split(":", 1)[1].split("    ")[1:]) for part in (theirs, ours)]
        cluster, here = (" ".join(word.split()) for word in words)
        return (
            f"the Ray cluster at --address {address} runs {cluster}, this driver {here}; "
            "install the same versions on both, or start the driver on the head"
        )
    first = (said.strip() or "it ended without a word").splitlines()[0]
    return f"no Ray cluster at --address {address}: {first}; {remedy}"


def survey(ledger: Ledger, dataset: Dataset, machines: Machines) -> tuple[list[Node], int]:
    """Return what every node of the cluster says before a sweep, and how many trials it holds; starts none.

    Raises `SweepError` where the cluster cannot be reached or a node could not train.
    """
    connect(machines, dataset)
    import ray

    try:
        nodes = preflight(ledger, dataset)
        return nodes, width(machines, nodes)
    finally:
        ray.shutdown()


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
        "revision": revision(),
        "gpus": gpu.installed(),
        "autoscaler": _autoscaler(),
    }
    try:
        if ledger.has_probe(probe):
            facts["results"] = ledger.write_probe()
    except StoreError as error:
        facts["error"] = str(error)
    return facts


def _autoscaler() -> Autoscaler | None:
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


def room(resources: Mapping[str, float], wanted: Mapping[str, float]) -> int:
    """Return how many trials that want this fit on a node that has that; a head of no CPUs holds none."""
    return min(int(resources.get(name, 0) / share + 1e-9) for name, share in wanted.items())


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
    found = gpu.installed() if machines.address is None else [each for node in nodes for each in node.gpus]
    return min((memory for _, memory in found), default=None)
