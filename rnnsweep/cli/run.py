"""What commands do once their flags are read: what all share, and plan, run and summary of specs that are known."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console

from rnnsweep.cli import facts, lines, screen
from rnnsweep.cli.data_flags import found_again, reading_of
from rnnsweep.cli.flags import FINISHED, INTERRUPTED, SOME_FAILED, Parser, machines_of
from rnnsweep.cli.guard import guard, take_every_character
from rnnsweep.cli.look import print_look, print_warnings
from rnnsweep.cli.run_refit import plan_refit, refit_best
from rnnsweep.cluster import check_address, check_gpus, survey
from rnnsweep.data import Dataset, load
from rnnsweep.data.vectors import check_columns, of_vectors
from rnnsweep.ensemble import ensemble
from rnnsweep.ledger import Ledger
from rnnsweep.machine.memory import memory_here_mb
from rnnsweep.redact import without_password
from rnnsweep.run import run
from rnnsweep.spec import Spec
from rnnsweep.sweep import Machines, Progress, SpecList, cores_here, plan
from rnnsweep.sweep.vocabulary import keep_vocabulary
from rnnsweep.types import Row

GONE = "its result has gone: the ledger was moved or deleted while the sweep ran; give the same command again"


def guarded(
    parser: Parser,
    options: argparse.Namespace,
    check: Callable[[], object],
    run_it: Callable[[Console, Dataset, Row], int],
) -> int:
    """Check the flags, load the data, run; a mistake is one line and status 2, an interruption says how to go on.

    What `run_it` puts into its row is printed as one JSON object where `--json` is given, and all else to stderr.
    """
    take_every_character()
    if options.json and options.look:
        parser.error("--json is of the plan and the summary, and --look prints neither; leave one of them out")
    if options.address is not None and options.backend == "in-process":
        parser.error("--address is a cluster's, and this trains in this process; leave one of them out")
    console = Console(highlight=False, stderr=options.json)
    said: Row = {}

    def work() -> int:
        planned = check()  # a mistake in the flags shows before the data is looked for
        if options.look:
            print_look(console, options, planned)
            return FINISHED
        dataset = load(options.data, lambda line: screen.print_warning(console, line), reading_of(options))
        print_warnings(console, dataset, planned)
        said.update(data=facts.of_data(dataset), results=without_password(options.results))
        return run_it(console, dataset, said)

    with contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext():
        status = guard(parser, console, work)
    if options.json and status != INTERRUPTED:
        print(json.dumps(facts.without_nan(said), ensure_ascii=False))
    return status


def run_specs(
    parser: Parser,
    options: argparse.Namespace,
    specs: Callable[[str, str], list[Spec]],
    planned: Callable[[Sequence[Spec]], dict[str, int]] = lambda specs: {},
) -> int:
    """Run the specs, each once, that are made of the data's name and checksum; returns the exit status.

    `planned` says of them how many seeds were planned, by cell, which the ledger keeps.
    """

    def run_it(console: Console, dataset: Dataset, said: Row) -> int:
        check_columns(options.embedding_dim, dataset)
        chosen = [spec.replace(**of_vectors(dataset)) for spec in specs(dataset.name, dataset.sha256)]
        return _run(console, options, chosen, dataset, planned(chosen), said)

    return guarded(parser, options, lambda: specs("", ""), run_it)


def _run(
    console: Console,
    options: argparse.Namespace,
    specs: Sequence[Spec],
    dataset: Dataset,
    planned: Mapping[str, int],
    said: Row,
) -> int:
    ledger = Ledger(options.results)
    machines = machines_of(options)
    check_gpus(machines)
    screen.print_data(console, dataset)
    screen.print_validation(console, specs, dataset)
    screen.print_vectors(console, specs, dataset)
    found = plan(specs, dataset, ledger, machines)
    slots = found.slots
    bars = lines.lacking(found.specs, ledger, options)
    screen.print_axes(console, found.specs)
    screen.print_plan(console, ledger, machines, len(found.specs), found.done, len(found.to_run))
    if options.plan:
        slots = look_at_cluster(console, ledger, dataset, machines, slots)
    needed = [found.estimates[spec.key] for spec in found.to_run]
    screen.print_estimate(console, needed, list(found.seconds.values()), slots, found.cores)
    screen.print_slow(console, found.to_run)
    screen.print_lines(console, len(bars), lines.seconds_of(bars, dataset), "besides")
    said["plan"] = facts.of_plan(found, slots) | plan_refit(console, options, found.specs, dataset)
    if options.plan:
        return FINISHED
    if found.to_run:
        check_address(machines)
    if planned or bars:
        ledger.check_writable()
    ledger.name_data(dataset.sha256, found_again(options, dataset.name))
    keep_words(console, ledger, dataset, options)
    ledger.plan(planned)
    ledger.index()
    trials_mb = (slots or cores_here()) * max((estimate.memory_mb for estimate in needed), default=0.0)
    with (
        lines.while_training(console, bars, ledger, dataset, memory_here_mb() - trials_mb),
        Progress(console, found.seconds, slots or 1, cores=found.cores) as progress,
    ):
        if found.to_run:
            run(SpecList(found.to_run), ledger, dataset, machines, progress)
    bad = _summary(console, found.specs, progress.failed_keys, ledger, options, said)
    if options.refit:
        bad |= refit_best(console, options, found.specs, ledger, dataset, machines, said["summary"])
    screen.print_report_command(console, options.results)
    return SOME_FAILED if bad else FINISHED


def _summary(
    console: Console,
    specs: list[Spec],
    failed: Mapping[str, str],
    ledger: Ledger,
    options: argparse.Namespace,
    said: Row,
) -> dict[str, str]:
    """Print how the sweep ended; returns why what did not finish did not, by key."""
    results = ledger.results()
    ledger.index()
    rows = {spec.key: results[spec.key] for spec in specs if spec.key in results}
    bad = {key: row.get("error", "") for key, row in rows.items() if row["status"] != "finished"} | dict(failed)
    bad = {spec.key: GONE for spec in specs if spec.key not in rows} | bad
    screen.print_done(console, ledger, len(specs) - len(bad), len(specs))
    screen.print_failed(console, bad)
    frames = ledger.load()
    if options.baselines and len(frames.baselines):
        lines.print_best(console, frames, specs)
    several = ensemble(frames, ledger.predictions, [spec.key for spec in specs])
    screen.print_ensemble(console, several)
    said["summary"] = facts.of_trials(rows, bad) | ({"ensemble": several.to_dict()} if several else {})
    return bad


def keep_words(console: Console, ledger: Ledger, dataset: Dataset, options: argparse.Namespace) -> None:
    """Keep what turns texts into this data's numbers in the ledger; a warning where its words cannot be had."""
    source = dataset.name if options.data == "auto" else options.data
    keep_vocabulary(ledger, dataset, source, reading_of(options), lambda line: screen.print_warning(console, line))


def look_at_cluster(
    console: Console, ledger: Ledger, dataset: Dataset, machines: Machines, slots: int | None
) -> int | None:
    """Print what the nodes of the cluster say, if a sweep is to run on one; return how many trials run at a time."""
    if machines.in_process or machines.address is None:
        return slots
    nodes, slots = survey(ledger, dataset, machines)
    screen.print_nodes(console, nodes, slots)
    if not machines.gpus_per_trial:
        screen.print_idle_gpus(console, [gpu for node in nodes if node.resources.get("GPU") for gpu in node.gpus])
    return slots
