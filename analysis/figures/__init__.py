"""The report's figures: a data frame on an axes, and a drawing as PNG bytes."""

from analysis.figures.answer import forest, standing
from analysis.figures.canvas import Drawing, drawn, panels
from analysis.figures.grid import dots, grid
from analysis.figures.searches import bars, contour, front, history, parallel, reached, slice_of
from analysis.figures.training import confusion, confusion_size, curves

__all__ = [
    "Drawing",
    "bars",
    "confusion",
    "confusion_size",
    "contour",
    "curves",
    "dots",
    "drawn",
    "forest",
    "front",
    "grid",
    "history",
    "panels",
    "parallel",
    "reached",
    "slice_of",
    "standing",
]
