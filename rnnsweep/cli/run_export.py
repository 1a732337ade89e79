"""What `sweeps/export.py` does once its flags are read."""

from __future__ import annotations

import argparse

from rich.console import Console

from rnnsweep.cli import screen
from rnnsweep.cli.flags import FINISHED, Parser
from rnnsweep.cli.guard import guard, take_every_character
from rnnsweep.cli.run_predict import print_network, train_what_lacks
from rnnsweep.ledger import Ledger
from rnnsweep.use.chosen import chosen
from rnnsweep.use.export import export


def run_export(parser: Parser, options: argparse.Namespace) -> int:
    """Write the folder, and say what is in it; returns the exit status."""
    take_every_character()
    console = Console(highlight=False)

    def work() -> int:
        ledger = Ledger(options.results)
        found = chosen(ledger, options.key)
        if options.train:
            train_what_lacks(console, ledger, found)
        print_network(console, ledger, found)
        done = export(ledger, options.key, options.out, options.int8)
        for line in done.notes:
            screen.print_warning(console, line)
        where = screen.plain(str(done.folder))
        console.print(f"[bold]exported[/] {done.key}, in {where}: {', '.join(done.files)}", soft_wrap=True)
        return FINISHED

    return guard(parser, console, work)
