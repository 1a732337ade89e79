"""The same sweep in process, on one private Ray and on several nodes, killed or not: the same bytes of the tables."""

import pytest

from rnnsweep.ledger import Ledger, Record
from tests.helpers.determinism import tables
from tests.helpers.drivers import finished, grid, started, wait_for

# Of two kinds, two seeds each, in batches of several groups, so that a second core has something to do; and the
# linear models beside them.
FLAGS = ["--data", "embedded", "--reviews", "400", "--cell", "gru", "lstm", "--depth", "1", "--units", "8"]
FLAGS += ["--num-words", "200", "--max-len", "60", "--batch-size", "48", "--epochs", "3", "--seeds", "2"]
FLAGS += ["--bidirectional", "--pooling", "max"]
ONE, TWO = ["--cpus-per-trial", "1"], ["--cpus-per-trial", "2"]
WAYS = {
    "in process, two cores": ["--in-process", *TWO],
    "in process, killed": ["--in-process", *ONE],
    "a private Ray": ONE,
    "a private Ray, two cores, killed": TWO,
    "three nodes": ["--address", "CLUSTER", *ONE],
    "three nodes, two cores, killed": ["--address", "CLUSTER", *TWO],
}


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """Return the tables of the sweep in process, on one core, undisturbed."""
    folder = tmp_path_factory.mktemp("calm")
    finished(grid(folder, *FLAGS, "--in-process", *ONE))
    return tables(Ledger(folder))


@pytest.fixture(scope="module")
def nodes():
    """Return the address of a head without cores and three nodes of two cores each."""
    from ray.cluster_utils import Cluster

    machine = Cluster(True, head_node_args={"num_cpus": 0, "num_gpus": 0, "include_dashboard": False})
    for _ in range(3):
        machine.add_node(num_cpus=2, num_gpus=0)
    yield machine.address
    machine.shutdown()


@pytest.mark.parametrize("way", WAYS)
def test_the_tables_are_the_same_bytes_however_the_sweep_is_run(way, calm, tmp_path, request):
    cluster = request.getfixturevalue("nodes") if "CLUSTER" in WAYS[way] else None
    words = [cluster if word == "CLUSTER" else word for word in WAYS[way]]
    if "killed" in way:
        with started(grid(tmp_path, *FLAGS, *words)) as process:
            wait_for(lambda: list(tmp_path.glob(f"*/{Record.CHECKPOINT}")), process)
            process.kill()
            process.communicate()
    finished(grid(tmp_path, *FLAGS, *words))
    found = tables(Ledger(tmp_path))
    assert found.keys() == calm.keys()
    assert [path for path in calm if found[path] != calm[path]] == []
