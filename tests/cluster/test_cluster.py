"""A cluster before a sweep: what keeps a driver out, what nodes say, where trials with a share of a GPU run."""

import importlib
import io
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from rich.console import Console

from rnnsweep.cli.grid import grid
from rnnsweep.cluster import autoscaler, backend, connect, slots
from rnnsweep.cluster.nodes import Autoscaler, Node, NodeType, slots_of
from rnnsweep.ledger import Ledger
from rnnsweep.machine.gpu import PER_GPU, fraction
from rnnsweep.machine.software import versions
from rnnsweep.run import run
from rnnsweep.search import Goal
from rnnsweep.search.search import Search
from rnnsweep.space import Choice, SearchSpace
from rnnsweep.spec import Spec
from rnnsweep.sweep import Machines, Progress, SpecList, SweepError
from tests.helpers.gpus import say_of_gpus

survey = importlib.import_module("rnnsweep.cluster.survey")  # the folder's `survey` is the function
SPECS = [Spec(units=(4,), max_len=12, epochs=1, seed=seed) for seed in range(4)]
GUARDED = """
import json, sys
import ray
ray.init("local", num_cpus=0, include_dashboard=False)
print(ray.get_runtime_context().gcs_address, flush=True)
for line in sys.stdin:
    client = ray._private.worker.global_worker.gcs_client
    client.internal_kv_put(b"CLUSTER_METADATA", line.encode(), True, b"cluster")
    print("done", flush=True)
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """Return a cluster that wants a token, in a process of its own: its address, the token's home, the process."""
    home = tmp_path_factory.mktemp("home")
    token(home, "a")
    environment = os.environ | {"HOME": str(home), "RAY_AUTH_MODE": "token"}
    with subprocess.Popen(
        [sys.executable, "-c", GUARDED], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield next(line.strip() for line in process.stdout if ":" in line), home, process
        process.stdin.close()


def token(home, letter):
    (home / ".ray").mkdir()
    (home / ".ray" / "auth_token").write_text(letter * 64)


def knock(monkeypatch, address, home):
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("RAY_AUTH_MODE")
    connect._use_token(address)
    monkeypatch.setenv("RAY_AUTH_MODE", os.environ["RAY_AUTH_MODE"])
    connect._knock(address)


def test_a_driver_with_the_clusters_token_is_let_in(guarded, monkeypatch):
    knock(monkeypatch, guarded[0], guarded[1])


@pytest.mark.parametrize("letter", ["b", None])
def test_a_driver_with_another_token_or_none_is_told_so_in_one_line(guarded, monkeypatch, tmp_path, letter):
    if letter:
        token(tmp_path, letter)
    with pytest.raises(SweepError, match=r"refuses this machine's token; copy the cluster's to ~/.ray/auth_token"):
        knock(monkeypatch, guarded[0], tmp_path)


def test_a_token_that_an_earlier_sweep_left_behind_keeps_nobody_out_of_a_cluster_without(nodes, tmp_path):
    token(tmp_path, "c")
    environment = {name: value for name, value in os.environ.items() if name != "RAY_AUTH_MODE"}
    script = Path(__file__).parents[2] / "sweeps" / "grid.py"
    flags = ["--plan", "--preset", "demo", "--data", "embedded", "--results", str(tmp_path / "results")]
    end = subprocess.run(
        [sys.executable, script, *flags, "--address", nodes],
        env=environment | {"HOME": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert end.returncode == 0, end.stderr
    assert "3 nodes" in end.stdout


@pytest.mark.parametrize("known", ["file", "variable"])
def test_the_cluster_of_this_machine_is_asked_whether_it_wants_a_token(guarded, tmp_path, monkeypatch, known):
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert not connect._wants_token("auto"), "there is none"
    if known == "file":
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text(guarded[0])
    else:
        monkeypatch.setenv("RAY_ADDRESS", guarded[0])
    assert connect._wants_token("auto")


def test_a_driver_of_another_version_is_told_both_in_one_line(guarded, monkeypatch):
    address, home, process = guarded
    process.stdin.write('{"ray_version": "2.50.0", "python_version": "3.12.1"}\n')
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"
    with pytest.raises(SweepError) as error:
        knock(monkeypatch, address, home)
    here = versions()
    assert f"Ray: 2.50.0 and Python: 3.12.1, this driver Ray: {here['ray']} and Python: {here['python']};" in str(
        error.value
    )


def test_something_that_is_no_cluster_is_given_up_in_time(monkeypatch):
    monkeypatch.setattr(connect, "CONNECT_SECONDS", 2)
    begun = time.monotonic()
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(SweepError, match="does not answer as Ray does within 2 s; give the head's HOST:PORT"),
    ):
        connect._knock(f"127.0.0.1:{server.getsockname()[1]}")
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense:x", "ray://127.0.0.1:10001"])
def test_an_address_of_nothing_is_refused_at_once(address):
    with pytest.raises(SweepError, match=f"no Ray cluster at --address {address}: .*; start one"):
        connect._knock(address)


def node(**more):
    here = {"name": "h2 (10.0.0.2)", "versions": versions(), "results": "probe", "reviews": 160}
    return Node(**here | more)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            {"results": None},
            "results /r is another place on node h2 (10.0.0.2) than here; with --results give a folder",
        ),
        ({"results": "lost"}, "results /r is another place on node h2 (10.0.0.2)"),
        ({"reviews": 3}, "node h2 (10.0.0.2) received 3 of 160 reviews"),
        ({"versions": versions() | {"keras": "3.0"}}, "node h2 (10.0.0.2) has keras 3.0, this driver"),
        ({"versions": versions() | {"backend": "torch"}}, "node h2 (10.0.0.2) has KERAS_BACKEND torch, this"),
        ({"revision": "elsewhere"}, "node h2 (10.0.0.2) has rnnsweep elsewhere, this driver here; install the same"),
        ({"error": "No module named 'rnnsweep'"}, "node h2 (10.0.0.2): No module named 'rnnsweep'"),
    ],
)
def test_what_keeps_a_node_from_training_is_one_line_that_names_it(monkeypatch, said, message):
    monkeypatch.setattr(survey, "revision", lambda: "here")
    (line,) = survey.problems([node(), node(**said)], {"probe"}, 160, "/r")
    assert line.startswith(message)


