"""What a caller from Python gives, looked at before it is used, as the flags' parser does for the scripts.

Each raises `UserError`, which names the argument, its value and what it takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from os import PathLike
from typing import Any, TypeVar

from rnnsweep.errors import UserError

SHOWN = 80  # characters of a value in a message
T = TypeVar("T")


def a(kind: type[T] | tuple[type[T], ...], name: str, value: Any, remedy: str) -> Any:
    """Return a value of this kind, or of these; raises `UserError` on another."""
    if not isinstance(value, kind):
        raise _refusal(name, value, remedy)
    return value


def place(name: str, value: Any) -> Any:
    """Return the path or address of a folder, a bucket or a file; raises `UserError` on anything else."""
    return a((str, PathLike), name, value, "a path or an address, such as 'results'")


def several(kind: type[T], name: str, value: Any, remedy: str) -> list[T]:
    """Return values of one kind as a list; raises `UserError` on one value alone, or where one is no such."""
    if isinstance(value, str | dict) or not isinstance(value, Iterable):
        raise _refusal(name, value, remedy)
    return [a(kind, f"one of {name}", item, remedy) for item in value]


def whole(name: str, value: Any, least: int = 1) -> int:
    """Return a whole number from `least`; raises `UserError` on anything else."""
    if not isinstance(value, Integral) or isinstance(value, bool) or int(value) < least:  # NumPy's are whole, too
        raise _refusal(name, value, f"a whole number from {least}")
    return int(value)


def above_0(name: str, value: Any) -> float:
    """Return a number above 0, such as of seconds; raises `UserError` on anything else, nan too."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < float(value) < float("inf"):
        raise _refusal(name, value, "a number above 0")
    return float(value)


def one_of(name: str, value: Any, names: Iterable[str]) -> str:
    """Return a name that is among these; raises `UserError` on another."""
    valid = tuple(names)
    if not isinstance(value, str) or value not in valid:
        raise _refusal(name, value, f"one of {', '.join(valid)}")
    return value


def _refusal(name: str, value: Any, remedy: str) -> UserError:
    shown = " ".join(repr(value).split())
    cut = f"{shown[:SHOWN]}..." if len(shown) > SHOWN else shown
    return UserError(f"{name} is {cut}, of type {type(value).__name__}; give {remedy}")
