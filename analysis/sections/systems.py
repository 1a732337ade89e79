"""The report's sections: numbers of `tables` and `claims` as text, tables and figures, ready for the templates."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.frames.trials import records
from analysis.sections.network import network_section
from analysis.sections.overview import Source, data_name


# 2. A network: one of the eight, or the best one.
def system_section(source: Source, original: dict[str, Any], shown: pd.DataFrame) -> dict[str, Any]:
    name = original["id"]
    trials = shown[shown["system"] == name]
    section = {
        "id": name,
        "title": original["title"],
        "notes": _notes(original),
        "command": f"python sweeps/one.py --system {name}",
        "departures": _departures(trials, original),
    }
    return section | network_section(source, name, trials, original)


def _notes(original: dict[str, Any]) -> list[str]:
    reviews = original["validation"]
    validation = f"Validated on {'' if reviews.startswith('the') else 'the '}{reviews}."
    if "test" in original["validation"]:
        validation += " So its validation figures are not held out: what is chosen by them is chosen by the test set."
    if "batch" in original["validation"]:
        validation += " In so few reviews, one is a step of 0.016."
    note = original.get("note", "")
    return [note[:1].upper() + note[1:] + "."] * bool(note) + [validation]


def _departures(trials: pd.DataFrame, original: dict[str, Any]) -> str:
    """Return how the trials were trained otherwise than published, in words, or ''."""
    if not len(trials):
        return ""
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
    return ", ".join(found)
