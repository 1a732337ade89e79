"""What `sweeps/search.py` does once its flags are read: the study, the confirmation of its best, and the winner."""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Iterable, Mapping
from statistics import fmean
from typing import Any

import pandas as pd
from rich.console import Console

from rnnsweep import choice
from rnnsweep.cli import facts, lines, screen
from rnnsweep.cli.data_flags import data_words, found_again
from rnnsweep.cli.flags import FINISHED, SOME_FAILED, Parser, machines_of
from rnnsweep.cli.run import guarded, keep_words, look_at_cluster
from rnnsweep.cli.run_refit import plan_refit, refit_best
from rnnsweep.cluster import check_address, check_gpus
from rnnsweep.data import Dataset
from rnnsweep.data.vectors import check_columns, of_vectors
from rnnsweep.ensemble import ensemble
from rnnsweep.ledger import Ledger, LedgerFrames
from rnnsweep.machine.memory import memory_here_mb
from rnnsweep.run import run
from rnnsweep.search import Goal
from rnnsweep.search.search import Search
from rnnsweep.space import SearchSpace
from rnnsweep.spec import Spec
from rnnsweep.stats import ACCURACY, Sample, contrast, sample, wilson
from rnnsweep.sweep import (
    Machines,
    Progress,
    SpecList,
    check_objectives,
    cores_here,
    cores_to_share,
    correction,
    estimate,
    known_estimates,
    longest_first,
    missing,
    slots_here,
)
from rnnsweep.types import Row

Space = Callable[[str, str, bool, Mapping[str, Any]], SearchSpace]
DRAWS = 50  # random specs whose mean says what a search will cost


def run_search(parser: Parser, options: argparse.Namespace, space: Space) -> int:
    """Run a search over the space of the data: by name, checksum, whether it names validation rows, and what it fixes.

    Returns the exit status.
    """

    def run_it(console: Console, dataset: Dataset, said: Row) -> int:
        check_columns(options.embedding_dim, dataset)
        searched = space(dataset.name, dataset.sha256, dataset.validation is not None, of_vectors(dataset))
        return _search(console, options, searched, dataset, said)

    return guarded(parser, options, lambda: space("", "", False, {}), run_it)


def _search(console: Console, options: argparse.Namespace, space: SearchSpace, dataset: Dataset, said: Row) -> int:
    ledger = Ledger(options.results)
    machines = machines_of(options)
    check_gpus(machines)
    goal = Goal(objectives=tuple(options.objectives), max_params=options.max_params, max_seconds=options.max_seconds)
    machines = machines.unshared() if goal.timed else machines
    study = Search(
        space, goal, options.trials, ledger, sampler=options.sampler, sampler_seed=options.sampler_seed,
        pruner=options.pruner, name=options.name, url=options.study, classes=len(dataset.classes),
        multilabel=dataset.multilabel, warm=options.warm, budget=options.budget,
        seconds_of=lambda spec: factor * estimate(spec, dataset).seconds,
    )  # fmt: skip
    check_objectives(goal.objectives, dataset)
    results = ledger.results()
    specs = space.sample(random.Random(0), DRAWS)
    screen.print_data(console, dataset)
    screen.print_validation(console, specs, dataset)
    screen.print_vectors(console, specs, dataset)
    drawn = [estimate(spec, dataset) for spec in specs]
    bars = lines.lacking(specs, ledger, options)
    factor = correction(known_estimates(ledger, results, dataset), results)
    each = factor * fmean(item.seconds for item in drawn)
    slots, cores = slots_here(machines), cores_to_share(machines)
    ended, left = study.progress()
    if options.budget is not None:
        room = math.ceil(options.budget * (slots or 1) / each)
        left = room if options.trials is None else min(left, room)
    screen.print_search(console, study)
    screen.print_plan(console, ledger, machines, ended + left, ended, left)
    if options.plan:
        slots = look_at_cluster(console, ledger, dataset, machines, slots)
    screen.print_estimate(console, drawn[:left], [each] * left, slots, cores)
    screen.print_lines(console, len(bars), lines.seconds_of(bars, dataset), "at the end")
    said["plan"] = facts.of_search(study, ended, left, each, slots, cores, max(item.memory_mb for item in drawn))
    said["plan"] |= plan_refit(console, options, specs, dataset)
    if options.plan:
        return FINISHED
    check_address(machines)
    if options.study is None:  # it lies in the ledger; one elsewhere that cannot be opened leaves no ledger behind
        ledger.check_writable()
    with study:
        ledger.name_data(dataset.sha256, found_again(options, dataset.name))
        keep_words(console, ledger, dataset, options)
        ledger.index()
        screen.print_dashboard(console, study.url)
        study.describe()
        with Progress(console, {}, slots or 1, (left, each), test=False, cores=cores) as progress:
            study.on_known = progress.known
            if left:
                run(study, ledger, dataset, machines, progress)
        best = study.best(options.confirm or 1)
        failed = dict(progress.failed_keys)
        if options.confirm:
            seeds = [spec.replace(seed=spec.seed + added) for spec in best for added in range(1, options.seeds + 1)]
            failed |= _confirm(console, len(best), seeds, ledger, dataset, machines, slots)
        winner = _summary(console, options, study, best, failed, ledger, dataset, said)
        if options.refit and winner is not None:
            failed |= _refit(console, options, winner, study, ledger, dataset, machines, said)
    screen.print_report_command(console, options.results)
    return SOME_FAILED if failed or winner is None else FINISHED


