"""The original's eight networks, each beside its published results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd

from analysis.document import Block, Box, Code, List, Section, Strong, Text, text
from analysis.frames.trials import STATUSES, finished, records
from analysis.sections.commands import REPORT_COMMAND, system_command
from analysis.sections.network import network_blocks
from analysis.sections.overview import none_of_the_eight, unfinished_systems
from analysis.sections.source import Source, data_name, generated_box


def system_parts(
    source: Source, originals: list[dict[str, Any]], shown: pd.DataFrame
) -> Sequence[Callable[[], Section | Box]]:
    """Return what makes the section of each system, or of one sentence where the ledger knows none of them."""
    if none_of_the_eight(source.trials):
        return [partial(_none, shown)]
    return [partial(_system, source, one, shown[shown["system"] == one["id"]]) for one in originals]


def systems_section(parts: Sequence[Block]) -> Section:
    """Return the section of what `system_parts` makes."""
    return Section("The eight systems", 2, parts, anchor="systems", listed="The eight systems")


def _none(shown: pd.DataFrame) -> Box:
    names = ", ".join(unfinished_systems(shown))
    said = f"None of the eight networks of the original report is in this ledger: {names}. "
    return Box("note", [text(said, Code(REPORT_COMMAND), " trains them.")])


def _system(source: Source, original: dict[str, Any], trials: pd.DataFrame) -> Section:
    name, state, done = original["id"], _state(trials), finished(trials)
    if len(done):
        blocks = [
            *_departures(trials, original),
            *generated_box(bool(done["real"].iloc[0])),
            List([*_notes(original), text(f"Trials: {state}.")], small=True),
            *network_blocks(source, name, done, original),
        ]
    else:
        of_trials = f" (trials: {state})" if state else ""
        blocks = [Box("note", [text(f"Not trained{of_trials}: ", Code(system_command(name)))])]
    listed = name if len(done) else f"{name} (not trained)"
    return Section(original["title"], 3, blocks, anchor=name, name=name, listed=listed)


def _state(trials: pd.DataFrame) -> str:
    counts = trials["status"].value_counts()
    return ", ".join(f"{counts[status]} {status}" for status in STATUSES if status in counts)


def _notes(original: dict[str, Any]) -> list[Text]:
    reviews = original["validation"]
    validation = f"Validated on {'' if reviews.startswith('the') else 'the '}{reviews}."
    if "test" in reviews:
        validation += " So its validation figures are not held out: what is chosen by them is chosen by the test set."
    if "batch" in reviews:
        validation += " In so few reviews, one is a step of 0.016."
    note = original.get("note", "")
    return [text(note[:1].upper() + note[1:] + ".")] * bool(note) + [text(validation)]


def _departures(trials: pd.DataFrame, original: dict[str, Any]) -> list[Box]:
    """Return how the trials were trained otherwise than published, if they were."""
    trial, planned = records(trials)[0], original["epochs_planned"]
    found = []
    if trial.epochs < planned:
        found.append(f"{trial.epochs} of {planned} epochs")
    elif trial.epochs > planned:
        found.append(f"{trial.epochs} epochs, not {planned}")
    if trial.dataset != "imdb":
        found.append(f"trained on {data_name(trials)}; the original had IMDB's 25,000 reviews")
    elif trial.reviews_used:
        found.append(f"{trial.reviews_used:,} of 25,000 reviews")
    return [Box("departure", [text(Strong("Not as published:"), f" {', '.join(found)}.")])] if found else []
