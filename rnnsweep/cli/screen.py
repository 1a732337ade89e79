"""TODO docstring of rnnsweep/cli/screen.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from rnnsweep.cli.flags import as_text
from rnnsweep.cluster import MUST_AGREE, Node
from rnnsweep.data import Dataset
from rnnsweep.ledger import Ledger
from rnnsweep.spec import FROM_DATA, HINTS, Spec
from rnnsweep.sweep import Estimate, duration

if TYPE_CHECKING:
    from rnnsweep.search import Search


OBJECTIVE_WORDS = {"MAXIMIZE": "the more the better", "MINIMIZE": "the less the better"}


def print_data(console: Console, dataset: Dataset) -> None:
    reviews = f"{len(dataset.train):,} + {len(dataset.test):,} reviews"
    real = "" if dataset.real else ", generated, not real reviews"
    console.print(f"[bold]data[/]     {dataset.name} ({reviews}{real}), checksum {dataset.sha256[:12]}", soft_wrap=True)


def print_axes(console: Console, specs: list[Spec]) -> None:
    table = Table.grid(padding=(0, 2))
    for name in HINTS:
        column = "embedding_rows" if name == "vocab_size" else name  # None is num_words, whatever that is
        values = list(dict.fromkeys(as_text(getattr(spec, column)) for spec in specs))
        if name not in FROM_DATA and (len(values) > 1 or name in ("epochs", "reviews", "seed")):
            table.add_row(f"  {name}", "  ".join(values))
    console.print(table)


def print_search(console: Console, study: Search) -> None:
    table = Table.grid(padding=(0, 2))
    for name, axis in study.space.axes.items():
        of_each = " (each layer)" if name == "units" else ""
        table.add_row(f"  {name}", f"{axis}{of_each}")
    for name in ("epochs", "reviews", "seed"):
        table.add_row(f"  {name}", as_text(getattr(study.space.base, name)))
    console.print(table)
    size = f"{study.space.size:,.0f}" if study.space.size < 1e15 else "endless"
    limits = [f"{name.removeprefix('max_')} at most {value:,}" for name, value in study.goal.to_dict().items()
              if name.startswith("max_") and value is not None]  # fmt: skip
    wanted = [f"{name} ({OBJECTIVE_WORDS[direction.name]})" for name, direction in
              zip(study.goal.objectives, study.goal.directions, strict=True)]  # fmt: skip
    console.print(f"[bold]search[/]   {', '.join(wanted + limits)}; {size} specs; sampler {study.sampler}, "
                  f"pruner {study.pruner or 'none'}; study {study.name}", soft_wrap=True)  # fmt: skip


def print_plan(console: Console, ledger: Ledger, trials: int, done: int, to_train: int) -> None:
    console.print(f"[bold]results[/]  {ledger.uri}", soft_wrap=True)
    console.print(f"[bold]plan[/]     {trials} trials: {done} done, {to_train} to train")


def print_nodes(console: Console, nodes: list[Node], slots: int) -> None:
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


def print_estimate(console: Console, to_run: list[Estimate], seconds: float, slots: int | None) -> None:
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
