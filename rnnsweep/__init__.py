"""A distributed, resumable sweep over recurrent text classifiers: what the scripts do, from Python.

    import rnnsweep

    data = rnnsweep.load("reviews.csv")
    trials = rnnsweep.sweep(rnnsweep.grid(cell=["gru", "lstm"], seeds=3), data, results="results")
    rnnsweep.predict("results", ["a text"])
    rnnsweep.report("results", "report")

Importing this package loads neither pandas nor TensorFlow nor Ray: what needs them is loaded when it is first used.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rnnsweep.errors import UserError
from rnnsweep.spec import Spec, SpecError

if TYPE_CHECKING:
    from rnnsweep.api import ensemble, grid, ledger, load, predict, refit, report, search, sweep
    from rnnsweep.space import Range
    from rnnsweep.sweep import Machines

__all__ = [
    "Machines",
    "Range",
    "Spec",
    "SpecError",
    "UserError",
    "ensemble",
    "grid",
    "ledger",
    "load",
    "predict",
    "refit",
    "report",
    "search",
    "sweep",
]

_FUNCTIONS = ("ensemble", "grid", "ledger", "load", "predict", "refit", "report", "search", "sweep")
_LAZY = dict.fromkeys(_FUNCTIONS, "rnnsweep.api")
_LAZY |= {"Machines": "rnnsweep.sweep", "Range": "rnnsweep.space"}


class _Callable(ModuleType):
    """A folder of this package whose name is also a function's: called, it is that function (packaging.md)."""

    @property
    def _function(self) -> Any:
        return getattr(importlib.import_module("rnnsweep.api"), self.__name__.rpartition(".")[2])

    def __call__(self, *values: Any, **named: Any) -> Any:
        """Call the function."""
        return self._function(*values, **named)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._function)


class _Package(ModuleType):
    """This package, which makes those folders callable when Python puts them into it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _LAZY and isinstance(value, ModuleType):
            value.__class__ = _Callable
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    """Return what is offered by this name, loaded now; raises AttributeError where nothing is."""
    if name not in _LAZY:
        raise AttributeError(f"rnnsweep has no {name!r}; it offers {', '.join(__all__)}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    """Return the names that are offered."""
    return sorted(__all__)
