"""The command lines of `sweeps/`: flags from the fields of `Spec`, the plan, the summary and the exit status."""

from __future__ import annotations

import argparse
import dataclasses
import random
import shlex
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from rich.console import Console
from rich.table import Table

from rnnsweep.cluster import MUST_AGREE, Machines, Node, SweepError, cores_here, survey
from rnnsweep.data import DataError, Dataset, load
from rnnsweep.estimate import Estimate, correction, estimate, longest_first
from rnnsweep.ledger import Ledger
from rnnsweep.progress import Progress, duration
from rnnsweep.space import PRESETS, SEARCH, SYSTEMS, Range, SearchSpace, draw, preset, search_space
from rnnsweep.spec import CELLS, HINTS, OPTIMIZERS, POOLINGS, Spec, SpecError, describe
from rnnsweep.store import StoreError
from rnnsweep.sweep import Listed, missing, run

if TYPE_CHECKING:
    from rnnsweep.search import Search

FINISHED, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
CHOICES = {"cell": CELLS, "optimizer": OPTIMIZERS, "pooling": POOLINGS}
FROM_DATA = ("dataset", "data_sha256")  # the data says these itself
OBJECTIVE_WORDS = {"MAXIMIZE": "the more the better", "MINIMIZE": "the less the better"}
RANGED = [name for name, axis in SEARCH.items() if isinstance(axis, Range)]
DRAWS = 50  # random specs whose mean says what a search will cost
LEARNED_FROM = 500  # finished trials whose median says how fast the machine is; keys are hashes, so any will do
MISTAKES = (SpecError, DataError, StoreError, SweepError)


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


