"""How long does it take from the command to the first trained epoch? Of this code, and of another for comparison.

    python benchmarks/start.py --repeats 3 --against ../before
    python benchmarks/start.py --repeats 1 --against ../before --data imdb

A sweep of as many small trials as there are cores, started as a user starts it, by default on 300 generated reviews.
The clock ends with the first epoch in the ledger. What is done once per machine, compiling the recurrences and reading
the data's file, a first run does before. Of real data most of the time may be that of what comes before the trials.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shared import parser, show

from rnnsweep.ledger import Record
from rnnsweep.sweep import cores_here

HERE = Path(__file__).parents[1]
TRIAL = ["--epochs", "1", "--cell", "gru", "--units", "16", "--max-len", "50"]
GENERATED = ("--data", "embedded", "--reviews", "300")


def seconds_to_first_epoch(code: Path, *flags: str) -> float:
    """Return the wall seconds from the command to the first epoch in the ledger; raises SystemExit where none comes."""
    seeds = [str(seed) for seed in range(1, cores_here() + 1)]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(code / "sweeps" / "grid.py"), *TRIAL, *flags, "--seed", *seeds]
        command += ["--results", folder]
        begun = time.perf_counter()
        child = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(code)}, stdout=subprocess.DEVNULL)
        while not any(Path(folder).glob(f"*/{Record.EPOCHS}")):
            if child.poll() is not None:
                raise SystemExit(f"start.py: the sweep of {code} ended without an epoch, status {child.returncode}")
            time.sleep(0.02)
        taken = time.perf_counter() - begun
        child.wait()
        return taken


def main() -> None:
    """Time the start on Ray and in one process, each code by turns; print the medians, write JSON lines if asked."""
    flags = parser(__doc__)
    flags.add_argument("--repeats", type=int, default=3)
    flags.add_argument("--data", help="all of imdb or a file instead of 300 generated reviews")
    flags.add_argument("--against", type=Path, metavar="FOLDER", help="the project as it was, to hold this one against")
    options = flags.parse_args()
    codes = [path.resolve() for path in (HERE, options.against) if path]
    rows = []
    data = ("--data", options.data) if options.data else GENERATED
    for runner, given in {"on Ray": data, "in process": (*data, "--in-process")}.items():
        for code in codes:
            seconds_to_first_epoch(code, *given)
        taken = [[seconds_to_first_epoch(code, *given) for code in codes] for _ in range(options.repeats)]
        for name, seconds in zip(("this code", "the other"), zip(*taken, strict=True), strict=False):
            rows.append(
                {"runner": runner, "code": name, "median_s": statistics.median(seconds), "least_s": min(seconds)}
            )
    show(rows, options.json)


if __name__ == "__main__":
    main()
