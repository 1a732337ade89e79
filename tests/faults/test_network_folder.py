"""A folder of another machine that fails as NFS does, at any reading, listing, writing or removing of a sweep."""

import errno
import os
from collections import Counter

import pytest

from rnnsweep.ledger import Ledger, StoreError, store
from rnnsweep.run import run
from rnnsweep.sweep import SpecList, missing
from tests.helpers.stepwise import SPECS, epochs_trained, trainer, values
from tests.helpers.sweeps import HERE

TWO = SPECS[:2]
ALWAYS = 10**6
# What the system says, how many accesses in a row fail, and from which on: each, or each fourth.
FAULTS = [
    (errno.ESTALE, 1, 1),
    (errno.EIO, ALWAYS, 1),
    (errno.ETIMEDOUT, ALWAYS, 4),
    (errno.ENOTCONN, 1, 4),
    (errno.EHOSTDOWN, ALWAYS, 4),
]


class Failing:
    """Has the accesses of every ledger in this process fail from one on, so many of them."""

    def __init__(self, monkeypatch, code, first, many):
        self.count = 0
        self._code, self._failing = code, range(first, first + many)
        patiently, whole = store.Store._patiently, store.write_whole
        monkeypatch.setattr(store.Store, "_patiently", lambda place, act: patiently(place, self._or_fails(act)))
        monkeypatch.setattr(store, "write_whole", lambda *data, **more: self._or_fails(lambda: whole(*data, **more))())

    def _or_fails(self, action):
        def act():
            self.count += 1
            if self.count in self._failing:
                raise OSError(self._code, os.strerror(self._code))
            return action()

        return act


def sweep(place, log):
    ledger = Ledger(place)
    run(SpecList(missing(TWO, ledger)), ledger, None, HERE, trainer=trainer(log))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    sweep(folder, folder / "log")
    return values(Ledger(folder))


@pytest.mark.parametrize(("code", "many", "step"), FAULTS, ids=[errno.errorcode[code] for code, _, _ in FAULTS])
def test_a_folder_that_fails_at_any_access_loses_nothing_and_is_said_in_one_line(
    tmp_path, undisturbed, monkeypatch, code, many, step
):
    first, said = 1, []
    while True:
        place, log = tmp_path / str(first), tmp_path / f"{first}.log"
        with monkeypatch.context() as patched:
            failing = Failing(patched, code, first, many)
            try:
                sweep(place, log)
            except StoreError as error:
                said.append(str(error))
        if failing.count < first:  # there was no such access
            break
        sweep(place, log)
        assert values(Ledger(place)) == undisturbed, first
        assert max(Counter(epochs_trained(log)).values()) <= 2, first
        first += step
    print(f"{errno.errorcode[code]}: {(first - 1) // step} injected, {len(said)} sweeps ended")
    assert all(os.strerror(code) in line and "\n" not in line for line in said)
    assert first > 20
