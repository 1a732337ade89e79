"""How long does it take to open a ledger of thousands of trials? By its index, and by a reading per file.

    python benchmarks/opening.py --trials 1000 10000
    python benchmarks/opening.py --trials 1000 --bucket

Both sides open the same files, one after the other: what a sweep looks at first (`results`), and what a report is made
of (`load`). `--bucket` asks a stand-in for S3 on this machine, which needs moto and boto3: it has no distance, but its
answers take a processor's time, so the seconds are its own, and only the ratio tells something.
"""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyarrow import fs
from shared import parser, show

from rnnsweep.ledger import Ledger, Record
from rnnsweep.ledger.store import INDEX
from rnnsweep.spec import Spec

EPOCHS = 10
ROW = {"epoch": 1, "loss": 0.5, "accuracy": 0.75, "val_loss": 0.5, "val_accuracy": 0.75, "seconds": 12.5}
ACCURACIES = ("train", "val", "test", "last_train", "last_val", "last_test")
RESULT = {"status": "finished", "seconds": 125.0, "best_epoch": 3, "params": 9, "layers": [], "real_data": True}
RESULT |= {f"{name}_accuracy": 0.75 for name in ACCURACIES}
WEIGHTS = (Record.PREDICTIONS, Record.BEST_WEIGHTS, Record.LAST_WEIGHTS)  # listed, but not opened


def fill(folder: Path, trials: int) -> None:
    """Write the files of so many finished trials; those that nobody opens here are empty."""
    for seed in range(trials):
        spec = Spec(epochs=EPOCHS, seed=seed)
        trial = folder / spec.key
        trial.mkdir(parents=True)
        (trial / Record.SPEC).write_text(spec.to_json() + "\n")
        (trial / Record.EPOCHS).write_text("".join(json.dumps(ROW | {"epoch": n + 1}) + "\n" for n in range(EPOCHS)))
        (trial / Record.RESULT).write_text(json.dumps(RESULT, indent=1, sort_keys=True) + "\n")
        for name in WEIGHTS:
            (trial / name).touch()


@contextmanager
def bucket() -> Iterator[str]:
    """Yield the address of an empty bucket of a stand-in for S3 on this machine."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line per request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", **keys).create_bucket(Bucket="bucket")
    yield f"s3://testing:testing@bucket/results?scheme=http&region=us-east-1&endpoint_override={host}%3A{port}"
    server.stop()


def seconds_to_open(uri: str) -> dict[str, float]:
    """Return the seconds that a sweep's first look and a report's reading take, each by a ledger that knows nothing."""
    taken = {}
    for name in ("results", "load"):
        ledger, begun = Ledger(uri), time.perf_counter()
        getattr(ledger, name)()
        taken[name] = time.perf_counter() - begun
    return taken


def measure(uri: str, trials: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each way to open the ledger: without an index, and with one."""
    ledger = Ledger(uri)
    plain = seconds_to_open(uri)
    ledger.results()
    ledger.index()
    if ledger.read_file(INDEX) is None:
        raise SystemExit(f"opening.py: {trials} trials are too few for an index; give --trials 400 or more")
    indexed = seconds_to_open(uri)
    for name in plain:
        ratio = plain[name] / indexed[name]
        yield {"where": uri.partition("://")[0] if "://" in uri else "folder", "trials": trials, "what": name,
               "a_reading_per_file_s": plain[name], "by_index_s": indexed[name], "times_sooner": ratio}  # fmt: skip


def main() -> None:
    """Open each ledger both ways and print the ratios; JSON lines, if asked."""
    flags = parser(__doc__)
    flags.add_argument("--trials", type=int, nargs="+", default=[1000, 10000])
    flags.add_argument("--bucket", action="store_true", help="in a stand-in for S3, beside the folder")
    options = flags.parse_args()
    rows = []
    for trials in options.trials:
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), trials)
            if options.bucket:
                with bucket() as uri:
                    there, root = fs.FileSystem.from_uri(uri)
                    fs.copy_files(folder, root, source_filesystem=fs.LocalFileSystem(), destination_filesystem=there)
                    rows += measure(uri, trials)
            rows += measure(folder, trials)
    show(rows, options.json)


if __name__ == "__main__":
    main()
