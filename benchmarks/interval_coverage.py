"""Do the report's intervals cover what they say, and how often does a study with no effect say something false?

    nice -n 10 python benchmarks/interval_coverage.py
    python benchmarks/interval_coverage.py --ledgers 100 --seeds 3 --json interval_coverage.jsonl

Each ledger is the factorial's 81 networks with new seeds and new test reviews, whose true means make each claim's
difference 0. A run is right on a review where its own luck, the review's ease, and what the review has to do
with the run's cell, depth, words and length add up to more than 0; the run's seed moves its accuracy. The library's own
functions then judge the seven claims. Columns, each with its standard error: how many of the 95 % intervals of the
differences over 9 + 9 networks, and over 27 + 27, hold 0; how many ledgers have a false verdict after Holm's
correction; and how many sets of networks that cannot be told from the best hold the best one.

1,500 ledgers of each scenario with 2, 3, 5 and 10 seeds (12 CPU minutes on an AMD EPYC): .946 to .970 of the intervals
over 9 + 9 networks hold 0, but .977 where a run in ten crashes and there are 2 seeds; .945 to .961 of those over
27 + 27. In 1.7 to 4.5 % of the ledgers a verdict is false. The best set holds the best network in .94 to 1.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environment  # noqa: F401  (before NumPy)
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special
from shared import show

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `analysis` is never installed

from analysis.frames.leaderboard import best_of
from analysis.frames.networks import SLOPE, TRAINING, Grid, Network
from analysis.frames.trials import BEST
from analysis.frames.verdicts import Question, Rows, as_controlled, rows_of
from rnnsweep.space.presets import FACTORIAL
from rnnsweep.stats import ALPHA, Sample, sample

REVIEWS = 1000
EASE, SHARED, OWN = (
    1.0,
    0.16,
    0.3,
)  # deviations of what makes a review easy: for all, for an axis's value, for a network
CELLS, UNITS, WORDS, LENGTHS = (FACTORIAL[name] for name in ("cell", "units", "num_words", "max_len"))
SHAPE = tuple(map(len, (CELLS, UNITS, WORDS, LENGTHS)))
NETWORKS = int(np.prod(SHAPE))
LITTLE = 3  # the claim that a difference is little, which no effect at all makes true
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Scenario:
    """How the runs of a ledger fall out: the accuracies [networks, seeds] that their seeds draw, and their means."""

    name: str
    base: float  # accuracy of a run that goes well
    sd: float  # of it, between seeds
    pairs_sd: float = 0.0  # of the difference of two networks that differ in an axis alone; their mean stays 0
    lost: float = 0.0  # share of the runs that fall to 0.5

    def means(self, random: np.random.Generator) -> Doubles:
        """Return the accuracy of each network's runs that go well, [networks]."""
        return self.base + self.pairs_sd / 2**0.5 * _without_effects(random.normal(size=SHAPE)).ravel()

    def drawn(self, means: Doubles, seeds: int, random: np.random.Generator) -> Doubles:
        """Return the accuracy that each run would have on infinitely many reviews, [networks, seeds]."""
        well = means[:, None] + self.sd * random.normal(size=(NETWORKS, seeds))
        return np.clip(np.where(random.random(well.shape) < self.lost, 0.5, well), 0.01, 0.99)


SCENARIOS = (
    Scenario("gated, pairs alike", 0.86, 0.0035),
    Scenario("gated, pairs differ by 2 points", 0.86, 0.0035, pairs_sd=0.02),
    Scenario("SimpleRNN, SD 3", 0.78, 0.03),
    Scenario("15 % collapse", 0.78, 0.01, lost=0.15),
    Scenario("10 % crash", 0.86, 0.0035, lost=0.10),
)


def _without_effects(offsets: Doubles) -> Doubles:
    """Return offsets [cells, depths, words, lengths] whose mean over each value of an axis, and so each claim, is 0."""
    for axis in (1, 2, 3):
        others = tuple(other for other in (1, 2, 3) if other != axis)
        offsets = offsets - offsets.mean(axis=others, keepdims=True)
    return offsets * (27 / 20) ** 0.5  # 7 of the 27 dimensions are gone


class Simulated:
    """One ledger's samples, drawn at once: what `Samples` is for a real one."""

    def __init__(self, scenario: Scenario, places: dict[Network, int], seeds: int, random: np.random.Generator) -> None:
        self._places = places
        self.means = scenario.means(random)
        self._accuracies = scenario.drawn(self.means, seeds, random)
        self._free = random.normal(size=(2, NETWORKS, seeds))  # what has no review part: training, and slopes
        ease, total = _ease(random)
        threshold = (special.ndtri(self._accuracies) * (1 + total) ** 0.5).astype(np.float32)
        luck = random.standard_normal((NETWORKS, seeds, REVIEWS), dtype=np.float32)
        self._right = luck < threshold[:, :, None] + ease[:, None, :]
        self._known: dict[int, Sample] = {}

    def __call__(self, network: Network, measure: str) -> Sample:
        """Return a network's sample of `BEST`, `TRAINING` or `SLOPE`."""
        place = self._places[network]
        if measure != BEST:
            return sample(0.01 * self._free[[TRAINING, SLOPE].index(measure), place])
        if place not in self._known:
            right = self._right[place]
            self._known[place] = sample(right.mean(axis=1), right)
        return self._known[place]


