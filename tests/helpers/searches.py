"""A search without TensorFlow: a closed form in place of training, and a run of it in this process."""

import collections
import math
import types

import optuna

from rnnsweep.network.cost import parameters
from rnnsweep.run import run
from rnnsweep.search import Goal
from rnnsweep.search.search import Search
from tests.helpers.sweeps import HERE

FIELDS = {"epochs": [4], "dataset": ["tiny"]}


def accuracy(spec):
    """Return a closed form that a search can climb: long reviews, many units and an LSTM are better."""
    rate = -abs(math.log10(spec.learning_rate) + 2.5)
    return 0.5 + spec.max_len / 1000 + sum(spec.units) / 2000 + 0.05 * (spec.cell == "lstm") + rate / 10


class Trainer:
    """Stands in for `train`: the closed form, approached epoch by epoch, without TensorFlow."""

    def __init__(self, killed=None, seconds=1.0):
        self.trained = []
        self.epochs = collections.Counter()
        self.killed = killed
        self.seconds = seconds

    def __call__(self, spec, dataset, on_epoch, state):
        self.trained.append(spec.key)
        best = accuracy(spec)
        rows = []
        for epoch in range(1, spec.epochs + 1):
            row = {"epoch": epoch, "loss": 0.5, "accuracy": 0.9, "val_loss": 1 - best, "seconds": self.seconds}
            rows.append(row | {"val_accuracy": best - 0.1 / epoch})
            if state is not None and epoch <= len(state["rows"]):
                continue
            self.epochs[spec.key, epoch] += 1
            if self.killed and (len(self.trained), epoch) == self.killed:
                raise KeyboardInterrupt
            on_epoch(types.SimpleNamespace(rows=list(rows), state=lambda n=epoch: {"rows": [0] * n}))
        row = {"status": "finished", "val_accuracy": best, "val_loss": 1 - best, "best_epoch": spec.epochs}
        row |= {"test_accuracy": best, "params": parameters(spec), "seconds": self.seconds * spec.epochs}
        return types.SimpleNamespace(row=row, predictions={}, best_weights=b"", last_weights=b"")


def go(space, trials, ledger, goal=Goal(), trainer=None, **more):  # noqa: B008  (frozen)
    """Run a search in this process; return its trials as the record has them, and the trainer."""
    trainer = trainer or Trainer()
    with Search(space, goal, trials, ledger, **more) as search:
        search.describe()
        run(search, ledger, None, HERE, trainer=trainer)
    return record(search), trainer


def record(search):
    """Return the trials of the study's database."""
    return optuna.load_study(study_name=search.name, storage=search.url).trials


def keys(trials):
    """Return the spec's key of each trial."""
    return [trial.user_attrs["key"] for trial in trials]