def search(description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Run `sweeps/search.py`: trials that Optuna suggests one after another; returns the exit status."""
    from rnnsweep.search import OBJECTIVES, PRUNERS, SAMPLERS, SearchError

    parser = Parser(description)
    add = parser.add_argument
    add("--trials", type=_positive, required=True, metavar="N", help="of the study, those of earlier runs included")
    add("--sampler", choices=SAMPLERS, default="tpe", help="what suggests the next spec (default: tpe)")
    add("--sampler-seed", type=_positive, default=1, metavar="N", help="of the sampler (default: 1)")
    add("--objectives", nargs="+", choices=tuple(OBJECTIVES), default=["val_accuracy"], metavar="NAME",
        help=f"of {', '.join(OBJECTIVES)} (default: val_accuracy); several give a Pareto front")  # fmt: skip
    add("--max-params", type=_positive, metavar="N", help="weights of the largest network to train")
    add("--max-seconds", type=_share, metavar="X", help="of training; a slower trial is stopped, and never the best")
    add("--pruner", choices=PRUNERS, default="median", help="what stops poor trials early (default: median)")
    add("--no-pruning", dest="pruner", action="store_const", const=None, help="train every trial to its end")
    add("--confirm", type=_positive, default=0, metavar="K", help="train the best K specs again with new seeds")
    add(
        "--seeds",
        type=_positive,
        default=3,
        metavar="N",
        help="of each confirmed spec, its first included (default: 3)",
    )
    add("--study", metavar="URL", help="database of the study (default: SQLite beside the ledger)")
    add("--name", metavar="NAME", help="of the study (default: made of the data, the axes and the fixed fields)")
    add("--depth", type=_positive, nargs="+", help="numbers of recurrent layers to choose among")
    _add_spec_flags(parser, many=True, ranges=True)
    _add_sweep_flags(parser)
    options = parser.parse_args(arguments)

    def space(name: str, sha256: str) -> SearchSpace:
        fields = _given(options) | {"dataset": [name], "data_sha256": [sha256]}
        return search_space(fields, options.depth)

    def run_it(console: Console, dataset: Dataset) -> int:
        return _search(console, options, space(dataset.name, dataset.sha256), dataset)

    return _guarded(parser, options, lambda: space("", ""), run_it, (*MISTAKES, SearchError))


def _main(parser: Parser, options: argparse.Namespace, specs: Callable[[str, str], list[Spec]]) -> int:
    """Run a list of specs, each once, made of the data's name and checksum."""

    def run_it(console: Console, dataset: Dataset) -> int:
        chosen = list({spec.key: spec for spec in specs(dataset.name, dataset.sha256)}.values())
        return _run(console, options, chosen, dataset)

    return _guarded(parser, options, lambda: specs("", ""), run_it)


def _guarded(
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


def _run(console: Console, options: argparse.Namespace, specs: list[Spec], dataset: Dataset) -> int:
    ledger = Ledger(options.results)
    machines = _machines(options)
    results = ledger.results()
    estimates = {spec.key: estimate(spec, dataset) for spec in specs}
    factor = correction(_known(ledger, results, dataset), results)
    to_run = longest_first((spec for spec in specs if spec.key not in results), estimates)
    seconds = {spec.key: factor * estimates[spec.key].seconds for spec in to_run}
    slots = _slots(machines)
    _print_data(console, dataset)
    _print_axes(console, specs)
    _print_plan(console, ledger, len(specs), len(specs) - len(to_run), len(to_run))
    if options.plan:
        slots = _look_at_cluster(console, ledger, dataset, machines, slots)
    _print_estimate(console, [estimates[spec.key] for spec in to_run], sum(seconds.values()), slots)
    if options.plan:
        return FINISHED
    ledger.index()
    with Progress(console, seconds, slots or 1) as progress:
        if to_run:
            run(Listed(to_run), ledger, dataset, machines, progress)
    return _summary(console, specs, progress.failed_keys, ledger, options)


def _search(console: Console, options: argparse.Namespace, space: SearchSpace, dataset: Dataset) -> int:
    from rnnsweep.search import Goal, Search

    ledger = Ledger(options.results)
    machines = _machines(options)
    goal = Goal(objectives=tuple(options.objectives), max_params=options.max_params, max_seconds=options.max_seconds)
    study = Search(
        space, goal, options.trials, ledger, sampler=options.sampler, sampler_seed=options.sampler_seed,
        pruner=options.pruner, name=options.name, url=options.study,
    )  # fmt: skip
    results = ledger.results()
    chance = random.Random(0)
    drawn = [estimate(space.draw(lambda name, axis: draw(chance, axis)), dataset) for _ in range(DRAWS)]
    each = correction(_known(ledger, results, dataset), results) * fmean(item.seconds for item in drawn)
    slots = _slots(machines)
    ended, left = study.progress()
    _print_data(console, dataset)
    _print_search(console, study)
    _print_plan(console, ledger, ended + left, ended, left)
    if options.plan:
        slots = _look_at_cluster(console, ledger, dataset, machines, slots)
    _print_estimate(console, drawn[:left], each * left, slots)
    if options.plan:
        return FINISHED
    ledger.check_writable()
    ledger.index()
    with study:
        console.print(f"[bold]study[/]    optuna-dashboard {study.url}", soft_wrap=True)
        study.describe()
        with Progress(console, {}, slots or 1, (left, each), test=False) as progress:
            study.on_known = progress.known
            if left:
                run(study, ledger, dataset, machines, progress)
        confirmed = _confirmed(study, options.confirm, options.seeds)
        failed = progress.failed_keys | _confirm(console, confirmed, ledger, dataset, machines, slots)
        return _search_summary(console, options, study, confirmed, failed, ledger)


def _confirmed(study: Search, count: int, seeds: int) -> dict[Spec, list[Spec]]:
    """Return the best specs, each with itself and its new seeds; the best one alone where none are to be confirmed."""
    if not count:
        return {spec: [spec] for spec in study.best(1)}
    return {spec: [spec.replace(seed=spec.seed + added) for added in range(seeds)] for spec in study.best(count)}


def _confirm(
    console: Console,
    confirmed: Mapping[Spec, list[Spec]],
    ledger: Ledger,
    dataset: Dataset,
    machines: Machines,
    slots: int | None,
) -> dict[str, str]:
    """Train the new seeds that the ledger lacks; returns the reasons of those that failed, by key."""
    estimates = {spec.key: estimate(spec, dataset) for specs in confirmed.values() for spec in specs}
    to_run = longest_first(missing((spec for specs in confirmed.values() for spec in specs), ledger), estimates)
    if not to_run:
        return {}
    console.print(f"[bold]confirm[/]  {len(confirmed)} specs, {len(to_run)} trials with new seeds to train")
    with Progress(console, {spec.key: estimates[spec.key].seconds for spec in to_run}, slots or 1, test=False) as shown:
        run(Listed(to_run), ledger, dataset, machines, shown)
    return shown.failed_keys


def _search_summary(
    console: Console,
    options: argparse.Namespace,
    study: Search,
    confirmed: Mapping[Spec, list[Spec]],
    failed: Mapping[str, str],
    ledger: Ledger,
) -> int:
    from rnnsweep.search import confidence_interval

    states = ", ".join(f"{count} {state}" for state, count in study.states().items())
    seconds = fmean(study.suggest_seconds or [0.0])
    console.print(
        f"[bold]done[/]     {study.begun} of {study.trials} trials: {states}; {study.answered} answered by the ledger; "
        f"a suggestion took {seconds:.3f} s", soft_wrap=True,
    )  # fmt: skip
    for key, reason in failed.items():
        console.print(f"  [red]{key}[/]  {reason}", soft_wrap=True)
    results = ledger.results()
    ledger.index()
    finished = {spec: [results[s.key] for s in seeds if results.get(s.key, {}).get("status") == "finished"]
                for spec, seeds in confirmed.items()}  # fmt: skip
    means = {spec: fmean(row["val_accuracy"] for row in rows) for spec, rows in finished.items() if rows}
    ranked = sorted(means, key=lambda spec: -means[spec])
    table = Table.grid(padding=(0, 2))
    for spec in ranked:
        table.add_row(f"  val {means[spec]:.4f}", f"n = {len(finished[spec])}", spec.key, spec.label())
    console.print(table)
    keys = {"confirmed": [spec.key for spec in confirmed] if options.confirm else [], "seeds": options.seeds}
    if ranked:
        rows = finished[ranked[0]]
        mean, low, high = confidence_interval(rows)
        over = f"Student's t over {len(rows)} seeds" if len(rows) > 1 else "Wilson's, over the test reviews of one seed"
        console.print(f"[bold]winner[/]   {ranked[0].key}  test {mean:.4f} ({low:.4f} to {high:.4f}: 95 %, {over})",
                      soft_wrap=True)  # fmt: skip
        words = ["python", "sweeps/one.py", *ranked[0].flags(), "--data", options.data]
        console.print(f"again    {shlex.join(words)}", soft_wrap=True)
        keys |= {"winner": ranked[0].key}
    study.describe(**keys)
    console.print(f"report   python analysis/report.py --results {shlex.quote(options.results)}", soft_wrap=True)
    return SOME_FAILED if failed or not ranked else FINISHED


def _machines(options: argparse.Namespace) -> Machines:
    return Machines(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Machines)})


