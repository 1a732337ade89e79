"""What the sections about many networks share: a part per grid of several networks, and its names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analysis.document import Block, Section, plural, text
from analysis.frames.networks import Grid
from analysis.sections.source import Source, generated_box, subtitle

Part = Callable[[int, Grid], Sequence[Block]]


def per_grid(source: Source, part: Part) -> list[Block]:
    """Return the blocks of each grid of several networks, its data above them; `part` takes its number from 1, and it.

    A grid of which `part` has nothing to say is left out.
    """
    found: list[Block] = []
    for place, grid in enumerate((grid for grid in source.study.grids if len(grid.networks) > 1), 1):
        blocks = part(place, grid)
        if blocks:
            heading = text(f"{grid.data}, {plural(grid.epochs, 'epoch')}", small=True)
            found += [heading, *generated_box(grid.real), *blocks]
    return found


def section(title: str, anchor: str, meaning: str, parts: Sequence[Block]) -> list[Section]:
    """Return the section of these parts below what it means, or nothing where there are none."""
    return [Section(title, 2, [text(meaning), *parts], anchor=anchor, listed=title)] if parts else []


def below(grid: Grid) -> str:
    """Return the lines below the title of a grid's figure."""
    return subtitle(grid.data, grid.epochs, grid.real)