def _refit(
    console: Console,
    options: argparse.Namespace,
    winner: Spec,
    study: Search,
    ledger: Ledger,
    dataset: Dataset,
    machines: Machines,
    said: Row,
) -> dict[str, str]:
    fresh = range(1, options.seeds + 1) if options.confirm else ()
    seeds = [winner, *(winner.replace(seed=winner.seed + added) for added in fresh)]
    frames = ledger.load()
    return refit_best(
        console, options, seeds, ledger, dataset, machines, said["summary"], _specs_of(frames, study.name)
    )


def _specs_of(frames: LedgerFrames, study: str) -> list[Spec]:
    keys = frames.suggestions.loc[frames.suggestions["study"] == study, "key"]
    return [frames.specs[key] for key in keys if key in frames.specs]


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
    seconds, cores = {spec.key: estimates[spec.key].seconds for spec in to_run}, cores_to_share(machines)
    with Progress(console, seconds, slots or 1, test=False, cores=cores) as shown:
        run(SpecList(to_run), ledger, dataset, machines, shown)
    return shown.failed_keys


def _summary(
    console: Console,
    options: argparse.Namespace,
    study: Search,
    best: list[Spec],
    failed: Mapping[str, str],
    ledger: Ledger,
    dataset: Dataset,
    said: Row,
) -> Spec | None:
    """Print what was found, and write it beside what was looked for; return the winner, `choice.confirmed`'s first."""
    screen.print_search_done(console, study)
    screen.print_failed(console, failed)
    specs = {spec.key: spec for spec in best}
    frames = with_lines(console, options, study, ledger, dataset)
    rows = (
        choice.confirmed(frames.trials, list(specs), options.seeds)
        if options.confirm
        else choice.chosen(frames.trials, list(specs))
    )
    ranked: list[Row] = [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
    ledger.index()
    screen.print_ranked(console, ranked, specs)
    found = {"confirmed": list(specs) if options.confirm else [], "seeds": options.seeds}
    said["summary"] = {"states": study.states(), "failed": dict(failed), "ranked": ranked}
    if ranked:
        winner = ranked[0]
        spec = specs[winner["key"]]
        fresh = options.seeds if options.confirm else 0
        interval = _interval(winner, frames.trials, ledger, fresh, min(options.confirm, len(best)))
        screen.print_winner(console, spec, *interval, data_words(options))
        lines.print_against(console, frames, spec, float(winner["mean"]), int(winner["n"]))
        found |= {"winner": winner["key"]}
        said["summary"]["winner"] = facts.of_winner(spec, *interval)
        _ensemble(console, frames, study, ledger, said["summary"])
    study.describe(**found)
    return specs[ranked[0]["key"]] if ranked else None


def _ensemble(console: Console, frames: LedgerFrames, study: Search, ledger: Ledger, said: Row) -> None:
    """Say what the mean of the study's networks has; the fresh seeds of those that are confirmed are no part of it."""
    found = ensemble(frames, ledger.predictions, [spec.key for spec in _specs_of(frames, study.name)])
    screen.print_ensemble(console, found)
    if found:
        said["ensemble"] = found.to_dict()


def with_lines(
    console: Console, options: argparse.Namespace, study: Search, ledger: Ledger, dataset: Dataset
) -> LedgerFrames:
    """Compute the linear lines of the settings that the study's trials have, and return all that the ledger holds."""
    frames = ledger.load()
    bars = lines.lacking(_specs_of(frames, study.name), ledger, options)
    others = min(cores_here(), len(bars)) - 1
    with lines.while_training(console, bars, ledger, dataset, memory_here_mb() / 2, others):
        pass  # nothing trains any more, and this process takes its part
    return ledger.load() if bars else frames


def _interval(
    winner: Row, trials: pd.DataFrame, ledger: Ledger, fresh: int, confirmed: int
) -> tuple[float, float, float, str]:
    """Return what `with_interval` does of the winner, which so many fresh seeds confirm, of so many specs."""
    key = str(winner["key"])
    done = choice.planned(trials, key, fresh) if fresh else trials[trials["key"] == key]
    shares = choice.right_of_all(map(ledger.predictions, done["key"]))
    result = ledger.record(str(done["key"].iloc[0])).result() or {}
    return with_interval(winner, result, sample(done["test_accuracy"].to_numpy(), shares), confirmed)


def with_interval(
    winner: Row, result: Row, seeds: Sample | None = None, confirmed: int = 0
) -> tuple[float, float, float, str]:
    """Return mean test accuracy, low and high of the 95 % interval of a row of `choice`, and whose it is.

    Of several seeds it is Student's t over their accuracies, and over the reviews where the sample of `seeds` knows
    which they classify rightly; of one, Wilson's over the test reviews of the `result`, which says nothing of other
    seeds. `confirmed` is how many specs have fresh seeds: of several, the fresh seeds also say which one is best.
    """
    mean, n = float(winner["mean"]), int(winner["n"])
    source = _source(confirmed)
    if n > 1:
        found = None if seeds is None or seeds.shares is None else contrast([seeds], [1.0], ACCURACY)
        if found is not None and found.decidable:
            return mean, *found.interval(), f"Student's t over {n} seeds and the test reviews; {source}"
        low, high = (min(1.0, max(0.0, float(winner[end]))) for end in ("low", "high"))
        return mean, low, high, f"Student's t over {n} seeds; {source}"
    reviews = int(result["test_reviews"])
    over = f"Wilson's, over the test reviews of one seed; {source}"
    return mean, *wilson(round(mean * reviews), reviews), over


def _source(confirmed: int) -> str:
    if confirmed == 0:
        return "by the seed that chose it: --confirm 1"
    if confirmed == 1:
        return "chosen on old seeds, reported on fresh seeds"
    return f"{confirmed} chosen on old seeds, the best of them by validation on fresh seeds, which report it"
