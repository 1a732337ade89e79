"""The two figures of the first screen: where the best networks stand, and the verdicts as a forest plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.figures.canvas import BLUE, GREY, ORANGE, STYLE, tell, titled

FAMILY_COLOURS = (ORANGE, BLUE)
GAP = 0.36  # between the lines of a claim
LITTLE = 1.0  # points: what the claim of a little difference allows
NOTE: dict[str, Any] = {"textcoords": "offset points", "fontsize": 7.5, "va": "center"}


def standing(frame: pd.DataFrame, bar: tuple[str, float] | None, ax: Axes, title: str, subtitle: str) -> Axes:
    """Draw `frames.answer.standing`: accuracy and interval of each network, grey where the best is better.

    The name and the accuracy of a linear model make a dashed line.
    """
    said = []
    low, high = _limits([*frame["accuracy"], *([] if bar is None else [bar[1]])])
    ax.set_xlim(low, high)
    for place, row in enumerate(_rows(frame)):
        colour = BLUE if row.best or frame["low"].isna().all() else GREY
        if np.isfinite(row.low):
            ax.hlines(place, max(row.low, low), min(row.high, high), color=colour, linewidth=1.8)
        ax.plot([row.accuracy], [place], "o", color=colour, markersize=8 if row.chosen else 5)
        interval = f" ({row.low:.4f} to {row.high:.4f})" if np.isfinite(row.low) else ""
        said.append((row.accuracy, place, f"{row.network}: {row.accuracy:.4f}{interval}"))
    # In two lines, because a name of one leaves the accuracies no room.
    ax.set_yticks(range(len(frame)), [name.replace(" · ", "\n", 1) for name in frame["network"]])
    for label, chosen in zip(ax.get_yticklabels(), frame["chosen"], strict=True):
        label.set_fontweight("bold" if chosen else "normal")
    ax.set_ylim(len(frame) - 0.5, -0.7)
    if bar is not None:
        name, accuracy = bar
        ax.axvline(accuracy, color=ORANGE, linestyle=(0, (4, 2)), linewidth=1.5)
        side = accuracy < float(np.mean(ax.get_xlim()))
        ax.annotate(name, (accuracy, len(frame) - 0.6), (4 if side else -4, 0), textcoords="offset points",
                    color=ORANGE, fontsize=8, ha="left" if side else "right")  # fmt: skip
        said.append((accuracy, 0, f"{name}: {accuracy:.4f}"))
    ax.grid(visible=False, axis="y")
    return titled(tell(ax, said), title, subtitle)


def _limits(accuracies: Sequence[float]) -> tuple[float, float]:
    """Return where an axis of accuracies ends: one wide interval must not press all others together."""
    least, most = min(accuracies), max(accuracies)
    room = 0.35 * max(most - least, 0.02)
    return max(least - room, 0.0), min(most + room, 1.0)


def forest(
    frame: pd.DataFrame, labels: Sequence[str], signs: Sequence[int], ax: Axes, title: str, subtitle: str
) -> Axes:
    """Draw claims as a forest plot: rows of claim (from 1), family, effect, low, high (points), p_holm and verdict.

    `labels` and `signs` are the claims': which side of 0 one says its effect is on, 0 for neither, is shaded. Each of
    the two families, in their order in the frame, has a colour and a mark, filled where there is a verdict.
    """
    families = list(dict.fromkeys(frame["family"]))
    known = frame[frame["effect"].notna()]["family"].unique()
    for family, colour, mark in zip(families, (ORANGE, BLUE), "sD", strict=True):
        shift = GAP * (families.index(family) - 0.5) * (len(known) > 1)
        for row in _rows(frame[frame["family"] == family]):
            _effect(row, row.claim - 1 + shift, colour, mark, ax)
        if family in known:
            ax.plot([], [], mark, color=colour, label=family, markersize=5)
    low, high = ax.get_xlim()
    for place, sign in enumerate(signs):
        span = np.clip({1: (0, high), -1: (low, 0), 0: (-LITTLE, LITTLE)}[sign], low, high)
        ax.fill_between(span, place - 0.42, place + 0.42, color=STYLE["grid.color"], linewidth=0, zorder=0, alpha=0.6)
    ax.set_xlim(low, high)
    ax.axvline(0, color="#666666", linewidth=0.9)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("effect, percentage points; shaded: where the claim says it is", loc="left")
    ax.annotate("Holm p, verdict", (1, 1), (8, 5), "axes fraction", color=GREY, **NOTE)
    ax.legend(loc="upper right", bbox_to_anchor=(1, -0.13), ncols=2, borderaxespad=0)
    ax.grid(visible=False)
    return titled(ax, title, subtitle)


def _effect(row: Any, place: float, colour: str, mark: str, ax: Axes) -> None:
    if not np.isfinite(row.effect):
        return
    decided = row.verdict != "undecided"
    ax.plot([row.low, row.high], [place, place], color=colour, linewidth=1.6)
    ax.plot([row.effect], [place], mark, color=colour, markersize=5.5, markerfacecolor=colour if decided else "white")
    p = "—" if not np.isfinite(row.p_holm) else "<.0001" if row.p_holm < 0.0001 else f"{row.p_holm:.4f}".lstrip("0")
    ax.annotate(f"{p}  {row.verdict}", (1, place), (8, 0), ("axes fraction", "data"),
                color=colour if decided else GREY, fontweight="bold" if decided else "normal", **NOTE)  # fmt: skip
    interval = f" ({row.low:+.2f} to {row.high:+.2f})" if np.isfinite(row.low) else ""
    words = f"{row.claim}, {row.family}: {row.effect:+.2f} points{interval}, Holm p {p}, {row.verdict}"
    tell(ax, [(row.effect, place, words)])


def _rows(frame: pd.DataFrame) -> list[Any]:
    return list(frame.itertuples(index=False))
