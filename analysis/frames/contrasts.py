"""A part of a claim as a contrast: which networks, with which weights, and what their trials say of it.

*Controlled*: the mean over all matched networks of a grid, pairs that differ in the claimed axis alone. *Published*:
the original's own systems, in which all that differs between them differs, after their last epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from analysis.frames.networks import SLOPE, TRAINING, Grid, Network, Samples
from analysis.frames.trials import BEST, LAST
from analysis.original.claims import MARGIN, Part
from rnnsweep.cells import CELLS
from rnnsweep.stats import Contrast, Effects, Term, contrast, effects

PUBLISHED, CONTROLLED = "published", "controlled"
# What a verdict takes beside two seeds: some runs of a SimpleRNN fail to train, and few seeds may miss it.
LEAST_SEEDS = {"simple_rnn": 5}
SYSTEM = "system"
ROOT_MEAN_SQUARE = "root mean square of the pairs"
# The plan, fixed before the results: seeds where the variance is, by cell as a whole and never by network.
PLANNED = {"gru": 5, "lstm": 10, "simple_rnn": 20, SYSTEM: 5}
Weighted = tuple[tuple[Network, float], ...]


@dataclass(frozen=True)
class Design:
    """The contrast of a part: the mean of its terms, a pair of networks each, or a network with its slope.

    The systems of a published claim are one term together.
    """

    part: Part
    family: str
    terms: tuple[Weighted, ...]
    missing: tuple[
        str, ...
    ] = ()  # what the part speaks of and the ledger lacks: systems, or networks without a partner

    @property
    def measure(self) -> str:
        """What is measured of each trial."""
        if not self.part.second:
            return SLOPE
        return TRAINING if self.part.training else LAST if self.family == PUBLISHED else BEST

    @cached_property
    def weights(self) -> dict[Network, float]:
        """The weight of each network in the mean of the terms."""
        found: dict[Network, float] = {}
        for term in self.terms:
            for network, weight in term:
                found[network] = found.get(network, 0.0) + weight / len(self.terms)
        return found

    @cached_property
    def seeds(self) -> tuple[int, int]:
        """The fewest and the most seeds of a network; 0 and 0 without networks."""
        counts = [network.seeds for network in self.weights]
        return (min(counts), max(counts)) if counts else (0, 0)


def controlled(part: Part, grid: Grid) -> Design:
    """Return the contrast of a part over all matched networks of a grid."""
    inside = [network for network in grid.networks if part.cell in ("", network.cell)]
    if not part.second:
        return Design(part, CONTROLLED, tuple(((network, 1.0),) for network in inside))
    pairs, alone = matched(inside, part.axis, *part.values)
    terms = tuple(((first, 1.0), (second, -1.0)) for first, second in pairs)
    return Design(part, CONTROLLED, terms, tuple(network.label for network in alone))


def published(part: Part, found: Mapping[str, Network]) -> Design:
    """Return the contrast of a part over the report's systems, by id; without terms where one is missing."""
    sides = [(part.first, 1.0)] + ([(part.second, -1.0)] if part.second else [])
    missing = tuple(name for side, _ in sides for name in side if name not in found)
    if missing:
        return Design(part, PUBLISHED, (), missing)
    if not part.second:
        return Design(part, PUBLISHED, tuple(((found[name], 1.0),) for name in part.first))
    term = tuple((found[name], sign / len(side)) for side, sign in sides for name in side)
    return Design(part, PUBLISHED, (term,))


def matched(
    networks: Iterable[Network], axis: str, first: Any, second: Any
) -> tuple[list[tuple[Network, Network]], list[Network]]:
    """Return the pairs of networks that differ in an axis alone, with these values, and those without a partner.

    In depth, two networks are a pair if the deeper one begins with the layers of the other.
    """
    here, there = ([one for one in networks if getattr(one, axis) == value] for value in (first, second))
    pairs = [(one, other) for one in here for other in there if _alike(one, other, axis)]
    paired = {one.keys for pair in pairs for one in pair}
    return pairs, [one for one in (*here, *there) if one.keys not in paired]


def _alike(one: Network, other: Network, axis: str) -> bool:
    same = all(getattr(one, name) == getattr(other, name) for name in ("cell", "num_words", "max_len") if name != axis)
    if axis != "depth":
        return same and one.units == other.units
    return same and all(a == b for a, b in zip(one.units, other.units, strict=False))


def estimate(design: Design, samples: Samples) -> Contrast:
    """Return the contrast of a design; nothing can be decided of one without terms."""
    weights = design.weights
    if not weights:
        return Contrast(np.nan, np.nan, np.nan, np.nan)
    return contrast([samples(network, design.measure) for network in weights], list(weights.values()))


