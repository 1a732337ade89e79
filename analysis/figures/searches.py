"""Figures of one search: each draws a frame of `frames.searches` on an axes; none computes a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis.figures.canvas import COLOURS, GREY, legend, tell, titled
from rnnsweep.stats import is_number


def history(frame: pd.DataFrame, best: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `searches.trials` in their order, and the best of them so far as a line."""
    marks: dict[str, dict[str, Any]] = {
        "finished": {"marker": "o", "color": COLOURS["training"], "alpha": 0.6},
        "pruned": {"marker": "x", "color": GREY, "alpha": 0.7},
        "paused": {"marker": "+", "color": GREY, "alpha": 0.7},
    }
    for state, mark in marks.items():
        part = frame[frame["state"] == state]
        if len(part):
            ax.scatter(part["number"], part["reached"], s=16, linewidths=1, label=state, **mark)
            values = zip(part["number"], part["reached"], strict=True)
            tell(ax, ((number, value, f"trial {number}, {state}: {value:.4f}") for number, value in values), 4)
    if len(best):
        ax.step(best["number"], best["best"], where="post", color=COLOURS["validation"], label="best finished")
    ax.set(xlabel="trial", ylabel="validation accuracy")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(ax)
    return titled(ax, title, subtitle)


def reached(lines: Mapping[str, pd.DataFrame], over: str, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw the best accuracy so far of several ways to search, by name, over their `trainings` or `seconds`."""
    for (name, line), colour in zip(lines.items(), (COLOURS["training"], COLOURS["validation"]), strict=False):
        ax.step(line[over], line["best"], where="post", color=colour, label=name)
    ax.set(xlabel=over, ylabel="best validation accuracy")
    ax.legend(loc="lower right")
    return titled(ax, title, subtitle)


def bars(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `searches.importance` as a bar per axis, the largest on top."""
    places = range(len(frame))
    ax.barh(places, frame["share"], color=COLOURS["training"], height=0.6)
    shares = enumerate(zip(frame["axis"], frame["share"], strict=True))
    tell(ax, [(share, place, f"{axis}: {share:.1%}") for place, (axis, share) in shares], 8)
    ax.set_yticks(places, list(frame["axis"]))
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="share of the variance of validation accuracy", xlim=(0, 1))
    return titled(ax, title, subtitle)


def parallel(frame: pd.DataFrame, names: Sequence[str], ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw a line per trial through its place on each axis, darker the better; a line ends where it has no value."""
    places = pd.DataFrame({name: _placed(frame[name]) for name in names}, index=frame.index)
    reached_ = frame["reached"]
    spread = reached_.max() - reached_.min()
    shade = (reached_ - reached_.min()) / spread if spread else reached_ * 0 + 1
    for index in reached_.sort_values().index:
        ax.plot(
            range(len(names)), places.loc[index], color=colormaps["Blues"](0.15 + 0.85 * shade[index]), linewidth=1.2
        )
    for position, name in enumerate(names):
        ax.axvline(position, color="#999999", linewidth=0.7)
        for place, text in _ends(frame[name]):
            ax.annotate(text, (position, place), (3, 0), textcoords="offset points", fontsize=7, va="center")
    ax.set_xticks(range(len(names)), list(names), rotation=20, ha="right")
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    return titled(
        ax, title, f"{subtitle}\nvalidation accuracy {reached_.min():.3f} (pale) to {reached_.max():.3f} (dark)"
    )


def _placed(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return where values stand on an axis from 0 to 1: numbers by size or its logarithm, names in their order."""
    if not is_number(values):
        codes = values.astype(str).astype("category").cat.codes
        return codes / max(int(codes.max()), 1)
    numbers: Any = np.log(values.astype(float)) if values.min() > 0 else values.astype(float)
    placed: pd.Series[Any] = (numbers - numbers.min()) / ((numbers.max() - numbers.min()) or 1)
    return placed


def _ends(values: pd.Series[Any]) -> list[tuple[float, str]]:
    placed = _placed(values)
    if not is_number(values):
        return sorted({(float(place), str(value)) for place, value in zip(placed, values, strict=True)})
    return [(0.0, f"{values.min():,.4g}"), (1.0, f"{values.max():,.4g}")]


def slice_of(frame: pd.DataFrame, name: str, ax: Axes) -> Axes:
    """Draw the validation accuracy of all trials against one axis; pruned ones in grey."""
    values = frame[name]
    names = not is_number(values)
    text = values.astype(str)
    order = sorted(text.unique()) if names else []
    x = text.map({value: place for place, value in enumerate(order)}) if names else values
    colours = np.where(frame["state"] == "finished", COLOURS["training"], "#aaaaaa")
    ax.scatter(x, frame["reached"], s=10, c=list(colours), alpha=0.7)
    if names:
        ax.set_xticks(range(len(order)), order, fontsize=7)
        ax.set_xlim(-0.5, len(order) - 0.5)
    elif values.min() > 0 and values.max() > 5 * values.min():
        ax.set_xscale("log")
    ax.set_title(name, fontsize=9)
    return ax


def contour(frame: pd.DataFrame, first: str, second: str, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw validation accuracy over two axes, linear between the trials, which are dots."""
    x, y = (np.log10(frame[name].astype(float)) if frame[name].min() > 0 else frame[name] for name in (first, second))
    filled = ax.tricontourf(x, y, frame["reached"], levels=10, cmap="Blues")
    ax.scatter(x, y, s=10, color="black")
    ax.figure.colorbar(filled, ax=ax, label="validation accuracy")
    words = [f"log10 of {name}" if frame[name].min() > 0 else name for name in (first, second)]
    ax.set(xlabel=words[0], ylabel=words[1])
    return titled(ax, title, subtitle)


def front(done: pd.DataFrame, best: pd.DataFrame, across: str, up: str, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw all finished trials by two objectives, and those that none beats as a line."""
    ax.scatter(done[across], done[up], s=14, color=GREY, alpha=0.5, label="finished")
    ordered = best.sort_values(across)
    ax.plot(ordered[across], ordered[up], "o-", color=COLOURS["validation"], markersize=4, label="beaten by none")
    values = zip(ordered[across], ordered[up], strict=True)
    tell(ax, ((x, y, f"{across} {x:,.6g}, {up} {y:.4f}") for x, y in values))
    ax.set(xlabel=across, ylabel=up)
    if done[across].min() > 0:
        ax.set_xscale("log")
    legend(ax)
    return titled(ax, title, subtitle)
