"""What until a search has found a network within half a point of the best? Ours, OptunaSearch, Hyperband, chance.

    python benchmarks/search.py --ledger ../shared/ledger --seeds 50
    python benchmarks/search.py --seeds 40 --points 0.25 --json search.jsonl

With `--ledger`, the table is what a sweep over the factorial (cell x depth x num_words x max_len) has left there: the
validation accuracy and the seconds of every epoch of every network, of several seeds. A search sees of each network one
seed, drawn anew for each search; it has arrived when the best that it has trained to its end is, by the mean of all
seeds, within so many points of the best network. Without, each search has a table of its own, made from effects of the
size that the original published, interactions and noise, an epoch and a second per network.

Every way searches the same tables, one trial after another; a training counts by the share of its epochs that were run,
and a repeat counts again. OptunaSearch is used as its documentation has it: a space of `tune.choice`, metric and mode.
Hyperband is Optuna's pruner with its random sampler. Warm is a ledger that has one epoch of every network, of another
seed.
"""

from __future__ import annotations

import functools
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import environment  # noqa: F401  (before NumPy)
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats
from shared import parser, write

from rnnsweep.ledger import Ledger
from rnnsweep.search import Goal
from rnnsweep.search.search import Search
from rnnsweep.space import Choice, SearchSpace
from rnnsweep.space.presets import UNITS
from rnnsweep.spec import Spec
from rnnsweep.training.result import Result, accuracy_columns

AXES = {"cell": ("simple_rnn", "gru", "lstm"), "depth": (1, 2, 3), "num_words": (1000, 5000, 10_000),
        "max_len": (80, 500, 1000)}  # fmt: skip
LIMIT = 300  # trainings after which a search counts as not having arrived

Cell = tuple[object, ...]


@dataclass(frozen=True)
class Network:
    """What a search may learn of a cell of the grid."""

    curve: tuple[float, ...]  # validation accuracy after each epoch, of the seed that this search sees
    seconds: tuple[float, ...]  # of each epoch
    first: float  # validation accuracy of the first epoch of another seed
    mean: float  # of all seeds, of the best epoch


class Step(NamedTuple):
    """So many epochs of a network that were run; `end` where it has been trained to its end."""

    cell: Cell
    epochs: int
    seconds: float
    end: bool


Grid = Mapping[Cell, Network]
Searcher = Callable[[Grid, int], Iterator[Step]]


def made_up(seed: int) -> Grid:
    """Return a validation accuracy per cell of the grid: main effects, interactions, and noise of 0.4 points."""
    random = np.random.default_rng(seed)
    found: dict[Cell, Network] = {}
    for cell in AXES["cell"]:
        for depth in AXES["depth"]:
            for words in AXES["num_words"]:
                for length in AXES["max_len"]:
                    value = 0.83 + 0.012 * np.log2(words / 1000) - 0.004 * (depth - 1)
                    value += 0.04 * (length > 80) - 0.008 * (length > 500)
                    if cell == "simple_rnn":  # forgets: depth and length hurt
                        value -= 0.03 + 0.02 * (depth - 1) + 0.04 * (length > 80)
                    if cell == "lstm":
                        value += 0.006 - 0.006 * (depth - 1)
                    value += random.normal(0, 0.004)
                    found[cell, depth, words, length] = Network((value,), (1.0,), value, value)
    return found


def measured(ledger: Ledger, seed: int) -> Grid:
    """Return what a ledger has of the factorial's networks, each with the curve of a seed drawn by `seed`."""
    random = np.random.default_rng(seed)
    found = {}
    for cell, trials in _trials(ledger.uri).items():
        seen, other = random.permutation(len(trials))[:2]
        (curve, seconds), mean = trials[seen], float(np.mean([max(curve) for curve, _ in trials]))
        found[cell] = Network(curve, seconds, trials[other][0][0], mean)
    return found


