"""What commands do once their flags are read: what all share, and plan, run and summary of specs that are known."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

from rnnsweep.cli import screen
from rnnsweep.cli.flags import FINISHED, INTERRUPTED, SOME_FAILED, Parser, machines_of
from rnnsweep.cluster import survey
from rnnsweep.data import Dataset, load
from rnnsweep.errors import UserError
from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.spec import Spec
from rnnsweep.sweep import (
    Estimate,
    Machines,
    Progress,
    SpecList,
    SweepError,
    cores_here,
    correction,
    estimate,
    longest_first,
)

LEARNED_FROM = 500  # finished trials whose median says how fast the machine is; keys are hashes, so any will do


def guarded(
    parser: Parser,
    options: argparse.Namespace,
    check: Callable[[], object],
    run_it: Callable[[Console, Dataset], int],
) -> int:
    """Check the flags, load the data, run; a mistake is one line and status 2, an interruption says how to go on."""
    console = Console(highlight=False)
    for name in ("SIGTERM", "SIGHUP"):  # a scheduler's polite end and a closed terminal are interruptions too
        number = getattr(signal, name, None)  # Windows has but one of them
        if number and signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, signal.default_int_handler)
    try:
        check()  # a mistake in the flags shows before the data is looked for
        return run_it(console, load(options.data, lambda line: screen.print_warning(console, line)))
    except UserError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        screen.print_interrupted(console, shlex.join(["python", *sys.argv]))
        return INTERRUPTED


def run_specs(parser: Parser, options: argparse.Namespace, specs: Callable[[str, str], list[Spec]]) -> int:
    """Run the specs, each once, that are made of the data's name and checksum; returns the exit status."""

    def run_it(console: Console, dataset: Dataset) -> int:
        chosen = list({spec.key: spec for spec in specs(dataset.name, dataset.sha256)}.values())
        return _run(console, options, chosen, dataset)

    return guarded(parser, options, lambda: specs("", ""), run_it)


def _run(console: Console, options: argparse.Namespace, specs: list[Spec], dataset: Dataset) -> int:
    ledger = Ledger(options.results)
    machines = machines_of(options)
    results = ledger.results()
    estimates = {spec.key: estimate(spec, dataset) for spec in specs}
    factor = correction(known_estimates(ledger, results, dataset), results)
    to_run = longest_first((spec for spec in specs if spec.key not in results), estimates)
    seconds = {spec.key: factor * estimates[spec.key].seconds for spec in to_run}
    slots = slots_here(machines)
    screen.print_data(console, dataset)
    screen.print_axes(console, specs)
    screen.print_plan(console, ledger, machines, len(specs), len(specs) - len(to_run), len(to_run))
    if options.plan:
        slots = look_at_cluster(console, ledger, dataset, machines, slots)
    screen.print_estimate(console, [estimates[spec.key] for spec in to_run], sum(seconds.values()), slots)
    if options.plan:
        return FINISHED
    ledger.index()
    with Progress(console, seconds, slots or 1) as progress:
        if to_run:
            run(SpecList(to_run), ledger, dataset, machines, progress)
    return _summary(console, specs, progress.failed_keys, ledger, options)


def _summary(
    console: Console, specs: list[Spec], failed: Mapping[str, str], ledger: Ledger, options: argparse.Namespace
) -> int:
    results = ledger.results()
    ledger.index()
    rows = {spec.key: results[spec.key] for spec in specs if spec.key in results}
    bad = {key: row.get("error", "") for key, row in rows.items() if row["status"] != "finished"} | dict(failed)
    screen.print_done(console, ledger, len(specs) - len(bad), len(specs))
    screen.print_failed(console, bad)
    screen.print_report_command(console, options.results)
    return SOME_FAILED if bad else FINISHED


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
    screen.print_nodes(console, nodes, slots)
    return slots


def slots_here(machines: Machines) -> int | None:
    """Return how many trials run at a time, None where only the cluster knows; raises `SweepError` where none can."""
    if machines.in_process:
        return 1
    if machines.address is not None:
        return machines.max_concurrent  # the cluster knows, once it is reached
    slots = int(cores_here() / machines.cpus_per_trial + 1e-9)
    if not slots:
        raise SweepError(f"--cpus-per-trial is {machines.cpus_per_trial:g}, but there are {cores_here()} cores here")
    return min(slots, machines.max_concurrent or slots)
