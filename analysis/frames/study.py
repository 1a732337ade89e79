"""All that a ledger's trials say together, worked out once for the report and its tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.frames.calibration import calibration
from analysis.frames.contrasts import PLANNED
from analysis.frames.costs import costs
from analysis.frames.errors import LENGTH_COLUMNS, TRUNCATED_COLUMNS, by_length, by_truncation, reviews_of
from analysis.frames.failures import failures
from analysis.frames.gaps import Choice, choices, gaps
from analysis.frames.importance import grid_importance
from analysis.frames.leaderboard import leaderboard
from analysis.frames.lines import beside, lines
from analysis.frames.networks import Grid, Predictions, Samples, grids, studied
from analysis.frames.spread import spread
from analysis.frames.texts import Data, Texts, texts
from analysis.frames.verdicts import Verdicts, verdicts
from rnnsweep.ledger import LedgerFrames


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
    importance: pd.DataFrame
    texts: Sequence[Texts | None]  # the test reviews of each grid, where they are at hand
    lengths: pd.DataFrame
    truncated: pd.DataFrame


def study(
    contents: LedgerFrames, trials: pd.DataFrame, shown: pd.DataFrame, predictions: Predictions, data: Data
) -> Study:
    """Return the study of a ledger's prepared trials; `shown` are those of the scope of the eight systems.

    `data` finds the test reviews themselves, where they are at hand.
    """
    found, samples = grids(studied(trials, contents.suggestions)), Samples(trials, contents.epochs, predictions)
    board = _with_seconds(leaderboard(found, samples), found, trials)
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
        grid_importance(found, samples),
        here,
        _joined(LENGTH_COLUMNS, (by_length(grid, samples, one.lengths) for grid, one in known)),
        _joined(TRUNCATED_COLUMNS, (by_truncation(grid, samples, one.lengths) for grid, one in known)),
    )


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
    )


def _with_seconds(board: pd.DataFrame, found: Sequence[Grid], trials: pd.DataFrame) -> pd.DataFrame:
    """Return the board with the seconds of a run: of the CPU, which other work does not lengthen, where known."""
    seconds = dict(zip(trials["key"], trials["cpu_seconds"].fillna(trials["seconds"]), strict=True))
    means = {
        network.keys[0]: float(pd.Series([seconds[key] for key in network.keys]).mean())
        for grid in found
        for network in grid.networks
    }
    return board.assign(seconds=[means[key] for key in board["key"]])
