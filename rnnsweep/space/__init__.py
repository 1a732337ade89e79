"""Which specs there are: the presets of a sweep, and the space that a search draws from."""

from rnnsweep.space.presets import PRESETS, SYSTEM, SYSTEMS, preset, system_of
from rnnsweep.space.search_space import NO_AXES, SEARCH_AXES, Axis, Choice, Range, SearchSpace, draw, search_space

__all__ = [
    "NO_AXES",
    "PRESETS",
    "SEARCH_AXES",
    "SYSTEM",
    "SYSTEMS",
    "Axis",
    "Choice",
    "Range",
    "SearchSpace",
    "draw",
    "preset",
    "search_space",
    "system_of",
]
