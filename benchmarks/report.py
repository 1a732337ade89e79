"""What a report costs: wall and CPU seconds, memory and megabytes, by the number of trials.

python benchmarks/report.py [--results ../shared/ledger] [--trials 243 2000] [--epochs 10] [--pdf]

Copies the records of a real ledger under further seeds until there are so many trials, and writes the report of each
ledger in a fresh process. CPU seconds are those of all its processes; memory is the largest process's.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rnnsweep.ledger import Ledger, Record  # noqa: E402
from rnnsweep.spec import Spec  # noqa: E402

FURTHER = 1000  # seeds of copies begin here
MEASURED = """
import contextlib, io, json, resource, sys, time
start = time.perf_counter()
from analysis.report import main
with contextlib.redirect_stdout(io.StringIO()):
    status = main(sys.argv[1:])
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({
    "status": status, "wall": time.perf_counter() - start, "cpu": sum(one.ru_utime + one.ru_stime for one in used),
    "megabytes": max(one.ru_maxrss for one in used) / 1024,
}))
"""


def main() -> None:
    """Print a line per number of trials."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--results", default=str(ROOT.parent / "shared" / "ledger"), help="the ledger to copy from")
    parser.add_argument("--trials", type=int, nargs="+", default=[243, 2000])
    parser.add_argument("--epochs", type=int, default=10, help="of each trial; those of the copied one by turns")
    parser.add_argument("--pdf", action="store_true", help="write the PDF, too")
    options = parser.parse_args()
    print("trials  wall s   CPU s  memory MB  page MB  load before")
    for trials in options.trials:
        with tempfile.TemporaryDirectory() as folder:
            copied = Path(folder, "results")
            fill(Path(options.results), copied, trials, options.epochs)
            load = os.getloadavg()[0]
            found = measured(copied, Path(folder, "report"), ["--pdf"] * options.pdf)
            print(
                f"{trials:6,} {found['wall']:7.1f} {found['cpu']:7.1f} {found['megabytes']:10.0f} "
                f"{found['page']:8.2f} {load:12.1f}",
                flush=True,
            )


def fill(source: Path, target: Path, trials: int, epochs: int) -> None:
    """Write so many trials of so many epochs: the source's, and copies of them under further seeds."""
    contents = Ledger(source).load()
    done = contents.trials.loc[contents.trials["status"] == "finished", "key"]
    known = [(str(key), contents.specs[key].replace(epochs=epochs)) for key in done]
    logs = {str(key): rows.to_dict("records") for key, rows in contents.epochs.groupby("key")}
    for spec, key in _named(known, trials):
        folder = target / spec.key
        folder.mkdir(parents=True)
        (folder / Record.SPEC).write_text(spec.to_json())
        rows = [logs[key][place % len(logs[key])] | {"epoch": place + 1} for place in range(epochs)]
        (folder / Record.EPOCHS).write_text("".join(json.dumps(row | {"key": spec.key}) + "\n" for row in rows))
        for name in (Record.RESULT, Record.PREDICTIONS):
            shutil.copyfile(source / key / name, folder / name)


def _named(known: list[tuple[str, Spec]], trials: int) -> Iterator[tuple[Spec, str]]:
    for place in range(trials):
        again, (key, spec) = place // len(known), known[place % len(known)]
        yield (spec.replace(seed=FURTHER * again + spec.seed) if again else spec), key


def measured(results: Path, out: Path, more: list[str]) -> dict[str, float]:
    """Return wall and CPU seconds, megabytes of memory and of the page of one report."""
    command = [sys.executable, "-c", MEASURED, "--results", str(results), "--out", str(out), *more]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout) | {"page": (out / "report.html").stat().st_size / 1e6}


if __name__ == "__main__":
    main()
