"""The first screen: which network to use, how sure that is, and what a linear model would do; then the verdicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis import figures
from analysis.document import (
    GENERATED,
    Block,
    Code,
    Facts,
    Figures,
    Link,
    Picture,
    Strong,
    Text,
    interval_text,
    number,
    plural,
    text,
)
from analysis.frames.answer import Answer, answers, standing
from analysis.frames.lines import bar_of
from analysis.frames.trials import STATUSES, finished, records
from analysis.original.claims import CLAIMS, CONTRADICTED, SUPPORTED, UNDECIDED
from analysis.sections.claims import FAMILIES
from analysis.sections.commands import FACTORIAL_COMMAND
from analysis.sections.leaderboard import passed
from analysis.sections.source import Source, described, label
from rnnsweep.cells import CELLS
from rnnsweep.choice import run_seconds

WHICH, SURE, BAR, COST, SEVEN = "Which network", "How sure", "A linear model", "What it costs", "The seven claims"
NEAR = 0.01  # of test accuracy: who is that near to the first is worth a look where it is cheaper
ENDED = ("finished", "diverged", "pruned")  # what is missing in none of these ways
SHOWN = 5  # data sets on the first screen
UNTOLD = "None of the networks that they speak of is here in a pair: this ledger says nothing of them."


def answer_blocks(source: Source) -> list[Block]:
    """Return the first screen of a ledger that is not empty: the answer in a few lines and a picture, the verdicts."""
    found = answers(source.trials, source.study.board)
    if not found:
        return [_unanswered(source)]
    if len(found) == 1:
        return [_facts(source, found[0]), *_verdicts(source)]
    facts = [(one.data, _in_a_line(source, one)) for one in found[:SHOWN]]
    more = f" {len(found) - SHOWN} more are further down." if len(found) > SHOWN else ""
    said = f"{plural(len(found), 'data set')}, each with its own answer; accuracies of different data say nothing of "
    return [
        text(f"{said}each other.{more}"),
        Facts([*facts, (SEVEN, claims_line(source))], _picture(source, found[0])),
        *_verdicts(source),
    ]


def judged(source: Source) -> list[str]:
    """Return the families in which the ledger has an effect for at least one of the seven claims."""
    claims = source.study.verdicts.claims
    return [family for family in FAMILIES if claims.loc[claims["family"] == family, "effect"].notna().any()]


def _facts(source: Source, one: Answer) -> Facts:
    facts = [
        (WHICH, text(*_which(source, one))),
        (SURE, text(*_sure(source, one))),
        (BAR, text(*_bar(source, one))),
        (COST, text(*_cost(source, one))),
        (SEVEN, claims_line(source)),
    ]
    return Facts(facts, _picture(source, one))


def _in_a_line(source: Source, one: Answer) -> Text:
    return text(*_which(source, one), " ", *_sure(source, one), " ", *_bar(source, one))


def _unanswered(source: Source) -> Facts:
    """Return what can be said where no network with held-out validation is finished."""
    done = finished(source.trials)
    if len(done):
        why = (
            f"Not to be said: none of the {plural(len(done), 'finished trial')} held reviews out for validation. The "
            "original validated on the test set or on one batch, by which nothing can be chosen. "
        )
    else:
        why = "Not to be said yet: no trial is finished. "
    return Facts(
        [
            (WHICH, text(Strong("No answer yet."), f" {why}", Code(FACTORIAL_COMMAND), " trains a grid that has one.")),
            (SURE, text(f"{_counts(source.trials)}.")),
            (BAR, text("No network stands beside one yet.")),
            (SEVEN, claims_line(source)),
        ]
    )


def _which(source: Source, one: Answer) -> list[Any]:
    spec = source.contents.specs[one.key]
    tested, place = bool(np.isfinite(one.test_accuracy)), one.place
    known, seeds, interval = one.test_accuracy if tested else one.val_accuracy, one.seeds, ""
    if tested and place is not None and pd.notna(place["rank"]):  # where a search's seed that chose does not count
        known, seeds, interval = place["test_accuracy"], int(place["used"]), interval_text(place["low"], place["high"])
    accuracy = f"{number(known)} of the {'test' if tested else 'validation'} reviews"
    of_seeds = plural(seeds, "seed")
    certain = f"95 % interval {interval}, {of_seeds}" if interval not in ("", "—") else of_seeds
    of = f"the best of {one.of} networks by validation" if one.of > 1 else "the only network, compared with none"
    made_up = "" if one.real else " On generated reviews, not real ones: nothing follows for real texts."
    return [Strong(label(spec)), f": {accuracy} ({certain}); {of}.{made_up}"]


def _sure(source: Source, one: Answer) -> list[Any]:
    """Return how far the answer can be trusted: rivals, seeds, the test set, and trials that are missing."""
    board = source.study.board
    ranked = board[(board["data"] == one.data) & board["rank"].notna()]
    said: list[Any] = []
    if one.of == 1 and one.seeds == 1:
        said.append(
            "One trial says how one network came out once: neither how its seeds part nor what another would do."
        )
    elif one.seeds == 1:
        said.append("Not at all: of one seed each, another may come first by luck. Train more: ")
        said += [Code("--seeds 3"), "."]
    elif one.of == 1:
        said.append("There is nothing to compare it with.")
    elif len(ranked) > 1:
        said += _rivals(ranked, one)
    if not np.isfinite(one.test_accuracy):
        said.append(" There is no test set: validation chose both network and epoch, and is too high for both.")
    trials = source.trials[source.trials["data"] == one.data]
    if not trials["status"].isin(ENDED).all():
        said.append(f" Not all is in: {_counts(trials)}.")
    return said


def _rivals(ranked: pd.DataFrame, one: Answer) -> list[Any]:
    best, first = ranked[ranked["best"]], ranked.iloc[0]
    said: list[Any] = [
        Link(f"{plural(len(best), 'network')} may be the best", "board"),
        f" of {len(ranked)} on {one.data}; the first by test accuracy is {first['network']}, "
        f"{number(first['test_accuracy'])} (95 % interval {interval_text(first['low'], first['high'])}, "
        f"{first['used']} seeds).",
    ]
    if one.place is not None and not one.place["best"]:
        said.append(" The one that validation chose is not among them: do not take it.")
    elif len(best) > 1:
        near = best[best["test_accuracy"] >= first["test_accuracy"] - NEAR]
        cheap = near.sort_values("seconds").iloc[0]
        after = f"{number(cheap['test_accuracy'])} after {number(cheap['seconds'], 0)} s"
        said.append(f" The cheapest within a point of it: {cheap['network']}, {after}.")
    return said


def _bar(source: Source, one: Answer) -> list[Any]:
    said = passed(source, one.data)
    if said:
        return list(said[0].spans)
    return ["No linear model was computed, so that nobody knows what a network is worth here: ",
            Code(FACTORIAL_COMMAND), " does it in seconds."]  # fmt: skip


def _cost(source: Source, one: Answer) -> list[Any]:
    trials = source.trials[source.trials["key"] == one.key]
    (trial,) = records(trials)
    seconds = run_seconds(trials).iloc[0] if one.place is None else one.place["seconds"]
    said: list[Any] = [f"{number(trial.params, 0)} parameters, {number(seconds, 0)} s of training."]
    whole = source.study.failures[source.study.failures["depth"].isna()]
    failed, runs = int(whole["failed"].sum()), int(whole["n"].sum())
    if failed:
        said += [f" {failed} of {runs:,} runs ", Link("failed to train", "failures"), "."]
    return said


def claims_line(source: Source) -> Text:
    """Return in a line what the ledger says of the original's seven claims."""
    claims, found = source.study.verdicts.claims, judged(source)
    if not found:
        return text(UNTOLD)
    said = []
    for family in found:
        rows = claims[claims["family"] == family]
        words = [
            f"{verdict} {', '.join(map(str, rows.loc[rows['verdict'] == verdict, 'claim']))}"
            for verdict in (SUPPORTED, CONTRADICTED, UNDECIDED)
            if (rows["verdict"] == verdict).any()
        ]
        interim = " (interim)" if rows["interim"].any() else ""
        said.append(f"{FAMILIES[family]}{interim}: {'; '.join(words)}")
    return text("Of the original's ", Link("conclusions", "claims"), f", {'. '.join(said)}.")


