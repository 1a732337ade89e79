"""All that a command prints beside the live view of running trials."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rnnsweep import commands
from rnnsweep.cells import OWN
from rnnsweep.choice import ACCURACY
from rnnsweep.cli.flags import as_text
from rnnsweep.cluster import MUST_AGREE, Node
from rnnsweep.data import Dataset, split
from rnnsweep.data.vectors import coverage
from rnnsweep.ensemble import Ensemble
from rnnsweep.ledger import LINE_TITLES, Ledger
from rnnsweep.machine.gpu import hidden, installed
from rnnsweep.machine.software import blas_text, kernel_warning
from rnnsweep.redact import printable, without_password
from rnnsweep.search import SMALLER
from rnnsweep.spec import FROM_DATA, HINTS, Spec
from rnnsweep.sweep import KERAS_TIMES, Estimate, Machines, duration, wall_seconds
from rnnsweep.types import Row

if TYPE_CHECKING:
    from rnnsweep.search.search import Search


def plain(text: str) -> str:
    """Return text from outside as rich prints it unchanged: no brackets are markup, no character steers a terminal."""
    return escape(printable(text))


def print_warning(console: Console, line: str) -> None:
    """Print what a person should know before it goes on, in yellow."""
    console.print(f"warning: {plain(line)}", style="yellow", soft_wrap=True)


def print_interrupted(console: Console, command: str) -> None:
    """Print how to go on."""
    console.print(f"interrupted; nothing finished is lost. To go on: {plain(command)}", soft_wrap=True)


# The plan.


def print_data(console: Console, dataset: Dataset) -> None:
    """Print which reviews are trained on, how many, whether they are real, and how a user's file was read."""
    reviews = f"{len(dataset.train):,} + {len(dataset.test):,} reviews"
    if dataset.validation is not None:
        reviews += f", {len(dataset.validation):,} for validation"
    real = "" if dataset.real else ", generated, not real reviews"
    classes = "" if len(dataset.classes) == 2 else f", {len(dataset.classes)} classes"
    if dataset.multilabel:
        classes = f", {len(dataset.classes)} labels, several a text"
    console.print(
        f"[bold]data[/]     {plain(dataset.name)} ({reviews}{classes}{real}), checksum {dataset.sha256[:12]}",
        soft_wrap=True,
    )
    for line in dataset.notes:
        console.print(f"         {line}", soft_wrap=True, markup=False)


def print_axes(console: Console, specs: list[Spec]) -> None:
    """Print the fields in which the specs differ, with their values, and the epochs, reviews and seeds."""
    table = Table.grid(padding=(0, 2))
    for name in HINTS:
        column = "embedding_rows" if name == "vocab_size" else name  # None is num_words, whatever that is
        values = list(dict.fromkeys(as_text(getattr(spec, column)) for spec in specs))
        if name not in FROM_DATA and (len(values) > 1 or name in ("epochs", "reviews", "seed")):
            table.add_row(f"  {name}", "  ".join(values))
    console.print(table)


def print_search(console: Console, study: Search) -> None:
    """Print the axes of a search, what it looks for, and how."""
    table = Table.grid(padding=(0, 2))
    for name, axis in study.space.axes.items():
        of_each = " (each layer)" if name == "units" else ""
        table.add_row(f"  {name}", f"{axis}{of_each}")
    if study.space.with_sgd:
        with_sgd = ", ".join(f"{name} {as_text(value)}" for name, value in study.space.with_sgd.items())
        table.add_row("  with sgd", with_sgd)
    for name in ("epochs", "reviews", "seed"):
        table.add_row(f"  {name}", as_text(getattr(study.space.base, name)))
    console.print(table)
    size = f"{study.space.size:,.0f}" if study.space.size < 1e15 else "endless"
    limits = [f"{name.removeprefix('max_')} at most {value:,}" for name, value in study.goal.to_dict().items()
              if name.startswith("max_") and value is not None]  # fmt: skip
    wanted = [f"{name} (the {'less' if name in SMALLER else 'more'} the better)" for name in study.goal.objectives]
    console.print(f"[bold]search[/]   {', '.join(wanted + limits)}; {size} specs; sampler {study.sampler}, "
                  f"pruner {study.pruner or 'none'}; study {study.name}", soft_wrap=True)  # fmt: skip


def print_plan(console: Console, ledger: Ledger, machines: Machines, trials: int, done: int, to_train: int) -> None:
    """Print where the results are, how much is left, and, of trials on this machine, what computes their numbers."""
    console.print(f"[bold]results[/]  {plain(ledger.uri)}", soft_wrap=True)
    console.print(f"[bold]plan[/]     {trials} trials: {done} done, {to_train} to train")
    if machines.in_process or machines.address is None:
        console.print(f"[bold]kernel[/]   {blas_text()}")
        warning = kernel_warning()
        if warning:
            print_warning(console, warning)
        if not machines.in_process and not machines.gpus_per_trial and not hidden():
            print_idle_gpus(console, installed())