def _known(ledger: Ledger, results: Mapping[str, Any], dataset: Dataset) -> dict[str, Estimate]:
    """Return estimates for some finished trials on these reviews, to hold them against what they really took."""
    finished = sorted(key for key, row in results.items() if row["status"] == "finished")
    specs = ledger.specs(finished[:LEARNED_FROM])
    return {key: estimate(spec, dataset) for key, spec in specs.items() if spec.data_sha256 == dataset.sha256}


def _print_data(console: Console, dataset: Dataset) -> None:
    reviews = f"{len(dataset.train):,} + {len(dataset.test):,} reviews"
    real = "" if dataset.real else ", generated, not real reviews"
    console.print(f"[bold]data[/]     {dataset.name} ({reviews}{real}), checksum {dataset.sha256[:12]}", soft_wrap=True)


def _print_axes(console: Console, specs: list[Spec]) -> None:
    table = Table.grid(padding=(0, 2))
    for name in HINTS:
        column = "embedding_rows" if name == "vocab_size" else name  # None is num_words, whatever that is
        values = list(dict.fromkeys(_text(getattr(spec, column)) for spec in specs))
        if name not in FROM_DATA and (len(values) > 1 or name in ("epochs", "reviews", "seed")):
            table.add_row(f"  {name}", "  ".join(values))
    console.print(table)


def _print_search(console: Console, study: Search) -> None:
    table = Table.grid(padding=(0, 2))
    for name, axis in study.space.axes.items():
        of_each = " (each layer)" if name == "units" else ""
        table.add_row(f"  {name}", f"{axis}{of_each}")
    for name in ("epochs", "reviews", "seed"):
        table.add_row(f"  {name}", _text(getattr(study.space.base, name)))
    console.print(table)
    size = f"{study.space.size:,.0f}" if study.space.size < 1e15 else "endless"
    limits = [f"{name.removeprefix('max_')} at most {value:,}" for name, value in study.goal.to_dict().items()
              if name.startswith("max_") and value is not None]  # fmt: skip
    wanted = [f"{name} ({OBJECTIVE_WORDS[direction.name]})" for name, direction in
              zip(study.goal.objectives, study.goal.directions, strict=True)]  # fmt: skip
    console.print(f"[bold]search[/]   {', '.join(wanted + limits)}; {size} specs; sampler {study.sampler}, "
                  f"pruner {study.pruner or 'none'}; study {study.name}", soft_wrap=True)  # fmt: skip


