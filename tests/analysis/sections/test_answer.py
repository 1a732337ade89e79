"""The first screen: what it says of a whole grid, of half a sweep, and of ledgers that can say little."""

import pytest

from analysis.document import Section, pictures
from analysis.render.markdown import markdown
from analysis.report import report
from analysis.sections.answer import answer_blocks
from analysis.sections.source import read
from rnnsweep.ledger import LedgerFrames
from rnnsweep.ledger.baselines import baselines_frame
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec
from tests.helpers.ledgers import EMBEDDED, IMDB, put

pytestmark = pytest.mark.usefixtures("unrendered")
LINE = {
    "model": "nbsvm_2", "num_words": 1000, "max_len": 500, "val_accuracy": 0.95, "test_accuracy": 0.95, "seconds": 3.0,
    "data_sha256": IMDB["data_sha256"], "validation": "0.2", "test_reviews": 4,
}  # fmt: skip


def screen(ledger, lines=()):
    """Return the first screen as Markdown and the names of its pictures."""
    contents = LedgerFrames(**(vars(ledger.load()) | {"baselines": baselines_frame(list(lines))}))
    whole = Section("Title", 1, answer_blocks(read(contents, ledger.predictions)))
    return markdown(whole), [picture.name for picture in pictures(whole)]


def fill(ledger, cells=("gru", "lstm", "simple_rnn"), seeds=(1, 2), **more):
    """Put networks of these cells whose accuracy falls in this order."""
    for place, cell in enumerate(cells):
        for seed in seeds:
            accuracy = 0.8 - 0.1 * place + 0.001 * seed
            put(ledger, Spec(cell=cell, seed=seed, **IMDB), val=accuracy, test=accuracy, **more)


def test_five_lines_say_which_network_how_sure_what_a_line_has_the_cost_and_the_claims(ledger):
    fill(ledger)
    said, shown = screen(ledger, [LINE])
    words = ["Which network", "How sure", "A linear model", "What it costs", "The seven claims"]
    lines = [line for line in said.splitlines() if line.startswith("- ")]
    assert [line.split(":")[0].strip("-* ") for line in lines] == words
    assert "**GRU 100 · 1,000 words · 500 steps**: 0.8115 of the test reviews (95 % interval" in lines[0]
    assert "of 3 on imdb, all reviews" in lines[1]
    assert "No network passes the best linear model" in lines[2]
    assert "controlled (interim): contradicted 6; undecided 1, 2, 3, 4, 5, 7." in lines[4]
    assert shown == ["answer.png", "verdicts.png"]


def test_accuracy_interval_and_seeds_of_the_first_line_are_of_the_same_trials(ledger):
    fill(ledger, cells=("gru",), seeds=(1, 2, 3))
    said = {"number": 0, "state": "finished", "params": {}, "known": False, "suggest_seconds": 0.1}
    ledger.record(Spec(cell="gru", seed=3, **IMDB).key).write_suggestion("a-search", said)
    line = next(line for line in screen(ledger)[0].splitlines() if line.startswith("- "))
    assert "0.8115 of the test reviews (95 % interval" in line, "of seeds 1 and 2: the third chose the network"
    assert ", 2 seeds)" in line


def test_half_a_sweep_says_what_is_missing(ledger):
    fill(ledger, cells=("gru", "lstm"))
    put(ledger, Spec(seed=3, **IMDB), "unfinished")
    put(ledger, Spec(seed=4, **IMDB), "failed")
    assert "Not all is in: of 6 trials here, 4 finished, 1 failed, 1 unfinished." in screen(ledger)[0]


def test_of_one_seed_each_nothing_is_sure(ledger):
    fill(ledger, seeds=(1,))
    said, shown = screen(ledger)
    assert "(1 seed); the best of 3 networks by validation" in said
    assert "Not at all: of one seed each, another may come first by luck. Train more: `--seeds 3`." in said
    assert "interval" not in said.splitlines()[2]
    assert shown[0] == "answer.png"


def test_one_trial_is_compared_with_none(ledger):
    fill(ledger, cells=("gru",), seeds=(1,))
    said, shown = screen(ledger)
    assert "(1 seed); the only network, compared with none" in said
    assert "One trial says how one network came out once" in said
    assert "No linear model was computed" in said
    assert shown == []


def test_without_a_test_set_the_accuracy_is_of_validation_and_called_too_high(ledger):
    fill(ledger, test_accuracy=None, last_test_accuracy=None)
    said = screen(ledger)[0]
    assert "**GRU 100 · 1,000 words · 500 steps**: 0.8115 of the validation reviews (2 seeds)" in said
    assert "There is no test set: validation chose both network and epoch, and is too high for both." in said


def test_each_of_several_data_sets_has_its_own_answer_real_ones_first(ledger):
    fill(ledger)
    put(ledger, Spec(**EMBEDDED), real=False)
    said = screen(ledger)[0]
    assert "2 data sets, each with its own answer" in said
    real, generated = (line for line in said.splitlines() if line.startswith(("- **imdb", "- **embedded")))
    assert "the best of 3 networks by validation" in real
    assert "On generated reviews, not real ones: nothing follows for real texts." in generated


def test_a_strangers_record_of_no_known_preset_has_an_answer(ledger):
    stranger = {"dataset": "mine", "data_sha256": "c" * 64}
    for seed in (1, 2):
        put(ledger, Spec(cell="lstm", units=(7, 5), num_words=123, max_len=45, seed=seed, **stranger))
    said, shown = screen(ledger)
    assert "**LSTM 7-5 · 123 words · 45 steps**: 0.7600 of the test reviews" in said
    assert "There is nothing to compare it with." in said
    assert "this ledger says nothing of them" in said
    assert shown == []


def test_systems_that_held_nothing_out_give_no_answer(ledger):
    put(ledger, SYSTEMS["rnn-2x-10k"].replace(**IMDB))
    said = screen(ledger)[0]
    assert "**No answer yet.** Not to be said: none of the 1 finished trial held reviews out for validation" in said


@pytest.mark.parametrize("status", ["unfinished", "failed"])
def test_a_sweep_without_a_finished_trial_gives_no_answer(ledger, status):
    put(ledger, Spec(**IMDB), status)
    assert f"**How sure:** of 1 trial here, 1 {status}." in screen(ledger)[0]


def test_claims_that_the_ledger_says_nothing_of_come_last_and_others_first(ledger):
    put(ledger, Spec(**{**IMDB, "dataset": "mine"}))
    headings = [line for line in _report(ledger).splitlines() if line.startswith("## ")]
    assert headings.index("## Do the conclusions hold?") > headings.index("## Which networks may be the best")
    fill(ledger)
    headings = [line for line in _report(ledger).splitlines() if line.startswith("## ")]
    assert headings[0] == "## Do the conclusions hold?"


def _report(ledger):
    return report(ledger.load(), ledger.predictions)["report.md"].decode()
