"""What `sweeps/search.py` does once its flags are read: the study, the confirmation of its best, and the winner."""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterable, Mapping
from statistics import fmean

from rich.console import Console

from rnnsweep import choice
from rnnsweep.cli import screen
from rnnsweep.cli.flags import FINISHED, SOME_FAILED, Parser, machines_of
from rnnsweep.cli.run import guarded, known_estimates, look_at_cluster, slots_here
from rnnsweep.data import Dataset
from rnnsweep.ledger import Ledger
from rnnsweep.run import run
from rnnsweep.search import Goal
from rnnsweep.search.search import Search
from rnnsweep.space import SearchSpace, draw
from rnnsweep.spec import Spec
from rnnsweep.stats import wilson
from rnnsweep.sweep import Machines, Progress, SpecList, correction, estimate, longest_first, missing
from rnnsweep.types import Row

DRAWS = 50  # random specs whose mean says what a search will cost


def run_search(parser: Parser, options: argparse.Namespace, space: Callable[[str, str], SearchSpace]) -> int:
    """Run a search over the space that is made of the data's name and checksum; returns the exit status."""

    def run_it(console: Console, dataset: Dataset) -> int:
        return _search(console, options, space(dataset.name, dataset.sha256), dataset)

    return guarded(parser, options, lambda: space("", ""), run_it)


def _search(console: Console, options: argparse.Namespace, space: SearchSpace, dataset: Dataset) -> int:
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
    screen.print_data(console, dataset)
    screen.print_search(console, study)
    screen.print_plan(console, ledger, machines, ended + left, ended, left)
    if options.plan:
        slots = look_at_cluster(console, ledger, dataset, machines, slots)
    screen.print_estimate(console, drawn[:left], each * left, slots)
    if options.plan:
        return FINISHED
    ledger.check_writable()
    ledger.index()
    with study:
        screen.print_dashboard(console, study.url)
        study.describe()
        with Progress(console, {}, slots or 1, (left, each), test=False) as progress:
            study.on_known = progress.known
            if left:
                run(study, ledger, dataset, machines, progress)
        best = study.best(options.confirm or 1)
        failed = dict(progress.failed_keys)
        if options.confirm:
            seeds = [spec.replace(seed=spec.seed + added) for spec in best for added in range(options.seeds)]
            failed |= _confirm(console, len(best), seeds, ledger, dataset, machines, slots)
        return _summary(console, options, study, best, failed, ledger)


def _confirm(
    console: Console,
    count: int,
    seeds: Iterable[Spec],
    ledger: Ledger,
    dataset: Dataset,
    machines: Machines,
    slots: int | None,
) -> dict[str, str]:
    """Train those of the confirmed specs' seeds that the ledger lacks; returns the reasons of what failed, by key."""
    lacking = missing(seeds, ledger)
    estimates = {spec.key: estimate(spec, dataset) for spec in lacking}
    to_run = longest_first(lacking, estimates)
    if not to_run:
        return {}
    screen.print_confirm(console, count, len(to_run))
    with Progress(console, {spec.key: estimates[spec.key].seconds for spec in to_run}, slots or 1, test=False) as shown:
        run(SpecList(to_run), ledger, dataset, machines, shown)
    return shown.failed_keys


def _summary(
    console: Console,
    options: argparse.Namespace,
    study: Search,
    best: list[Spec],
    failed: Mapping[str, str],
    ledger: Ledger,
) -> int:
    """Print what was found, and write it beside what was looked for; the winner is `choice.confirmed`'s first."""
    screen.print_search_done(console, study)
    screen.print_failed(console, failed)
    specs = {spec.key: spec for spec in best}
    rows = choice.confirmed(ledger.load().trials, list(specs), options.seeds if options.confirm else 1)
    ranked: list[Row] = [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
    ledger.index()
    screen.print_ranked(console, ranked, specs)
    found = {"confirmed": list(specs) if options.confirm else [], "seeds": options.seeds}
    if ranked:
        winner = ranked[0]
        result = ledger.record(winner["key"]).result() or {}
        screen.print_winner(console, specs[winner["key"]], *with_interval(winner, result), options.data)
        found |= {"winner": winner["key"]}
    study.describe(**found)
    screen.print_report_command(console, options.results)
    return SOME_FAILED if failed or not ranked else FINISHED


def with_interval(winner: Row, result: Row) -> tuple[float, float, float, str]:
    """Return mean test accuracy, low and high of the 95 % interval of a row of `choice.confirmed`, and whose it is.

    Of several seeds it is Student's t over their accuracies; of one, Wilson's over the test reviews of the `result`,
    which says nothing of other seeds.
    """
    mean, n = float(winner["mean"]), int(winner["n"])
    if n > 1:
        return mean, float(winner["low"]), float(winner["high"]), f"Student's t over {n} seeds"
    reviews = int(result["test_reviews"])
    return mean, *wilson(round(mean * reviews), reviews), "Wilson's, over the test reviews of one seed"
