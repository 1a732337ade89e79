"""The commands that the report tells its reader to run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from analysis.document import Block, Code, Command, Span, text
from rnnsweep.spec import Spec

Sources = Mapping[str, Sequence[str]]  # by checksum, the words by which a user named the data

REPORT_COMMAND = "python sweeps/grid.py --preset report --data imdb"
SEEDS_COMMAND = f"{REPORT_COMMAND} --seeds 5"
FACTORIAL_COMMAND = "python sweeps/grid.py --data imdb"
NAMED_DATA = ("imdb", "reuters", "embedded")  # what `--data` takes beside the path of a file
FILE = "FILE"  # stands for a path that the ledger does not know


def system_command(name: str) -> str:
    """Return the command that trains one of the eight systems."""
    return f"python sweeps/one.py --system {name}"


def data_words(sources: Sources, dataset: str, sha256: str) -> tuple[list[str], list[str | Span]]:
    """Return the words that name the data of a checksum as the user gave it, and what is to be said of them.

    A ledger that was written before these words were kept knows the data's name and checksum, and not where a user's
    file lies: of that, it is said what `FILE` is to be replaced by.
    """
    if sha256 in sources:
        return list(sources[sha256]), []
    if dataset in NAMED_DATA:
        return ["--data", dataset], []
    checksum = f" (checksum {sha256[:8] or 'unknown'})"
    return ["--data", FILE], [", with ", Code(FILE), " replaced by the path of the reviews ", Code(dataset), checksum]


def train_again(start: str, spec: Spec, sources: Sources) -> list[Block]:
    """Return the sentence that begins so and the command that trains this spec again."""
    words, said = data_words(sources, spec.dataset, spec.data_sha256)
    command = Command(shlex.join(["python", "sweeps/one.py", *spec.flags(), *words]))
    return [text(f"{start} this" if said else start, *said), command]


def more_seeds(spec: Spec, cells: Sequence[str], sources: Sources) -> list[str | Span]:
    """Return the command of the factorial on a spec's data, reviews and epochs, of these cells or with none of all, to
    which a number of seeds is to be added, and what is to be said of it."""
    words, said = data_words(sources, spec.dataset, spec.data_sha256)
    flags = ["--cell", *cells] if cells else []
    for name in ("reviews", "epochs"):
        if getattr(spec, name) != getattr(Spec, name):
            flags += [f"--{name}", str(getattr(spec, name))]
    return [Code(shlex.join(["python", "sweeps/grid.py", *words, *flags])), *said]


def read_again(sources: Sources, spec: Spec) -> tuple[list[str | Span], Command]:
    """Return what is to be said of the command that reads this spec's data, and trains nothing, and the command."""
    words, said = data_words(sources, spec.dataset, spec.data_sha256)
    return said, Command(shlex.join(["python", "sweeps/one.py", *spec.flags(), *words, "--plan"]))
