"""A sweep that is killed at each of its writes in turn, for real, and given again.

`python -m tests.helpers.killed PLACE TRIALS STAGE...`, in a process of its own, which forks.

Prints, as JSON, how many kills there were, which of the ledgers were not equal to an undisturbed one, and how many
epochs were trained twice: a killed one is at most the epoch in progress.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rnnsweep.ledger import Ledger, store
from rnnsweep.run import run
from rnnsweep.sweep import SpecList, missing
from tests.helpers.stepwise import SPECS, epochs_trained, trainer, values
from tests.helpers.sweeps import HERE

STAGES = ("before", "half", "after")  # of a write: nothing is done, half a file lies beside it, all is done


class Counted:
    """Counts the writes and removals of every ledger in this process, and kills it in this stage of one."""

    def __init__(self, fatal=0, stage="before"):
        self.count, self.fatal, self.stage = 0, fatal, stage
        for name in ("write_file", "remove_file"):
            setattr(store.Store, name, self._counting(getattr(store.Store, name)))

    def _counting(self, original):
        def change(ledger, path, *data):
            self.count += 1
            if self.count != self.fatal:
                original(ledger, path, *data)
                return
            if self.stage == "half" and data and "://" not in ledger.uri:
                half = Path(ledger.uri, path).with_name(f".{Path(path).name}-{'0' * 32}")
                half.parent.mkdir(parents=True, exist_ok=True)
                half.write_bytes(data[0][: len(data[0]) // 2])
            if self.stage == "after":
                original(ledger, path, *data)
            os.kill(os.getpid(), signal.SIGKILL)

        return change


def forked(action):
    """Do it in a process of its own; return what it returns, or None where it was killed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, json.dumps(action()).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return None
    return json.loads(said)


def sweep(uri, specs, log, **more):
    """Run the sweep; return how many writes that took."""
    counted = Counted(**more)
    ledger = Ledger(uri)
    run(SpecList(missing(specs, ledger)), ledger, None, HERE, trainer=trainer(log))
    return counted.count


def content(uri):
    """Return a digest-like text of each file of the records, by key and name."""
    return {f"{key} {name}": repr(data) for (key, name), data in values(Ledger(uri)).items()}


def main(place, count, stages):
    specs, folder = SPECS[:count], Path(tempfile.mkdtemp())
    writes = forked(lambda: sweep(f"{place}/undisturbed", specs, folder / "log"))
    whole = forked(lambda: content(f"{place}/undisturbed"))
    found = {"writes": writes, "kills": 0, "unequal": [], "twice": 0, "more than one twice": []}
    for stage in stages:
        for fatal in range(1, writes + 1):
            uri, log = f"{place}/{stage}{fatal}", folder / f"{stage}{fatal}"
            found["kills"] += forked(lambda: sweep(uri, specs, log, fatal=fatal, stage=stage)) is None  # noqa: B023
            forked(lambda: sweep(uri, specs, log))  # noqa: B023
            if forked(lambda: content(uri)) != whole:  # noqa: B023
                found["unequal"].append(f"{stage} {fatal}")
            twice = sum(Counter(epochs_trained(log)).values()) - len(set(epochs_trained(log)))
            found["twice"] += twice
            if twice > 1:
                found["more than one twice"].append(f"{stage} {fatal}")
    shutil.rmtree(folder)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
