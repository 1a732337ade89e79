"""The layering: which folder may import which, and what importing a module may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Of the project's own rooms (folders, and files beside them), at any depth of the code. The ground floor, which every
# room may use, is named once.
GROUND = {"errors", "types", "files", "cells", "stats", "redact", "commands"}
MAY_IMPORT = {
    "__init__": {"spec", "api", "space", "sweep"},  # all but the first when they are first used
    "__main__": {"cli"},
    "api": {
        "arguments",
        "spec",
        "space",
        "data",
        "ledger",
        "choice",
        "refits",
        "ensemble",
        "search",
        "sweep",
        "run",
        "use",
    },
    "arguments": set(),
    "errors": set(),
    "types": set(),
    "files": set(),
    "cells": set(),
    "stats": set(),
    "redact": set(),
    "commands": set(),
    "spec": set(),
    "machine": set(),
    "space": {"spec"},
    "data": {"spec"},
    "baselines": {"spec", "data", "ledger"},
    "network": {"spec", "machine"},
    "ledger": {"spec", "space"},
    "choice": {"spec"},
    "refits": {"spec", "choice", "ensemble"},
    "ensemble": {"spec", "choice", "ledger", "network"},
    "training": {"spec", "data", "network", "machine"},
    "search": {"spec", "space", "ledger", "network", "sweep"},
    "sweep": {"arguments", "spec", "data", "ledger", "network", "training", "machine"},
    "cluster": {"spec", "data", "ledger", "network", "machine", "sweep"},
    "use": {"spec", "data", "ledger", "network", "choice", "refits", "ensemble", "training", "machine", "sweep"},
    "run": {"data", "ledger", "machine", "sweep", "cluster"},
    "cli": {
        "arguments",
        "spec",
        "space",
        "data",
        "ledger",
        "machine",
        "sweep",
        "search",
        "cluster",
        "run",
        "choice",
        "refits",
        "ensemble",
        "baselines",
        "use",
    },
}
# What the report may know of the library: it reads ledgers, and knows no training.
# Of search it needs which objectives are to be small, and of data the test reviews, where they are at hand.
REPORT_MAY_IMPORT = {"spec", "space", "ledger", "choice", "refits", "ensemble", "search", "data"}
# The rooms of the report, each with those it may import.
REPORT = {
    "original": set(),
    "document": set(),
    "side_by_side": set(),
    "frames": {"original", "side_by_side"},
    "figures": set(),
    "sections": {"document", "figures", "frames", "original", "side_by_side"},
    "render": {"document"},
    "command": set(),
    "watch": set(),
    "trackers": set(),
    "report": {"command", "watch", "document", "figures", "frames", "original", "render", "sections", "side_by_side"},
    "compare": {"command", "document", "frames", "sections"},
    "export": {"command", "trackers"},
}
# Each of these libraries appears in these rooms only.
ONLY_IN = {
    "ray": {"rnnsweep.cluster"},
    "optuna": {"rnnsweep.search", "analysis.frames"},  # there for the importance of an axis
    "keras": {"rnnsweep.machine", "rnnsweep.network", "rnnsweep.training", "rnnsweep.use"},
    "h5py": {"rnnsweep.use"},
    "onnx": {"rnnsweep.use"},
    "onnxruntime": {"rnnsweep.use"},
    "tensorflow": {"rnnsweep.machine"},
    "torch": {"rnnsweep.machine"},
    "jax": {"rnnsweep.machine"},
    "numba": {"rnnsweep.network"},
    "argparse": {"rnnsweep.cli", "analysis.command"},
    "pickle": {"rnnsweep.data", "rnnsweep.cli"},  # of one's own file of vectors; between one's own processes
    "matplotlib": {"analysis.figures"},
    "igraph": {"rnnsweep.data"},
    "jinja2": {"analysis.render"},
    "fpdf": {"analysis.render"},
    "mlflow": {"analysis.trackers"},
    "tensorboard": {"analysis.trackers"},
    "shtab": {"rnnsweep.cli"},
}
# Modules that only some systems have: what imports one is imported where it is used, never at the top.
UNIX = {"resource", "fcntl", "pwd", "grp", "termios"}
# Heavy libraries that importing a module must not load, however it imports them.
LIGHT = ("", ".cli.grid", ".cli.search", ".cluster", ".sweep", ".ledger", ".data", ".space", ".run", ".network.cost")
HEAVY = ("tensorflow", "keras", "ray", "optuna", "torch", "jax")


def modules(package):
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted((ROOT / package).rglob("*.py"))
    }


OWN = modules("rnnsweep") | modules("analysis")


def room(name):
    """Return the package of a module's name and its folder there, or the file beside the folders."""
    package, _, rest = name.partition(".")
    return package, rest.partition(".")[0] or "__init__"


def names_of(node):
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        full = {f"{node.module}.{alias.name}" for alias in node.names}
        inside = {name for name in full if name in OWN or f"{name}.__init__" in OWN}
        return inside if inside == full else inside | {node.module}
    return set()


def imported(path):
    """Return the full names of all modules that a file imports, inside functions and for type checkers too."""
    return set().union(*(names_of(node) for node in ast.walk(ast.parse(path.read_text()))))


def rooms_of(name, package):
    found = {room(other) for other in imported(OWN[name])}
    return {where for of, where in found if of == package} - {room(name)[1]}


@pytest.mark.parametrize("name", modules("rnnsweep"))
def test_a_module_imports_only_what_its_room_may(name):
    here = room(name)[1]
    ground = set() if here in GROUND - {"stats"} else GROUND
    assert rooms_of(name, "rnnsweep") <= MAY_IMPORT[here] | ground


@pytest.mark.parametrize("name", modules("analysis"))
def test_a_module_of_the_report_imports_only_what_its_room_may(name):
    here = room(name)[1]
    if here != "__init__":
        assert rooms_of(name, "analysis") <= REPORT[here]
        assert rooms_of(name, "rnnsweep") <= REPORT_MAY_IMPORT | GROUND


@pytest.mark.parametrize("name", OWN)
def test_a_library_appears_only_where_it_belongs(name):
    libraries = {other.split(".")[0] for other in imported(OWN[name])}
    here = ".".join(room(name))
    assert {library for library in libraries & set(ONLY_IN) if here not in ONLY_IN[library]} == set()


@pytest.mark.parametrize("name", OWN)
def test_no_module_needs_what_only_some_systems_have(name):
    tops = ast.parse(OWN[name].read_text()).body
    assert not {other.split(".")[0] for node in tops for other in names_of(node)} & UNIX


def test_nothing_in_the_library_imports_the_scripts_or_the_report():
    for name, path in modules("rnnsweep").items():
        assert not {other for other in imported(path) if other.split(".")[0] in ("sweeps", "analysis")}, name


def test_every_room_has_its_rule():
    assert {room(name)[1] for name in modules("rnnsweep")} == set(MAY_IMPORT)
    assert {room(name)[1] for name in modules("analysis")} == {*REPORT, "__init__"}


@pytest.mark.parametrize("name", [*(f"rnnsweep{name}" for name in LIGHT), "analysis.report"])
def test_importing_loads_no_heavy_library(name):
    code = f"import sys, {name}; print([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout == "[]\n"
