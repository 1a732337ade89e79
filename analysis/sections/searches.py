"""What each search looked for, what it found, and what that cost beside a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.document import (
    Block,
    Figures,
    Section,
    Table,
    interval_text,
    number,
    plural,
    printed,
    text,
)
from analysis.frames import searches
from analysis.frames.networks import network_of
from analysis.frames.trials import BEST, records
from analysis.sections.commands import train_again
from analysis.sections.search_pictures import SearchPictures
from analysis.sections.source import Source, generated_box, label
from rnnsweep import choice
from rnnsweep.search.goal import SMALLER
from rnnsweep.spec import Spec
from rnnsweep.stats import ACCURACY, contrast

STATES = ("finished", "pruned", "failed", "paused", "running")
WHOLE = ("params", "seconds")  # objectives printed without decimals
LIMITS = ("max_params", "max_seconds")
FRESH = text(
    "The seed that chose a network does not count here. Intervals are for other seeds and, where the predictions are "
    "in the ledger, other test reviews.",
    small=True,
)
MEANING = (
    "A search suggests each network from the results before it; none is trained twice. Its choices are made by the "
    "validation accuracy of the best epoch alone; the test set is looked at once, for the winner. A pruned trial was "
    "stopped because others did better at the same epoch; what it reached is its best epoch until then. A paused one "
    "was, too, and goes on with the search if it proves good."
)


@dataclass(frozen=True)
class _Search:
    """A search's name and settings, its trials as `searches.trials` has them, and the grid beside it."""

    name: str
    settings: dict[str, Any]
    trials: pd.DataFrame
    grid: pd.DataFrame

    @property
    def axes(self) -> list[str]:
        return list(self.settings["axes"])

    @property
    def objectives(self) -> list[str]:
        return list(self.settings["goal"]["objectives"])


def searches_section(source: Source) -> list[Section]:
    """Return a section with one per search of the ledger, in the order of their names, or nothing."""
    found = []
    for position, (name, settings) in enumerate(source.contents.studies.items(), 1):
        trials = searches.trials(source.contents.suggestions, source.trials, source.contents.epochs, name)
        if len(trials) and settings:
            grid = searches.rest(source.trials, trials, settings["base"])
            found.append(_section(f"search-{position}", _Search(name, settings, trials, grid), source))
    return [Section("Searches", 2, [text(MEANING), *found], anchor="searches", listed="Searches")] if found else []


def _section(anchor: str, search: _Search, source: Source) -> Section:
    importance = searches.importance(search.trials, search.axes)
    took = number(search.trials["suggest_seconds"].mean(), 3)
    drawn = SearchPictures(anchor, search.name, search.trials, search.axes, search.objectives)
    blocks: list[Block] = [
        *generated_box(bool(search.trials["real"].iloc[0])),
        _settings(search.settings),
        _states(search.trials),
        text(f"A suggestion took {took} s on average.", small=True),
        *_results(search, source),
        *_beside_grid(search.trials, search.grid),
        Figures(drawn.all(search.grid, importance), layout="wide"),
        *_importance(importance),
    ]
    return Section(search.name, 3, blocks, anchor=anchor)


def _results(search: _Search, source: Source) -> list[Block]:
    """Return the confirmed networks, if there are such, the best ones, and how the first of them is trained again."""
    specs, settings = source.contents.specs, search.settings
    several = len(search.objectives) > 1
    best = searches.front(search.trials, search.objectives, SMALLER) if several else searches.ranked(
        search.trials, search.objectives[0], SMALLER
    )  # fmt: skip
    chosen = choice.confirmed(source.trials, settings.get("confirmed", []), settings.get("seeds", 1))
    rows = source.trials[source.trials["key"].isin(chosen["key"])]
    sure = f"Confirmed with fresh seeds; the winner is the best mean {choice.title_of(choice.measure_of(rows))}"
    first = settings.get("winner") or "" if len(chosen) == 0 else chosen["key"].iloc[0]
    first = first or (best["key"].iloc[0] if len(best) else "")
    start = f"{'The winner' if len(chosen) else 'The first'} is trained again by"
    again = train_again(start, specs[first], source.contents.sources) if first in specs else []
    table = _best(best.head(10), search.objectives, specs)
    return [
        *([Section(sure, 4, [FRESH, _confirmed(chosen, settings.get("seeds", 1), source)])] if len(chosen) else []),
        Section("The Pareto front" if several else "The best by one seed", 4, [table, *again]),
    ]


