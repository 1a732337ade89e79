"""The commands that the report tells its reader to run."""

from __future__ import annotations

import shlex

from analysis.document import Block, Code, Command, text
from rnnsweep.spec import Spec

REPORT_COMMAND = "python sweeps/grid.py --preset report --data imdb"
SEEDS_COMMAND = f"{REPORT_COMMAND} --seeds 5"
FACTORIAL_COMMAND = "python sweeps/grid.py --data imdb"
NAMED_DATA = ("imdb", "embedded")  # what `--data` takes beside the path of a file
FILE = "FILE"  # stands for a path that the ledger does not know


def system_command(name: str) -> str:
    """Return the command that trains one of the eight systems."""
    return f"python sweeps/one.py --system {name}"


def train_again(start: str, spec: Spec) -> list[Block]:
    """Return the sentence that begins so and the command that trains this spec again.

    A ledger knows the name and the checksum of a user's reviews, and not where they lie: there the sentence says what
    `FILE` is to be replaced by.
    """
    known = spec.dataset in NAMED_DATA
    command = shlex.join(["python", "sweeps/one.py", *spec.flags(), "--data", spec.dataset if known else FILE])
    if known:
        return [text(start), Command(command)]
    checksum = f" (checksum {spec.data_sha256[:8] or 'unknown'})"
    said = (f"{start} this, with ", Code(FILE), " replaced by the path of the reviews ", Code(spec.dataset), checksum)
    return [text(*said), Command(command)]