def print_idle_gpus(console: Console, gpus: Sequence[tuple[str, float]]) -> None:
    """Print that none of these GPUs, each name and memory in MB, will be used, and how they would, if there are any."""
    if gpus:
        names = plain(", ".join(dict.fromkeys(name for name, _ in gpus)))
        console.print(f"[bold]gpu[/]      {names}: not used; to use it, --gpus-per-trial auto", soft_wrap=True)


def print_lines(console: Console, settings: int, seconds: float, when: str) -> None:
    """Print of how many settings linear lines are computed, when, and how long that takes, if there are any."""
    if settings:
        many = f"{settings} setting{'s' * (settings > 1)}"
        console.print(
            f"         {when}, linear models of {many}: about {duration(seconds)} (--no-baselines: none)",
            soft_wrap=True,
        )


def print_validation(console: Console, specs: Iterable[Spec], dataset: Dataset) -> None:
    """Print, a line per kind, how the validation reviews of these specs are chosen, where that is to be said."""
    notes = dict.fromkeys(split(spec, dataset).note for spec in specs)
    for note in filter(None, notes):
        console.print(f"[bold]validate[/] {plain(note)}", soft_wrap=True)


def print_vectors(console: Console, specs: Iterable[Spec], dataset: Dataset) -> None:
    """Print, a line per number of words, how many of them begin with a pretrained vector, where there are any."""
    if dataset.vectors is not None:
        for num_words in sorted({spec.num_words for spec in specs}):
            console.print(f"[bold]vectors[/]  {plain(coverage(dataset, num_words))}", soft_wrap=True)


def print_nodes(console: Console, nodes: list[Node], slots: int) -> None:
    """Print what the nodes said: a row per kind of node, named by its first; warn if their numbers will differ."""
    console.print(f"[bold]cluster[/]  {len(nodes)} nodes, {slots} trials at a time")
    console.print("         every node received the reviews by the object store, and wrote and read the results",
                  soft_wrap=True)  # fmt: skip
    software = ", ".join(f"{name} {nodes[0].versions[name]}" for name in MUST_AGREE if name in nodes[0].versions)
    known = next((node.revision for node in nodes if node.revision), "of unknown revision")
    console.print(f"         {software}, rnnsweep {known} on all", soft_wrap=True)
    kinds: dict[tuple[str, ...], list[Node]] = {}
    for node in nodes:
        has = node.resources
        gpus = f"{has.get('GPU', 0):g} GPUs" + "".join(f" {name} {mb / 1024:.0f} GB" for name, mb in node.gpus[:1])
        kind = (f"{has.get('CPU', 0):g} CPUs", gpus, f"{has.get('memory', 0) / 2**30:.0f} GB")
        kinds.setdefault(kind, []).append(node)
    table = Table.grid(padding=(0, 2))
    for columns, same in kinds.items():
        table.add_row(f"         {_first_of(same)}", *columns)
    console.print(table)
    _print_kernels(console, nodes)


def _print_kernels(console: Console, nodes: list[Node]) -> None:
    kernels: dict[str, list[Node]] = {}
    for node in nodes:
        if node.blas:
            kernels.setdefault(node.blas, []).append(node)
    if len(kernels) == 1:
        console.print(f"[bold]kernel[/]   {next(iter(kernels))} on all")
    elif kernels:
        which = "; ".join(f"{blas} on {_first_of(same)}" for blas, same in kernels.items())
        print_warning(console, f"the nodes' BLAS differ, so the last digits of a trial depend on its node: {which}")


def _first_of(nodes: list[Node]) -> str:
    return nodes[0].name + (f" and {len(nodes) - 1} more" if len(nodes) > 1 else "")


def print_estimate(
    console: Console, to_run: list[Estimate], seconds: Sequence[float], slots: int | None, cores: int | None
) -> None:
    """Print how long these trials should take, each so many seconds of one core, and their memory, if there are any."""
    if not to_run:
        return
    memory = max(item.memory_mb for item in to_run) / 1024
    if slots is None:
        console.print(f"         about {duration(sum(seconds))} of one core, up to {memory:.1f} GB per trial")
        return
    used = min(slots, len(to_run))
    console.print(
        f"         about {duration(wall_seconds(seconds, used, cores))} on {used} slot{'s' * (used > 1)}, "
        f"up to {memory:.1f} GB per trial, {used * memory:.1f} GB together"
    )


def print_slow(console: Console, specs: Sequence[Spec]) -> None:
    """Print which of these specs run on the slow path, and how much slower that is, if there are any."""
    slow = [spec.own_layer for spec in specs if spec.cell == OWN]
    if slow:
        console.print(
            f"         {len(slow)} of these on the Keras layers ({', '.join(sorted(set(slow)))}: a layer of your own), "
            f"about {KERAS_TIMES} times slower than a packed network of that size",
            soft_wrap=True,
        )


# The end.


