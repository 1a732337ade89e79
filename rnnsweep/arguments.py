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
LARGEST = 2**32 - 1  # of what is counted
LEAST_SHARE = 0.01  # of a core or a GPU: no machine runs more trials than a hundred on each
T = TypeVar("T")


def a(kind: type[T] | tuple[type[T], ...], name: str, value: Any, remedy: str) -> Any:
    """Return a value of this kind, or of these; raises `UserError` on another."""
    if not isinstance(value, kind):
        raise refusal(name, value, remedy)
    return value


def place(name: str, value: Any) -> Any:
    """Return the path or address of a folder, a bucket or a file; raises `UserError` on anything else."""
    remedy = "a path or an address, such as 'results'"
    if "\0" in str(a((str, PathLike), name, value, remedy)):  # which no system takes
        raise refusal(name, value, remedy)
    return value


def several(kind: type[T], name: str, value: Any, remedy: str) -> list[T]:
    """Return values of one kind as a list; raises `UserError` on one value alone, or where one is no such."""
    if isinstance(value, str | dict) or not isinstance(value, Iterable):
        raise refusal(name, value, remedy)
    return [a(kind, f"one of {name}", item, remedy) for item in value]


def whole(name: str, value: Any, least: int = 1) -> int:
    """Return a whole number from `least`; raises `UserError` on anything else, and on one above all that is counted."""
    if not isinstance(value, Integral) or isinstance(value, bool) or int(value) < least:  # NumPy's are whole, too
        raise refusal(name, value, f"a whole number from {least}")
    if int(value) > LARGEST:
        raise UserError(f"{name} is above {LARGEST:,}, the most that is counted here; give a smaller number")
    return int(value)


def above_0(name: str, value: Any) -> float:
    """Return a number above 0, such as of seconds; raises `UserError` on anything else, nan too."""
    if not is_number(value) or not 0 < value <= LARGEST:
        raise refusal(name, value, f"a number above 0, at most {LARGEST:,}")
    return float(value)


def is_number(value: Any) -> bool:
    """Return whether a value is a number; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def flag(name: str, value: Any) -> bool:
    """Return True or False; raises `UserError` on anything else."""
    return bool(a(bool, name, value, "True or False"))


def one_of(name: str, value: Any, names: Iterable[str]) -> str:
    """Return a name that is among these; raises `UserError` on another."""
    valid = tuple(names)
    if not isinstance(value, str) or value not in valid:
        raise refusal(name, value, f"one of {', '.join(valid)}")
    return value


def refusal(name: str, value: Any, remedy: str) -> UserError:
    """Return the error that names an argument, its value and what it takes."""
    shown = " ".join(repr(value).split())
    cut = f"{shown[:SHOWN]}..." if len(shown) > SHOWN else shown
    return UserError(f"{name} is {cut}, of type {type(value).__name__}; give {remedy}")
