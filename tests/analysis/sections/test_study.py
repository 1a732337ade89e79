"""What the report says of the study: verdicts, the bar, the best set, runs that failed, and validation beside test."""

import numpy as np
import pytest

from analysis.report import report
from rnnsweep.ledger import Ledger, LedgerFrames, Record
from rnnsweep.ledger.baselines import baselines_frame
from rnnsweep.space.presets import FACTORIAL, SYSTEMS, grid
from rnnsweep.spec import Spec
from tests.helpers.figures import unrendered
from tests.helpers.ledgers import EMBEDDED, IMDB, put

SHORT = {"num_words": (1000, 5000), "max_len": (80, 500)}
REVIEWS = 200
LABEL = np.resize([0, 1], REVIEWS).astype(np.uint8)


def line(model, test, **more):
    return {
        "model": model, "num_words": 1000, "max_len": 500, "val_accuracy": test, "test_accuracy": test, "seconds": 3.0,
        "data_sha256": IMDB["data_sha256"], "validation": "0.2", "test_reviews": REVIEWS,
    } | more  # fmt: skip


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """Return a ledger of GRUs whose accuracy grows with max_len alone, five seeds; two more runs failed to train."""
    ledger = Ledger(tmp_path_factory.mktemp("studied") / "results")
    random = np.random.default_rng(0)
    for spec in grid(Spec(cell="gru", **IMDB), units=FACTORIAL["units"], seed=range(1, 6), **SHORT):
        accuracy = 0.7 + 0.1 * (spec.max_len == 500)
        put(ledger, spec, test=accuracy + 0.004 * random.normal(), val=0.01 * (spec.num_words == 5000) + accuracy)
        right = random.random(REVIEWS) < accuracy
        best = np.where(right == (LABEL == 1), 0.9, 0.1).astype(np.float16)
        ledger.record(spec.key).write_arrays(Record.PREDICTIONS, {"label": LABEL, "best": best, "last": best})
    for seed in (6, 7):
        put(ledger, Spec(cell="gru", seed=seed, **IMDB), val=0.5, test=0.5)
    return ledger


@pytest.fixture(scope="module")
def said(studied):
    with unrendered():
        return report(studied.load(), studied.predictions)["report.md"].decode()


def with_lines(studied, *rows):
    contents = LedgerFrames(**(vars(studied.load()) | {"baselines": baselines_frame(list(rows))}))
    with unrendered():
        written = report(contents, studied.predictions)
    return {name: data.decode() for name, data in written.items() if not name.endswith((".png", ".parquet"))}


