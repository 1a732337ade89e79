"""The layering: which module may import which, and what importing a module may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Of the project's own modules, at any depth of the code.
MAY_IMPORT = {
    "rnnsweep.__init__": {"spec"},
    "rnnsweep.spec": set(),
    "rnnsweep.space": {"spec"},
    "rnnsweep.corpus": set(),
    "rnnsweep.data": {"spec", "corpus"},
    "rnnsweep.store": set(),
    "rnnsweep.ledger": {"spec", "space", "store"},
    "rnnsweep.estimate": {"spec", "data"},
    "rnnsweep.gpu": {"spec", "estimate"},
    "rnnsweep.versions": set(),
    "rnnsweep.recurrence": {"spec"},
    "rnnsweep.model": {"spec", "gpu"},
    "rnnsweep.train": {"spec", "data", "estimate", "model", "recurrence", "versions"},
    "rnnsweep.progress": {"spec"},
    "rnnsweep.cluster": {"data", "ledger", "store", "gpu", "versions"},
    "rnnsweep.sweep": {"spec", "ledger", "progress", "data", "model", "train", "cluster", "gpu"},
    "rnnsweep.search": {"spec", "space", "data", "estimate", "ledger"},
    "rnnsweep.cli": {"spec", "space", "data", "estimate", "store", "ledger", "progress", "cluster", "search", "sweep"},
}
# Each of these libraries appears in these modules only.
ONLY_IN = {
    "ray": {"rnnsweep.sweep", "rnnsweep.cluster"},  # what is asked of a cluster, and what Tune runs on it
    "keras": {"rnnsweep.model", "rnnsweep.train"},
    "tensorflow": {"rnnsweep.model", "rnnsweep.train"},
    "numba": {"rnnsweep.recurrence"},
    "argparse": {"rnnsweep.cli", "analysis.report"},
    "optuna": {"rnnsweep.search", "analysis.searches"},
    "pickle": {"rnnsweep.data"},
}
# Heavy libraries that importing a module must not load, however it imports them.
LIGHT = ("cli", "cluster", "gpu", "ledger", "sweep")
HEAVY = ("tensorflow", "keras", "ray", "optuna", "torch", "jax")


def modules(package):
    return {f"{package}.{path.stem}": path for path in sorted((ROOT / package).glob("*.py"))}


def imported(path):
    """Return the full names of all modules that a file imports, inside functions and for type checkers too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


OWN = modules("rnnsweep") | modules("analysis")


@pytest.mark.parametrize("name", modules("rnnsweep"))
def test_a_module_imports_only_what_its_layer_may(name):
    own = {other.removeprefix("rnnsweep.") for other in imported(OWN[name]) if other in OWN}
    assert own <= MAY_IMPORT[name]


@pytest.mark.parametrize("name", OWN)
def test_a_library_appears_only_where_it_belongs(name):
    libraries = {other.split(".")[0] for other in imported(OWN[name])}
    assert {library for library in libraries & set(ONLY_IN) if name not in ONLY_IN[library]} == set()


def test_nothing_in_the_library_imports_sweeps_or_analysis():
    for name, path in modules("rnnsweep").items():
        assert not {other for other in imported(path) if other.split(".")[0] in ("sweeps", "analysis")}, name


def test_analysis_reads_ledgers_and_knows_no_training():
    allowed = {"store", "ledger", "space", "spec"}
    for name, path in modules("analysis").items():
        own = {o.removeprefix("rnnsweep.") for o in imported(path) if o in OWN and o.startswith("rnnsweep.")}
        assert own <= allowed, name


@pytest.mark.parametrize(
    "name", ["rnnsweep", "rnnsweep.cli", "rnnsweep.cluster", "rnnsweep.sweep", "rnnsweep.ledger", "analysis.report"]
)
def test_importing_loads_no_heavy_library(name):
    code = f"import sys, {name}; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
