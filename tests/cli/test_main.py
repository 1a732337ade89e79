"""The installed command: every script by its name, its help at once, a line for each flag."""

import subprocess
import sys

import pytest

from rnnsweep.cli import main as command
from rnnsweep.cli.main import COMMANDS, main
from rnnsweep.commands import SCRIPTS, own_words, words

HEAVY = ("optuna", "numpy", "pandas", "pyarrow", "ray", "keras", "tensorflow", "scipy", "numba", "rich", "matplotlib",
         "jinja2", "mlflow", "tensorboard", "onnx", "shtab")  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_help_waits_for_nothing_heavy_and_names_the_command(name, tmp_path):
    program = f"""
import sys
from rnnsweep.cli.main import main
try:
    main(["{name}", "--help"])
finally:
    print(sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    end = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert end.returncode == 0, end.stderr
    assert end.stdout.startswith(f"usage: rnnsweep {name} ")
    assert end.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_of_every_command_has_a_line_of_help(name, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    actions = COMMANDS[name].flags()._actions
    assert [action.option_strings or action.dest for action in actions if not (action.help or "").strip()] == []


def test_help_lists_every_command_and_each_is_a_script_of_the_checkout(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["rnnsweep"])
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert all(f"    {name} " in text and made.meaning[:30] in text for name, made in COMMANDS.items())
    assert set(COMMANDS) == set(SCRIPTS)


def test_a_command_is_called_what_it_was_started_as(monkeypatch, tmp_path):
    assert words("grid") == ["python", "sweeps/grid.py"]
    monkeypatch.chdir(tmp_path)
    assert words("grid") == ["rnnsweep", "grid"]
    seen = []
    monkeypatch.setattr(sys, "argv", ["/bin/rnnsweep", "one", "--seed", "2"])
    monkeypatch.setattr(command.Command, "start", lambda self, arguments: seen.append((own_words(), arguments)) or 0)
    assert main() == 0
    assert seen == [(["rnnsweep", "one"], ["--seed", "2"])]
