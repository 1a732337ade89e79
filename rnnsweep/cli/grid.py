"""TODO docstring of rnnsweep/cli/grid.py."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console

from rnnsweep.cli.flags import (
    FINISHED,
    SOME_FAILED,
    Parser,
    add_spec_flags,
    add_sweep_flags,
    given_fields,
    machines_of,
    positive,
)
from rnnsweep.cli.run import guarded, known_estimates, look_at_cluster, slots_here
from rnnsweep.cli.screen import print_axes, print_data, print_estimate, print_plan
from rnnsweep.data import Dataset
from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.space import PRESETS, SYSTEMS, preset
from rnnsweep.spec import Spec
from rnnsweep.sweep import Progress, SpecList, correction, estimate, longest_first


def grid(description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Run `sweeps/grid.py`: the specs of a preset, narrowed by the flags, over the seeds; returns the exit status."""
    parser = Parser(description)
    parser.add_argument("--preset", choices=PRESETS, default="factorial", help="which specs (default: factorial)")
    parser.add_argument("--seeds", type=positive, default=1, metavar="N", help="seeds 1 to N (default: 1)")
    parser.add_argument("--depth", type=positive, nargs="+", help="numbers of recurrent layers to keep")
    add_spec_flags(parser, many=True)
    add_sweep_flags(parser)
    options = parser.parse_args(arguments)

    def specs(name: str, sha256: str) -> list[Spec]:
        fields = given_fields(options) | {"dataset": [name], "data_sha256": [sha256]}
        if "seed" not in fields:
            fields["seed"] = list(range(1, options.seeds + 1))
        return preset(options.preset, fields, options.depth)

    return _main(parser, options, specs)


def one(description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Run `sweeps/one.py`: one trial in this process; returns the exit status."""
    parser = Parser(description)
    parser.add_argument("--system", choices=SYSTEMS, metavar="ID", help=f"one of the report's: {', '.join(SYSTEMS)}")
    add_spec_flags(parser, many=False)
    add_sweep_flags(parser)
    options = parser.parse_args(arguments)
    options.in_process = True

    def specs(name: str, sha256: str) -> list[Spec]:
        base = SYSTEMS[options.system] if options.system else Spec()
        return [base.replace(**given_fields(options), dataset=name, data_sha256=sha256)]

    return _main(parser, options, specs)


def _main(parser: Parser, options: argparse.Namespace, specs: Callable[[str, str], list[Spec]]) -> int:
    """Run a list of specs, each once, made of the data's name and checksum."""

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
    print_data(console, dataset)
    print_axes(console, specs)
    print_plan(console, ledger, len(specs), len(specs) - len(to_run), len(to_run))
    if options.plan:
        slots = look_at_cluster(console, ledger, dataset, machines, slots)
    print_estimate(console, [estimates[spec.key] for spec in to_run], sum(seconds.values()), slots)
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
    bad = {
        spec.key: results[spec.key].get("error", "") for spec in specs
        if spec.key in results and results[spec.key]["status"] != "finished"
    } | dict(failed)  # fmt: skip
    console.print(f"[bold]done[/]     {len(specs) - len(bad)} of {len(specs)} trials finished, in {ledger.uri}",
                  soft_wrap=True)  # fmt: skip
    for key, reason in bad.items():
        console.print(f"  [red]{key}[/]  {reason}", soft_wrap=True)
    console.print(f"report   python analysis/report.py --results {shlex.quote(options.results)}", soft_wrap=True)
    return SOME_FAILED if bad else FINISHED
