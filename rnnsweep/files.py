"""TODO docstring of rnnsweep/files.py."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path


# ---- the cache: per source file, its reviews as arrays that open without being read
def home_folder() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a container's user without a name
        return Path(tempfile.gettempdir())


def cache_folder() -> Path:
    """Return the folder of what can be made again: converted reviews, and the studies of ledgers in buckets."""
    if own := os.environ.get("RNNSWEEP_CACHE"):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else home_folder() / ".cache") / "rnnsweep"


def write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)  # noqa: PTH105  (one call that is atomic everywhere)
    finally:
        temporary.unlink(missing_ok=True)