def _ease(random: np.random.Generator) -> tuple[NDArray[np.float32], float]:
    """Return how easy each review is for each network, float32 [networks, reviews], and the variance of it."""
    drawn = SHARED * random.standard_normal((4, 3, REVIEWS), dtype=np.float32)
    grids = [drawn[axis].reshape([3 if axis == other else 1 for other in range(4)] + [REVIEWS]) for axis in range(4)]
    together = sum(grids[1:], grids[0]).reshape(NETWORKS, REVIEWS)
    together = together + OWN * random.standard_normal((NETWORKS, REVIEWS), dtype=np.float32)
    return together + EASE * random.standard_normal(REVIEWS, dtype=np.float32), EASE**2 + 4 * SHARED**2 + OWN**2


def questions_of(seeds: int) -> tuple[list[Question], dict[Network, int]]:
    """Return the seven claims on the factorial with this many seeds, and each network's place."""
    combinations = itertools.product(CELLS, UNITS, WORDS, LENGTHS)
    networks = [
        Network(f"{place}", cell, units, words, length, tuple(f"{place}-{seed}" for seed in range(seeds)))
        for place, (cell, units, words, length) in enumerate(combinations)
    ]
    grid = Grid("simulated", "simulated", False, 0, 5, tuple(networks), ())
    return as_controlled([grid]), {network: place for place, network in enumerate(networks)}


def measure(scenario: Scenario, seeds: int, ledgers: int, best_every: int) -> dict[str, Any]:
    """Return a row of coverage and false verdicts over these ledgers, and of the best set of one in so many."""
    random = np.random.default_rng([seeds, SCENARIOS.index(scenario)])
    questions, places = questions_of(seeds)
    found: dict[str, list[float]] = {"9 + 9": [], "27 + 27": [], "false verdict": [], "best set": []}
    for number in range(ledgers):
        ledger = Simulated(scenario, places, seeds, random)
        claims, parts = rows_of(questions, ledger)
        found["9 + 9"].append(_coverage(parts, 18))
        found["27 + 27"].append(_coverage(parts, 54))
        found["false verdict"].append(_says_something_false(claims, scenario))
        if number % best_every == 0:
            found["best set"].append(_has_best(ledger, places))
    columns = {name: f"{np.mean(values):.3f} ± {_error(values):.3f}" for name, values in found.items()}
    return {"scenario": scenario.name, "seeds": seeds, "ledgers": ledgers} | columns


def _error(values: Sequence[float]) -> float:
    return float(np.std(values) / len(values) ** 0.5)


def _coverage(parts: Rows, networks: int) -> float:
    """Return the share of the differences of test accuracy over this many networks whose interval holds 0."""
    chosen = [part for part in parts if part["reviews"] is not pd.NA and part["networks"] == networks]
    differences = [part for part in chosen if "root mean square" not in part["part"]]
    return float(np.mean([part["low"] <= 0 <= part["high"] for part in differences]))


def _says_something_false(claims: Rows, scenario: Scenario) -> bool:
    """Return whether an adjusted p-value decides a claim of a difference, which is 0, or the little one wrongly.

    That too few seeds of a SimpleRNN withhold a verdict does not count as true.
    """
    wrongly = "supported" if scenario.pairs_sd else "contradicted"
    return any(claim["verdict"] == wrongly if claim["claim"] == LITTLE else claim["p_holm"] < ALPHA for claim in claims)


def _has_best(ledger: Simulated, places: Mapping[Network, int]) -> bool:
    """Return whether the best of the GRUs is among those that cannot be told from the best of them."""
    compared = [network for network in places if network.cell == "gru"]
    means = [ledger.means[places[network]] for network in compared]
    found = best_of([ledger(network, BEST) for network in compared], [network.depth - 1 for network in compared])
    return bool(found[int(np.argmax(means))])


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ledgers", type=int, default=1500, help="of each scenario and number of seeds")
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 5, 10])
    parser.add_argument("--scenarios", nargs="+", default=[one.name for one in SCENARIOS], help="their names")
    parser.add_argument(
        "--best-every", type=int, default=10, help="ledgers from one whose best set is found to the next"
    )
    parser.add_argument("--json", type=Path, help="write the rows as JSON lines, too")
    options = parser.parse_args()
    chosen = [one for one in SCENARIOS if one.name in options.scenarios]
    if not chosen:
        parser.error(f"--scenarios: none of these; give some of {', '.join(repr(one.name) for one in SCENARIOS)}")
    rows = [measure(one, seeds, options.ledgers, options.best_every) for one in chosen for seeds in options.seeds]
    show(rows, options.json)


if __name__ == "__main__":
    main()
