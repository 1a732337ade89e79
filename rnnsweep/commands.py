"""How a command is typed here: as a script of the checkout, or as the installed `rnnsweep`."""

from __future__ import annotations

import sys
from pathlib import Path

SCRIPTS = {
    "grid": "sweeps/grid.py",
    "search": "sweeps/search.py",
    "one": "sweeps/one.py",
    "predict": "sweeps/predict.py",
    "export": "sweeps/export.py",
    "report": "analysis/report.py",
    "compare": "analysis/compare.py",
    "dashboard": "analysis/export.py",
}
PROGRAM = "rnnsweep"


def words(name: str) -> list[str]:
    """Return the words that start a command: its script where that lies below this folder, else the installed one."""
    script = SCRIPTS[name]
    return ["python", script] if Path(script).is_file() else [PROGRAM, name]


def own_words() -> list[str]:
    """Return the words that started this process: `python` and a script, or the installed program and its command."""
    started = Path(sys.argv[0]).name.split(" ")
    return started if started[0] == PROGRAM else ["python", sys.argv[0]]
