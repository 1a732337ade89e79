"""TODO docstring of analysis/sections/grid.py."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis import figures
from analysis.document import GENERATED, Picture, interval_text, number, plural, printed, spread
from rnnsweep.cells import CELLS
from analysis.frames.grid import AXES, by_axis, grid_means
from analysis.frames.trials import blocks, networks, records
from analysis.sections.network import label, network_section, retrain_command
from analysis.sections.overview import Source, data_name


# 5. The study.
def block_section(position: int, block: Any, source: Source) -> dict[str, Any]:
    trials = source.trials[source.trials["key"].isin(block.keys)]
    axes = pd.concat([by_axis(trials, axis) for axis in AXES], ignore_index=True)
    axes["value"] = [CELLS[value].title if value in CELLS else value for value in axes["value"]]
    title = f"{data_name(trials)}, {plural(int(block.epochs), 'epoch')}"
    subtitle = f"{block.data}, {plural(int(block.epochs), 'epoch')}" + ("" if block.real else f"\n{GENERATED}")
    rows = [
        [row.axis, _value(row.value), str(row.n), spread(row.mean, row.sd), interval_text(row.low, row.high)]
        for row in records(axes)
    ]
    several = [axis for axis in AXES if trials[axis].nunique() > 1]
    compared = axes[axes["axis"].isin(several)]
    pictures = [_axes_picture(position, compared, subtitle)] if several else []
    if len(several) > 1:
        pictures.append(_grid_picture(position, trials, subtitle))
    best = networks(trials).iloc[0]
    return {
        "id": f"study-{position}",
        "title": title,
        "trials": plural(len(trials), "trial"),
        "generated": not block.real,
        "axes": printed(
            ["axis", "value", "n", "test accuracy, mean ± sd", "95 % interval of the mean"], rows, layout="two"
        ),
        "pictures": pictures,
        "best": f"{label(best)}: validation accuracy {number(best['val_accuracy'])}, test accuracy "
        f"{number(best['test_accuracy'])} (n={best['n']})",
    }


def _value(value: Any) -> str:
    return value if isinstance(value, str) else f"{int(value):,}"


def _axes_picture(position: int, axes: pd.DataFrame, subtitle: str) -> Picture:
    def draw(ax: Any) -> Any:
        return figures.dots(axes.astype({"value": object}), ax, "Test accuracy by axis", subtitle)

    alt = f"Mean test accuracy of each value of each axis, with its interval; {subtitle}".replace("\n", "; ")
    return Picture(f"study-{position}-axes.png", alt, figures.png(draw, 5.4, 1.4 + 0.3 * len(axes)))


def _grid_picture(position: int, trials: pd.DataFrame, subtitle: str) -> Picture:
    means = grid_means(trials)
    means.index = pd.MultiIndex.from_tuples([(CELLS[cell].title, depth) for cell, depth in means.index])

    def draw(ax: Any) -> Any:
        return figures.grid(means, ax, "Mean test accuracy", subtitle)

    alt = f"Mean test accuracy of each cell and depth by num_words and max_len; {subtitle}".replace("\n", "; ")
    size = (max(4.6, 1.6 + 0.72 * means.shape[1]), 1.5 + 0.42 * means.shape[0])
    return Picture(f"study-{position}-grid.png", alt, figures.png(draw, *size))


def best_section(source: Source) -> dict[str, Any] | None:
    """Return the section of the best network of the first data block, or None where there is none."""
    found = blocks(source.trials)
    if not len(found):
        return None
    trials = source.trials[source.trials["key"].isin(found["keys"].iloc[0])]
    best = networks(trials).iloc[0]
    chosen = trials[trials["key"].isin(best["keys"])]
    section = network_section(source, "best", chosen, None)
    return section | {
        "title": label(best),
        "data": f"{data_name(chosen)}, {plural(int(best['epochs']), 'epoch')}",
        "n": int(best["n"]),
        "val_accuracy": number(best["val_accuracy"]),
        "test_accuracy": number(best["test_accuracy"]),
        "system": str(chosen["system"].iloc[0]),
        "command": retrain_command(chosen.iloc[0]),
        "networks": len(networks(trials)),
    }
