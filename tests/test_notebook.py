"""The notebook of docs/ runs as it stands, live view and all, and what it shows is what it stored."""

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "first-sweep.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Return the notebook, run in a folder of its own."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    return NotebookClient(notebook, timeout=280, coalesce_streams=True, resources=resources).execute()


def outputs(notebook):
    return [(number, output) for number, cell in enumerate(notebook.cells) for output in cell.get("outputs", [])]


def kinds(notebook):
    return [(number, output.output_type, output.get("name")) for number, output in outputs(notebook)]


def test_the_notebook_runs_and_shows_what_it_stored(executed):
    assert kinds(executed) == kinds(nbformat.read(NOTEBOOK, as_version=4))
    assert "stderr" not in {name for _, _, name in kinds(executed)}


def test_its_live_view_is_one_output_that_ends_with_all_trials_and_no_output_steers_a_terminal(executed):
    shown = [output.data["text/plain"] for _, output in outputs(executed) if output.output_type == "display_data"]
    assert shown[0] == "6/6 trials"
    assert "\\u001b" not in json.dumps([output for _, output in outputs(executed)])


def test_its_best_network_reads_a_not(executed):
    (predicted,) = (output for _, output in outputs(executed) if "p_positive" in str(output.get("data")))
    classes = [line.split()[-2] for line in predicted.data["text/plain"].splitlines()[1:]]
    assert classes == ["positive", "negative", "positive"]


def test_what_is_stored_names_no_folder_of_a_machine():
    text = NOTEBOOK.read_text()
    assert not any(word in text for word in ("/tmp", "/root", "/home", "/Users"))
