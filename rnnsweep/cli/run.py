"""The command lines of `sweeps/`: flags from the fields of `Spec`, the plan, the summary and the exit status."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

from rnnsweep.cli.flags import INTERRUPTED, Parser
from rnnsweep.cli.screen import print_nodes
from rnnsweep.cluster import survey
from rnnsweep.data import DataError, Dataset, load
from rnnsweep.ledger import Ledger, StoreError
from rnnsweep.spec import SpecError
from rnnsweep.sweep import Estimate, Machines, SweepError, cores_here, estimate

LEARNED_FROM = 500  # finished trials whose median says how fast the machine is; keys are hashes, so any will do
MISTAKES = (SpecError, DataError, StoreError, SweepError)


def guarded(
    parser: Parser,
    options: argparse.Namespace,
    check: Callable[[], object],
    run_it: Callable[[Console, Dataset], int],
    mistakes: tuple[type[Exception], ...] = MISTAKES,
) -> int:
    """Check the flags, load the data, run; a mistake is one line and status 2, an interruption says how to go on."""
    console = Console(highlight=False)
    for name in ("SIGTERM", "SIGHUP"):  # a scheduler's polite end and a closed terminal are interruptions too
        number = getattr(signal, name, None)  # Windows has but one of them
        if number and signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, signal.default_int_handler)
    try:
        check()  # a mistake in the flags shows before the data is looked for
        dataset = load(options.data, lambda line: console.print(f"warning: {line}", style="yellow", soft_wrap=True))
        return run_it(console, dataset)
    except mistakes as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        console.print(f"interrupted; nothing finished is lost. To go on: {_command()}", soft_wrap=True)
        return INTERRUPTED


def known_estimates(ledger: Ledger, results: Mapping[str, Any], dataset: Dataset) -> dict[str, Estimate]:
    """Return estimates for some finished trials on these reviews, to hold them against what they really took."""
    finished = sorted(key for key, row in results.items() if row["status"] == "finished")
    specs = ledger.specs(finished[:LEARNED_FROM])
    return {key: estimate(spec, dataset) for key, spec in specs.items() if spec.data_sha256 == dataset.sha256}


def look_at_cluster(
    console: Console, ledger: Ledger, dataset: Dataset, machines: Machines, slots: int | None
) -> int | None:
    """Print what the nodes of the cluster say, if a sweep is to run on one; return how many trials run at a time."""
    if machines.in_process or machines.address is None:
        return slots
    nodes, slots = survey(ledger, dataset, machines)
    print_nodes(console, nodes, slots)
    return slots


def slots_here(machines: Machines) -> int | None:
    if machines.in_process:
        return 1
    if machines.address is not None:
        return machines.max_concurrent  # the cluster knows, once it is reached
    slots = int(cores_here() / machines.cpus_per_trial + 1e-9)
    if not slots:
        raise SweepError(f"--cpus-per-trial is {machines.cpus_per_trial:g}, but there are {cores_here()} cores here")
    return min(slots, machines.max_concurrent or slots)


def _command() -> str:
    return shlex.join(["python", *sys.argv])
