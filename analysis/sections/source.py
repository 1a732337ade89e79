"""What every section is made from, and what the report calls data and networks."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.document import GENERATED, Box, Strong, plural, text
from analysis.frames.networks import Stored
from analysis.frames.study import Study, study
from analysis.frames.texts import Data, data_here
from analysis.frames.trials import prepared, scopes
from rnnsweep.cells import CELLS
from rnnsweep.ledger import LedgerFrames
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec

MADE_UP = Box(
    "generated", [text(Strong("Generated reviews, not real ones"), ": these figures say nothing about real reviews.")]
)


@dataclass(frozen=True)
class Source:
    """A ledger: its frames, its predictions by key, its trials as `prepared` has them, and what they say together.

    `scopes` are the variants of the eight systems in it, and `shown` the trials of the first of them.
    """

    contents: LedgerFrames
    predictions: Stored
    trials: pd.DataFrame
    scopes: pd.DataFrame
    shown: pd.DataFrame
    study: Study


def read(contents: LedgerFrames, predictions: Stored, data: Data = data_here, processes: int = 1) -> Source:
    """Return what the sections are made from; each trial's predictions of the study are read once.

    `data` finds the test reviews by name and checksum, where they are at hand. Work is done in so many processes.
    """
    trials = prepared(contents.trials)
    found = scopes(trials, {name: spec.epochs for name, spec in SYSTEMS.items()})
    shown = trials[trials["key"].isin(found["keys"].iloc[0] if len(found) else [])]
    return Source(
        contents, predictions, trials, found, shown, study(contents, trials, shown, predictions, data, processes)
    )


def generated_box(real: bool) -> list[Box]:
    """Return the warning that stands above figures of generated reviews, nothing above others."""
    return [] if real else [MADE_UP]


def data_name(trials: pd.DataFrame) -> str:
    """Return what data these trials, all of one, were trained on."""
    return str(trials["data"].iloc[0]) + ("" if trials["real"].iloc[0] else f" ({GENERATED})")


def subtitle(data: str, epochs: int, real: bool) -> str:
    """Return the lines below a figure's title: data and epochs, and whether the reviews are generated."""
    return f"{data}, {plural(epochs, 'epoch')}" + ("" if real else f"\n{GENERATED}")


def described(what: str, below: str) -> str:
    """Return a figure in words, its subtitle's lines behind what it shows."""
    return f"{what}; {below}".replace("\n", "; ")


def label(spec: Spec) -> str:
    """Return a network's short name for a person, with its cell's title."""
    return spec.label(CELLS[spec.cell].title)
