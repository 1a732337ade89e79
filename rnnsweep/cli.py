"""The command lines of `sweeps/`: flags from the fields of `Spec`, the plan, the summary and the exit status."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, get_args

from rich.console import Console
from rich.table import Table

from rnnsweep.data import DataError, Dataset, load
from rnnsweep.estimate import Estimate, correction, estimate, longest_first
from rnnsweep.ledger import Ledger, LedgerError
from rnnsweep.progress import Progress, duration
from rnnsweep.space import PRESETS, SYSTEMS, preset
from rnnsweep.spec import CELLS, HINTS, OPTIMIZERS, POOLINGS, Spec, SpecError, describe
from rnnsweep.sweep import Machines, SweepError, cores_here, run

FINISHED, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
CHOICES = {"cell": CELLS, "optimizer": OPTIMIZERS, "pooling": POOLINGS}
FROM_DATA = ("dataset", "data_sha256")  # the data says these itself
MISTAKES = (SpecError, DataError, LedgerError, SweepError)


class Parser(argparse.ArgumentParser):
    """An argument parser whose error is one line, and which takes no abbreviations."""

    def __init__(self, description: str | None) -> None:
        """Describe the command by the first line of its docstring."""
        super().__init__(description=(description or "").strip().splitlines()[0], allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print the mistake in one line and exit with status 2."""
        self.exit(WRONG_USAGE, f"{self.prog}: {message} (--help lists the flags)\n")


def grid(description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Run `sweeps/grid.py`: the specs of a preset, narrowed by the flags, over the seeds; returns the exit status."""
    parser = Parser(description)
    parser.add_argument("--preset", choices=PRESETS, default="factorial", help="which specs (default: factorial)")
    parser.add_argument("--seeds", type=_positive, default=1, metavar="N", help="seeds 1 to N (default: 1)")
    parser.add_argument("--depth", type=_positive, nargs="+", help="numbers of recurrent layers to keep")
    _add_spec_flags(parser, many=True)
    _add_sweep_flags(parser)
    options = parser.parse_args(arguments)

    def specs(name: str, sha256: str) -> list[Spec]:
        fields = _given(options) | {"dataset": [name], "data_sha256": [sha256]}
        if "seed" not in fields:
            fields["seed"] = list(range(1, options.seeds + 1))
        return preset(options.preset, fields, options.depth)

    return _main(parser, options, specs)


def one(description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Run `sweeps/one.py`: one trial in this process; returns the exit status."""
    parser = Parser(description)
    parser.add_argument("--system", choices=SYSTEMS, metavar="ID", help=f"one of the report's: {', '.join(SYSTEMS)}")
    _add_spec_flags(parser, many=False)
    _add_sweep_flags(parser)
    options = parser.parse_args(arguments)
    options.in_process = True

    def specs(name: str, sha256: str) -> list[Spec]:
        base = SYSTEMS[options.system] if options.system else Spec()
        return [base.replace(**_given(options), dataset=name, data_sha256=sha256)]

    return _main(parser, options, specs)


def _main(parser: Parser, options: argparse.Namespace, specs: Callable[[str, str], list[Spec]]) -> int:
    """Load the data, print the plan, run it, print the summary; mistakes are one line and status 2."""
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's polite end is an interruption too
    try:
        specs("", "")  # a mistake in the flags shows before the data is looked for
        dataset = load(options.data, lambda line: console.print(f"warning: {line}", style="yellow", soft_wrap=True))
        chosen = list({spec.key: spec for spec in specs(dataset.name, dataset.sha256)}.values())
        return _run(console, options, chosen, dataset)
    except MISTAKES as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        console.print(f"interrupted; nothing finished is lost. To go on: {_command()}", soft_wrap=True)
        return INTERRUPTED


def _run(console: Console, options: argparse.Namespace, specs: list[Spec], dataset: Dataset) -> int:
    ledger = Ledger(options.results)
    machines = Machines(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Machines)})
    results = ledger.results()
    estimates = {spec.key: estimate(spec, dataset) for spec in specs}
    factor = correction(_known(ledger, results, dataset), results)
    to_run = longest_first((spec for spec in specs if spec.key not in results), estimates)
    seconds = {spec.key: factor * estimates[spec.key].seconds for spec in to_run}
    slots = _slots(machines)
    _print_plan(console, specs, to_run, dataset, ledger)
    _print_estimate(console, [estimates[spec.key] for spec in to_run], sum(seconds.values()), slots)
    if options.plan:
        return FINISHED
    with Progress(console, seconds, slots or 1) as progress:
        run(to_run, ledger, dataset, machines, progress)
    return _summary(console, specs, progress, ledger, options)


def _known(ledger: Ledger, results: Mapping[str, Any], dataset: Dataset) -> dict[str, Estimate]:
    """Return estimates for the finished trials on these reviews, to hold them against what they really took."""
    finished = [key for key, row in results.items() if row["status"] == "finished"]
    specs = ledger.specs(finished)
    return {key: estimate(spec, dataset) for key, spec in specs.items() if spec.data_sha256 == dataset.sha256}


