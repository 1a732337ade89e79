"""The pictures of one search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis import figures
from analysis.document import GENERATED, Picture
from analysis.frames import searches
from analysis.sections.source import described
from rnnsweep.search.goal import SMALLER
from rnnsweep.stats import is_number


class SearchPictures:
    """Draws the trials of one search; `anchor` begins the pictures' names, and `name` is the search's own."""

    def __init__(
        self, anchor: str, name: str, trials: pd.DataFrame, axes: Sequence[str], objectives: Sequence[str]
    ) -> None:
        self._anchor = anchor
        self._trials, self._done = trials, trials[trials["state"] == "finished"]
        self._axes, self._objectives = searches.axes(trials, axes), objectives
        made_up = "" if trials["real"].iloc[0] else f"\n{GENERATED}"
        self._below = f"{trials['data'].iloc[0]}, {name}{made_up}"

    def all(self, grid: pd.DataFrame, importance: pd.DataFrame) -> list[Picture]:
        """Return the pictures, without those for which there is too little to show; `grid` is beside the search."""
        found = [
            self._history(),
            self._cost(grid),
            self._importance(importance),
            self._parallel(),
            self._slices(),
            self._contour(importance),
            self._front(),
        ]
        return [picture for picture in found if picture is not None]

    def _picture(self, name: str, alt: str, draw: Callable[[Any], Any], width: float, height: float) -> Picture:
        return Picture(f"{self._anchor}-{name}.png", described(alt, self._below), *figures.drawn(draw, width, height))

    def _history(self) -> Picture:
        best = searches.progress(self._trials).join(self._trials["number"])

        def draw(ax: Any) -> Any:
            return figures.history(self._trials, best, ax, "Optimisation history", self._below)

        return self._picture("history", "Validation accuracy of each trial in the order of suggestion", draw, 5.4, 3.4)

    def _cost(self, grid: pd.DataFrame) -> Picture | None:
        lines = {"this search": searches.progress(self._trials)}
        if len(grid) > 1:
            lines["grid, random order"] = searches.random_order(grid)
        if not all(len(line) for line in lines.values()):
            return None

        def over(what: str) -> Callable[[Any], Any]:
            return lambda ax: figures.reached(lines, what, ax, f"Accuracy against {what}", self._below)

        alt = "Best validation accuracy so far against trainings and against seconds"
        drawing = figures.panels([over("trainings"), over("seconds")], 2, 4.0, 3.2)
        return Picture(f"{self._anchor}-cost.png", described(alt, self._below), *drawing)

    def _importance(self, importance: pd.DataFrame) -> Picture | None:
        if not len(importance):
            return None

        def draw(ax: Any) -> Any:
            return figures.bars(importance, ax, "Importance", f"fANOVA\n{self._below}")

        return self._picture("importance", "Share of variance of each axis", draw, 4.6, 1.4 + 0.3 * len(importance))

    def _parallel(self) -> Picture | None:
        shown = [name for name in self._axes if self._done[name].nunique() > 1]
        if len(self._done) < 2 or not shown:
            return None

        def draw(ax: Any) -> Any:
            return figures.parallel(self._done, shown, ax, "Parallel coordinates, finished trials", self._below)

        alt = f"A line per finished trial through its values of {', '.join(shown)}"
        return self._picture("parallel", alt, draw, max(6.0, 1.1 * len(shown) + 1.5), 3.8)

    def _slices(self) -> Picture | None:
        if not self._axes:
            return None

        def slice_of(name: str) -> Callable[[Any], Any]:
            return lambda ax: figures.slice_of(self._trials, name, ax)

        alt = f"Validation accuracy against each of {', '.join(self._axes)}"
        drawing = figures.panels([slice_of(name) for name in self._axes], 4, 2.4, 2.1)
        return Picture(f"{self._anchor}-slices.png", described(alt, self._below), *drawing)

    def _contour(self, importance: pd.DataFrame) -> Picture | None:
        done = self._done
        order = dict.fromkeys([*importance["axis"], *self._axes])
        numbers = [name for name in order if is_number(self._trials[name]) and done[name].nunique() > 2]
        numbers = [name for name in numbers if done[name].notna().all()][:2]
        if len(done) < searches.ENOUGH or len(numbers) < 2 or np.linalg.matrix_rank(np.cov(done[numbers].T)) < 2:
            return None
        first, second = numbers

        def draw(ax: Any) -> Any:
            return figures.contour(done, first, second, ax, "Contour", self._below)

        return self._picture("contour", f"Validation accuracy over {first} and {second}", draw, 5.0, 3.8)

    def _front(self) -> Picture | None:
        if not len(self._done):
            return None
        up = self._objectives[0]
        across = self._objectives[1] if len(self._objectives) > 1 else "params"
        best = searches.front(self._trials, [up, across], SMALLER)

        def draw(ax: Any) -> Any:
            return figures.front(self._done, best, across, up, ax, "Pareto front", self._below)

        alt = f"Finished trials by {up} and {across}, and those none beats"
        return self._picture("front", alt, draw, 5, 3.6)
