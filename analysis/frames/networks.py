"""From trials to networks: grids of networks that are alike in all but the study's axes, and what their seeds did.

Networks of different data, epochs or other settings are never compared: each grid is judged by itself. What a search
suggested is in no grid, because validation chose it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.frames.reliability import Bins, binned
from analysis.frames.trials import BEST, CELL_ORDER, LAST, finished, held_out, records
from rnnsweep.cells import CELLS
from rnnsweep.choice import NETWORK, right
from rnnsweep.spec import Spec
from rnnsweep.stats import Sample, sample
from rnnsweep.types import Predictions

READERS = 4  # trials whose predictions are read and unpacked at a time, where that hides an answer's time
TRAINING, SLOPE = "last_train_accuracy", "slope"  # what can be measured of a trial, beside `BEST` and `LAST`
PREDICTED = {BEST: "best", LAST: "last"}  # the stored predictions of a measurement
# Fixed before any result was seen: a network of two classes whose best validation accuracy is below it has not trained.
TRAINED = 0.6
ABOVE_CHANCE = 0.2  # the same of any number of classes: this share of the way from chance to 1
# Columns that the axes take: the rest is one setting for a whole grid. A vocabulary has a row per word, or more.
AXES = ("cell", "depth", "num_words", "max_len")
_VARIED = {"cell", "units", "num_words", "vocab_size", "max_len"}
NAMED = ("bidirectional", "own_layer", "own_sha256")  # of the setting, what a network's name says
SETTING = [name for name in NETWORK if name not in _VARIED] + ["spare_rows"]


class Stored(Protocol):
    """What reads a trial's stored predictions by its key, all of them or those of these names; None without any."""

    def __call__(self, key: str, /, *names: str) -> Mapping[str, NDArray[Any]] | None:
        """Return the arrays by name."""


@dataclass(frozen=True)
class Network:
    """One network of a grid, and its finished trials, a key per seed in the order of the seeds."""

    label: str
    cell: str
    units: tuple[int, ...]
    num_words: int
    max_len: int
    keys: tuple[str, ...]

    @property
    def depth(self) -> int:
        """Number of recurrent layers."""
        return len(self.units)

    @property
    def seeds(self) -> int:
        """Number of finished trials."""
        return len(self.keys)

    def first(self, seeds: int) -> Network:
        """Return the network with at most so many of its trials, those of the lowest seeds."""
        return replace(self, keys=self.keys[:seeds])


@dataclass(frozen=True)
class Grid:
    """Networks alike in all but the axes: the same data, epochs and other settings."""

    data: str
    dataset: str
    real: bool
    reviews_used: int  # 0: all
    epochs: int
    networks: tuple[Network, ...]
    ended: tuple[str, ...]  # keys of the trials that finished or diverged

    @property
    def trials(self) -> int:
        """Number of finished trials."""
        return sum(network.seeds for network in self.networks)


def studied(trials: pd.DataFrame, suggestions: pd.DataFrame) -> pd.DataFrame:
    """Return the trials without those that a search was the first to suggest."""
    suggested = suggestions.loc[~suggestions["known"].astype(bool), "key"]
    return trials[~trials["key"].isin(suggested)]


def grids(trials: pd.DataFrame) -> list[Grid]:
    """Return the grids of prepared trials: real data before generated, all reviews before fewer, then by size."""
    ended = held_out(trials.assign(status=trials["status"].replace("diverged", "finished"), ended=trials["status"]))
    settings = _joined(ended.assign(spare_rows=ended["vocab_size"] - ended["num_words"]), SETTING)
    found = [_grid(group) for _, group in ended.groupby(settings, sort=True)]
    order = [(grid.real, not grid.reviews_used, grid.reviews_used, grid.trials, grid.epochs) for grid in found]
    return [found[i] for i in sorted(range(len(found)), key=order.__getitem__, reverse=True)]


