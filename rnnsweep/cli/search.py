"""TODO docstring of rnnsweep/cli/search.py."""

from __future__ import annotations

import argparse
import random
import shlex
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from rnnsweep.cli.flags import (
    FINISHED,
    SOME_FAILED,
    Parser,
    add_spec_flags,
    add_sweep_flags,
    given_fields,
    machines_of,
    positive,
    positive_number,
)
from rnnsweep.cli.run import MISTAKES, guarded, known_estimates, look_at_cluster, slots_here
from rnnsweep.cli.screen import print_data, print_estimate, print_plan, print_search
from rnnsweep.data import Dataset
from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.space import SearchSpace, draw, search_space
from rnnsweep.spec import Spec
from rnnsweep.sweep import Machines, Progress, SpecList, correction, estimate, longest_first, missing

if TYPE_CHECKING:
    from rnnsweep.search import Search


DRAWS = 50  # random specs whose mean says what a search will cost


def search(description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Run `sweeps/search.py`: trials that Optuna suggests one after another; returns the exit status."""
    from rnnsweep.search import OBJECTIVES, PRUNERS, SAMPLERS, SearchError

    parser = Parser(description)
    add = parser.add_argument
    add("--trials", type=positive, required=True, metavar="N", help="of the study, those of earlier runs included")
    add("--sampler", choices=SAMPLERS, default="tpe", help="what suggests the next spec (default: tpe)")
    add("--sampler-seed", type=positive, default=1, metavar="N", help="of the sampler (default: 1)")
    add("--objectives", nargs="+", choices=tuple(OBJECTIVES), default=["val_accuracy"], metavar="NAME",
        help=f"of {', '.join(OBJECTIVES)} (default: val_accuracy); several give a Pareto front")  # fmt: skip
    add("--max-params", type=positive, metavar="N", help="weights of the largest network to train")
    add(
        "--max-seconds",
        type=positive_number,
        metavar="X",
        help="of training; a slower trial is stopped, and never the best",
    )
    add("--pruner", choices=PRUNERS, default="median", help="what stops poor trials early (default: median)")
    add("--no-pruning", dest="pruner", action="store_const", const=None, help="train every trial to its end")
    add("--confirm", type=positive, default=0, metavar="K", help="train the best K specs again with new seeds")
    add(
        "--seeds",
        type=positive,
        default=3,
        metavar="N",
        help="of each confirmed spec, its first included (default: 3)",
    )
    add("--study", metavar="URL", help="database of the study (default: SQLite beside the ledger)")
    add("--name", metavar="NAME", help="of the study (default: made of the data, the axes and the fixed fields)")
    add("--depth", type=positive, nargs="+", help="numbers of recurrent layers to choose among")
    add_spec_flags(parser, many=True, ranges=True)
    add_sweep_flags(parser)
    options = parser.parse_args(arguments)

    def space(name: str, sha256: str) -> SearchSpace:
        fields = given_fields(options) | {"dataset": [name], "data_sha256": [sha256]}
        return search_space(fields, options.depth)

    def run_it(console: Console, dataset: Dataset) -> int:
        return _search(console, options, space(dataset.name, dataset.sha256), dataset)

    return guarded(parser, options, lambda: space("", ""), run_it, (*MISTAKES, SearchError))


def _search(console: Console, options: argparse.Namespace, space: SearchSpace, dataset: Dataset) -> int:
    from rnnsweep.search import Goal, Search

    ledger = Ledger(options.results)
    machines = machines_of(options)
    goal = Goal(objectives=tuple(options.objectives), max_params=options.max_params, max_seconds=options.max_seconds)
    study = Search(
        space, goal, options.trials, ledger, sampler=options.sampler, sampler_seed=options.sampler_seed,
        pruner=options.pruner, name=options.name, url=options.study,
    )  # fmt: skip
    results = ledger.results()
    chance = random.Random(0)
    drawn = [estimate(space.draw(lambda name, axis: draw(chance, axis)), dataset) for _ in range(DRAWS)]
    each = correction(known_estimates(ledger, results, dataset), results) * fmean(item.seconds for item in drawn)
    slots = slots_here(machines)
    ended, left = study.progress()
    print_data(console, dataset)
    print_search(console, study)
    print_plan(console, ledger, ended + left, ended, left)
    if options.plan:
        slots = look_at_cluster(console, ledger, dataset, machines, slots)
    print_estimate(console, drawn[:left], each * left, slots)
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
        run(SpecList(to_run), ledger, dataset, machines, shown)
    return shown.failed_keys


def _search_summary(
    console: Console,
    options: argparse.Namespace,
    study: Search,
    confirmed: Mapping[Spec, list[Spec]],
    failed: Mapping[str, str],
    ledger: Ledger,
) -> int:
    from rnnsweep.stats import confidence_interval

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
