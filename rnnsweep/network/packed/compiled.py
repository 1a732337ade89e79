"""How the loops are compiled: without Python's lock, and kept on disk where there is a place for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """Return the function compiled by numba, with its options; NaN and infinity count as they do in NumPy."""
    usual: dict[str, Any] = {"nogil": True, "error_model": "numpy", **options}
    try:
        found: Callable[..., Any] = numba.njit(cache=True, **usual)(function)
    except RuntimeError:  # nowhere to write the cache: compile in each process
        found = numba.njit(**usual)(function)
    return found
