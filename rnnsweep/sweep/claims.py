"""Several drivers on one ledger: each says there what it trains, and leaves alone what another says.

Every driver has a file, `drivers/<name>.json`, of which process it is and the keys that it has taken. To take one it
writes its file first and reads the others' then: of two that want the same key at once, one at least sees the other,
and who sees another gives way. That needs nothing of a store but that a file which was written is listed, which folders
and buckets alike keep to, and a driver that died is forgotten by removing one file.

Whether a driver lives is seen by its process where that is of this machine. Elsewhere it is dead once its file, which
it writes again every `BEAT_SECONDS`, has not changed for `DEAD_SECONDS` of this machine's own steady clock: no two
clocks are compared, so none may be wrong.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import TracebackType

from rnnsweep.ledger import Ledger, StoreError
from rnnsweep.machine.process import Process, end_marked, this_process

BEAT_SECONDS = 30.0
DEAD_SECONDS = 300.0
_ACTIVE: set[str] = set()  # the names of this process's own drivers that have not ended


@dataclass(frozen=True)
class Driver:
    """What a driver's file says."""

    process: Process | None  # None: the file is damaged
    keys: frozenset[str]

    def __str__(self) -> str:
        """Name the process and its machine."""
        if self.process is None:
            return "another driver"
        return f"process {self.process.pid} on {self.process.machine.partition(' ')[0]}"


class Claims:
    """The keys that this driver has taken in a ledger, and what others have; a context manager around a sweep."""

    def __init__(self, ledger: Ledger) -> None:
        """Take nothing yet."""
        self._ledger = ledger
        self._name = uuid.uuid4().hex
        self._process = this_process()
        self._keys: set[str] = set()
        self._lost: set[str] = set()
        self._beats = 0
        self._seen: dict[str, tuple[bytes, float]] = {}  # what each other file held, and since when
        self._lock = threading.Lock()
        self._done = threading.Event()
        self.alone = False  # whether no other driver was there at the beginning

    def __enter__(self) -> Claims:
        """Say that this driver is there, and end what dead drivers of this machine left; raises `StoreError`."""
        with self._lock:
            _ACTIVE.add(self._name)
            self._write()
            self.alone = not self._others()
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give all keys back."""
        self._done.set()
        _ACTIVE.discard(self._name)
        with self._lock, contextlib.suppress(StoreError):  # else others see that this process has ended
            self._ledger.remove_driver(self._name)

    def take(self, key: str) -> Driver | None:
        """Take a key, and return None; or, where another driver has it, leave it and return that one."""
        with self._lock:
            self._keys.add(key)
            self._lost.discard(key)
            self._write()
            holder = self._holders().get(key)
            if holder is not None:
                self._keys.discard(key)
                self._write()
            return holder

    def give_back(self, key: str) -> None:
        """Give a key back; others read so with the next key that is taken, or the next beat."""
        with self._lock:
            self._keys.discard(key)

    def keeps(self, key: str) -> bool:
        """Return whether a key that was taken is still this driver's: one that was cut off may be taken for dead."""
        return key not in self._lost

    def taken(self) -> Mapping[str, Driver]:
        """Return what other living drivers have taken, by key."""
        with self._lock:
            return self._holders()

    def _holders(self) -> dict[str, Driver]:
        return {key: driver for driver in self._others() for key in driver.keys}

    def _others(self) -> list[Driver]:
        """Return the other drivers that live, after forgetting those that do not."""
        files = self._ledger.drivers(but=self._name)
        self._seen = {name: self._seen[name] for name in self._seen.keys() & files.keys()}
        living = []
        for name, data in files.items():
            driver = _parsed(data)
            if self._lives(name, data, driver):
                living.append(driver)
                continue
            if driver.process is not None and driver.process.is_here and not driver.process.runs:
                end_marked(driver.process.mark)  # before what they train is anybody else's
            self._ledger.remove_driver(name)
        return living

    def _lives(self, name: str, data: bytes, driver: Driver) -> bool:
        if driver.process == self._process:
            return name in _ACTIVE
        if driver.process is not None and driver.process.is_here:
            return driver.process.runs
        now = time.monotonic()
        before, since = self._seen.get(name, (b"", now))
        if before != data:
            self._seen[name] = data, now
            return True
        return now - since < DEAD_SECONDS

    def _write(self) -> None:
        self._beats += 1
        said = {"process": asdict(self._process), "keys": sorted(self._keys), "beat": self._beats}
        self._ledger.write_driver(self._name, json.dumps(said).encode())

    def _beat(self) -> None:
        while not self._done.wait(BEAT_SECONDS):
            with self._lock, contextlib.suppress(StoreError):  # it is tried again
                if not self._done.is_set():
                    self._renew()

    def _renew(self) -> None:
        cut_off = not self._ledger.has_driver(self._name)
        self._write()
        if cut_off:
            lost = self._keys & self._holders().keys()
            self._keys -= lost
            self._lost |= lost


def _parsed(data: bytes) -> Driver:
    try:
        said = json.loads(data)
        process = Process(**said["process"])
        return Driver(Process(str(process.machine), int(process.pid), str(process.started)), frozenset(said["keys"]))
    except (ValueError, TypeError, LookupError, RecursionError):
        return Driver(None, frozenset())