@functools.cache
def _trials(uri: str) -> dict[Cell, list[tuple[tuple[float, ...], tuple[float, ...]]]]:
    """Return the curves and the seconds of the epochs of each cell's seeds."""
    frames = Ledger(uri).load()
    epochs = {key: rows.sort_values("epoch") for key, rows in frames.epochs.groupby("key")}
    found: dict[Cell, list[tuple[tuple[float, ...], tuple[float, ...]]]] = {}
    for row in frames.trials[frames.trials["status"] == "finished"].itertuples():
        rows = epochs[row.key]
        curve = tuple(rows["val_accuracy"]), tuple(rows["seconds"])
        found.setdefault(tuple(getattr(row, name) for name in AXES), []).append(curve)
    return found


def ours(
    grid: Grid, seed: int, pruner: str | None = "median", warm: bool = False, sampler: str = "tpe"
) -> Iterator[Step]:
    """Yield what `rnnsweep.search` asks for, in order; a trial that was paused goes on where it was."""
    epochs = len(next(iter(grid.values())).curve)
    space = SearchSpace(Spec(units=UNITS, epochs=epochs), {name: Choice(values) for name, values in AXES.items()})
    ran: dict[Cell, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(folder)
        if warm:
            _write_first_epochs(ledger, space, grid)
        with Search(space, Goal(), len(grid), ledger, sampler=sampler, sampler_seed=seed, pruner=pruner) as search:
            while isinstance(spec := search.ask(), Spec):
                cell = _cell(spec)
                begun = ran.get(cell, 0)
                ran[cell] = _trained(search, spec, grid[cell], begun)
                seconds = sum(grid[cell].seconds[begun : ran[cell]])
                yield Step(cell, ran[cell] - begun, seconds, ran[cell] == epochs)


def _trained(search: Search, spec: Spec, network: Network, epoch: int) -> int:
    """Tell a search the epochs of a trial after this one, until it stops it or it ends; returns the last one."""
    while epoch < spec.epochs:
        row = {"val_accuracy": network.curve[epoch], "seconds": network.seconds[epoch]}
        epoch += 1
        if search.report(spec, row | {"epoch": epoch}) and epoch < spec.epochs:
            search.tell(spec, {"status": "pruned"})
            return epoch
    row = {"val_accuracy": max(network.curve), "seconds": sum(network.seconds)}
    search.tell(spec, row | {"status": "finished"})
    return epoch


def _write_first_epochs(ledger: Ledger, space: SearchSpace, grid: Grid) -> None:
    for params in space.cells():
        spec = space.draw(lambda name, axis: params[name]).replace(epochs=1, seed=2)  # noqa: B023
        value = grid[_cell(spec)].first
        row: dict[str, Any] = {"epoch": 1, "seconds": 1.0}
        row |= dict.fromkeys(("accuracy", "val_accuracy"), value) | dict.fromkeys(("loss", "val_loss"), 1 - value)
        record = ledger.record(spec.key)
        record.begin(spec)
        record.epoch([row], {})
        record.finish(Result({"status": "finished", "seconds": 1.0} | accuracy_columns([row]), b"", b"", {}))


def _cell(spec: Spec) -> Cell:
    return tuple(getattr(spec, name) for name in AXES)


def optuna_search(grid: Grid, seed: int) -> Iterator[Step]:
    """Yield the trainings that Ray's OptunaSearch asks for."""
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    searcher = OptunaSearch(metric="val_accuracy", mode="max", seed=seed)
    searcher.set_search_properties("val_accuracy", "max", {name: tune.choice(list(v)) for name, v in AXES.items()})
    for number in range(LIMIT):
        config = searcher.suggest(str(number))
        cell = tuple(config[name] for name in AXES)
        searcher.on_trial_complete(str(number), {"val_accuracy": max(grid[cell].curve)})
        yield _whole(grid, cell)


def chance(grid: Grid, seed: int) -> Iterator[Step]:
    """Yield the trainings of cells drawn at random, with repeats, as Tune's random search draws them."""
    random = np.random.default_rng(seed)
    cells = list(grid)
    for _ in range(LIMIT):
        yield _whole(grid, cells[random.integers(len(cells))])


def hyperband(grid: Grid, seed: int) -> Iterator[Step]:
    """Yield what is run of cells drawn at random that Optuna's HyperbandPruner stops."""
    import optuna

    epochs = len(next(iter(grid.values())).curve)
    study = optuna.create_study(
        study_name=str(seed),
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(seed=seed),
        pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=epochs, reduction_factor=3),
    )
    for _ in range(3 * LIMIT):
        trial = study.ask()
        cell = tuple(trial.suggest_categorical(name, values) for name, values in AXES.items())
        network = grid[cell]
        epoch, stop = 0, False
        while epoch < epochs and not stop:
            trial.report(network.curve[epoch], epoch + 1)
            epoch += 1
            stop = epoch < epochs and trial.should_prune()
        study.tell(trial, state=optuna.trial.TrialState.PRUNED) if stop else study.tell(trial, max(network.curve))
        yield Step(cell, epoch, sum(network.seconds[:epoch]), epoch == epochs)


