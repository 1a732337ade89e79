"""What commands do once their flags are read: what all share, and plan, run and summary of specs that are known."""

from __future__ import annotations

import argparse
import codecs
import io
import shlex
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from rich.console import Console

from rnnsweep.cli import lines, screen
from rnnsweep.cli.data_flags import reading_of
from rnnsweep.cli.flags import FINISHED, INTERRUPTED, SOME_FAILED, Parser, machines_of
from rnnsweep.cli.look import print_look, print_warnings
from rnnsweep.cluster import survey
from rnnsweep.data import Dataset, load
from rnnsweep.errors import UserError
from rnnsweep.ledger import Ledger
from rnnsweep.machine.memory import memory_here_mb
from rnnsweep.redact import without_password
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
    refusal,
)

# A scheduler's polite end and a closed terminal are interruptions as Ctrl-C is; Windows has but two of them.
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
PRINTABLE = "rnnsweep-printable"  # the name of what is done with a character that cannot be printed
LEARNED_FROM = 500  # finished trials whose median says how fast the machine is; keys are hashes, so any will do


def guarded(
    parser: Parser,
    options: argparse.Namespace,
    check: Callable[[], object],
    run_it: Callable[[Console, Dataset], int],
) -> int:
    """Check the flags, load the data, run; a mistake is one line and status 2, an interruption says how to go on."""
    _take_every_character()
    console = Console(highlight=False)
    for number in STOPS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as SIGHUP under nohup
            signal.signal(number, _interrupt)
    try:
        planned = check()  # a mistake in the flags shows before the data is looked for
        if options.look:
            print_look(console, options, planned)
            return FINISHED
        dataset = load(options.data, lambda line: screen.print_warning(console, line), reading_of(options))
        print_warnings(console, dataset, planned)
        return run_it(console, dataset)
    except UserError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        screen.print_interrupted(console, without_password(shlex.join(["python", *sys.argv])))
        return INTERRUPTED


def _interrupt(number: int, frame: object) -> NoReturn:
    """Interrupt, once: what comes again while all is being ended would only leave some of it behind."""
    for each in STOPS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _take_every_character() -> None:
    """Have the terminal or file that is printed to take what it has no character for, and bytes that are no text.

    A name of a file that is no UTF-8 is printed as its bytes.
    """
    codecs.register_error(PRINTABLE, _as_printable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=PRINTABLE)


def _as_printable(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return "?" * (error.end - error.start), error.end


def run_specs(
    parser: Parser,
    options: argparse.Namespace,
    specs: Callable[[str, str], list[Spec]],
    planned: Callable[[Sequence[Spec]], dict[str, int]] = lambda specs: {},
) -> int:
    """Run the specs, each once, that are made of the data's name and checksum; returns the exit status.

    `planned` says of them how many seeds were planned, by cell, which the ledger keeps.
    """

    def run_it(console: Console, dataset: Dataset) -> int:
        chosen = list({spec.key: spec for spec in specs(dataset.name, dataset.sha256)}.values())
        return _run(console, options, chosen, dataset, planned(chosen))

    return guarded(parser, options, lambda: specs("", ""), run_it)


def _run(
    console: Console, options: argparse.Namespace, specs: list[Spec], dataset: Dataset, planned: Mapping[str, int]
) -> int:
    ledger = Ledger(options.results)
    machines = machines_of(options)
    results = ledger.results()
    screen.print_data(console, dataset)
    screen.print_validation(console, specs, dataset)
    estimates = {spec.key: estimate(spec, dataset) for spec in specs}
    factor = correction(known_estimates(ledger, results, dataset), results)
    to_run = longest_first((spec for spec in specs if spec.key not in results), estimates)
    seconds = {spec.key: factor * estimates[spec.key].seconds for spec in to_run}
    slots = slots_here(machines)
    bars = lines.lacking(specs, ledger, options)
    screen.print_axes(console, specs)
    if machines.address is None and not machines.gpus_per_trial:
        refuse_too_large(to_run, estimates)
    screen.print_plan(console, ledger, machines, len(specs), len(specs) - len(to_run), len(to_run))
    if options.plan:
        slots = look_at_cluster(console, ledger, dataset, machines, slots)
    screen.print_estimate(console, [estimates[spec.key] for spec in to_run], sum(seconds.values()), slots)
    screen.print_lines(console, len(bars), lines.seconds_of(bars, dataset), "before")
    if options.plan:
        return FINISHED
    if planned or bars:
        ledger.check_writable()
    ledger.plan(planned)
    lines.compute(console, bars, ledger, dataset)
    ledger.index()
    with Progress(console, seconds, slots or 1) as progress:
        if to_run:
            run(SpecList(to_run), ledger, dataset, machines, progress)
    return _summary(console, specs, progress.failed_keys, ledger, options)


def refuse_too_large(specs: list[Spec], estimates: Mapping[str, Estimate]) -> None:
    """Raise `SweepError` where a trial cannot fit the memory of this machine, before any of them runs."""
    here = memory_here_mb()
    reasons = (refusal(spec, estimates[spec.key], here) for spec in specs)
    reason = next((found for found in reasons if found), None)
    if reason:
        raise SweepError(reason)


def _summary(
    console: Console, specs: list[Spec], failed: Mapping[str, str], ledger: Ledger, options: argparse.Namespace
) -> int:
    results = ledger.results()
    ledger.index()
    rows = {spec.key: results[spec.key] for spec in specs if spec.key in results}
    bad = {key: row.get("error", "") for key, row in rows.items() if row["status"] != "finished"} | dict(failed)
    screen.print_done(console, ledger, len(specs) - len(bad), len(specs))
    screen.print_failed(console, bad)
    if options.baselines and ledger.baseline_keys():
        lines.print_best(console, ledger.load(), specs)
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
