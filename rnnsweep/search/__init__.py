"""TODO rnnsweep.search."""

from rnnsweep.search.goal import OBJECTIVES, Goal, SearchError
from rnnsweep.search.samplers import PRUNERS, SAMPLERS
from rnnsweep.search.search import Search

__all__ = ["OBJECTIVES", "PRUNERS", "SAMPLERS", "Goal", "Search", "SearchError"]
