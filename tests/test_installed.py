"""What `pip install .` installs: one package, the command that runs from any folder, and all that it imports."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from rnnsweep.cli.main import COMMANDS
from rnnsweep.ledger import Ledger
from rnnsweep.spec import Spec
from tests.helpers.imports import imported
from tests.helpers.ledgers import EMBEDDED, put

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BROUGHT = {"torch", "jax", "IPython"}  # by a user: Keras's other backends, and by a notebook
CODE = [ROOT / "rnnsweep", ROOT / "analysis"]


def without_caches(folder, names):
    return [name for name in names if name == "__pycache__"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return the folder that a wheel is unpacked to; it is built from a copy, since building leaves files."""
    copy, folder = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("installed")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for path in CODE:
        shutil.copytree(path, copy / path.name, ignore=without_caches)
    build = "import setuptools.build_meta as backend; backend.build_wheel('.')"
    subprocess.run([sys.executable, "-W", "ignore", "-c", build], cwd=copy, check=True, capture_output=True)
    (wheel,) = copy.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def run(installed, cwd, *words):
    """Run the command of the unpacked wheel, which comes before the checkout on the path."""
    program = "from rnnsweep.cli.main import main; raise SystemExit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, *words], cwd=cwd, capture_output=True, text=True,
        env={"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def test_no_other_package_is_installed_and_nothing_of_ours_is_left_out(installed):
    assert [path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")] == ["rnnsweep"]
    for source, target in ((CODE[0], installed / "rnnsweep"), (CODE[1], installed / "rnnsweep/scripts/analysis")):
        files = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
        wanted = {path for path in files if "__pycache__" not in path.parts}
        assert wanted <= {path.relative_to(target) for path in target.rglob("*")}
    assert (installed / "rnnsweep/py.typed").exists()


def test_each_command_starts_from_any_folder_and_completion_knows_its_flags(installed, tmp_path):
    done = run(installed, tmp_path, "--print-completion", "bash")
    assert done.returncode == 0, done.stderr
    for name in COMMANDS:
        assert f"_shtab_rnnsweep_{name}_option_strings" in done.stdout
    assert "--num-words" in done.stdout
    assert "--results" in done.stdout


def test_the_installed_report_is_that_of_the_wheel_and_names_commands_that_are_there(installed, tmp_path):
    put(Ledger(tmp_path / "results"), Spec(**EMBEDDED, epochs=2), real=False)
    done = run(installed, tmp_path, "report")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report" / "report.html").exists()
    missing = run(installed, tmp_path, "compare", "a", "b", "--results", "nowhere")
    assert missing.returncode == 2
    assert missing.stderr == (
        "rnnsweep compare: there are no results at nowhere; make them: rnnsweep grid --results nowhere\n"
    )


def test_a_word_that_is_no_command_is_one_line(capsys):
    from rnnsweep.cli.main import main

    with pytest.raises(SystemExit) as end:
        main(["train"])
    assert end.value.code == 2
    assert "invalid choice: 'train' (choose from" in capsys.readouterr().err


def test_what_is_imported_is_declared():
    extras = [one for name, each in PROJECT["optional-dependencies"].items() if name != "dev" for one in each]
    declared = {distribution(one) for one in [*PROJECT["dependencies"], *extras]}
    brings = importlib.metadata.packages_distributions()
    for path in (path for folder in CODE for path in folder.rglob("*.py")):
        names = {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names)
        for name in names - BROUGHT - {"rnnsweep", "analysis"}:
            found = {normal(one) for one in brings.get(name, [name])}
            assert found & declared, f"{path}: {name}"


def distribution(requirement):
    return normal(re.match(r"[\w.-]+", requirement).group())


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()