def spread(design: Design, samples: Samples) -> Effects:
    """Return how far the terms of a design, which has some, part from their mean."""
    return effects([term_of(term, design.measure, samples) for term in design.terms])


def term_of(term: Weighted, measure: str, samples: Samples) -> Term:
    """Return the samples of a term's networks and their weights."""
    return [samples(network, measure) for network, _ in term], [weight for _, weight in term]


def among_trained(design: Design, samples: Samples) -> Design:
    """Return the design of the runs that trained, without terms of which a network has fewer than two such seeds."""
    terms = [tuple((_trained(network, samples), weight) for network, weight in term) for term in design.terms]
    return replace(design, terms=tuple(term for term in terms if min(network.seeds for network, _ in term) > 1))


def _trained(network: Network, samples: Samples) -> Network:
    kept = samples.trained(network)
    return replace(network, keys=tuple(key for key, one in zip(network.keys, kept, strict=True) if one))


@dataclass(frozen=True)
class Finding:
    """What the trials say of a part, or of a condition on it: an effect, its interval, and how sure it is."""

    text: str
    design: Design
    effect: float
    low: float
    high: float
    holds: float  # one-sided p-value of the part
    fails: float  # and of its contrary
    df: float
    smallest: float = np.nan  # effect that could have been shown
    reviews: int = 0  # that are random in the interval; 0: these test reviews only, or none
    is_difference: bool = True

    @property
    def p(self) -> float:
        """Two-sided p-value."""
        return float(min(1.0, 2 * min(self.holds, self.fails))) if np.isfinite(self.holds) else np.nan


def findings(design: Design, samples: Samples, alpha: float) -> list[Finding]:
    """Return what the trials say of a part; `alpha` is what its claim is tested at, for the smallest effect.

    A little difference of several pairs is two conditions: the mean is little, and so is the root mean square, because
    effects that cancel are no little ones.
    """
    part, found = design.part, estimate(design, samples)
    holds, fails = found.p_sign(part.sign) if part.sign else found.p_within(MARGIN)
    reviews = 0 if np.isnan(found.reviews) else len(np.asarray(_shares(design, samples)))
    mean = Finding(
        part.text, design, found.estimate, *found.interval(), holds, fails, found.df, found.smallest(alpha), reviews
    )
    if part.sign or len(design.terms) < 2:
        return [mean]
    spreading = spread(design, samples)
    limits, p = spreading.interval(), spreading.p_below(MARGIN)
    text = f"{part.text}: {ROOT_MEAN_SQUARE}"
    return [mean, Finding(text, design, spreading.estimate, *limits, *p, spreading.df, np.nan, reviews, False)]


def _shares(design: Design, samples: Samples) -> Any:
    return samples(next(iter(design.weights)), design.measure).shares


def obstacle(finding: Finding) -> str:
    """Return why a part has no verdict whatever its numbers are, or ''."""
    design = finding.design
    if not design.terms:
        lacking = ", ".join(design.missing)
        return f"no finished trial of {lacking}" if design.family == PUBLISHED else "no matched pair"
    few = next((network for network in design.weights if network.seeds < 2), None)
    if few:
        return f"one seed of {few.label}"
    if np.isnan(finding.effect):
        return "a trial without its measurement"
    if np.isnan(finding.low):
        return f"no variance between {design.seeds[0]} seeds"
    return _too_few(design)


def _too_few(design: Design) -> str:
    for network in design.weights:
        least = LEAST_SEEDS.get(network.cell, 2)
        if network.seeds < least:
            return f"{network.seeds} seeds of {network.label}; a verdict on {CELLS[network.cell].title} takes {least}"
    alone = design.family == CONTROLLED and len(design.terms) == 1
    if alone and any(network.cell in LEAST_SEEDS for network in design.weights):
        return "one pair of networks of a cell that may fail to train decides nothing"
    return ""


def interim(design: Design, planned: Mapping[str, int]) -> bool:
    """Return whether a network has fewer seeds than the plan has for it."""
    wanted = {
        network: planned.get(SYSTEM if design.family == PUBLISHED else network.cell, 2) for network in design.weights
    }
    return any(network.seeds < count for network, count in wanted.items())


def readiness(designs: Sequence[Design]) -> list[int]:
    """Return of each part 2 where its seeds are enough for a verdict, 1 where they are for an interval, else 0."""
    return [0 if design.seeds[0] < 2 else 1 if _too_few(design) else 2 for design in designs]
