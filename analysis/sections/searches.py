"""The report's section about searches: what each looked for, what it found, and what that cost beside a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import figures
from analysis.document import GENERATED, Picture, Table, number, plural, printed
from analysis.frames import searches
from analysis.frames.trials import records
from analysis.sections.network import label, retrain_command
from rnnsweep.ledger import LedgerFrames
from rnnsweep.stats import is_number

STATES = ("finished", "pruned", "failed", "running")
SMALLER = ("params", "seconds", "val_loss")  # objectives that are to be small


def searches_section(contents: LedgerFrames, trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a section per search of the ledger, in the order of their names; `trials` are prepared."""
    found = []
    for position, (name, settings) in enumerate(contents.studies.items(), 1):
        frame = searches.trials(contents.suggestions, trials, contents.epochs, name)
        if len(frame) and settings:
            found.append(_search(position, name, settings, frame, trials))
    return found


def _search(
    position: int, name: str, settings: dict[str, Any], frame: pd.DataFrame, trials: pd.DataFrame
) -> dict[str, Any]:
    axes = searches.axes(frame, list(settings["axes"]))
    objectives = settings["goal"]["objectives"]
    grid = searches.rest(trials, frame, settings["base"])
    importance = searches.importance(frame, list(settings["axes"]))
    generated = not bool(frame["real"].iloc[0])
    subtitle = f"{frame['data'].iloc[0]}, {name}" + (f"\n{GENERATED}" if generated else "")
    draw = _Draw(f"search-{position}", subtitle)
    pictures = [draw.history(frame), draw.cost(frame, grid), draw.importance(importance), draw.parallel(frame, axes)]
    pictures += [draw.slices(frame, axes), draw.contour(frame, axes, importance), draw.front(frame, objectives)]
    if len(objectives) > 1:
        best = searches.front(frame, objectives, SMALLER)
    else:
        best = searches.ranked(frame, objectives[0], SMALLER)
    chosen = searches.confirmed(trials, settings.get("confirmed", []))
    winner = settings.get("winner") if len(chosen) == 0 else chosen["key"].iloc[0]
    top = trials[trials["key"] == (winner or (best["key"].iloc[0] if len(best) else ""))]
    return {
        "id": f"search-{position}",
        "name": name,
        "generated": generated,
        "settings": _settings(settings),
        "states": _states(frame),
        "suggest_seconds": number(frame["suggest_seconds"].mean(), 3),
        "importance": printed(
            ["axis", "share of variance"], [[row.axis, number(row.share, 3)] for row in records(importance)]
        ) if len(importance) else None,
        "evaluator": searches.EVALUATOR,
        "best": _best(best.head(10), objectives),
        "several": len(objectives) > 1,
        "confirmed": _confirmed(chosen, trials) if len(chosen) else None,
        "command": retrain_command(top.iloc[0]) if len(top) else "",
        "beside_grid": _beside_grid(frame, grid),
        "pictures": [picture for picture in pictures if picture is not None],
    }  # fmt: skip


def _settings(settings: dict[str, Any]) -> Table:
    goal = settings["goal"]
    rows = [["objectives", ", ".join(goal["objectives"])]]
    rows += [[name.replace("_", " "), f"{goal[name]:,}"] for name in ("max_params", "max_seconds") if goal[name]]
    rows += [["sampler, pruner", f"{settings['sampler']}, {settings['pruner']}"]]
    return printed(["what was searched", ""], rows + [list(item) for item in settings["axes"].items()], layout="words")


def _states(frame: pd.DataFrame) -> Table:
    counts = frame["state"].value_counts()
    spent = frame.groupby("state")["spent"].sum()
    rows = [[state, str(counts[state]), number(spent[state], 0)] for state in STATES if state in counts]
    known = int(frame["known"].sum())
    total = [["all", str(len(frame)), number(frame["spent"].sum(), 0)]]
    answered = [["of these answered by the ledger", str(known), "0"]] * bool(known)
    return printed(["trials of the study", "n", "seconds"], rows + answered + total, totals=1)


def _best(best: pd.DataFrame, objectives: Sequence[str]) -> Table:
    columns = ["network", *objectives, "trial", "key"]
    rows = [
        [label(row), *(number(row[name], 0 if name in ("params", "seconds") else 4) for name in objectives),
         str(row["number"]), row["key"]]
        for row in best.to_dict("records")
    ]  # fmt: skip
    return printed(columns, rows)


def _confirmed(chosen: pd.DataFrame, trials: pd.DataFrame) -> Table:
    by_key = trials.set_index("key")
    rows = []
    for row in records(chosen):
        interval = f"{number(row.low)} to {number(row.high)}" if row.n > 1 else "—"
        rows.append([label(by_key.loc[row.key]), str(int(row.n)), number(row.val), number(row.mean), interval, row.key])
    return printed(["network", "seeds", "mean validation", "mean test", "95 % interval", "key"], rows)


