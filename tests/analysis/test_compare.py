"""`analysis/compare.py` as a command."""

import subprocess
import sys
from pathlib import Path

import pytest

from analysis import compare, report
from analysis.sections import comparison
from rnnsweep.ledger import Ledger
from rnnsweep.spec import Spec
from tests.helpers.ledgers import IMDB, put

ROOT = Path(__file__).parents[2]
GRU, LSTM = Spec(cell="gru", **IMDB), Spec(cell="lstm", **IMDB)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return the place of a ledger of two networks, whose predictions of four reviews are all right."""
    ledger = Ledger(tmp_path_factory.mktemp("compared") / "results")
    for spec in (GRU, LSTM):
        put(ledger, spec)
    return ledger.uri


def test_the_command_prints_both_sides_the_difference_and_the_reviews(results, tmp_path):
    guess = tmp_path / "guess.csv"
    guess.write_text("prediction\n0\n1\n1\n1\n")
    command = [sys.executable, str(ROOT / "analysis" / "compare.py"), GRU.label(), str(guess), "--results", results]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"A  GRU 100 · 1,000 words · 500 steps: 1.0000 (n = 1, {GRU.key})",
        f"B  {guess}: 0.7500 (a file)",
        "",
        "A − B  +25.00 points of test accuracy on imdb, all reviews, best epoch",
        "       95 % interval −54.56 to +100.00, p 0.3910",  # t of three degrees of freedom: 3.1824 * .5 / 2
        "       random in the interval: reviews (these two as they are trained)",
        "       Another training of what has one seed may come out otherwise: nothing here says how far.",
        "",
        "The reviews on which they differ most, by the probability of the true class. Reviews are numbered from 0, in "
        "the order of the test set; their texts are not in the ledger.",
        "  review      A      B  true class",
        "       1  1.000  0.000  negative",
    ]


def test_two_that_say_the_same_of_every_review_have_no_list_of_differences(results, capsys):
    assert compare.main([GRU.key, LSTM.key, "--results", results]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == comparison.ALIKE


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([GRU.key], "the following arguments are required: B"),
        ([GRU.key, "gru 7"], "nothing finished in the ledger is called gru 7; give a key, a network's label"),
        ([GRU.key, LSTM.key, "--results", "nowhere"], "there are no results at nowhere; make them: python sweeps/grid"),
        ([GRU.key, LSTM.key, "--epoch", "first"], "argument --epoch: invalid choice: 'first'"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(results, words, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        compare.main([*words, *([] if "--results" in words else ["--results", results])])
    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert error.startswith("analysis/compare.py: ")
    assert message in error
    assert error.count("\n") == 1


def test_help_loads_nothing_that_only_a_comparison_needs(tmp_path):
    code = (
        "import atexit, runpy, sys; "
        "atexit.register(lambda: print([m for m in ('pandas', 'numpy', 'scipy', 'sklearn') if m in sys.modules])); "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-c", code, str(ROOT / "analysis" / "compare.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_report_has_the_comparison_as_a_section(results):
    ledger = Ledger(results)
    files = report.report(ledger.load(), ledger.predictions, (GRU.key, LSTM.key))
    assert (
        "## GRU 100 · 1,000 words · 500 steps beside LSTM 100 · 1,000 words · 500 steps" in files["report.md"].decode()
    )
    assert b'id="comparison"' in files["report.html"]
    assert b'id="comparison"' not in report.report(ledger.load(), ledger.predictions)["report.html"]
