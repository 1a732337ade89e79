"""How many trainings until a search is within half a point of the best of 81 networks? Ours, OptunaSearch, chance.

    python benchmarks/search.py --seeds 20
    python benchmarks/search.py --seeds 40 --points 0.25 --json search.jsonl

The objective is a table: one validation accuracy per cell of the factorial (cell x depth x num_words x max_len), made
from effects of the size that the original published, interactions and noise; each seed has another table. Every way
searches the same tables, one trial after another. OptunaSearch is used as its documentation has it: a space of
`tune.choice`, metric and mode. A training is counted each time a searcher asks for one, so a repeat costs one.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator

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

AXES = {"cell": ("simple_rnn", "gru", "lstm"), "depth": (1, 2, 3), "num_words": (1000, 5000, 10_000),
        "max_len": (80, 500, 1000)}  # fmt: skip
LIMIT = 300  # trainings after which a search counts as not having arrived

Cell = tuple[object, ...]
Searcher = Callable[[dict[Cell, float], int], Iterator[float]]


def table(seed: int) -> dict[Cell, float]:
    """Return a validation accuracy per cell of the grid: main effects, interactions, and noise of 0.4 points."""
    random = np.random.default_rng(seed)
    found: dict[Cell, float] = {}
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
                    found[cell, depth, words, length] = value + random.normal(0, 0.004)
    return found


def ours(cells: dict[Cell, float], seed: int) -> Iterator[float]:
    """Yield the accuracies of the trainings that `rnnsweep.search` asks for, in order."""
    axes = {name: Choice(values) for name, values in AXES.items()}
    with tempfile.TemporaryDirectory() as folder:
        space = SearchSpace(Spec(units=UNITS, epochs=1), axes)
        with Search(space, Goal(), len(cells), Ledger(folder), sampler_seed=seed, pruner=None) as search:
            while (spec := search.ask()) is not None:
                value = cells[spec.cell, spec.depth, spec.num_words, spec.max_len]
                search.tell(spec, {"status": "finished", "val_accuracy": value, "seconds": 1.0})
                yield value


def optuna_search(cells: dict[Cell, float], seed: int) -> Iterator[float]:
    """Yield the accuracies of the trainings that Ray's OptunaSearch asks for."""
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    searcher = OptunaSearch(metric="val_accuracy", mode="max", seed=seed)
    searcher.set_search_properties("val_accuracy", "max", {name: tune.choice(list(v)) for name, v in AXES.items()})
    for number in range(LIMIT):
        config = searcher.suggest(str(number))
        value = cells[tuple(config[name] for name in AXES)]
        searcher.on_trial_complete(str(number), {"val_accuracy": value})
        yield value


def chance(cells: dict[Cell, float], seed: int) -> Iterator[float]:
    """Yield the accuracies of cells drawn at random, with repeats, as Tune's random search draws them."""
    random = np.random.default_rng(seed)
    values = list(cells.values())
    for _ in range(LIMIT):
        yield values[random.integers(len(values))]


WAYS: dict[str, Searcher] = {"rnnsweep": ours, "Ray OptunaSearch": optuna_search, "random": chance}


def needed(values: Iterator[float], target: float) -> int:
    """Return after how many trainings the target is reached, `LIMIT` if never."""
    for number, value in enumerate(values, 1):
        if value >= target:
            return number
    return LIMIT


def median_interval(counts: list[int]) -> tuple[float, float, float]:
    """Return the median and its 95 % interval by the bootstrap (scipy, percentiles, seeded)."""
    found = stats.bootstrap((counts,), np.median, rng=np.random.default_rng(0), method="percentile")
    return float(np.median(counts)), *map(float, found.confidence_interval)


def main() -> None:
    """Search every table every way; print medians with intervals and, if asked, write a JSON line per search."""
    flags = parser(__doc__)
    flags.add_argument("--seeds", type=int, default=20, help="tables, at least 2")
    flags.add_argument("--points", type=float, default=0.5, help="of accuracy, in percent, below the table's best")
    flags.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = flags.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for seed in range(1, options.seeds + 1):
        cells = table(seed)
        target = max(cells.values()) - options.points / 100
        good = int(sum(value >= target for value in cells.values()))
        for way in options.ways:
            rows.append(
                {"way": way, "seed": seed, "good_cells": good, "needed": needed(WAYS[way](cells, seed), target)}
            )
    printed = Table("way", "seeds", "median trainings", "95 % interval", "mean", "worst")
    for way in options.ways:
        counts = [row["needed"] for row in rows if row["way"] == way]
        middle, low, high = median_interval(counts)
        printed.add_row(way, str(len(counts)), f"{middle:g}", f"{low:g} to {high:g}", f"{np.mean(counts):.1f}",
                        str(max(counts)))  # fmt: skip
    console = Console(width=100)
    console.print(printed)
    console.print(f"cells within {options.points:g} points: {np.mean([row['good_cells'] for row in rows]):.1f} of 81")
    if "rnnsweep" in options.ways:
        mine = np.mean([row["needed"] for row in rows if row["way"] == "rnnsweep"])
        for way in options.ways:
            other = np.mean([row["needed"] for row in rows if row["way"] == way])
            console.print(f"{way}: {other / mine:.2f} times the mean trainings of rnnsweep")
    write(rows, options.json)


if __name__ == "__main__":
    main()
