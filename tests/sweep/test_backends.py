"""Backends and listeners: any table row trains, with nobody listening or somebody."""

import inspect
import types

import pytest

from rnnsweep.ledger import Ledger
from rnnsweep.run import BACKENDS, Backend, run
from rnnsweep.spec import Spec
from rnnsweep.sweep import Listener, Machines, SpecList, SweepError, pass_on, run_in_process, run_trial
from tests.helpers.sweeps import HERE

SPECS = [Spec(units=(4,), epochs=2, seed=seed) for seed in (1, 2)]


def trained(spec, dataset, on_epoch, state):
    """Stand in for `train`: two epochs, and a first attempt that fails for seed 2."""
    row = {"loss": 0.5, "accuracy": 0.5, "val_loss": 0.5, "val_accuracy": 0.5, "seconds": 0.1}
    if spec.seed == 2 and state is None:
        on_epoch(types.SimpleNamespace(rows=[{"epoch": 1} | row], state=lambda: {"x": [0]}))
        raise ValueError("once")
    for epoch in (1, 2):
        rows = [{"epoch": n} | row for n in range(1, epoch + 1)]
        on_epoch(types.SimpleNamespace(rows=rows, state=lambda: {"x": [0]}))
    return types.SimpleNamespace(row={"status": "finished", "val_accuracy": 0.5, "seconds": 0.2}, predictions={})


class Written(Listener):
    """Writes down what it hears."""

    def __init__(self):
        self.heard = []

    def on_start(self, spec):
        self.heard.append(("start", spec.seed))

    def on_epoch(self, spec, row):
        self.heard.append(("epoch", spec.seed, row["epoch"]))

    def on_retry(self, spec):
        self.heard.append(("retry", spec.seed))

    def on_end(self, spec, row):
        self.heard.append(("end", spec.seed, row["status"]))


def test_a_sweep_needs_nobody_to_listen(tmp_path):
    ledger = Ledger(tmp_path)
    run(SpecList(SPECS), ledger, None, HERE, trainer=trained)
    assert set(ledger.results()) == {spec.key for spec in SPECS}


def test_a_listener_hears_each_trial_from_start_to_end(tmp_path):
    listener = Written()
    run(SpecList(SPECS), Ledger(tmp_path), None, HERE, listener, trained)
    assert listener.heard == [
        ("start", 1), ("epoch", 1, 1), ("epoch", 1, 2), ("end", 1, "finished"),
        ("start", 2), ("epoch", 2, 1), ("retry", 2), ("epoch", 2, 1), ("epoch", 2, 2), ("end", 2, "finished"),
    ]  # fmt: skip


def test_a_queue_is_asked_is_reported_epochs_and_is_told_ends(tmp_path):
    class Stopping(SpecList):
        told = ()

        def report(self, spec, row):
            return True

        def tell(self, spec, row):
            self.told += ((spec.seed, row["status"]),)

    queue = Stopping(SPECS[:1])
    run(queue, Ledger(tmp_path), None, HERE, trainer=trained)
    assert queue.told == ((1, "pruned"),)


def backwards(queue, ledger, dataset, machines, listener, trainer):
    """Stand in for a backend of another kind: the last spec first."""
    specs = []
    while (spec := queue.ask()) is not None:
        specs.append(spec)
    for spec in reversed(specs):
        listener.on_start(spec)

        def report(row, spec=spec):
            return pass_on(queue, listener, spec, row)

        report(run_trial(spec, dataset, ledger, machines.least_cpus, report, trainer))


def test_another_backend_is_a_row_of_the_table(tmp_path, monkeypatch):
    monkeypatch.setitem(BACKENDS, "backwards", Backend(__name__, "backwards", "the last spec first"))
    listener = Written()
    run(SpecList(SPECS), Ledger(tmp_path), None, Machines(backend="backwards"), listener, trained)
    assert [event for event in listener.heard if event[0] == "start"] == [("start", 2), ("start", 1)]


def test_every_backend_is_called_alike():
    expected = list(inspect.signature(run_in_process).parameters.values())
    for name, backend in BACKENDS.items():
        assert list(inspect.signature(backend.load()).parameters.values()) == expected, name


def test_an_unknown_backend_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(SweepError, match="backend is 'slurm'; give one of ray, in-process"):
        run(SpecList(SPECS), Ledger(tmp_path), None, Machines(backend="slurm"))
