"""What keeps the view of running trials up to date: a terminal redraws it, a Jupyter notebook replaces one output."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Protocol

from rich.console import Console, RenderableType
from rich.live import Live

WIDTH = 120  # characters of a notebook's lines, which scroll where they do not fit


class View(Protocol):
    """Shows what a function returns, from `start` to `stop`."""

    def start(self) -> None:
        """Begin to show it."""

    def refresh(self) -> None:
        """Show it anew."""

    def stop(self) -> None:
        """Leave it as it stands, or take it away."""


class NotebookView:
    """One output of a notebook's cell, replaced by plain text whenever a trial says something; it stays at its last.

    rich's own needs ipywidgets, shows nothing without, and keeps nothing in a saved notebook.
    """

    def __init__(self, get_renderable: Callable[[], RenderableType]) -> None:
        """Show what the function returns."""
        self._get_renderable = get_renderable
        self._handle: Any = None

    def start(self) -> None:
        """Begin to show it."""
        from IPython.display import display

        self._handle = display(self._bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def refresh(self) -> None:
        """Show it anew."""
        self._handle.update(self._bundle(), raw=True)

    def stop(self) -> None:
        """Leave it as it ended."""
        self.refresh()

    def _bundle(self) -> dict[str, str]:
        text = io.StringIO()
        Console(file=text, width=WIDTH, color_system=None, force_jupyter=False).print(self._get_renderable())
        return {"text/plain": "\n".join(line.rstrip() for line in text.getvalue().strip("\n").splitlines())}


def in_notebook() -> bool:
    """Return whether this process is the kernel of a Jupyter notebook, as rich finds it out."""
    return Console().is_jupyter


def console_here() -> Console:
    """Return where lines are printed: in a notebook as plain text, without a terminal's colours."""
    if in_notebook():
        return Console(highlight=False, force_jupyter=False, force_terminal=False, color_system=None)
    return Console(highlight=False)


def view_of(console: Console, get_renderable: Callable[[], RenderableType]) -> View | None:
    """Return what shows running trials: on a terminal and in a notebook; None elsewhere, where lines have to do."""
    # FORCE_COLOR has rich take a file for a terminal, and each redraw would be lines in it.
    if console.is_terminal and console.file.isatty():
        return Live(get_renderable=get_renderable, console=console, refresh_per_second=4, transient=True)
    return NotebookView(get_renderable) if in_notebook() else None
