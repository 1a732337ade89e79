"""The report's figures: each function draws a frame of `tables` on an axes; none computes a number."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps, style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from analysis.searches import is_number

DPI = 120
PALETTE = 128  # colours of a figure
GREY = "#555555"
COLOURS = {"training": "#0b5fa5", "validation": "#c2570c"}
STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same bytes on every machine
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8,
}
LINES: dict[str, dict[str, Any]] = {
    "seed": {"linewidth": 0.8, "alpha": 0.4},
    "mean": {"linewidth": 2.0, "marker": "o", "markersize": 3.5},
    "published": {"linewidth": 1.3, "linestyle": (0, (4, 2)), "alpha": 0.75},
}


def png(draw: Callable[[Axes], Axes], width: float, height: float) -> bytes:
    """Return the drawing as PNG bytes, width by height in inches; equal drawings are equal bytes."""
    return _rendered(lambda figure: draw(figure.subplots()), width, height)


def _rendered(draw: Callable[[Figure], object], width: float, height: float) -> bytes:
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    small = io.BytesIO()  # a palette is a third of the bytes, and a report holds some thirty figures twice
    Image.open(buffer).convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()


def titled(ax: Axes, title: str, subtitle: str) -> Axes:
    """Set a title and, smaller and a line of text per line below it, a subtitle."""
    ax.set_title(title, pad=8 + 11 * len(subtitle.splitlines()))
    above = ax.annotate(subtitle, (0, 1), (0, 5), "axes fraction", textcoords="offset points", fontsize=8, color=GREY)
    above.set_in_layout(False)
    return ax


def curves(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str, ylabel: str) -> Axes:
    """Draw `tables.curves`: a thin line per seed, their mean solid, the published run dashed."""
    labelled: set[str] = set()
    lines: Any = frame.groupby(["source", "part", "line"], sort=True)
    for (source, part, _), line in lines:
        name = {"seed": "each seed", "mean": "measured", "published": "published"}[source]
        label = f"{part}, {name}" if source != "seed" and f"{part}{source}" not in labelled else None
        labelled.add(f"{part}{source}")
        ax.plot(line["epoch"], line["value"], color=COLOURS[part], label=label, **LINES[source])
    ax.set(xlabel="epoch", ylabel=ylabel)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if labelled:
        ax.legend(loc="best")
    return titled(ax, title, subtitle)


def confusion(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw a confusion matrix `tables.confusion` as a heatmap with its counts and shares of the true class."""
    counts = frame.to_numpy(dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        text = f"{counts[row, column]:,.0f}\n{share:.1%}"
        ax.text(column, row, text, ha="center", va="center", color="white" if share > 0.55 else "black", fontsize=11)
    ax.set_xticks(range(len(frame.columns)), list(frame.columns))
    ax.set_yticks(range(len(frame.index)), list(frame.index), rotation=90, va="center")
    ax.set(xlabel="predicted", ylabel="true")
    return titled(_bare(ax), title, subtitle)


def _bare(ax: Axes) -> Axes:
    ax.grid(visible=False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def dots(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `tables.by_axis` of several axes below each other: mean accuracy as a dot, its interval as a line."""
    places, labels, place = [], [], 0.0
    for axis, group in frame.groupby("axis", sort=False):
        rows: Any = group.itertuples()
        for row in rows:
            if np.isfinite(row.low):
                ax.hlines(place, row.low, row.high, color=COLOURS["training"], linewidth=2)
            ax.plot([row.mean], [place], "o", color=COLOURS["training"], markersize=6)
            places.append(place)
            labels.append(f"{axis} {row.value:,}" if isinstance(row.value, int) else str(row.value))
            place += 1
        place += 0.6
    ax.set_yticks(places, labels)
    ax.set_ylim(place - 1, -0.6)  # the first on top
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="mean test accuracy, with its 95 % interval where n > 1")
    return titled(ax, title, subtitle)


def grid(frame: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `tables.grid_means` as a heatmap with its numbers; combinations without a trial stay empty."""
    values = frame.to_numpy(dtype=float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    ax.imshow(values, cmap="Blues", vmin=low - 0.3 * (high - low), vmax=high, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            dark = value > low + 0.6 * (high - low)
            ax.text(column, row, f"{value:.3f}", ha="center", va="center", color="white" if dark else "black")
    columns, index = list[Any](frame.columns), list[Any](frame.index)
    ax.set_xticks(range(len(columns)), [f"{words:,}\n{steps:,}" for words, steps in columns])
    ax.set_yticks(range(len(index)), [f"{cell} ×{depth}" for cell, depth in index])
    ax.set(xlabel="num_words (above) and max_len (below)", ylabel="cell × depth")
    return titled(_bare(ax), title, subtitle)


# Searches.


def panels(draws: Sequence[Callable[[Axes], Axes]], columns: int, width: float, height: float) -> bytes:
    """Return several drawings beside each other as PNG bytes, each width by height in inches."""
    columns = min(columns, len(draws))
    rows = -(-len(draws) // columns)

    def draw(figure: Figure) -> None:
        places = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, one in zip(places, draws, strict=False):
            one(ax)
        for ax in places[len(draws) :]:
            ax.set_visible(False)

    return _rendered(draw, width * columns, height * rows)


def history(frame: pd.DataFrame, best: pd.DataFrame, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `searches.trials` in their order, and the best of them so far as a line."""
    marks: dict[str, dict[str, Any]] = {
        "finished": {"marker": "o", "color": COLOURS["training"], "alpha": 0.6},
        "pruned": {"marker": "x", "color": GREY, "alpha": 0.7},
    }
    for state, mark in marks.items():
        part = frame[frame["state"] == state]
        if len(part):
            ax.scatter(part["number"], part["reached"], s=16, linewidths=1, label=state, **mark)
    if len(best):
        ax.step(best["number"], best["best"], where="post", color=COLOURS["validation"], label="best finished")
    ax.set(xlabel="trial", ylabel="validation accuracy")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="lower right")
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
    ax.set(xlabel=across, ylabel=up)
    if done[across].min() > 0:
        ax.set_xscale("log")
    ax.legend(loc="lower right")
    return titled(ax, title, subtitle)