def _whole(grid: Grid, cell: Cell) -> Step:
    return Step(cell, len(grid[cell].curve), sum(grid[cell].seconds), True)


WAYS: dict[str, Searcher] = {
    "rnnsweep": ours,
    "rnnsweep, none stopped": functools.partial(ours, pruner=None),
    "rnnsweep, asha": functools.partial(ours, pruner="asha"),
    "rnnsweep, hyperband": functools.partial(ours, pruner="hyperband"),
    "rnnsweep, warm": functools.partial(ours, warm=True),
    "Ray OptunaSearch": optuna_search,
    "Hyperband": hyperband,
    "random": chance,
}


def needed(steps: Iterator[Step], grid: Grid, points: float) -> tuple[float, float]:
    """Return after how many trainings and seconds a search has arrived; those that it ran, or `LIMIT`, if never."""
    target = max(network.mean for network in grid.values()) - points / 100
    trainings = seconds = 0.0
    best: Network | None = None
    for step in steps:
        network = grid[step.cell]
        trainings += step.epochs / len(network.curve)
        seconds += step.seconds
        if step.end and (best is None or max(network.curve) > max(best.curve)):
            best = network
        if best is not None and best.mean >= target:
            return trainings, seconds
        if trainings >= LIMIT:
            break
    return float(LIMIT), seconds


def median_interval(counts: list[float]) -> tuple[float, float, float]:
    """Return the median and its 95 % interval by the bootstrap (scipy, percentiles, seeded)."""
    found = stats.bootstrap((counts,), np.median, rng=np.random.default_rng(0), method="percentile")
    return float(np.median(counts)), *map(float, found.confidence_interval)


def main() -> None:
    """Search every table every way; print medians with intervals and, if asked, write a JSON line per search."""
    flags = parser(__doc__)
    flags.add_argument("--ledger", metavar="URI", help="a factorial of several seeds to search in (default: made up)")
    flags.add_argument("--seeds", type=int, default=20, help="searches of each way, at least 2")
    flags.add_argument("--points", type=float, default=0.5, help="of accuracy, in percent, below the table's best")
    flags.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = flags.parse_args()
    warnings.simplefilter("ignore")
    rows: list[dict[str, Any]] = []
    for seed in range(1, options.seeds + 1):
        grid = measured(Ledger(options.ledger), seed) if options.ledger else made_up(seed)
        target = max(network.mean for network in grid.values()) - options.points / 100
        good = sum(network.mean >= target for network in grid.values())
        for way in options.ways:
            trainings, seconds = needed(WAYS[way](grid, seed), grid, options.points)
            rows.append({"way": way, "seed": seed, "good_cells": good, "needed": trainings, "seconds": seconds})
    console = Console(width=120)
    console.print(_table(rows, options.ways))
    console.print(f"cells within {options.points:g} points: {np.mean([row['good_cells'] for row in rows]):.1f} of 81")
    write(rows, options.json)


def _table(rows: list[dict[str, Any]], ways: list[str]) -> Table:
    made = Table("way", "seeds", "median trainings", "95 %", "mean", "worst", "median seconds", "95 %", "mean")
    for way in ways:
        mine = [row for row in rows if row["way"] == way]
        cells = [way, str(len(mine))]
        for column in ("needed", "seconds"):
            counts = [row[column] for row in mine]
            middle, low, high = median_interval(counts)
            cells += [f"{middle:,.1f}", f"{low:,.1f} to {high:,.1f}", f"{np.mean(counts):,.1f}"]
            cells += [f"{max(counts):,.1f}"] if column == "needed" else []
        made.add_row(*cells)
    return made


if __name__ == "__main__":
    main()
