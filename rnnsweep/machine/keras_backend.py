"""Which backend Keras will run on, without importing it, and whether it is installed."""

from __future__ import annotations

import importlib.util
import json
import os
from contextlib import suppress
from pathlib import Path

from rnnsweep.errors import UserError
from rnnsweep.files import home_folder

USUAL = "tensorflow"


class BackendError(UserError, ImportError):
    """A backend that Keras is told to run on and that is not there; the message names it and who named it."""


def check_backend() -> None:
    """Raise `BackendError` where Keras would run on what is not installed; a node of a cluster says so itself."""
    name, source = _chosen()
    with suppress(ValueError, ImportError):  # of a name that no module can have, or below no package
        if importlib.util.find_spec(name) is not None:
            return
    raise BackendError(
        f"Keras is to run on {name!r}, by {source}, and no such module is installed; install it, or set "
        f"KERAS_BACKEND={USUAL}"
    )


def backend_name() -> str:
    """Return the name of the backend that Keras will run on."""
    return _chosen()[0]


def _chosen() -> tuple[str, str]:
    """Return the backend's name, by Keras's own rule, and what says so."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"], "KERAS_BACKEND"
    folder = os.environ.get("KERAS_HOME")
    path = (Path(folder) if folder else home_folder() / ".keras") / "keras.json"
    with suppress(OSError, ValueError, RecursionError):
        said = json.loads(path.read_text())
        if isinstance(said, dict) and said.get("backend"):
            return str(said["backend"]), str(path)
    return USUAL, "default"
