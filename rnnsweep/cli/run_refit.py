"""What `--refit` does once the networks are trained: the best of them, and the linear lines, again on all texts."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

import pandas as pd
from rich.console import Console

from rnnsweep import choice
from rnnsweep.cli import lines, screen
from rnnsweep.data import Dataset
from rnnsweep.ledger import Ledger, LedgerFrames
from rnnsweep.refits import SEEDS, compared, reason_against, refit, refits
from rnnsweep.run import run
from rnnsweep.spec import Spec
from rnnsweep.sweep import (
    Machines,
    Progress,
    SpecList,
    cores_to_share,
    duration,
    estimate,
    longest_first,
    missing,
    slots_here,
)
from rnnsweep.types import Row


def seeds_of(options: argparse.Namespace) -> int:
    """Return how many fresh seeds a refit has."""
    return int(options.seeds or SEEDS)


def plan_refit(console: Console, options: argparse.Namespace, specs: Iterable[Spec], dataset: Dataset) -> Row:
    """Print what the refit of one of these networks would take, and return it; nothing where there will be none.

    A network that can have none is said before its sweep has taken its hours, too.
    """
    if not options.refit:
        return {}
    reasons = {spec: reason_against(spec) for spec in specs}
    able = [spec for spec, reason in reasons.items() if not reason]
    if len(able) < len(reasons):
        screen.print_warning(console, f"{len(reasons) - len(able)} of {len(reasons)} networks can have no refit: "
                             f"{next(filter(None, reasons.values()))}")  # fmt: skip
    if not able:
        return {}
    seeds = seeds_of(options)
    seconds = seeds * fmean(estimate(refit(spec, spec.epochs, spec.seed), dataset).seconds for spec in able)
    _print_refit_plan(console, seeds, seconds)
    return {"refit": {"trials": seeds, "seconds": seconds}}


def refit_best(
    console: Console,
    options: argparse.Namespace,
    specs: Sequence[Spec],
    ledger: Ledger,
    dataset: Dataset,
    machines: Machines,
    said: Row,
    others: Sequence[Spec] = (),
) -> dict[str, str]:
    """Train the best network of these specs again on all texts, say what that brought; returns what failed, by key.

    And the linear lines of the settings of these specs and of `others`.
    """
    network = _best(ledger.load(), specs)
    reason = reason_against(network[0][0]) if network else "none of these networks has finished with texts held out"
    if reason:
        screen.print_warning(console, f"no refit: {reason}")
        return {}
    trained = refits([spec for spec, _ in network], [epoch for _, epoch in network], seeds_of(options))
    failed = _train(console, trained, ledger, dataset, machines)
    settings = [*specs, *others]
    if options.baselines:
        lines.compute_refits(console, settings, ledger, dataset)
    frames = ledger.load()
    row = _row(frames, ledger, [spec for spec, _ in network], trained)
    if row:
        _print_refit(console, row)
        said["refit"] = row
    pairs = lines.refitted_lines(frames, settings)
    _print_refitted_lines(console, pairs)
    if len(pairs):
        said["refitted_lines"] = pairs.to_dict("records")
    return failed


def _best(frames: LedgerFrames, specs: Sequence[Spec]) -> list[tuple[Spec, int]]:
    """Return the best network's validated trials among these, each with its best epoch."""
    trials = frames.trials
    done = trials[trials["key"].isin([spec.key for spec in specs]) & (trials["status"] == "finished")]
    ranked = choice.networks(choice.held_out(done))
    if not len(ranked):
        return []
    rows = choice.of_network(done, str(ranked.iloc[0]["key"])).sort_values("seed")
    return [(frames.specs[key], int(epoch)) for key, epoch in zip(rows["key"], rows["best_epoch"], strict=True)]


def _train(
    console: Console, specs: Sequence[Spec], ledger: Ledger, dataset: Dataset, machines: Machines
) -> dict[str, str]:
    lacking = missing(specs, ledger)
    if not lacking:
        return {}
    estimates = {spec.key: estimate(spec, dataset) for spec in lacking}
    to_run = longest_first(lacking, estimates)
    _print_refit_begins(console, specs[0], len(to_run))
    seconds = {spec.key: estimates[spec.key].seconds for spec in to_run}
    with Progress(console, seconds, slots_here(machines) or 1, cores=cores_to_share(machines)) as shown:
        run(SpecList(to_run), ledger, dataset, machines, shown)
    return shown.failed_keys


def _row(frames: LedgerFrames, ledger: Ledger, network: Sequence[Spec], trained: Sequence[Spec]) -> dict[str, Any]:
    """Return the row of `compared` of this network's own trials and of those of its refit."""
    keys = [spec.key for spec in (*network, *trained)]
    found = compared(frames.trials, frames.specs, frames.studies, ledger.predictions, keys)
    return {str(name): value for name, value in found.iloc[0].items()} if len(found) else {}


def _print_refit_plan(console: Console, trials: int, seconds: float) -> None:
    """Print what a refit will train once the best network is known."""
    console.print(f"         at the end, the best network on all texts: {trials} trials, about {duration(seconds)} of "
                  "one core", soft_wrap=True)  # fmt: skip


def _print_refit_begins(console: Console, spec: Spec, trials: int) -> None:
    """Print what a refit trains now."""
    console.print(f"[bold]refit[/]    {spec.label()} on all texts, {spec.epochs} epochs as validated: {trials} trials "
                  "to train", soft_wrap=True)  # fmt: skip


def _print_refit(console: Console, row: Row) -> None:
    """Print a row of `refits.compared`: what the refit has, what the network had, and their difference."""
    console.print(
        f"[bold]refit[/]    {row['network']}, {row['epochs']} epochs: test {row['refit_accuracy']:.4f}"
        f"{_between(row['refit_low'], row['refit_high'])} (n = {row['refit_n']}) trained on all texts, "
        f"{row['test_accuracy']:.4f}{_between(row['low'], row['high'])} (n = {row['n']}) with some held out; "
        f"{100 * row['difference']:+.2f} points{_between(row['difference_low'], row['difference_high'], 100)}",
        soft_wrap=True,
    )
    if not math.isnan(row["refit_together"]):
        beside = "" if math.isnan(row["together"]) else f", {row['together']:.4f} with some held out"
        console.print(
            f"         the mean of their logits: test {row['refit_together']:.4f} trained on all texts{beside}; "
            "predict and export name it refit, as long as this network is the best",
            soft_wrap=True,
        )


def _between(low: float, high: float, factor: float = 1) -> str:
    digits = 4 if factor == 1 else 2
    return f" ({low * factor:.{digits}f} to {high * factor:.{digits}f}: 95 %)" if low == low else ""


def _print_refitted_lines(console: Console, pairs: pd.DataFrame) -> None:
    """Print a line per linear model, of `lines.refitted_lines`."""
    for row in pairs.itertuples():
        console.print(
            f"         {row.title}, {row.num_words:,} words, {row.max_len:,} steps: test {row.refit_accuracy:.4f} "
            f"trained on all texts, {row.test_accuracy:.4f} with some held out", soft_wrap=True,
        )  # fmt: skip
