"""What `sweeps/predict.py` does once its flags are read."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from rnnsweep.cli import screen
from rnnsweep.cli.flags import FINISHED, Parser
from rnnsweep.cli.guard import guard, take_every_character
from rnnsweep.data.stream import Source, stream
from rnnsweep.data.unpack import cut
from rnnsweep.ledger import Ledger
from rnnsweep.use.chosen import Chosen, accuracy_on_test, chosen
from rnnsweep.use.predict import Prediction, Predictor
from rnnsweep.use.rows import predict_file
from rnnsweep.use.weights import lacking

SHOWN = 60  # characters of a text
MOST = 3  # classes whose probabilities are printed
EVERY = 100_000  # rows, off a terminal, after which a line says how far it is


def run_predict(parser: Parser, options: argparse.Namespace, key: str, texts: Sequence[str]) -> int:
    """Say which network it is, and what it says of the texts or of the file's rows; returns the exit status."""
    take_every_character()
    console = Console(highlight=False)

    def work() -> int:
        ledger = Ledger(options.results)
        found = chosen(ledger, key)
        if options.train:
            train_what_lacks(console, ledger, found)
        print_network(console, ledger, found)
        if not texts and not options.file:
            return FINISHED
        predictor = Predictor(ledger, found)
        print_generated(console, predictor)
        if options.out:
            _write(console, predictor, options)
        else:
            rows = (text for part in stream(_source(options, predictor)) for text in part.texts)
            print_predictions(console, predictor, texts or rows)
        return FINISHED

    return guard(parser, console, work)


def train_what_lacks(console: Console, ledger: Ledger, found: Chosen) -> None:
    """Train again, in this process, the seeds of a network that have no weights."""
    specs = lacking(ledger, found)
    if not specs:
        return
    from rnnsweep.sweep import Progress as Trials
    from rnnsweep.use.again import train_again

    with Trials(console, {spec.key: 0.0 for spec in specs}) as shown:
        train_again(ledger, specs, shown, lambda line: screen.print_warning(console, line))
    ledger.list_files()


def print_network(console: Console, ledger: Ledger, found: Chosen) -> None:
    """Print which network it is, how it was chosen, and how often it was right on the test set."""
    mean, low, high, over = accuracy_on_test(ledger, found)
    console.print(f"[bold]network[/]  {screen.plain(found.describe())}", soft_wrap=True)
    console.print(f"         {screen.plain(found.how)}", soft_wrap=True)
    interval = f"{low:.4f} to {high:.4f}: 95 %, {over}" if low == low else f"no interval: {over} that do not vary"
    console.print(f"         test {mean:.4f} ({interval})", soft_wrap=True)


def print_generated(console: Console, predictor: Predictor) -> None:
    """Warn of a network that has learned generated reviews."""
    if not predictor.vocabulary.real:
        screen.print_warning(console, "it has learned generated reviews, of word1, word2, ...: it knows no real text")


def print_predictions(console: Console, predictor: Predictor, texts: Iterable[str]) -> None:
    """Print a line per text: its class, the probability, the text's beginning, and a note."""
    several = predictor.vocabulary.multilabel
    width = 0 if several else max(map(len, predictor.classes))
    for said in predictor.predict(texts):
        shown = cut(said.text, SHOWN)
        note = f"  [{said.note}]" if said.note else ""
        label = said.label or "(none)"
        line = f"{label:<{width}}  {_shares(predictor, said)}  {shown}{note}"
        console.print(screen.plain(line), soft_wrap=True)


def _shares(predictor: Predictor, said: Prediction) -> str:
    """Return the probability of the class that counts as 1, or of more classes those of the most probable ones."""
    named = sorted(zip(said.probabilities, predictor.named, strict=True), reverse=True)
    return ", ".join(f"p({name}) {share:.3f}" for share, name in named[:MOST])


def _source(options: argparse.Namespace, predictor: Predictor) -> Source:
    return Source(
        options.file, options.text_column, predictor.vocabulary.reading.text_column, options.encoding, options.header
    )


def _write(console: Console, predictor: Predictor, options: argparse.Namespace) -> None:
    columns = (TextColumn("{task.fields[rows]:,} rows"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    rows = 0
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("", total=1.0, rows=0)
        for done in predict_file(predictor, _source(options, predictor), options.out):
            if not console.is_terminal and rows // EVERY < done.rows // EVERY:
                console.print(f"         {done.rows:,} rows, {100 * done.share:.0f} %")
            rows = done.rows
            shown.update(task, completed=done.share, rows=rows)
    console.print(f"[bold]done[/]     {rows:,} rows, in {screen.plain(str(options.out))}", soft_wrap=True)
