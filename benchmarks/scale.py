"""How wide can one driver sweep? Share of slot time in use and CPU per trial, on 1 to 32 simulated nodes.

    python benchmarks/scale.py                                        the table of docs/scale.md
    python benchmarks/scale.py --nodes 4 --trials-per-slot 25 250     does a trial cost more in a long sweep?

Nodes are Ray's own, all on this machine, each with one slot. A trial sleeps for a known time and reports three epochs,
so the nodes need next to no cores, and what is measured is what Ray, Tune, the ledger and the driver need. Counted from
when every slot has ended one trial to when the first slot finds none left.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import environment  # noqa: F401  (before NumPy)
import numpy as np
from shared import Clock, parser, show

from rnnsweep.data import Dataset, Reviews
from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.spec import Spec
from rnnsweep.sweep import Machines, SpecList

EPOCHS = 3
REPORTED = ("loss", "accuracy", "val_loss", "val_accuracy", "seconds")
SPEC = Spec(units=(4,), max_len=12, epochs=EPOCHS)


class CpuClock(Clock):
    """Keeps, at the end of each trial, also what this driver and Ray's control service have taken of the CPU."""

    def __init__(self, server: int) -> None:
        super().__init__()
        self._server = server
        self.taken: list[tuple[float, float, float]] = []  # seconds: of the clock, of the driver, of the service

    def on_end(self, spec: Spec, row: Mapping[str, Any]) -> None:
        """Keep when a trial ended, and what was taken until then."""
        super().on_end(spec, row)
        self.taken.append((self.ended[-1][0], time.process_time(), cpu_seconds(self._server)))


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that a process has taken."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def sleeper(seconds: float) -> Callable[..., Any]:
    """Return a stand-in for `train.train` that takes these seconds and no CPU; it needs no TensorFlow."""

    def train(spec: Spec, dataset: Dataset, on_epoch: Callable[[Any], None], state: Any) -> Any:
        rows: list[dict[str, float]] = []
        for epoch in range(1, EPOCHS + 1):
            time.sleep(seconds / EPOCHS)
            rows.append({"epoch": epoch} | dict.fromkeys(REPORTED, 0.5))
            on_epoch(SimpleNamespace(rows=rows, state=lambda: {"weights": np.zeros(10, np.float32)}))
        row = {"status": "finished", "seconds": seconds, "val_accuracy": 0.5, "test_accuracy": 0.5, "best_epoch": 1}
        return SimpleNamespace(row=row, predictions={})

    return train


def measure(nodes: int, per_slot: int, seconds: float) -> dict[str, Any]:
    """Return what a sweep of sleeping trials took on so many simulated nodes of one slot each."""
    from ray.cluster_utils import Cluster

    none = Reviews(np.zeros(1, np.int32), np.array([0, 1]), np.zeros(1, np.uint8))
    dataset = Dataset("none", "0" * 64, False, ("negative", "positive"), none, none)
    store = 80 * 2**20  # the least that Ray takes
    head = {"num_cpus": 0, "num_gpus": 0, "include_dashboard": False, "object_store_memory": store}
    machine = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(nodes):
            machine.add_node(wait=False, num_cpus=1, num_gpus=0, object_store_memory=store)
        machine.wait_for_nodes()
        clock = CpuClock(machine.head_node.all_processes["gcs_server"][0].process.pid)
        specs = [SPEC.replace(seed=seed) for seed in range(nodes * per_slot)]
        with tempfile.TemporaryDirectory() as folder:
            run(SpecList(specs), Ledger(folder), dataset, Machines(address=machine.address), clock, sleeper(seconds))
    finally:
        machine.shutdown()
    return counted(clock.taken, nodes) | {"trials": len(specs), "seconds": seconds}


def counted(ended: list[tuple[float, float, float]], nodes: int) -> dict[str, float]:
    """Return the rates between the end of every slot's first trial and the start of every slot's last."""
    first, last = ended[nodes - 1], ended[-nodes - 1]
    trials = len(ended) - 2 * nodes
    wall, driver, server = (late - early for late, early in zip(last, first, strict=True))
    return {
        "nodes": nodes,
        "trials_per_second": trials / wall,
        "driver_ms_per_trial": 1000 * driver / trials,
        "gcs_ms_per_trial": 1000 * server / trials,
        "driver_cores": driver / wall,
    }


def main() -> None:
    """Measure each width, each in a process of its own; print a table and, if asked, write a JSON line each."""
    flags = parser(__doc__)
    flags.add_argument("--nodes", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    flags.add_argument("--trials-per-slot", type=int, nargs="+", default=[10])
    flags.add_argument("--seconds", type=float, default=6.0, help="of a trial")
    flags.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = flags.parse_args()
    if options.one:
        print(json.dumps(measure(options.nodes[0], options.trials_per_slot[0], options.seconds)))
        return
    rows = []
    for nodes in options.nodes:
        for per_slot in options.trials_per_slot:
            flags = ["--nodes", str(nodes), "--trials-per-slot", str(per_slot), "--seconds", str(options.seconds)]
            command = [sys.executable, __file__, "--one", *flags]
            text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            row = json.loads(text.splitlines()[-1])
            rows.append(row | {"slot_time_in_use": row["trials_per_second"] * row["seconds"] / nodes})
            print(json.dumps(rows[-1]), file=sys.stderr)
    show(rows, options.json)


if __name__ == "__main__":
    main()
