"""What holds: every claim in each of two families, its parts and pairs, and how sure that is.

A verdict is decided by the p-value that Holm's method adjusts over the claims of its family, so that a study with no
effect at all says something false in at most one of twenty cases. "As published" and "controlled" are two questions,
and two families.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames.contrasts import (
    CONTROLLED,
    PLANNED,
    PUBLISHED,
    SYSTEM,
    Design,
    Finding,
    among_trained,
    controlled,
    estimate,
    findings,
    interim,
    obstacle,
    published,
    readiness,
    spread,
    term_of,
)
from analysis.frames.networks import SLOPE, TRAINING, Grid, Network, Samples, grids, studied, systems
from analysis.frames.trials import finished
from analysis.original.claims import CLAIMS, CONTRADICTED, SUPPORTED, UNDECIDED, Claim
from rnnsweep.stats import ALPHA, contrast, holm, p_of_parts

# The first twelve are a contract: tables/claims.csv has them in this order, effects in accuracy.
CLAIM_COLUMNS = [
    "claim", "family", "effect", "low", "high", "p", "p_holm", "seeds", "reviews", "df", "smallest", "verdict",
]  # fmt: skip
MORE_COLUMNS = ["interim", "reason", "part", "random", "networks", "pairs", "missing", "data", "epochs", "real"]
PART_COLUMNS = [*CLAIM_COLUMNS, *MORE_COLUMNS]
PAIR_COLUMNS = ["claim", "family", "part", "first", "second", "effect", "low", "high", "first_n", "second_n"]
SPREAD_COLUMNS = ["claim", "family", "part", "pairs", "rms", "rms_low", "rms_high", "p_equal"]
TRAINED_COLUMNS = ["claim", "family", "part", "effect", "low", "high", "seeds", "pairs", "of_pairs", "failed", "n"]
FALL_COLUMNS = ["claim", "family", "part", "first", "last_minus_best", "n"]
SEEDS_AND_REVIEWS = "new seeds and reviews"
# What is random in an interval where the reviews are not.
THESE_REVIEWS = {TRAINING: "new seeds", SLOPE: "new seeds, these validation reviews only"}
THIS_TEST_SET = "new seeds, this test set only"
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Source:
    """Where the designs of a claim come from: the data, epochs and whether the reviews are real."""

    data: str = ""
    epochs: str = ""
    real: bool = False


@dataclass(frozen=True)
class Question:
    """A claim in one family: the designs of its parts."""

    number: int
    family: str
    designs: tuple[Design, ...]
    source: Source = Source()


@dataclass(frozen=True)
class Verdicts:
    """The frames of both families: see the column lists of this module."""

    claims: pd.DataFrame
    parts: pd.DataFrame
    pairs: pd.DataFrame
    spreads: pd.DataFrame
    trained: pd.DataFrame
    falls: pd.DataFrame


def verdicts(
    trials: pd.DataFrame,
    shown: pd.DataFrame,
    suggestions: pd.DataFrame,
    samples: Samples,
    planned: Mapping[str, int] = PLANNED,
) -> Verdicts:
    """Return the verdicts on a ledger's prepared trials; `shown` are those of the scope of the eight systems."""
    families = [as_published(shown, planned.get(SYSTEM, 0)), as_controlled(grids(studied(trials, suggestions)))]
    judged = [judge(family, samples, planned) for family in families]
    questions = [question for family in families for question in family]
    return Verdicts(
        pd.concat([claims for claims, _ in judged], ignore_index=True),
        pd.concat([parts for _, parts in judged], ignore_index=True),
        pairs_of(questions, samples),
        spreads_of(questions, samples),
        trained_of(questions, samples),
        falls_of(questions, samples),
    )


def as_published(shown: pd.DataFrame, planned: int = 0, claims: Sequence[Claim] = CLAIMS) -> list[Question]:
    """Return each claim of the report's systems, from the trials of one scope.

    Of a system that has more seeds than were planned and than all others have, as one that is a cell of a grid, too,
    may have, the first count: more would be a second look at a verdict that was final.
    """
    every, done = systems(shown), finished(shown)
    most = max(planned, min((system.seeds for system in every.values()), default=0))
    found = {name: system.first(most) for name, system in every.items()}
    epochs = sorted(done["epochs"].unique())
    where = (
        Source(str(done["data"].iloc[0]), " or ".join(map(str, epochs)), bool(done["real"].iloc[0]))
        if len(done)
        else Source()
    )
    return [
        Question(number, PUBLISHED, tuple(published(part, found) for part in claim.parts), where)
        for number, claim in enumerate(claims, 1)
    ]


