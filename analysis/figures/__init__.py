"""The report's figures: a data frame on an axes, and a drawing as PNG bytes."""

from analysis.figures.canvas import panels, png
from analysis.figures.grid import dots, grid
from analysis.figures.searches import bars, contour, front, history, parallel, reached, slice_of
from analysis.figures.training import confusion, confusion_size, curves

__all__ = [
    "bars",
    "confusion",
    "confusion_size",
    "contour",
    "curves",
    "dots",
    "front",
    "grid",
    "history",
    "panels",
    "parallel",
    "png",
    "reached",
    "slice_of",
]
