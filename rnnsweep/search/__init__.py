"""Optuna's suggestions as a queue. Handed on here is what needs no Optuna; `search.Search` loads it."""

from rnnsweep.search.goal import OBJECTIVES, SMALLER, Goal, SearchError
from rnnsweep.search.samplers import PRUNERS, SAMPLERS

__all__ = ["OBJECTIVES", "PRUNERS", "SAMPLERS", "SMALLER", "Goal", "SearchError"]
