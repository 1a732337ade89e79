"""What a result or a node says about the software it ran on."""

from __future__ import annotations

import functools
import platform
import subprocess
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("keras", "tensorflow", "torch", "jax", "numpy", "numba", "ray")


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that are installed, without importing them."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        with suppress(ModuleNotFoundError):
            found[name] = version(name)
    return found


@functools.cache
def revision() -> str:
    """Return the revision of this project's code, as git describes it; empty where it was installed without history."""
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