def _print_plan(console: Console, specs: list[Spec], to_run: list[Spec], dataset: Dataset, ledger: Ledger) -> None:
    reviews = f"{len(dataset.train):,} + {len(dataset.test):,} reviews"
    real = "" if dataset.real else ", generated, not real reviews"
    console.print(f"[bold]data[/]     {dataset.name} ({reviews}{real}), checksum {dataset.sha256[:12]}", soft_wrap=True)
    table = Table.grid(padding=(0, 2))
    for name in HINTS:
        column = "embedding_rows" if name == "vocab_size" else name  # None is num_words, whatever that is
        values = list(dict.fromkeys(_text(getattr(spec, column)) for spec in specs))
        if name not in FROM_DATA and (len(values) > 1 or name in ("epochs", "reviews", "seed")):
            table.add_row(f"  {name}", "  ".join(values))
    console.print(table)
    console.print(f"[bold]results[/]  {ledger.uri}", soft_wrap=True)
    done = len(specs) - len(to_run)
    console.print(f"[bold]plan[/]     {len(specs)} trials: {done} done, {len(to_run)} to train")


def _print_estimate(console: Console, to_run: list[Estimate], seconds: float, slots: int | None) -> None:
    if not to_run:
        return
    memory = max(item.memory_mb for item in to_run) / 1024
    if slots is None:
        console.print(f"         about {duration(seconds)} of one core, up to {memory:.1f} GB per trial")
        return
    width = min(slots, len(to_run))
    console.print(
        f"         about {duration(seconds / width)} on {width} slot{'s' * (width > 1)}, "
        f"up to {memory:.1f} GB per trial, {width * memory:.1f} GB together"
    )


def _slots(machines: Machines) -> int | None:
    if machines.in_process:
        return 1
    if machines.address is not None:
        return machines.max_concurrent  # the cluster knows, once it is reached
    slots = int(cores_here() / machines.cpus_per_trial + 1e-9)
    if not slots:
        raise SweepError(f"--cpus-per-trial is {machines.cpus_per_trial:g}, but there are {cores_here()} cores here")
    return min(slots, machines.max_concurrent or slots)


def _summary(
    console: Console, specs: list[Spec], progress: Progress, ledger: Ledger, options: argparse.Namespace
) -> int:
    results = ledger.results()
    bad = {
        spec.key: results[spec.key].get("error", "") for spec in specs
        if spec.key in results and results[spec.key]["status"] != "finished"
    } | progress.failed_keys  # fmt: skip
    console.print(f"[bold]done[/]     {len(specs) - len(bad)} of {len(specs)} trials finished, in {ledger.uri}",
                  soft_wrap=True)  # fmt: skip
    for key, reason in bad.items():
        console.print(f"  [red]{key}[/]  {reason}", soft_wrap=True)
    console.print(f"report   python analysis/report.py --results {shlex.quote(options.results)}", soft_wrap=True)
    return SOME_FAILED if bad else FINISHED


def _command() -> str:
    return shlex.join(["python", *sys.argv])


def _add_sweep_flags(parser: Parser) -> None:
    add = parser.add_argument
    add("--data", default="auto", metavar="auto|imdb|embedded|PATH", help="reviews to train on (default: auto)")
    add("--results", default="results", metavar="URI", help="folder or bucket of the ledger (default: results)")
    add("--plan", action="store_true", help="print what would run, and exit")
    add("--address", metavar="auto|HOST:PORT", help="a running Ray cluster (default: a private one on this machine)")
    add("--in-process", action="store_true", help="one trial after another in this process, without Ray")
    add("--cpus-per-trial", type=_share, default=1.0, metavar="X", help="cores of a trial (default: 1)")
    add("--gpus-per-trial", type=_share_or_none, default=0.0, metavar="X", help="share of a GPU (default: 0)")
    add("--max-concurrent", type=_positive, metavar="N", help="trials at a time (default: as many as fit)")


def _add_spec_flags(parser: Parser, many: bool) -> None:
    """Add a flag for each field of `Spec`; with `many`, it takes several values and narrows or fixes that axis."""
    for name, hint in HINTS.items():
        if name in FROM_DATA:
            continue
        flag = "--" + name.replace("_", "-")
        if hint is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
            continue
        is_units = name == "units"
        parser.add_argument(
            flag,
            type=_parser_of(name, hint),
            nargs="+" if many or is_units else None,
            metavar="|".join(CHOICES.get(name, (name.upper(),))),
            help=None if many else f"{describe(hint)} (default: {_text(getattr(Spec(), name))})",
        )


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the spec fields named on the command line: lists of values for a grid, single values for one trial."""
    given = {name: getattr(options, name, None) for name in HINTS}
    many = hasattr(options, "preset")
    found = {}
    for name, value in given.items():
        if value is None:
            continue
        if name == "units":
            value = [tuple(value)] if many else tuple(value)
        elif many and not isinstance(value, list):
            value = [value]
        found[name] = value
    return found


def _parser_of(name: str, hint: Any) -> Callable[[str], Any]:
    kinds = (int,) if name == "units" else get_args(hint) or (hint,)

    def parse(text: str) -> Any:
        for kind in (int, float):
            if kind in kinds:
                try:
                    return kind(text.replace(",", ""))
                except ValueError:
                    continue
        if str in kinds:
            return text.replace("-", "_")
        raise argparse.ArgumentTypeError(f"{name} is {text!r}; give {describe(hint)}")

    return parse


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    if value is None or isinstance(value, bool):
        return {None: "all", True: "yes", False: "no"}[value]
    return f"{value:,}" if isinstance(value, int) else str(value)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _share(text: str) -> float:
    value = _share_or_none(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def _share_or_none(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return value
