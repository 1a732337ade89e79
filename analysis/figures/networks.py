"""Figures of many networks beside each other: calibration, errors by length, seeds, costs, importance of the axes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import cycle
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D, offset_copy
from numpy.typing import NDArray

from analysis.figures.canvas import BLUE, COLOURS, GREY, ORANGE, SERIES, by_powers, legend, tell, titled

MARKS = ("o", "s", "^", "D", "v", "P")  # so that no line is told by its colour alone; one more than there are colours
# The marks of what stands beside networks.
BESIDE = {"linear model": "x", "refit": "+", "mean of a refit's seeds": "p", "ensemble": "*"}
# Where a number may stand beside its point, and how large two digits are, in points of a figure.
AWAY = np.array([(x, y) for y in (8, -8, 0, 16, -16, 24, -24) for x in (-4, 4, -12, 12) if abs(x) + abs(y) > 8])
DIGITS = np.array([12.0, 9.0])
T = TypeVar("T")
Points = NDArray[np.float64]


def _parted(things: Iterable[T]) -> Iterator[tuple[T, str, str]]:
    """Yield each thing with a colour and a mark, both together its own up to 30 of them."""
    return zip(things, cycle(SERIES), cycle(MARKS))


def reliability(lines: Mapping[str, pd.DataFrame], expected: str, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `frames.reliability.reliability` of several networks by name: what was said against what was true."""
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (4, 3)), label="said as often as true")
    said = []
    for (name, line), colour, mark in _parted(lines.items()):
        ax.plot(line["said"], line["true"], marker=mark, markersize=4, color=colour, linewidth=1.4, label=name)
        rows: Any = line.itertuples()
        said += [(row.said, row.true, f"{name}: said {row.said:.3f}, true {row.true:.3f}, n {row.n:,}") for row in rows]
    ax.set(xlabel=f"probability of {expected}", ylabel=f"share that is {expected}", xlim=(0, 1), ylim=(0, 1))
    ax.legend(loc="upper left")
    return titled(tell(ax, said), title, subtitle)