def test_a_nodes_room_is_what_its_scarcest_resource_holds():
    half = Machines(gpus_per_trial=0.5).least(None)
    assert slots_of({"CPU": 8, "GPU": 1}, half) == 2
    assert slots_of({"CPU": 1, "GPU": 4}, half) == 1
    assert slots_of({"CPU": 8}, half) == 0
    assert slots_of({"GPU": 8}, half) == 0
    assert slots_of({"CPU": 0.3}, Machines(cpus_per_trial=0.1).least(None)) == 3


def test_gpus_that_nobody_has_seen_are_given_whole_and_counted_so():
    auto = Machines(gpus_per_trial="auto")
    assert auto.least(None)["GPU"] == 1
    assert auto.least(16_000)["GPU"] == 1 / 8


def test_the_autoscalers_types_are_read_without_its_head():
    head, worker = {"resources": {"CPU": 64}}, {"resources": {"CPU": 4, "GPU": 1}, "max_workers": 3}
    config = {"max_workers": 5, "head_node_type": "head", "available_node_types": {"head": head, "gpu": worker}}
    assert autoscaler._configured(config) == Autoscaler([NodeType({"CPU": 4, "GPU": 1}, 3)], 5)


def test_kinds_of_nodes_share_the_number_of_all_that_may_come():
    one, two = {"CPU": 4, "GPU": 1}, {"CPU": 4, "GPU": 2}
    whole = Machines(gpus_per_trial=1).least(None)
    assert Autoscaler([NodeType(one, 4), NodeType(one, 4)], 4).slots(whole) == 4, "as spot and on demand do"
    assert Autoscaler([NodeType(one, 4), NodeType(two, 1), NodeType({"CPU": 64}, 9)], 3).slots(whole) == 4


def test_on_kubernetes_the_head_reads_what_may_come_from_its_raycluster(tmp_path, monkeypatch):
    from ray.autoscaler._private.kuberay import node_provider

    asked = []

    def get(client, path):
        asked.append((client._namespace, path))
        cluster = next(yaml.safe_load_all((Path(__file__).parents[2] / "clusters" / "kuberay.yaml").read_text()))
        return cluster | {"metadata": cluster["metadata"] | {"namespace": "texts"}}

    monkeypatch.setattr(node_provider.KubernetesHttpApiClient, "get", get)
    monkeypatch.setattr(autoscaler, "POD_NAMESPACE", tmp_path / "namespace")
    (tmp_path / "namespace").write_text("texts\n")
    monkeypatch.delenv("RAY_CLUSTER_NAME", raising=False)
    assert autoscaler.autoscaler_here() is None, "a pod that is not KubeRay's"
    monkeypatch.setenv("RAY_CLUSTER_NAME", "rnnsweep")
    assert autoscaler.autoscaler_here().slots(Machines(gpus_per_trial=1).least(None)) == 4
    assert asked == [("texts", "rayclusters/rnnsweep")]