def as_controlled(found: Iterable[Grid], claims: Sequence[Claim] = CLAIMS) -> list[Question]:
    """Return each claim of matched networks, all its parts from the one grid that says most of it."""
    choice = list(found)
    return [_best_question(number, claim, choice) for number, claim in enumerate(claims, 1)]


def _best_question(number: int, claim: Claim, found: Sequence[Grid]) -> Question:
    """Return the claim on its best grid.

    A grid with an interval goes before one without, one with a pair before one without, real data before generated, all
    reviews before fewer, enough seeds for a verdict before fewer. Then it is the number of networks and trials; but for
    slopes, the most epochs.
    """
    if not found:
        return Question(number, CONTROLLED, tuple(Design(part, CONTROLLED, ()) for part in claim.parts))
    options = [(grid, tuple(controlled(part, grid) for part in claim.parts)) for grid in found]
    grid, designs = max(options, key=lambda option: _evidence(*option))
    return Question(number, CONTROLLED, designs, Source(grid.data, str(grid.epochs), grid.real))


def _evidence(grid: Grid, designs: Sequence[Design]) -> tuple[Any, ...]:
    ready, networks = readiness(designs), {network for design in designs for network in design.weights}
    slope = any(design.measure == SLOPE for design in designs)
    return (
        max(ready) > 0, bool(networks), grid.real, not grid.reviews_used, grid.reviews_used, min(ready),
        grid.epochs if slope else 0, len(networks), sum(network.seeds for network in networks), grid.epochs,
    )  # fmt: skip