def _counts(trials: pd.DataFrame) -> str:
    counts = trials["status"].value_counts()
    said = [f"{counts[status]:,} {status}" for status in STATUSES if status in counts]
    return f"of {plural(len(trials), 'trial')} here, {', '.join(said)}"


def _picture(source: Source, one: Answer) -> Picture | None:
    frame = standing(one, source.study.board, source.trials)
    if len(frame) < 2:
        return None
    bar = bar_of(source.study.lines, one.data)
    tested = bool(frame["low"].notna().any())
    line = (str(bar["title"]), float(bar["test_accuracy"])) if bar is not None and tested else None
    what = "test accuracy, 95 % interval" if tested else "validation accuracy"
    below = f"{one.data}\n{what}" + ("" if one.real else f"\n{GENERATED}")

    def draw(ax: Any) -> Any:
        return figures.standing(frame, line, ax, "The best network of each kind", below)

    first = frame.iloc[0]
    beside = f", and {line[0]} with {line[1]:.4f}" if line else ""
    alt = f"Accuracy of the best networks of each kind; first {first['network']} with {first['accuracy']:.4f}{beside}"
    return Picture("answer.png", described(alt, below), *figures.drawn(draw, 5.6, 1.2 + 0.3 * len(frame)))


def _verdicts(source: Source) -> list[Block]:
    """Return the seven verdicts as a forest plot, nothing where the ledger has none of their effects."""
    found = judged(source)
    if not found:
        return []
    claims = source.study.verdicts.claims
    shown = claims.copy()
    for name in ("effect", "low", "high"):
        shown[name] = 100 * shown[name].astype(float)
    shown["family"] = shown["family"].map(FAMILIES)
    labels = [_short(place, source) for place in range(len(CLAIMS))]
    signs = [claim.parts[0].sign for claim in CLAIMS]
    real = bool(shown.loc[shown["effect"].notna(), "real"].all())
    interim = "; interim: not all planned seeds are in" if shown["interim"].any() else ""
    below = f"The original's seven conclusions{interim}" + ("" if real else f"\n{GENERATED}")

    def draw(ax: Any) -> Any:
        return figures.forest(shown, labels, signs, ax, "Do the original's conclusions hold?", below)

    alt = described(f"Effect, interval and Holm-adjusted p of each claim. {_spoken(shown, labels)}", below)
    picture = Picture("verdicts.png", alt, *figures.drawn(draw, 8.6, 1.6 + 0.46 * len(labels)))
    return [Figures([picture], "wide")]


def _short(place: int, source: Source) -> str:
    part = CLAIMS[place].parts[0]
    cell = f"{CELLS[part.cell].title}, " if part.cell else ""
    return f"{place + 1}. {cell}{part.text}"


def _spoken(shown: pd.DataFrame, labels: list[str]) -> str:
    rows = records(shown[shown["effect"].notna()])
    return "; ".join(f"{labels[row.claim - 1]}, {row.family}: {row.effect:+.2f} points, {row.verdict}" for row in rows)
