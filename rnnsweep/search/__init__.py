"""Optuna's suggestions as a queue. Handed on here is what needs no Optuna; `search.Search` loads it."""

from rnnsweep.search.goal import MEASURES, OBJECTIVES, SMALLER, Goal, SearchError
from rnnsweep.search.samplers import PRUNERS, SAMPLERS

__all__ = ["MEASURES", "OBJECTIVES", "PRUNERS", "SAMPLERS", "SMALLER", "Goal", "SearchError"]
