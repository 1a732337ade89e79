"""What a system without Unix's own modules can import: all of the library and of the report."""

import subprocess
import sys
from pathlib import Path

# Only our own imports are refused, since what others import here they do not import there.
PROGRAM = """
import builtins, importlib, pkgutil
import analysis, rnnsweep

unix = {"fcntl", "grp", "pwd", "resource", "termios"}
usual = builtins.__import__

def without_unix(name, globals=None, *rest, **named):
    if name in unix and (globals or {}).get("__name__", "").startswith(("rnnsweep", "analysis")):
        raise ModuleNotFoundError(f"No module named {name!r}")
    return usual(name, globals, *rest, **named)

builtins.__import__ = without_unix
packages = [(rnnsweep.__path__, "rnnsweep."), (analysis.__path__, "analysis.")]
for module in (found for path, prefix in packages for found in pkgutil.walk_packages(path, prefix)):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        print(f"{module.name}: {error}")
"""


def test_no_module_needs_what_only_unix_has_to_be_imported():
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert done.stdout == ""