def _beside_grid(frame: pd.DataFrame, grid: pd.DataFrame) -> str:
    """Return in words what the search and the grid reached, and at what cost; '' where there is no grid."""
    found = searches.progress(frame)
    if len(grid) < 2 or not len(found):
        return ""
    best = grid["val_accuracy"].max()
    reached = found[found["best"] >= best]
    text = (
        f"The grid's best validation accuracy is {number(best)}, after {plural(len(grid), 'training')} and "
        f"{number(grid['seconds'].sum(), 0)} s; the search's is {number(found['best'].max())}, after "
        f"{plural(int(found['trainings'].max()), 'training')} and {number(found['seconds'].max(), 0)} s."
    )
    if not len(reached):
        return f"{text} The search did not reach the grid's best."
    first = reached.iloc[0]
    cost = f"{plural(int(first['trainings']), 'training')} and {number(first['seconds'], 0)} s"
    return f"{text} It passed the grid's best after {cost}."


class _Draw:
    """The pictures of one search; each is None where there is too little to show."""

    def __init__(self, name: str, subtitle: str) -> None:
        self._name, self._subtitle = name, subtitle

    def _picture(self, name: str, alt: str, draw: Any, width: float, height: float) -> Picture:
        said = f"{alt}; {self._subtitle}".replace("\n", "; ")
        return Picture(f"{self._name}-{name}.png", said, figures.png(draw, width, height))

    def history(self, frame: pd.DataFrame) -> Picture:
        best = searches.progress(frame).join(frame["number"])

        def draw(ax: Axes) -> Axes:
            return figures.history(frame, best, ax, "Optimisation history", self._subtitle)

        return self._picture("history", "Validation accuracy of each trial in the order of suggestion", draw, 5.4, 3.4)

    def cost(self, frame: pd.DataFrame, grid: pd.DataFrame) -> Picture | None:
        lines = {"this search": searches.progress(frame)}
        if len(grid) > 1:
            lines["grid, random order"] = searches.random_order(grid)
        if not all(len(line) for line in lines.values()):
            return None
        panels = [
            lambda ax: figures.reached(lines, "trainings", ax, "Accuracy against trainings", self._subtitle),
            lambda ax: figures.reached(lines, "seconds", ax, "Accuracy against seconds", self._subtitle),
        ]
        alt = "Best validation accuracy so far against trainings and against seconds"
        return Picture(f"{self._name}-cost.png", alt, figures.panels(panels, 2, 4.0, 3.2))

    def importance(self, importance: pd.DataFrame) -> Picture | None:
        if not len(importance):
            return None

        def draw(ax: Axes) -> Axes:
            return figures.bars(importance, ax, "Importance", f"fANOVA\n{self._subtitle}")

        return self._picture("importance", "Share of variance of each axis", draw, 4.6, 1.4 + 0.3 * len(importance))

    def parallel(self, frame: pd.DataFrame, axes: list[str]) -> Picture | None:
        done = frame[frame["state"] == "finished"]
        shown = [name for name in axes if done[name].nunique() > 1]
        if len(done) < 2 or not shown:
            return None

        def draw(ax: Axes) -> Axes:
            return figures.parallel(done, shown, ax, "Parallel coordinates, finished trials", self._subtitle)

        alt = f"A line per finished trial through its values of {', '.join(shown)}"
        return self._picture("parallel", alt, draw, max(6.0, 1.1 * len(shown) + 1.5), 3.8)

    def slices(self, frame: pd.DataFrame, axes: list[str]) -> Picture | None:
        if not axes:
            return None
        draws = [lambda ax, name=name: figures.slice_of(frame, name, ax) for name in axes]
        alt = f"Validation accuracy against each of {', '.join(axes)}"
        return Picture(f"{self._name}-slices.png", alt, figures.panels(draws, 4, 2.4, 2.1))

    def contour(self, frame: pd.DataFrame, axes: list[str], importance: pd.DataFrame) -> Picture | None:
        done = frame[frame["state"] == "finished"]
        order = [*importance["axis"], *axes]
        numbers = [name for name in dict.fromkeys(order) if is_number(frame[name]) and done[name].nunique() > 2]
        numbers = [name for name in numbers if done[name].notna().all()][:2]
        if len(done) < searches.ENOUGH or len(numbers) < 2 or np.linalg.matrix_rank(np.cov(done[numbers].T)) < 2:
            return None

        def draw(ax: Axes) -> Axes:
            return figures.contour(done, numbers[0], numbers[1], ax, "Contour", self._subtitle)

        return self._picture("contour", f"Validation accuracy over {numbers[0]} and {numbers[1]}", draw, 5.0, 3.8)

    def front(self, frame: pd.DataFrame, objectives: Sequence[str]) -> Picture | None:
        second = objectives[1] if len(objectives) > 1 else "params"
        done = frame[frame["state"] == "finished"]
        if not len(done):
            return None
        best = searches.front(frame, [objectives[0], second], SMALLER)

        def draw(ax: Axes) -> Axes:
            return figures.front(done, best, second, objectives[0], ax, "Pareto front", self._subtitle)

        return self._picture(
            "front", f"Finished trials by {objectives[0]} and {second}, and those none beats", draw, 5, 3.6
        )