def _settings(settings: dict[str, Any]) -> Table:
    goal = settings["goal"]
    rows = [["objectives", ", ".join(goal["objectives"])]]
    rows += [[name.replace("_", " "), f"{goal[name]:,}"] for name in LIMITS if goal[name]]
    rows += [["sampler, pruner", f"{settings['sampler']}, {settings['pruner']}"]]
    return printed(["what was searched", ""], rows + [list(item) for item in settings["axes"].items()], layout="words")


def _states(trials: pd.DataFrame) -> Table:
    counts = trials["state"].value_counts()
    spent = trials.groupby("state")["spent"].sum()
    rows = [[state, str(counts[state]), number(spent[state], 0)] for state in STATES if state in counts]
    known = int(trials["known"].sum())
    total = [["all", str(len(trials)), number(trials["spent"].sum(), 0)]]
    answered = [["of these answered by the ledger", str(known), "0"]] * bool(known)
    return printed(["trials of the study", "n", "seconds"], rows + answered + total, totals=1)


def _best(best: pd.DataFrame, objectives: Sequence[str], specs: dict[str, Spec]) -> Table:
    rows = [
        [
            label(specs[row["key"]]),
            *(number(row[name], 0 if name in WHOLE else 4) for name in objectives),
            str(row["number"]),
            row["key"],
        ]
        for row in best.to_dict("records")
    ]
    return printed(["network", *objectives, "trial", "key"], rows)


def _confirmed(chosen: pd.DataFrame, seeds: int, source: Source) -> Table:
    rows = [
        [
            label(source.contents.specs[row.key]),
            str(int(row.n)),
            number(row.val),
            number(row.mean),
            interval_text(*_fresh_interval(row.key, seeds, source)),
            row.key,
        ]
        for row in records(chosen)
    ]
    return printed(["network", "seeds", "mean validation", "mean test", "95 % interval", "key"], rows)


def _fresh_interval(key: str, seeds: int, source: Source) -> tuple[float, float]:
    """Return the interval of the mean test accuracy over the fresh seeds, for other seeds and other test reviews."""
    network = network_of(choice.planned(source.trials, key, seeds))
    return contrast([source.study.samples(network, BEST)], [1.0], ACCURACY).interval()


def _beside_grid(trials: pd.DataFrame, grid: pd.DataFrame) -> list[Block]:
    """Return in words what the search and the grid reached, and at what cost; nothing where there is no grid."""
    found = searches.progress(trials)
    if len(grid) < 2 or not len(found):
        return []
    best = grid["val_accuracy"].max()
    reached = found[found["best"] >= best]
    said = (
        f"The grid's best validation accuracy is {number(best)}, after {_cost(len(grid), grid['seconds'].sum())}; the "
        f"search's is {number(found['best'].max())}, after {_cost(found['trainings'].max(), found['seconds'].max())}. "
    )
    if len(reached):
        first = reached.iloc[0]
        said += f"It passed the grid's best after {_cost(first['trainings'], first['seconds'])}."
    else:
        said += "The search did not reach the grid's best."
    return [text(f"{said} The grid's line is what its trials reach on average in random order.")]


def _cost(trainings: Any, seconds: Any) -> str:
    return f"{plural(int(trainings), 'training')} and {number(seconds, 0)} s"


def _importance(importance: pd.DataFrame) -> list[Block]:
    if not len(importance):
        return []
    rows = [[row.axis, number(row.share, 3)] for row in records(importance)]
    said = f"Evaluator: {searches.EVALUATOR}, over the finished trials; other evaluators weigh otherwise."
    return [Section("Importance", 4, [text(said, small=True), printed(["axis", "share of variance"], rows)])]