def _joined(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    return ["|".join(map(str, row)) for row in frame[list(names)].itertuples(index=False)]


def _grid(group: pd.DataFrame) -> Grid:
    first = records(group.head(1))[0]
    return Grid(
        first.data, first.dataset, bool(first.real), int(first.reviews_used), int(first.epochs),
        tuple(_networks(group[group["ended"] == "finished"])), tuple(group["key"]),
    )  # fmt: skip


def _networks(done: pd.DataFrame) -> list[Network]:
    """Return the networks of finished trials, which are of one setting, in the order of the axes."""
    rows: dict[tuple[str, str, int, int], list[str]] = {}
    columns = done.sort_values("seed")[["cell", "units", "num_words", "max_len", "key"]]
    for cell, units, num_words, max_len, key in columns.itertuples(index=False):
        rows.setdefault((cell, units, int(num_words), int(max_len)), []).append(key)
    alike = {name: done[name].iloc[0] for name in NAMED if name in done} if len(done) else {}
    found = [_network(*network, tuple(keys), alike) for network, keys in rows.items()]
    return sorted(
        found, key=lambda one: (CELL_ORDER.get(one.cell, 0), one.depth, one.units, one.num_words, one.max_len)
    )


def _network(
    cell: str, units: str, num_words: int, max_len: int, keys: tuple[str, ...], alike: Mapping[str, Any]
) -> Network:
    sizes = tuple(map(int, units.split("-")))
    named: dict[str, Any] = {name: value if isinstance(value, str) else bool(value) for name, value in alike.items()}
    spec = Spec(cell=cell, units=sizes, num_words=num_words, max_len=max_len, **named)
    return Network(spec.label(CELLS[cell].title), cell, sizes, num_words, max_len, keys)


def network_of(done: pd.DataFrame) -> Network:
    """Return the one network that these finished trials are seeds of."""
    return _networks(done)[0]


def systems(shown: pd.DataFrame) -> dict[str, Network]:
    """Return the report's systems that have a finished trial among these, which are of one scope, by id."""
    done = finished(shown)
    named = {str(name): _networks(rows) for name, rows in done[done["system"] != ""].groupby("system")}
    return {name: replace(found[0], label=name) for name, found in named.items()}


@dataclass(frozen=True)
class Seen:
    """What is kept of a trial's predictions: how many reviews, who is right on them by each epoch's, and the bins."""

    reviews: int
    right: Mapping[str, NDArray[np.uint8]]  # bits, by the name of the predictions
    bins: Bins | None


class Samples:
    """What the seeds of networks did, by any measurement; the predictions of a trial are read once, and kept as bits.

    `trials` and `epochs` are a ledger's frames, `predictions` reads a key's stored probabilities or returns None.
    """

    def __init__(self, trials: pd.DataFrame, epochs: pd.DataFrame, predictions: Predictions) -> None:
        self._of_trials = {
            name: dict(zip(trials["key"], trials[name].astype(float), strict=True))
            for name in (BEST, LAST, TRAINING, "val_accuracy", "last_val_accuracy")
        }
        self._least = dict(zip(trials["key"], least_trained(trials), strict=True))
        self._logs = epochs
        self._read = predictions
        self._seen: dict[str, Seen] = {}
        self._slopes: dict[str, float] = {}
        self._known: dict[tuple[tuple[str, ...], str], Sample] = {}

    def __call__(self, network: Network, measure: str) -> Sample:
        """Return the seeds' values of `BEST`, `LAST`, `TRAINING` or `SLOPE`, and who was right where it is known."""
        found = self._known.get((network.keys, measure))
        if found is None:
            right = self._all_right(network.keys, PREDICTED[measure]) if measure in PREDICTED else None
            found = self._known[network.keys, measure] = sample(self._values(network.keys, measure), right)
        return found

    def read(self, keys: Iterable[str], readers: int = READERS) -> dict[str, Seen]:
        """Return what is seen of these trials, of so many read at a time.

        Several hide a bucket's answers; from a near disk one is twice as fast, since the readers share the interpreter.
        """
        if readers == 1:
            return {key: self._seen_of(key) for key in keys}
        with ThreadPoolExecutor(readers) as pool:
            return dict(pool.map(lambda key: (key, self._seen_of(key)), keys))

    def take(self, seen: Mapping[str, Seen]) -> None:
        """Take what `read` returned, here or in another process."""
        self._seen.update(seen)

    def calibration(self, network: Network) -> list[Bins]:
        """Return the bins of the best epoch's predictions of each seed that has some in the ledger."""
        return [bins for key in network.keys if (bins := self._seen_of(key).bins) is not None]

    def trained(self, network: Network) -> tuple[bool, ...]:
        """Return of each seed whether its best validation accuracy is at least what `least_trained` asks."""
        best = self._of_trials["val_accuracy"]
        return tuple(best[key] >= self._least[key] for key in network.keys)

    def validation(self, network: Network) -> float:
        """Return the mean best validation accuracy of the seeds."""
        return float(np.mean([self._of_trials["val_accuracy"][key] for key in network.keys]))

    def fall(self, network: Network) -> float:
        """Return the mean of the last epoch's validation accuracy less the best one's: 0 or below, however flat."""
        last, best = self._of_trials["last_val_accuracy"], self._of_trials["val_accuracy"]
        return float(np.mean([last[key] - best[key] for key in network.keys]))

    def _values(self, keys: Sequence[str], measure: str) -> list[float]:
        if measure != SLOPE:
            return [self._of_trials[measure][key] for key in keys]
        if not self._slopes:
            self._slopes = second_half_slopes(self._logs)
        return [self._slopes.get(key, np.nan) for key in keys]

    def _all_right(self, keys: Sequence[str], which: str) -> NDArray[np.bool_] | None:
        seen = [self._seen_of(key) for key in keys]
        rows, counts = [one.right.get(which) for one in seen], {one.reviews for one in seen}
        known = [row for row in rows if row is not None]
        if len(known) < len(rows) or len(counts) != 1:
            return None
        return np.unpackbits(np.stack(known), axis=1, count=counts.pop()).astype(bool)

    def _seen_of(self, key: str) -> Seen:
        if key not in self._seen:
            self._seen[key] = _seen(self._read(key) or {})
        return self._seen[key]


def _seen(stored: Mapping[str, NDArray[Any]]) -> Seen:
    label = np.asarray(stored.get("label", ()))
    known = [which for which in PREDICTED.values() if which in stored and len(label)]
    bits = {which: np.packbits(right(label, stored[which])) for which in known}
    return Seen(len(label), bits, binned(label, stored[PREDICTED[BEST]]) if PREDICTED[BEST] in known else None)


def least_trained(trials: pd.DataFrame) -> list[float]:
    """Return of each trial the best validation accuracy below which it failed to train: `TRAINED` of two classes."""
    several = trials["multilabel"] if "multilabel" in trials else [False] * len(trials)  # whose chance nobody knows
    chances = [
        0 if each else 1 / _classes(*row)
        for each, *row in zip(several, trials["class_names"], trials["classes"], strict=True)
    ]
    return [TRAINED if chance == 1 / 2 else chance and chance + ABOVE_CHANCE * (1 - chance) for chance in chances]


def _classes(names: str, joined: str) -> int:
    """Return the number of classes; a record of an older version names two, joined."""
    return len(json.loads(names)) if names else max(2, len(joined.split("/")))


def second_half_slopes(epochs: pd.DataFrame) -> dict[str, float]:
    """Return of each trial the slope of its validation accuracy over the second half of its epochs, per epoch.

    Of 10 epochs these are the last 5. Through all epochs a curve that rises and then falls would count as rising.
    """
    late = epochs[epochs["epoch"] > epochs.groupby("key")["epoch"].transform("max") / 2].dropna(subset="val_accuracy")
    means = late.groupby("key")[["epoch", "val_accuracy"]].transform("mean")
    away = late["epoch"] - means["epoch"]
    parts = pd.DataFrame({"up": away * (late["val_accuracy"] - means["val_accuracy"]), "along": away**2})
    sums = parts.groupby(late["key"]).sum(min_count=1)
    slopes = sums["up"] / sums["along"].where(sums["along"] > 0)  # one epoch has no slope
    return {str(key): float(slope) for key, slope in slopes.items()}