def print_done(console: Console, ledger: Ledger, finished: int, trials: int) -> None:
    """Print how many of a sweep's trials finished, and where they are."""
    console.print(f"[bold]done[/]     {finished} of {trials} trials finished, in {plain(ledger.uri)}", soft_wrap=True)


def print_failed(console: Console, failed: Mapping[str, str]) -> None:
    """Print a line per trial that did not finish: its key and the reason."""
    for key, reason in failed.items():
        console.print(f"  [red]{key}[/]  {plain(reason)}", soft_wrap=True)


def print_report_command(console: Console, results: str) -> None:
    """Print how to make the report."""
    command = shlex.join([*commands.words("report"), "--results", results])
    console.print(f"report   {plain(command)}", soft_wrap=True)


def print_dashboard(console: Console, url: str) -> None:
    """Print how to watch the study."""
    console.print(f"[bold]study[/]    optuna-dashboard {plain(without_password(url))}", soft_wrap=True)


def print_confirm(console: Console, specs: int, trials: int) -> None:
    """Print what the confirmation of the best will train."""
    console.print(f"[bold]confirm[/]  {specs} specs, {trials} trials with fresh seeds to train")


def print_search_done(console: Console, study: Search) -> None:
    """Print what became of a study's trials."""
    states = ", ".join(f"{count} {state}" for state, count in study.states().items())
    seconds = fmean(study.suggest_seconds or [0.0])
    wanted = "" if study.trials is None else f" of {study.trials}"
    console.print(
        f"[bold]done[/]     {study.begun}{wanted} trials: {states}; {study.answered} answered by the ledger; "
        f"a suggestion took {seconds:.3f} s", soft_wrap=True,
    )  # fmt: skip


def print_ranked(console: Console, ranked: Sequence[Row], specs: Mapping[str, Spec]) -> None:
    """Print a line per row of `choice.confirmed`, the winner first; the specs are by key."""
    table = Table.grid(padding=(0, 2))
    selects = {spec.select for spec in specs.values()}
    one = selects.pop() if len(selects) == 1 else ACCURACY
    name = "val" if one == ACCURACY else one
    for row in ranked:
        table.add_row(f"  {name} {row['val']:.4f}", f"n = {row['n']}", row["key"], specs[row["key"]].label())
    console.print(table)


def print_winner(
    console: Console, spec: Spec, mean: float, low: float, high: float, over: str, data: Sequence[str]
) -> None:
    """Print the winner's test accuracy with its 95 % interval, `over` which it is, and how to train it again.

    `data` are the words of the command line that say on what.
    """
    console.print(f"[bold]winner[/]   {spec.key}  test {mean:.4f} ({low:.4f} to {high:.4f}: 95 %, {over})",
                  soft_wrap=True)  # fmt: skip
    words = [*commands.words("one"), *spec.flags(), *data]
    console.print(f"again    {plain(shlex.join(words))}", soft_wrap=True)


def print_bar_measure(console: Console, title: str, value: float, line: Mapping[str, Any], column: str) -> None:
    """Print the best network's mean on the test set of what it was chosen by, beside the best linear line by it."""
    name = LINE_TITLES.get(str(line["model"]), str(line["model"]))
    console.print(f"         the network is the best by {title}: {value:.4f} on the test set; the best linear line by "
                  f"it, {name}, has {float(line[column]):.4f}", soft_wrap=True)  # fmt: skip


def print_ensemble(console: Console, found: Ensemble | None) -> None:
    """Print the ensemble of the sweep's networks that validation chose, with the sum of its costs; None: nothing."""
    if found:
        members = ", ".join(f"{key}{f' x {times}' if times > 1 else ''}" for key, times in found.members.items())
        low, high = found.interval()
        console.print(
            f"[bold]ensemble[/] mean logits of {len(found.members)} networks, chosen on validation "
            f"({found.val_accuracy:.4f}): test {found.test_accuracy:.4f} ({low:.4f} to {high:.4f}: 95 %, Wilson's), "
            f"trained in {duration(found.seconds)} together; {members}",
            soft_wrap=True,
        )


def print_bar(console: Console, spec: Spec, accuracy: float, seeds: int, line: Mapping[str, Any]) -> None:
    """Print the best network, with its mean test accuracy, beside the best linear line, a row of the ledger."""
    title = LINE_TITLES.get(str(line["model"]), str(line["model"]))
    ahead = 100 * (float(line["test_accuracy"]) - accuracy)
    first = "the line is" if ahead > 0 else "the network is"
    verdict = f"{first} {abs(ahead):.1f} points ahead" if abs(ahead) >= 0.05 else "they are level"
    console.print(
        f"[bold]bar[/]      best network so far: {spec.label()}, test {accuracy:.4f} (n = {seeds}); best linear "
        f"line: {title}, {line['num_words']:,} words, {line['max_len']:,} steps, test {line['test_accuracy']:.4f} in "
        f"{duration(float(line['seconds']))}; {verdict}",
        soft_wrap=True,
    )