def judge(
    questions: Sequence[Question], samples: Samples, planned: Mapping[str, int] = PLANNED
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the claims of one family, a row each, and their parts, both with p-values adjusted over the family."""
    claims, parts = rows_of(questions, samples, planned)
    return _framed(claims), _framed(parts)


def rows_of(questions: Sequence[Question], samples: Samples, planned: Mapping[str, int] = PLANNED) -> tuple[Rows, Rows]:
    """Return what `judge` returns, as rows."""
    alpha = ALPHA / max(1, len(questions))  # what Holm's method asks of the first claim it lets pass
    found = [[one for design in question.designs for one in findings(design, samples, alpha)] for question in questions]
    together = [p_of_parts([(one.holds, one.fails) for one in parts]) for parts in found]
    p = [_two_sided(*sides) for sides in together]
    rows = [
        _row(question, _deciding(parts, *sides), parts, planned) | _decided(value, adjusted, sides, parts)
        for question, parts, sides, value, adjusted in zip(questions, found, together, p, holm(p), strict=True)
    ]
    return rows, _parts(questions, found, planned)


def _parts(questions: Sequence[Question], found: Sequence[Sequence[Finding]], planned: Mapping[str, int]) -> Rows:
    of = [(question, one) for question, parts in zip(questions, found, strict=True) for one in parts]
    adjusted = holm([one.p for _, one in of])
    return [
        _row(question, one, [one], planned) | _decided(one.p, value, (one.holds, one.fails), [one])
        for (question, one), value in zip(of, adjusted, strict=True)
    ]


def _framed(rows: Rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=PART_COLUMNS).astype({"reviews": "Int64"})


def _two_sided(holds: float, fails: float) -> float:
    return float(min(1.0, 2 * min(holds, fails))) if np.isfinite(holds) else np.nan


def _decided(p: float, adjusted: float, sides: tuple[float, float], parts: Sequence[Finding]) -> dict[str, Any]:
    """Return p, p_holm and the verdict: a claim holds where no part lacks seeds, and fails where one that does not."""
    says = UNDECIDED
    if adjusted < ALPHA:
        says = SUPPORTED if sides[0] < sides[1] else CONTRADICTED
    barred = [bool(obstacle(one)) for one in parts]
    failing = min(parts, key=lambda one: np.nan_to_num(one.fails, nan=1.0))
    withheld = any(barred) if says == SUPPORTED else bool(obstacle(failing))
    return {"p": p, "p_holm": adjusted, "verdict": UNDECIDED if withheld else says}


def _deciding(parts: Sequence[Finding], holds: float, fails: float) -> Finding:
    """Return the part to show for a claim: the least sure one of a claim that seems to hold, the surest that fails."""
    shown = [one for one in parts if one.is_difference and np.isfinite(one.holds)]
    if not shown:
        return parts[0]
    return max(shown, key=lambda one: one.holds) if holds < fails else min(shown, key=lambda one: one.fails)


def _row(question: Question, one: Finding, parts: Sequence[Finding], planned: Mapping[str, int]) -> dict[str, Any]:
    design, counts = one.design, [part.design.seeds for part in parts]
    return {
        "claim": question.number,
        "family": question.family,
        "effect": one.effect,
        "low": one.low,
        "high": one.high,
        "seeds": _range(min(low for low, _ in counts), max(high for _, high in counts)),
        "reviews": one.reviews or pd.NA,
        "df": one.df,
        "smallest": one.smallest,
        "interim": any(interim(part.design, planned) for part in parts),
        "reason": "; ".join(dict.fromkeys(obstacle(part) for part in parts if obstacle(part))),
        "part": one.text,
        "random": SEEDS_AND_REVIEWS if one.reviews else THESE_REVIEWS.get(design.measure, THIS_TEST_SET),
        "networks": len(design.weights),
        "pairs": len(design.terms),
        "missing": len(design.missing),
        "data": question.source.data,
        "epochs": question.source.epochs,
        "real": question.source.real,
    }


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def pairs_of(questions: Sequence[Question], samples: Samples) -> pd.DataFrame:
    """Return every pair of networks behind a controlled mean, or network with a slope, with its own 95 % interval.

    These intervals are not corrected for their number, and no pair has a verdict.
    """
    rows = []
    for question, design in _designs(questions):
        for term in design.terms:
            rows.append(_named(question, design) | _pair(term) | _interval_of(term, design.measure, samples))
    return pd.DataFrame(rows, columns=PAIR_COLUMNS)


def _designs(questions: Sequence[Question]) -> list[tuple[Question, Design]]:
    return [(question, design) for question in questions for design in question.designs if design.terms]


def _named(question: Question, design: Design) -> dict[str, Any]:
    return {"claim": question.number, "family": question.family, "part": design.part.text}


def _pair(term: Iterable[tuple[Network, float]]) -> dict[str, Any]:
    sides = [[network for network, weight in term if (weight > 0) == first] for first in (True, False)]
    names = [", ".join(network.label for network in side) for side in sides]
    counts = [_range(min(n), max(n)) if (n := [network.seeds for network in side]) else "" for side in sides]
    return dict(zip(("first", "second", "first_n", "second_n"), [*names, *counts], strict=True))


def _interval_of(term: tuple[tuple[Network, float], ...], measure: str, samples: Samples) -> dict[str, float]:
    found = contrast(*term_of(term, measure, samples))
    return dict(zip(("effect", "low", "high"), (found.estimate, *found.interval()), strict=True))


def spreads_of(questions: Sequence[Question], samples: Samples) -> pd.DataFrame:
    """Return how far the pairs behind each mean part: root mean square of their true effects, and p of all equal."""
    rows = []
    for question, design in _designs(questions):
        if len(design.terms) > 1:
            found = spread(design, samples)
            limits = dict(zip(("rms", "rms_low", "rms_high"), (found.estimate, *found.interval()), strict=True))
            rows.append(_named(question, design) | limits | {"pairs": found.k, "p_equal": found.p_equal})
    return pd.DataFrame(rows, columns=SPREAD_COLUMNS)


def trained_of(questions: Sequence[Question], samples: Samples) -> pd.DataFrame:
    """Return beside each part the same contrast among the runs that trained, a condition that no claim has.

    `failed` of `n` runs did not train; `pairs` of `of_pairs` still have two seeds of each network.
    """
    rows = []
    for question, design in _designs(questions):
        kept = among_trained(design, samples)
        found, trained = (
            estimate(kept, samples),
            [one for network in design.weights for one in samples.trained(network)],
        )
        rows.append(
            _named(question, design)
            | dict(zip(("effect", "low", "high"), (found.estimate, *found.interval()), strict=True))
            | {"seeds": _range(*kept.seeds), "pairs": len(kept.terms), "of_pairs": len(design.terms)}
            | {"failed": len(trained) - sum(trained), "n": len(trained)}
        )
    return pd.DataFrame(rows, columns=TRAINED_COLUMNS)


def falls_of(questions: Sequence[Question], samples: Samples) -> pd.DataFrame:
    """Return of each network behind a slope how far its last epoch is below its best, mean over its n seeds.

    A description and no evidence: a curve that only wavers about a level ends below its own peak, too.
    """
    rows = [
        _named(question, design) | {"first": one.label, "last_minus_best": samples.fall(one), "n": one.seeds}
        for question, design in _designs(questions)
        if design.measure == SLOPE
        for one in design.weights
    ]
    return pd.DataFrame(rows, columns=FALL_COLUMNS)