def by_length(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `frames.errors.by_length`: accuracy by the length of the review, a line and its interval per max_len."""
    said = []
    for (max_len, line), colour, mark in _parted(frame.groupby("max_len")):
        at = np.arange(len(line))
        ax.fill_between(at, line["low"], line["high"], color=colour, alpha=0.15, linewidth=0)
        ax.plot(at, line["accuracy"], marker=mark, markersize=4, color=colour, label=f"max_len {max_len:,}")
        rows: Any = line.itertuples()
        said += [
            (x, row.accuracy, f"max_len {row.max_len:,}, {row.shortest:,} to {row.longest:,}: {row.accuracy:.4f}")
            for x, row in enumerate(rows)
        ]
    first = frame[frame["max_len"] == frame["max_len"].iloc[0]]
    names = [f"{low:,}–\n{high:,}" for low, high in zip(first["shortest"], first["longest"], strict=True)]
    ax.set_xticks(range(len(first)), names, fontsize=7)
    ax.set(xlabel="tokens of the review", ylabel="accuracy")
    legend(ax)
    return titled(tell(ax, said), title, subtitle)


def spread(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `frames.spread.spread`, with a column `kind`: the range of the seeds as a line, their middle half thick."""
    rows: Any = frame.itertuples()
    said = []
    for place, row in enumerate(rows):
        ax.hlines(place, 100 * row.least, 100 * row.most, color=BLUE, linewidth=1.2)
        ax.hlines(place, 100 * row.lower, 100 * row.upper, color=BLUE, linewidth=6)
        words = f"{row.kind}: {100 * row.least:+.2f} to {100 * row.most:+.2f} points, {row.runs} runs"
        said += [(100 * x, place, words) for x in (row.least, 0, row.most)]
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_yticks(range(len(frame)), list(frame["kind"]))
    ax.set_ylim(len(frame) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="test accuracy of a seed less its network's mean, percentage points")
    return titled(tell(ax, said), title, subtitle)


def bands(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `frames.spread.bands`, with a column `kind`: mean validation accuracy, its range, and training dashed."""
    said = []
    for (kind, line), colour, mark in _parted(frame.groupby("kind", sort=False)):
        ax.fill_between(line["epoch"], line["low"], line["high"], color=colour, alpha=0.18, linewidth=0)
        ax.plot(line["epoch"], line["mean"], marker=mark, markersize=4, color=colour, label=f"{kind}, validation")
        ax.plot(line["epoch"], line["training"], color=colour, linewidth=1, linestyle=(0, (4, 2)))
        rows: Any = line.itertuples()
        said += [
            (row.epoch, row.mean, f"{kind}, epoch {row.epoch}: {row.mean:.4f} ({row.low:.4f} to {row.high:.4f})")
            for row in rows
        ]
    ax.plot([], [], color=GREY, linewidth=1, linestyle=(0, (4, 2)), label="training, mean")
    ax.set(xlabel="epoch", ylabel="accuracy")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(ax)
    return titled(tell(ax, said), title, subtitle)


def costs(frame: pd.DataFrame, beside: pd.DataFrame, cost: str, unit: str, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `frames.costs.costs`, with `kind` and, of the front, a `number`: accuracy by one cost, numbered by cost.

    `beside` holds what is no network of the front, each `kind` one of `BESIDE`, in the same columns.
    """
    said = []
    kinds = [
        *_parted(frame.groupby("kind", sort=False)),
        *((part, GREY, BESIDE[str(part[0])]) for part in beside.groupby("kind", sort=False)),
    ]
    for (kind, points), colour, mark in kinds:
        ax.scatter(points[cost], points["test_accuracy"], s=16, marker=mark, color=colour, alpha=0.75, label=kind)
        rows: Any = points.itertuples()
        said += [
            (
                getattr(row, cost),
                row.test_accuracy,
                f"{row.network}: {row.test_accuracy:.4f}, {getattr(row, cost):,.0f}",
            )
            for row in rows
        ]
    front = frame[frame[f"front_{cost}"]].sort_values(cost)
    ax.step(front[cost], front["test_accuracy"], where="post", color=ORANGE, linewidth=1)
    if all((points[cost] > 0).all() for points in (frame, beside)):
        by_powers(ax)
    places = [points[[cost, "test_accuracy"]].to_numpy(float) for points in (front, frame, beside)]
    _number(ax, front["number"].astype(str), places[0], np.concatenate(places))
    ax.set(xlabel=unit, ylabel="mean test accuracy")
    # Below the axis's title, since so many kinds cover points.
    below = offset_copy(ax.transAxes, ax.get_figure(root=True), y=-34, units="points")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=below, ncols=3, borderaxespad=0)
    return titled(tell(ax, said), title, subtitle)


def _number(ax: Axes, numbers: Iterable[str], places: Points, points: Points) -> None:
    """Write numbers beside their places, float [n, 2], a line from each to its own, on no other and few points."""
    ax.autoscale_view()  # else the limits are found when it is drawn
    to_points = ax.transData + Affine2D().scale(72 / ax.figure.dpi)
    points, written = to_points.transform(points), np.zeros((0, 2))
    for number, place, at in zip(numbers, places, to_points.transform(places), strict=True):
        others, marks = (abs(at + AWAY[:, None] - them) for them in (written, points))
        covered = (marks < DIGITS / 2 + 2).all(axis=2).sum(axis=1) + np.hypot(*AWAY.T) / 8
        away = AWAY[np.lexsort((covered, (others < DIGITS).all(axis=2).sum(axis=1)))[0]]
        written = np.vstack([written, at + away])
        ax.annotate(
            number, place, away, textcoords="offset points", fontsize=8, ha="center", va="center", weight="bold",
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": GREY, "shrinkB": 0},
        )  # fmt: skip


def importance(frame: pd.DataFrame, names: Mapping[str, str], ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw the importance of each axis, a bar for each of the measures `names`: column by title."""
    height = 0.8 / len(names)
    said = []
    for place, ((column, name), colour) in enumerate(zip(names.items(), COLOURS.values(), strict=False)):
        at = np.arange(len(frame)) + (place - (len(names) - 1) / 2) * height
        ax.barh(at, frame[column], height=0.9 * height, color=colour, label=name)
        said += [
            (value, y, f"{axis}, {name}: {value:.3f}")
            for axis, value, y in zip(frame["axis"], frame[column], at, strict=True)
        ]
    ax.set_yticks(range(len(frame)), list(frame["axis"]))
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="importance; the axes' sum is 1", xlim=(0, 1))
    ax.legend(loc="lower right")
    return titled(tell(ax, said), title, subtitle)
