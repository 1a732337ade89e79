"""Accuracy against what it costs: seconds of a run, and parameters; who is on the Pareto front."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis import figures
from analysis.document import GENERATED, Block, Figures, Picture, Section, Table, interval_text, number, printed, text
from analysis.figures import networks as drawings
from analysis.frames.lines import line_name, models
from analysis.frames.networks import Grid
from analysis.frames.trials import CELL_ORDER, records
from analysis.sections.blocks import section
from analysis.sections.source import Source, described, generated_box
from rnnsweep.cells import CELLS

MEANING = (
    "What a point of accuracy costs. On the Pareto front is a network that no other one of the same data beats: none "
    "has a higher mean test accuracy at no more cost. Neighbours on the front may be no different from each other: see "
    "their intervals. Seconds are CPU seconds of a run where they are known, and compare only trials of one machine."
)
TITLES = {"seconds": "seconds of a run", "params": "parameters"}
NEAR = 0.01  # of accuracy
COLUMNS = ["", "network", "test accuracy", "95 % interval", "n", "seconds", "parameters"]


def costs_section(source: Source) -> list[Section]:
    """Return the section with two pictures and two fronts per data of several networks, or nothing."""
    parts: list[Block] = []
    for place, (data, rows) in enumerate(source.study.costs.groupby("data", sort=False), 1):
        if len(rows) > 1:
            real = bool(source.trials.loc[source.trials["data"] == data, "real"].iloc[0])
            below = str(data) + ("" if real else f"\n{GENERATED}")
            parts += [
                text(str(data), small=True),
                *generated_box(real),
                *_part(place, below, rows, source.study.grids, _beside(source, data)),
            ]
    return section("Accuracy and what it costs", "costs", MEANING, parts)


def _beside(source: Source, data: Any) -> pd.DataFrame:
    """Return what of this data is no network of a front: kind, network, costs (NaN: none) and test accuracy.

    That is linear models, refits, the means of all seeds of a refit, and the ensemble that validation chose.
    """
    study = source.study
    lines, ensembles, refits = (
        frame[frame["data"] == data] for frame in (models(study.lines), study.ensembles, study.refits)
    )
    ensembles = ensembles[ensembles["what"] == "ensemble"]
    refits = refits.assign(params=refits["key"].map(source.trials.set_index("key")["params"]).astype(float))
    together = refits[refits["refit_together"].notna()]
    seeds = together["refit_n"]
    found = [
        lines.assign(kind="linear model", network=[line_name(row) for row in records(lines)], params=np.nan),
        refits.assign(kind="refit", seconds=refits["refit_seconds"], test_accuracy=refits["refit_accuracy"]),
        together.assign(
            kind="mean of a refit's seeds",
            network=[f"{name}, {n} seeds" for name, n in zip(together["network"], seeds, strict=True)],
            seconds=seeds * together["refit_seconds"],
            params=seeds * together["params"],
            test_accuracy=together["refit_together"],
        ),
        ensembles.assign(kind="ensemble", network=ensembles["title"]),
    ]
    columns = ["kind", "network", *TITLES, "test_accuracy"]
    known: list[pd.DataFrame] = [frame[columns] for frame in found if len(frame)]
    return pd.concat(known) if known else pd.DataFrame(columns=columns)


def _part(place: int, below: str, rows: pd.DataFrame, grids: Any, beside: pd.DataFrame) -> list[Block]:
    cells = _cells(grids)
    rows = rows.assign(order=[CELL_ORDER[cells[key]] for key in rows["key"]]).sort_values("order", kind="stable")
    rows = rows.assign(kind=[CELLS[cells[key]].title for key in rows["key"]])
    fronts = {cost: _numbered(rows, cost) for cost in TITLES}
    pictures = [_picture(place, below, fronts[cost], beside.dropna(subset=[cost]), cost) for cost in TITLES]
    tables = [
        block
        for cost, title in TITLES.items()
        for block in (text(f"The front by {title}:", small=True), _table(fronts[cost], cost))
    ]
    return [Figures(pictures), *tables, *_said(rows)]


def _said(rows: pd.DataFrame) -> list[Block]:
    """Return what the cheapest network within `NEAR` of the highest accuracy costs, beside the highest."""
    best = rows.sort_values("test_accuracy", kind="stable").iloc[-1]
    near = rows[rows["front_seconds"] & (rows["test_accuracy"] >= best["test_accuracy"] - NEAR)]
    if not len(near) or near.sort_values("seconds").iloc[0]["key"] == best["key"]:
        return []
    cheap = near.sort_values("seconds").iloc[0]
    behind = number(100 * (best["test_accuracy"] - cheap["test_accuracy"]), 2)
    return [
        text(
            f"{cheap['network']} is {behind} points behind the highest, {best['network']}, and takes "
            f"{number(cheap['seconds'], 0)} s instead of {number(best['seconds'], 0)}."
        )
    ]


def _cells(grids: list[Grid]) -> dict[str, str]:
    return {network.keys[0]: network.cell for grid in grids for network in grid.networks}


def _numbered(rows: pd.DataFrame, cost: str) -> pd.DataFrame:
    """Return the networks with the `number` of those on the front, 1 the cheapest."""
    front = rows[rows[f"front_{cost}"]].sort_values(cost)["key"]
    numbers = {key: number for number, key in enumerate(front, 1)}
    return rows.assign(number=[numbers.get(key, 0) for key in rows["key"]])


def _table(rows: pd.DataFrame, cost: str) -> Table:
    front = rows[rows["number"] > 0].sort_values("number")
    found = [
        [
            str(row.number),
            row.network,
            number(row.test_accuracy),
            interval_text(row.low, row.high),
            str(row.n),
            number(row.seconds, 0),
            number(row.params, 0),
        ]
        for row in records(front)
    ]
    return printed(COLUMNS, found, layout="two")


def _picture(place: int, below: str, rows: pd.DataFrame, beside: pd.DataFrame, cost: str) -> Picture:
    def draw(ax: Any) -> Any:
        known, title = rows.dropna(subset=[cost]), f"Accuracy by {TITLES[cost]}"
        return drawings.costs(known, beside, cost, TITLES[cost], ax, title, below)

    front = ", ".join(rows[rows["number"] > 0].sort_values("number")["network"])
    kinds = "".join(f", and of each {kind}" for kind in beside["kind"].unique())
    alt = described(f"Mean test accuracy of each network{kinds} by {TITLES[cost]}; on the Pareto front: {front}", below)
    return Picture(f"costs-{place}-{cost}.png", alt, *figures.drawn(draw, 4.8, 3.6))
