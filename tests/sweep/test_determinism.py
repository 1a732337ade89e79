"""The same sweep, however it is run: the same bytes of the report's tables; on Ray in `tests/faults/injected`."""

import pytest

from rnnsweep.ledger import TIMED, Ledger
from rnnsweep.run import run
from rnnsweep.spec import Spec
from rnnsweep.sweep import Listener, Machines, SpecList, missing
from tests.helpers.determinism import tables

# Batches of three groups, so that a second core has something to do.
SHAPE = {"embedding_dim": 3, "num_words": 30, "max_len": 12, "batch_size": 48, "epochs": 2}
SPECS = [
    Spec(**SHAPE | network, seed=seed)
    for network in (
        {"cell": "gru", "units": (4,)},
        {"cell": "lstm", "units": (4, 3), "bidirectional": True, "pooling": "max"},
    )
    for seed in (1, 2)
]


def sweep(place, dataset, cores, listener=None):
    ledger = Ledger(place)
    here = Machines(backend="in-process", cpus_per_trial=cores)
    run(SpecList(missing(SPECS, ledger)), ledger, dataset, here, listener)
    return ledger


class Ended(BaseException):
    """As if the process ended here."""


class Ends(Listener):
    """Ends a sweep after this many epochs."""

    def __init__(self, left):
        self.left = left

    def on_epoch(self, spec, row):
        self.left -= 1
        if not self.left:
            raise Ended


@pytest.fixture(scope="module")
def calm(tmp_path_factory, tiny):
    """Return the tables of an undisturbed sweep on one core."""
    return tables(sweep(tmp_path_factory.mktemp("calm"), tiny, 1))


def test_an_interrupted_sweep_that_goes_on_with_two_cores_has_the_tables_of_an_undisturbed_one(calm, tmp_path, tiny):
    for epochs in (1, 2, 3):  # within a trial, between two, and within one that was begun anew
        with pytest.raises(Ended):
            sweep(tmp_path, tiny, 2, Ends(epochs))
    assert tables(sweep(tmp_path, tiny, 2)) == calm


def test_the_tables_that_are_compared_hold_every_trial_and_every_epoch(calm):
    assert len(calm["tables/trials.csv"].splitlines()) == 1 + len(SPECS)
    assert len(calm["tables/epochs.csv"].splitlines()) == 1 + sum(spec.epochs for spec in SPECS)
    assert len(calm["tables/leaderboard.csv"].splitlines()) == 1 + 2
    assert all(name not in calm["tables/trials.csv"].splitlines()[0].split(",") for name in TIMED)
