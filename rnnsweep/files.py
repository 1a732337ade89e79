"""Where files that are no results go, and how any file here is replaced."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path


def home_folder() -> Path:
    """Return the user's folder, or the temporary one where the user has none."""
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


def write_whole(path: Path, data: bytes, durable: bool = False) -> None:
    """Write a file and the folders above it, whole or not at all, and a durable one on the disk; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())  # else a power cut can leave the new name on an empty file
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
