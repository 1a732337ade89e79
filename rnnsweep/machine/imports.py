"""Libraries that another library would import for what is not asked of it here, left out to start sooner."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Have imports within find these libraries not installed, but for those that are loaded already."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: Python's own sign of a missing module
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