def _print_plan(console: Console, ledger: Ledger, trials: int, done: int, to_train: int) -> None:
    console.print(f"[bold]results[/]  {ledger.uri}", soft_wrap=True)
    console.print(f"[bold]plan[/]     {trials} trials: {done} done, {to_train} to train")


def _look_at_cluster(
    console: Console, ledger: Ledger, dataset: Dataset, machines: Machines, slots: int | None
) -> int | None:
    """Print what the nodes of the cluster say, if a sweep is to run on one; return how many trials run at a time."""
    if machines.in_process or machines.address is None:
        return slots
    nodes, slots = survey(ledger, dataset, machines)
    _print_nodes(console, nodes, slots)
    return slots


def _print_nodes(console: Console, nodes: list[Node], slots: int) -> None:
    """Print what the nodes said: a row per kind of node, named by its first."""
    console.print(f"[bold]cluster[/]  {len(nodes)} nodes, {slots} trials at a time")
    console.print("         every node received the reviews by the object store, and wrote and read the results",
                  soft_wrap=True)  # fmt: skip
    software = ", ".join(f"{name} {nodes[0].versions[name]}" for name in MUST_AGREE)
    known = next((node.revision for node in nodes if node.revision), "of unknown revision")
    console.print(f"         {software}, rnnsweep {known} on all", soft_wrap=True)
    kinds: dict[tuple[str, ...], list[Node]] = {}
    for node in nodes:
        has = node.resources
        gpus = f"{has.get('GPU', 0):g} GPUs" + "".join(f" {name} {mb / 1024:.0f} GB" for name, mb in node.gpus[:1])
        kinds.setdefault((f"{has.get('CPU', 0):g} CPUs", gpus, f"{has.get('memory', 0) / 2**30:.0f} GB"), []).append(
            node
        )
    table = Table.grid(padding=(0, 2))
    for kind, same in kinds.items():
        more = f" and {len(same) - 1} more" if len(same) > 1 else ""
        table.add_row(f"         {same[0].name}{more}", *kind)
    console.print(table)


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
    add("--gpus-per-trial", type=_gpu_share, default=0.0, metavar="X|auto", help="share of a GPU (default: 0)")
    add("--max-concurrent", type=_positive, metavar="N", help="trials at a time (default: as many as fit)")


def _add_spec_flags(parser: Parser, many: bool, ranges: bool = False) -> None:
    """Add a flag for each field of `Spec`; with `many`, it takes several values and narrows or fixes that axis.

    With `ranges`, a number's flag takes LOW..HIGH as well, and a switch takes yes, no or both.
    """
    for name, hint in HINTS.items():
        if name in FROM_DATA:
            continue
        flag = "--" + name.replace("_", "-")
        if hint is bool and ranges:
            parser.add_argument(flag, nargs="*", choices=("yes", "no"), metavar="yes|no")
            parser.add_argument(f"--no-{flag[2:]}", dest=name, action="store_const", const=["no"])
            continue
        if hint is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
            continue
        is_units = name == "units"
        parser.add_argument(
            flag,
            type=_range_or(_parser_of(name, hint)) if ranges and name in RANGED else _parser_of(name, hint),
            nargs="+" if many or is_units else None,
            metavar="|".join(CHOICES.get(name, (name.upper(),))),
            help=None if many else f"{describe(hint)} (default: {_text(getattr(Spec(), name))})",
        )


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the spec fields named on the command line: lists of values for a grid, single values for one trial."""
    given = {name: getattr(options, name, None) for name in HINTS}
    many = hasattr(options, "preset") or hasattr(options, "trials")
    found = {}
    for name, value in given.items():
        if value is None:
            continue
        if many and isinstance(value, list) and any(isinstance(item, Range) for item in value):
            if len(value) > 1:
                raise SpecError(f"{name} has a range beside other values; give one range, or values")
            value = value[0]
        elif name == "units":
            value = [tuple(value)] if many else tuple(value)
        elif hasattr(options, "trials") and HINTS[name] is bool:
            value = [item == "yes" for item in value] or [True]
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


def _range_or(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse_range(text: str) -> Any:
        low, dots, high = text.partition("..")
        if not dots:
            return parse(text)
        ends = parse(low), parse(high)
        if not ends[0] < ends[1]:
            raise argparse.ArgumentTypeError(f"{text!r} is no range; give LOW..HIGH, the lower first")
        return Range(*ends, log=ends[0] > 0)

    return parse_range


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


def _gpu_share(text: str) -> float | str:
    if text == "auto":
        return text
    value = _share_or_none(text)
    if value > 1 and value != int(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a share up to 1, a whole number or auto")
    return value


def _share_or_none(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return value