def test_the_verdicts_of_both_families_stand_in_one_table_at_the_top(said):
    section = said[said.index("## Do the conclusions hold?") :]
    row = next(row for row in section.splitlines() if row.startswith("| 5 |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == "Going from maxlen 80 to 500 improves validation."
    assert cells[2:5] == ["—", "—", "**undecided**"]
    assert cells[5].startswith("+")
    assert cells[6:] == ["0.0005", "**supported**"]
    assert section.index(row) < section.index("### 1. ")


def test_commands_are_named_of_the_families_that_lack_trials_alone(said, tmp_path):
    assert "`python sweeps/grid.py --preset report --data imdb --seeds 5` (as published) and `python" in said
    ledger, random = Ledger(tmp_path / "results"), np.random.default_rng(0)
    for spec in SYSTEMS.values():
        for seed in range(1, 6):
            accuracy = 0.7 + 0.01 * random.random()
            put(ledger, spec.replace(seed=seed, **IMDB), test=accuracy, val=accuracy, train=accuracy)
    with unrendered():
        complete = report(ledger.load(), ledger.predictions)["report.md"].decode()
    grids = "`python sweeps/grid.py --data imdb` and `python sweeps/grid.py --data imdb --epochs 10`"
    assert f"gets them by {grids} with more `--seeds` (controlled)." in complete


def test_claims_of_several_grids_that_one_command_trains_name_it_once(ledger):
    for cell in ("gru", "lstm"):
        put(ledger, Spec(cell=cell, units=(4,), **EMBEDDED), real=False)
    with unrendered():
        said = report(ledger.load(), ledger.predictions)["report.md"].decode()
    assert "(as published) and `python sweeps/grid.py --data imdb` with more `--seeds` (controlled)." in said


def test_a_claim_gets_what_it_lacks_by_the_data_cells_and_epochs_of_its_own_grid(ledger):
    own = {"dataset": "mine", "data_sha256": "f" * 64, "reviews": 500, "epochs": 10}
    for units in ((4, 4), (4, 4, 4)):
        for seed in (1, 2):
            put(ledger, Spec(cell="simple_rnn", units=units, seed=seed, **own), test=0.7 + 0.01 * seed)
    ledger.name_data("f" * 64, ["--data", "my texts.csv"])
    with unrendered():
        said = report(ledger.load(), ledger.predictions)["report.md"].decode()
    command = "python sweeps/grid.py --data 'my texts.csv' --cell simple_rnn --reviews 500 --epochs 10"
    assert f"`{command}` and `python sweeps/grid.py --data imdb` with more `--seeds` (controlled)." in said


def test_linear_models_stand_beside_the_networks_where_accuracy_is_drawn_by_its_seconds(studied):
    said = with_lines(studied, line("nbsvm_2", 0.9))["report.md"]
    assert "Mean test accuracy of each network, and of each linear model by seconds of a run;" in said
    assert "Mean test accuracy of each network by parameters;" in said


def test_each_claim_says_what_is_random_how_many_pairs_and_why_it_is_undecided(said):
    assert "in the interval: new seeds and reviews" in said
    assert "(no finished trial of gru-2x-10k-500, gru-2x-10k-80)" in said
    assert "12 networks in 6 pairs" in said
    assert "(interim; no variance between 5 seeds)" in said or "(no variance between 5 seeds)" in said
    assert "Every pair, each with an interval of its own and no verdict (6)" in said


def test_the_contrast_among_the_runs_that_trained_stands_beside_the_mean(said):
    claim = said[said.index("### 5. Going") : said.index("### 6. ")]
    assert "| 2 of 62 | 6 of 6 |" in claim


def test_runs_that_failed_are_k_of_n_of_each_cell_and_depth(said):
    section = said[said.index("## Runs that failed to train") : said.index("## All networks")]
    assert "| GRU | all | 2 of 62 | 0.032 | " in section
    assert "| GRU | 1 | 2 of 22 | 0.091 | " in section
    assert "| GRU | 3 | 0 of 20 | 0.000 | 0.0000 to " in section
    assert "2 of 62 runs failed to train" in said[: said.index("\n## ")]


def test_a_ledger_without_lines_says_what_computes_them(said):
    assert "No linear model stands beside them: the ledger has none. `python sweeps/grid.py --data imdb`" in said


def test_the_first_screen_says_so_where_no_network_passes_the_bar(studied):
    files = with_lines(studied, line("nbsvm_2", 0.95), line("commonest", 0.5), line("tfidf_lr_1", 0.9, max_len=80))
    first = files["report.md"][: files["report.md"].index("## Do")]
    assert "**No network passes the best linear model on imdb, all reviews**: NB-SVM" in first
    board = files["report.md"][files["report.md"].index("## Which networks may be the best") :]
    rows = [row for row in board.splitlines() if row.startswith("| ")][:4]
    assert "NB-SVM" in rows[2]  # above all networks, below headers
    assert "0.9500" in rows[2]
    assert "commonest class no model |" in board
    assert "which favours the network: it is above in 0 of 2." in board
    assert files["tables/baselines.csv"].count("\n") == 4


def test_networks_that_pass_the_bar_are_counted(studied):
    files = with_lines(studied, line("nbsvm_2", 0.75))
    assert "**6 networks of 12 pass the best linear model on imdb, all reviews**" in files["report.md"]


def test_copies_of_training_reviews_are_counted_and_the_accuracy_without_them_is_shown(studied):
    files = with_lines(studied, line("nbsvm_2", 0.95, test_shared=20, test_accuracy_distinct=0.9449))
    assert "20 test reviews of these are copies of training reviews; without them, NB-SVM" in files["report.md"]
    assert "0.9449 instead of 0.9500" in files["report.md"]


def test_networks_that_cannot_be_told_from_the_best_are_marked(said):
    assert "**6 of 12 networks may be the best, by 5 seeds of each.**" in said
    assert "6 networks may be the best of 12 on imdb, all reviews; the first by test accuracy is GRU" in said


def test_validation_minus_test_stands_by_words_and_length(said):
    section = said[said.index("## Validation beside test") :]
    assert "| imdb, all reviews | last 20% | 5 | 1,000 | 80 | 3 | 15 |" in section
    assert "validation would choose" in section or "validation and test put the same network first" in section


def test_an_axis_is_a_marginal_mean_over_networks_and_not_over_trials(said):
    section = said[said.index("## All networks") :]
    assert "| max_len | 80 | 6 | 0." in section
    assert "| max_len | 500 − 80 | 6 | +" in section
    assert "Interactions: where one axis changes what another does" in section
