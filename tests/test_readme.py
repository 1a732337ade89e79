"""Every command of the README and of the scripts' own notes works as written; the demo is run for real."""

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnnsweep.data import load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
NOTES = [README, *(path.read_text() for path in sorted((ROOT / "sweeps").glob("*.py")))]


def commands(notes=NOTES):
    """Return the `python ...` lines of the README and of the docstrings in sweeps/, without their explanations."""
    lines = [line.strip() for text in notes for line in text.splitlines()]
    found = [re.split(r"\s{2,}|\s+#", line)[0] for line in lines if line.startswith("python ")]
    return sorted(set(found))


def run(command, cwd, *more):
    words = shlex.split(command)
    assert words[0] == "python"
    return subprocess.run(
        [sys.executable, str(ROOT / words[1]), *words[2:], *more], cwd=cwd, capture_output=True, text=True
    )


@pytest.fixture
def run_here(tmp_path, monkeypatch, capsys):
    """Return a function that runs a command's script in this process, which has imported all of it, from `tmp_path`."""

    def output(command, *more):
        words = shlex.split(command)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [str(ROOT / words[1]), *words[2:], *more])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(sys.argv[0], run_name="__main__")
        said = capsys.readouterr()
        assert end.value.code == 0, said.err
        return said.out

    return output


@pytest.fixture(scope="module")
def like_imdb(tmp_path_factory):
    """Return a file in the layout of Keras's imdb.npz, with generated reviews: a plan needs no more."""
    dataset = load("embedded")
    arrays = {}
    for name, part in (("train", dataset.train), ("test", dataset.test)):
        lists = np.empty(len(part), object)
        lists[:] = [(words[1:] - 3).tolist() for words in np.split(part.tokens, part.offsets[1:-1])]
        arrays |= {f"x_{name}": lists, f"y_{name}": part.labels.astype(np.int64)}
    path = tmp_path_factory.mktemp("data") / "imdb.npz"
    np.savez(path, **arrays)
    return path


def test_there_are_commands_to_try():
    assert len(commands()) >= 8


def of(*scripts, notes=NOTES):
    """Return the commands of these scripts."""
    return [line for line in commands(notes) if any(f" {script}.py" in line for script in scripts)]


PLANNED = r"\d+ trials: 0 done, \d+ to train"


@pytest.mark.parametrize("command", of("sweeps/grid", "sweeps/search", "sweeps/one"))
def test_each_sweep_command_is_understood_and_plans_its_trials(command, run_here, monkeypatch, like_imdb):
    monkeypatch.setenv("RNNSWEEP_DATA", str(like_imdb))
    assert re.search(PLANNED, run_here(command, "--plan"))


@pytest.mark.parametrize("script", ["grid", "search", "one"])
def test_each_sweep_script_finds_all_that_it_needs_from_any_folder(script, tmp_path, monkeypatch, like_imdb):
    monkeypatch.setenv("RNNSWEEP_DATA", str(like_imdb))
    end = run(of(f"sweeps/{script}")[0], tmp_path, "--plan")
    assert end.returncode == 0, end.stderr
    assert re.search(PLANNED, end.stdout)


@pytest.mark.parametrize("target", ["sweep", "test"])
def test_each_make_target_of_the_readme_exists(target):
    assert f"make {target}" in README
    subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, check=True)


def test_the_demo_and_its_report_run_as_the_makefile_runs_them(tmp_path, run_here):
    steps = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/installed", "sweep"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    grid, report = [line.split("python ", 1)[1] for line in steps if line.startswith(".venv/bin/python ")]
    end = run(f"python {grid}", tmp_path)
    assert end.returncode == 0, end.stdout + end.stderr
    assert "done     24 of 24 trials finished" in end.stdout
    assert "Traceback" not in end.stdout + end.stderr
    assert end.stderr == "", "Ray's and TensorFlow's own lines are kept away"
    again = run(f"python {grid}", tmp_path)
    assert "24 trials: 24 done, 0 to train" in again.stdout
    (tmp_path / "reviews.csv").write_text("text\na good film\na bad film\n")
    for script in ("sweeps/predict", "sweeps/export"):
        first, *others = of(script, notes=[README])
        end = run(first, tmp_path)
        assert end.returncode == 0, end.stderr
        for command in others:
            run_here(command)
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 3
    assert (tmp_path / "model" / "model.keras").exists()
    assert run(f"python {report}", tmp_path).returncode == 0
    assert "generated reviews" in (tmp_path / "report" / "report.html").read_text()
    trials = pd.read_csv(tmp_path / "report" / "tables" / "trials.csv")
    assert trials["status"].tolist() == ["finished"] * 24
    # In the generated reviews, cell and length matter, and order: a bag of words gets 0.70 of them right.
    mean = trials.groupby(["cell", "max_len"])["test_accuracy"].mean()
    assert mean["gru", 120] > mean["gru", 40] + 0.03
    assert mean["gru", 120] > mean["simple_rnn", 120] + 0.03
    assert mean["gru", 120] > 0.75


def test_every_link_of_the_documentation_leads_somewhere():
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name}: {target}"
