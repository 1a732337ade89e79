"""What `--help` says of each flag, and that it waits for nothing heavy."""

import subprocess
import sys
from pathlib import Path

import pytest

from rnnsweep.cli.flags import Parser
from rnnsweep.cli.grid import grid, one
from rnnsweep.cli.search import search
from rnnsweep.spec import NO_FLAGS, meanings

ROOT = Path(__file__).parents[2]
COMMANDS = {"grid": grid, "one": one, "search": search}
HEAVY = ("optuna", "sqlalchemy", "numpy", "pandas", "pyarrow", "ray", "keras", "tensorflow", "scipy", "numba", "rich")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_imports_no_heavy_library(name):
    program = f"""
import runpy, sys
sys.argv = ["{name}.py", "--help"]
try:
    runpy.run_path("sweeps/{name}.py", run_name="__main__")
finally:
    print(sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    end = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert end.returncode == 0, end.stderr
    assert end.stdout.startswith(f"usage: {name}.py")
    assert end.stdout.splitlines()[-1] == "[]"


@pytest.fixture
def actions(monkeypatch, request):
    """Return the flags of a command as its parser has them, of which nothing is parsed."""
    found = []

    def keep(parser, arguments=None, namespace=None):
        found.extend(parser._actions)
        raise KeyboardInterrupt

    monkeypatch.setattr(Parser, "parse_args", keep)
    with pytest.raises(KeyboardInterrupt):
        COMMANDS[request.param]("A command.")
    return found


@pytest.mark.parametrize("actions", COMMANDS, indirect=True)
def test_every_flag_has_a_line_of_help_and_every_field_the_one_of_its_spec(actions):
    assert [action.option_strings for action in actions if not (action.help or "").strip()] == []
    first = {action.dest: action.help for action in reversed(actions)}
    for name, meaning in meanings().items():
        if name not in NO_FLAGS:
            assert first[name].replace("%%", "%").startswith(meaning.partition("None:")[0])


def test_help_says_what_holds_where_a_flag_is_not_given(capsys):
    for name, words in {
        "one": ["passes over the training reviews (default: 5)", "not given: num_words"],
        "search": ["share of the pooled output dropped before the dense layer (searched: 0 to 0.6)", "(default: 5)"],
    }.items():
        with pytest.raises(SystemExit):
            COMMANDS[name]("A command.", ["--help"])
        text = " ".join(capsys.readouterr().out.split())
        assert all(word in text for word in words), name