def test_on_kubernetes_a_worker_that_may_not_ask_knows_of_no_autoscaler(tmp_path, monkeypatch):
    monkeypatch.setattr(autoscaler, "POD_NAMESPACE", tmp_path / "namespace")
    (tmp_path / "namespace").write_text("texts\n")
    monkeypatch.setenv("RAY_CLUSTER_NAME", "rnnsweep")
    assert autoscaler.autoscaler_here() is None


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """Return the address of a head without cores, a node with cores and one with two declared GPUs too."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", say_of_gpus(tmp_path_factory.mktemp("tools"), "Tesla T4, 16000"))  # on every node
        patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)  # Ray declares no more GPUs than it lets one see
        machine = Cluster(True, head_node_args={"num_cpus": 0, "num_gpus": 0, "include_dashboard": False})
        machine.add_node(num_cpus=4, num_gpus=0)
        machine.add_node(num_cpus=4, num_gpus=2)
    yield machine.address
    machine.shutdown()


def where():
    """Return a stand-in for training that says where it ran and what it was told of GPUs."""

    def train(spec, dataset, on_epoch, state):
        import ray

        from rnnsweep.cluster.cores import cores_now

        row = {"epoch": 1, "loss": 0.5, "accuracy": 0.5, "val_loss": 0.5, "val_accuracy": 0.5, "seconds": 0.1}
        on_epoch(SimpleNamespace(rows=[row], state=lambda: {"x": np.zeros(1)}))
        told = {name: os.environ.get(name) for name in ("CUDA_VISIBLE_DEVICES", "XLA_PYTHON_CLIENT_MEM_FRACTION")}
        mine = next(n for n in ray.nodes() if n["NodeID"] == ray.get_runtime_context().get_node_id())
        told |= {"gpus": mine["Resources"].get("GPU", 0), "tensorflow": "tensorflow" in sys.modules}
        groups = ray.util.placement_group_table().values()
        told["cores"] = cores_now()
        seen = vars(sys).setdefault("seen", [])  # by this worker
        seen.append(dataset)
        told["trials"], told["data_sets"] = len(seen), len({id(one) for one in seen})
        told["asked_for"] = sum(group["state"] in ("PENDING", "CREATED") for group in groups)
        result = {"status": "finished", "seconds": 0.1, "val_accuracy": 0.5, "test_accuracy": 0.5, "best_epoch": 1}
        return SimpleNamespace(row=result | {"told": told}, predictions={})

    return train  # from within a function, so that it travels to workers that have no tests


def told(address, ledger, dataset, **how):
    progress = Progress(Console(file=io.StringIO()), {})
    run(SpecList(SPECS), ledger, dataset, Machines(address=address, **how), progress, where())
    assert len(progress.finished_keys) == len(SPECS)
    return [row["told"] for row in ledger.results().values()]


def test_trials_with_a_share_run_where_gpus_are_and_are_told_their_share(nodes, tmp_path, tiny):
    rows = told(nodes, Ledger(tmp_path), tiny, gpus_per_trial=0.5, max_concurrent=2)
    assert {row["gpus"] for row in rows} == {2}
    assert {row["XLA_PYTHON_CLIENT_MEM_FRACTION"] for row in rows} == {f"{fraction(16_000, 0.5):.4f}"}
    assert {row["CUDA_VISIBLE_DEVICES"] for row in rows} <= {"0", "1"}
    assert not any(row["tensorflow"] for row in rows)


def test_trials_without_a_share_see_no_gpu_wherever_they_run(nodes, tmp_path, tiny):
    assert {row["CUDA_VISIBLE_DEVICES"] for row in told(nodes, Ledger(tmp_path), tiny, max_concurrent=2)} == {""}


def test_cores_of_a_node_that_nothing_waits_for_are_shared_by_the_trials_that_run_there(nodes, tmp_path, tiny):
    from rnnsweep.cluster.cores import part  # imports Ray, which must not happen before a test has chosen its token

    assert {row["cores"] for row in told(nodes, Ledger(tmp_path), tiny, max_concurrent=1)} == {4}
    parts = [part(5, {"b", "a", "c"}, name) for name in "abc"]
    assert parts == [2, 2, 1]
    assert part(0, {"a"}, "a") == 0


def test_what_is_worked_out_of_the_data_once_is_not_again_for_a_workers_next_trial(nodes, tmp_path, tiny):
    rows = told(nodes, Ledger(tmp_path), tiny, max_concurrent=1)
    assert max(row["trials"] for row in rows) == len(SPECS)
    assert {row["data_sets"] for row in rows} == {1}


def test_small_trials_share_a_gpu_automatically_each_with_room_for_its_context(nodes, tmp_path, tiny):
    rows = told(nodes, Ledger(tmp_path), tiny, gpus_per_trial="auto", max_concurrent=2)
    assert {row["gpus"] for row in rows} == {2}
    assert {row["XLA_PYTHON_CLIENT_MEM_FRACTION"] for row in rows} == {f"{fraction(16_000, 1 / PER_GPU):.4f}"}


def test_room_is_asked_for_at_once_for_as_many_trials_as_may_run(nodes, tmp_path, tiny, monkeypatch):
    more = [node(autoscaler=Autoscaler([NodeType({"CPU": 4, "GPU": 1}, 4)], 4))]
    monkeypatch.setattr(backend, "preflight", lambda ledger, dataset: more)
    rows = told(nodes, Ledger(tmp_path), tiny, gpus_per_trial=1)
    assert max(row["asked_for"] for row in rows) == 4, "two have a GPU; an autoscaler would hear of the others, too"


class UntilTwoWorkers:
    """A queue of short trials that ends when two workers have trained some; the second node comes after the first."""

    def __init__(self, add_node):
        self.pids, self.trials, self._add_node = set(), 0, add_node

    def ask(self):
        self.trials += 1
        return None if len(self.pids) > 1 or self.trials > 400 else SPECS[0].replace(seed=self.trials)

    def report(self, spec, row):
        return False

    def tell(self, spec, row):
        self.pids.add(row["pid"])
        if self._add_node:
            add, self._add_node = self._add_node, None
            add()


def test_a_worker_that_starts_is_not_ended_because_another_comes_free(tmp_path, tiny, monkeypatch):
    from ray.cluster_utils import Cluster

    def short(spec, dataset, on_epoch, state):
        return SimpleNamespace(row={"status": "finished", "seconds": 0.0, "pid": os.getpid()}, predictions={})

    more = [node(autoscaler=Autoscaler([NodeType({"CPU": 1}, 2)], 2))]
    monkeypatch.setattr(backend, "preflight", lambda ledger, dataset: more)
    machine = Cluster(True, head_node_args={"num_cpus": 1, "num_gpus": 0, "include_dashboard": False})
    try:
        queue = UntilTwoWorkers(lambda: machine.add_node(num_cpus=1, num_gpus=0))
        run(queue, Ledger(tmp_path), tiny, Machines(address=machine.address), trainer=short)
    finally:
        machine.shutdown()
    assert len(queue.pids) == 2, f"the second worker was kept from starting for {queue.trials} trials"


class Stopping:
    """A queue that stops every other trial at its first epoch."""

    def __init__(self):
        self.left, self.ended, self.pids = [SPECS[0].replace(seed=seed, epochs=2) for seed in range(6)], {}, set()

    def ask(self):
        return self.left.pop() if self.left else None

    def report(self, spec, row):
        self.pids.add(row["pid"])
        return spec.seed % 2 == 1 and "epoch" in row

    def tell(self, spec, row):
        self.ended[spec.seed] = row["status"]


def test_a_trial_that_is_stopped_leaves_its_worker_to_the_next_and_no_error(nodes, tmp_path, tiny):
    def short(spec, dataset, on_epoch, state):
        rows = [{"epoch": epoch, "val_accuracy": 0.5, "pid": os.getpid()} for epoch in (1, 2)]
        for row in rows:
            on_epoch(SimpleNamespace(rows=rows[: row["epoch"]], state=lambda: {"x": np.zeros(1)}))
        return SimpleNamespace(row={"status": "finished", "seconds": 0.0}, predictions={})

    queue, ledger = Stopping(), Ledger(tmp_path)
    run(queue, ledger, tiny, Machines(address=nodes, max_concurrent=1), trainer=short)
    assert queue.ended == {seed: "pruned" if seed % 2 else "finished" for seed in range(6)}
    assert len(queue.pids) == 1
    for seed in range(6):
        record = ledger.record(SPECS[0].replace(seed=seed, epochs=2).key)
        assert record.error() == ""
        assert len(record.epochs()) == 2 - seed % 2


def test_a_search_on_ray_pauses_trials_and_takes_up_those_that_prove_good(nodes, tmp_path, tiny):
    def by_length(spec, dataset, on_epoch, state):
        values = [(epoch, spec.max_len / 1000 + epoch / 100) for epoch in range(1, 10)]
        rows = [{"epoch": epoch, "val_accuracy": value, "seconds": 0.0} for epoch, value in values]
        for row in rows[len(state["rows"]) if state else 0 :]:
            on_epoch(SimpleNamespace(rows=rows[: row["epoch"]], state=lambda n=row["epoch"]: {"rows": np.zeros(n)}))
        end = {"status": "finished", "seconds": 0.0, "val_accuracy": values[-1][1], "best_epoch": 9}
        return SimpleNamespace(row=end, predictions={})

    base = Spec(dataset=tiny.name, units=(4,), epochs=9)
    space = SearchSpace(base, {"max_len": Choice(tuple(range(10, 130, 10)))})
    ledger = Ledger(tmp_path)
    with Search(space, Goal(), 12, ledger, pruner="asha") as search:
        run(search, ledger, tiny, Machines(address=nodes, max_concurrent=2), trainer=by_length)
    states = search.states()
    assert set(states) <= {"finished", "pruned"}
    assert sum(states.values()) == 12
    specs = ledger.specs(ledger.suggestions(search.name))
    reached = {spec.max_len: len(ledger.record(key).epochs()) for key, spec in specs.items()}
    assert set(reached.values()) <= {1, 3, 9}
    assert reached[120] == 9


def test_the_plan_shows_what_every_node_said_and_leaves_nothing(nodes, tmp_path, capsys):
    flags = ["--data", "embedded", "--results", str(tmp_path), "--address", nodes, "--plan", "--preset", "demo"]
    assert grid("A grid.", flags) == 0
    out = capsys.readouterr().out
    assert "3 nodes, 8 trials at a time" in out
    assert f"ray {versions()['ray']}" in out
    assert "4 CPUs  2 GPUs" in out
    assert "Tesla T4: not used" in out
    assert "received the reviews by the object store, and wrote and read the results" in out
    assert list(tmp_path.iterdir()) == []


def test_more_room_than_there_is_now_comes_from_the_autoscalers_types(nodes):
    import ray

    ray.init(address=nodes, log_to_driver=False)
    try:
        whole = Machines(address=nodes, gpus_per_trial=1, cpus_per_trial=5)
        with pytest.raises(SweepError, match="no node has room for a trial of 5 CPUs and 1 GPUs"):
            slots.count_slots(whole, [node()])
        growing = [node(autoscaler=Autoscaler([NodeType({"CPU": 16, "GPU": 2}, 10)], 10))]
        assert slots.count_slots(whole, growing) == 20
        assert slots.count_slots(whole, growing, 7) == 7
        assert slots.count_slots(Machines(address=nodes, max_concurrent=3), growing) == 3
    finally:
        ray.shutdown()


def until_refused(action):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:  # for the node to join
        try:
            action()
        except SweepError as error:
            return str(error)
    raise AssertionError("it was never refused")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a process a mount of its own")
def test_results_that_are_local_to_one_node_are_refused(nodes, tmp_path, tiny):
    start = f"mount -t tmpfs none {tmp_path} && exec {Path(sys.executable).parent}/ray start --block --address={nodes}"
    command = ["unshare", "-m", "bash", "-c", f"{start} --num-cpus=1 --num-gpus=0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            lines = until_refused(lambda: survey.survey(Ledger(tmp_path), tiny, Machines(address=nodes)))
            assert f"results {tmp_path} is another place on node " in lines
            assert "give a folder that every node shares" in lines
        finally:
            process.terminate()
