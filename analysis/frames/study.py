"""All that a ledger's trials say together, worked out once for the report and its tables."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from analysis.frames.calibration import calibration
from analysis.frames.contrasts import PLANNED
from analysis.frames.costs import costs
from analysis.frames.errors import LENGTH_COLUMNS, TRUNCATED_COLUMNS, by_length, by_truncation, reviews_of
from analysis.frames.failures import failures
from analysis.frames.further import ensembles, refits, refitted_lines
from analysis.frames.gaps import Choice, choices, gaps
from analysis.frames.importance import grid_importance
from analysis.frames.leaderboard import leaderboard, told_apart
from analysis.frames.lines import beside, lines
from analysis.frames.networks import PREDICTED, READERS, Grid, Samples, Stored, grids, studied
from analysis.frames.spread import spread
from analysis.frames.texts import Data, Texts, texts
from analysis.frames.trials import BEST
from analysis.frames.verdicts import Verdicts, verdicts
from analysis.side_by_side import side_by_side
from rnnsweep.choice import run_seconds
from rnnsweep.ledger import LedgerFrames
from rnnsweep.types import Predictions

PARTS = 8  # in which predictions are read, so that processes end at about the same time


@dataclass(frozen=True)
class Study:
    """The grids, what their seeds did, and what follows; the frames are described where they are made."""

    grids: Sequence[Grid]
    samples: Samples
    verdicts: Verdicts
    planned: Mapping[str, int]  # seeds by cell, before which a verdict is an interim one
    failures: pd.DataFrame
    board: pd.DataFrame  # `leaderboard`, and `seconds`: CPU seconds of a run, mean
    lines: pd.DataFrame
    beside: pd.DataFrame
    gaps: pd.DataFrame
    choices: Sequence[Choice]
    calibration: pd.DataFrame
    spread: pd.DataFrame
    costs: pd.DataFrame
    refits: pd.DataFrame
    refitted_lines: pd.DataFrame
    ensembles: pd.DataFrame
    importance: pd.DataFrame
    texts: Sequence[Texts | None]  # the test reviews of each grid, where they are at hand
    lengths: pd.DataFrame
    truncated: pd.DataFrame


def study(
    contents: LedgerFrames,
    trials: pd.DataFrame,
    shown: pd.DataFrame,
    predictions: Stored,
    data: Data,
    processes: int = 1,
) -> Study:
    """Return the study of a ledger's prepared trials; `shown` are those of the scope of the eight systems.

    `data` finds the test reviews themselves, where they are at hand. Predictions are read in so many processes.
    """
    found = grids(studied(trials, contents.suggestions))
    samples = Samples(trials, contents.epochs, _needed(predictions, set(shown["key"])))
    importance = _importance_beside_reading(found, samples, processes)
    board = told_apart(_with_seconds(leaderboard(found, samples), found, trials), trials)
    here = [_texts(grid, samples, trials, data) for grid in found]
    known = [(grid, one) for grid, one in zip(found, here, strict=True) if one]
    bar, planned = lines(contents, trials), contents.planned or PLANNED
    return Study(
        found,
        samples,
        verdicts(trials, shown, contents.suggestions, samples, planned),
        planned,
        failures(found, trials),
        board,
        bar,
        beside(bar, board, found),
        gaps(found, samples, trials),
        choices(board),
        calibration(found, samples),
        spread(found, samples),
        costs(board, trials),
        refits(contents, trials, predictions),
        refitted_lines(contents, trials),
        ensembles(contents, trials, predictions),
        importance,
        here,
        _joined(LENGTH_COLUMNS, (by_length(grid, samples, one.lengths) for grid, one in known)),
        _joined(TRUNCATED_COLUMNS, (by_truncation(grid, samples, one.lengths) for grid, one in known)),
    )


def _importance_beside_reading(found: Sequence[Grid], samples: Samples, processes: int) -> pd.DataFrame:
    """Return the importance of the axes, which needs no predictions; `samples` has those of all grids then.

    Several processes read a folder only (`report`), where a second reader in each would be in the first one's way.
    """
    readers = 1 if processes > 1 else READERS
    keys = [key for grid in found for network in grid.networks for key in network.keys]
    parts = [keys[place::PARTS] for place in range(PARTS)]
    importance = partial(grid_importance, found, samples)
    tasks: list[Callable[[], Any]] = [importance, *(partial(samples.read, part, readers) for part in parts if part)]
    first, *seen = side_by_side(tasks, processes)
    for part in seen:
        samples.take(part)
    return pd.DataFrame(first)


def _needed(predictions: Stored, shown: Container[str]) -> Predictions:
    """Return a reader without the last epoch's predictions of all but the shown trials: only theirs were published."""
    return lambda key: predictions(key) if key in shown else predictions(key, "label", PREDICTED[BEST])


def _texts(grid: Grid, samples: Samples, trials: pd.DataFrame, data: Data) -> Texts | None:
    """Return the test reviews of a grid of several networks, if they are at hand and predictions of them are stored."""
    reviews = reviews_of(grid, samples)
    if len(grid.networks) < 2 or not reviews:
        return None
    first = trials.loc[trials["key"] == grid.ended[0], "data_sha256"]
    return texts(grid, str(first.iloc[0]), reviews, data)


def _joined(columns: Sequence[str], frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    every = list(frames)
    return pd.concat(every, ignore_index=True) if every else pd.DataFrame(columns=list(columns))


def tables(found: Study) -> dict[str, pd.DataFrame]:
    """Return what is written of a study as CSV, by name; effects are in accuracy."""
    said = found.verdicts
    frames = {"claims": said.claims, "parts": said.parts, "pairs": said.pairs, "leaderboard": found.board}
    return (
        frames
        | {"failures": found.failures, "validation": found.gaps, "baselines": found.lines}
        | {
            "calibration": found.calibration,
            "spread": found.spread,
            "costs": found.costs,
            "importance": found.importance,
            "lengths": found.lengths,
            "truncated": found.truncated,
        }
        | {name: frame for name, frame in _further(found).items() if len(frame)}
    )


def _further(found: Study) -> dict[str, pd.DataFrame]:
    """Return what only a ledger with refits or an ensemble has."""
    return {"refits": found.refits, "refitted_lines": found.refitted_lines, "ensembles": found.ensembles}


def _with_seconds(board: pd.DataFrame, found: Sequence[Grid], trials: pd.DataFrame) -> pd.DataFrame:
    """Return the board with the mean seconds of a run."""
    seconds = dict(zip(trials["key"], run_seconds(trials), strict=True))
    means = {
        network.keys[0]: float(pd.Series([seconds[key] for key in network.keys]).mean())
        for grid in found
        for network in grid.networks
    }
    return board.assign(seconds=[means[key] for key in board["key"]])
