"""What a chosen network still gains: a training on all texts, and a mean with others, beside network and line."""

import re

import numpy as np
import pytest

from analysis.frames.further import ensembles, refits, refitted_lines
from analysis.frames.trials import prepared
from analysis.report import report
from rnnsweep.ledger import Ledger, LedgerFrames, Record
from rnnsweep.ledger.baselines import baselines_frame
from rnnsweep.refits import refit
from rnnsweep.spec import Spec
from tests.helpers.ledgers import IMDB, put

LABELS = np.resize([0, 1], 8).astype(np.uint8)
SPEC = Spec(cell="gru", epochs=4, **IMDB)


CPU = 5.0  # seconds, of 8 by the clock


def write(ledger, spec, wrong, test, best_epoch=3):
    """Write a finished trial that is wrong about these of eight texts, of validation and test alike."""
    put(
        ledger, spec, test=test - 0.01, val=1 - len(wrong) / 8, best_epoch=best_epoch, class_names=["a", "b"],
        cpu_seconds=CPU,
    )  # fmt: skip
    said = np.where(np.isin(np.arange(8), wrong), 1 - LABELS, LABELS) * 0.6 + 0.2
    arrays = {"label": LABELS, "best": said.astype(np.float16), "last": said.astype(np.float16)}
    ledger.record(spec.key).write_arrays(
        Record.PREDICTIONS, arrays | {"validation": arrays["best"], "validation_label": LABELS}
    )


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    """Return a ledger of a GRU of two seeds and its refit of two, and of an LSTM that errs elsewhere."""
    ledger = Ledger(tmp_path_factory.mktemp("further") / "results")
    write(ledger, SPEC, [0], 0.80)
    write(ledger, SPEC.replace(seed=2), [1], 0.82, best_epoch=4)
    for seed, test in ((3, 0.85), (4, 0.87)):
        write(ledger, refit(SPEC, 3, seed), [], test)
    write(ledger, SPEC.replace(cell="lstm"), [2, 3], 0.78)
    line = {"model": "nbsvm_2", "num_words": 1000, "max_len": 500, "val_accuracy": 0.9, "test_accuracy": 0.9,
            "seconds": 3.0, "data_sha256": IMDB["data_sha256"], "validation": "0.2", "validation_share": 0.2,
            "test_reviews": 8}  # fmt: skip
    flattered = line | {"validation": "first_batch", "num_words": 5000, "val_accuracy": 0.99}
    lines = {
        "baselines": baselines_frame([line, flattered]),
        "refits": baselines_frame([line | {"test_accuracy": 0.92}]),
    }
    return LedgerFrames(**(vars(ledger.load()) | lines)), ledger.predictions


def test_a_refit_stands_beside_the_network_whose_median_epoch_it_has(contents):
    frames, predictions = contents
    (row,) = refits(frames, prepared(frames.trials), predictions).to_dict("records")
    assert (row["key"], row["epochs"], row["n"], row["refit_n"]) == (SPEC.key, 3, 2, 2)
    assert (row["test_accuracy"], row["refit_accuracy"]) == (pytest.approx(0.81), pytest.approx(0.86))
    assert row["difference"] == pytest.approx(0.05)
    assert row["difference_low"] < 0.05 < row["difference_high"]
    assert row["seconds"] == row["refit_seconds"] == CPU


def test_a_line_stands_beside_itself_trained_on_all_texts(contents):
    (row,) = refitted_lines(contents[0], prepared(contents[0].trials)).to_dict("records")
    assert (row["test_accuracy"], row["refit_accuracy"]) == (0.9, 0.92)


def test_an_ensemble_stands_beside_the_best_network_and_line_with_the_costs_of_all_members(contents):
    frames, predictions = contents
    found = ensembles(frames, prepared(frames.trials), predictions)
    assert list(found["what"]) == ["ensemble", "network", "line"]
    first = found.iloc[0]
    assert first["test_accuracy"] == 1
    assert first["members"] >= 2
    assert refit(SPEC, 3, 3).key not in first["keys"], "what was not validated is no candidate"
    assert first["seconds"] == CPU * first["members"]
    assert found["seconds"].iloc[1] == CPU
    assert found["test_accuracy"].iloc[1] == pytest.approx(0.81)
    assert found["low"].notna().all()
    assert found["val_accuracy"].iloc[2] == 0.9, "chosen on the texts that the network was chosen by"


@pytest.mark.usefixtures("unrendered")
def test_the_report_has_a_section_of_them_and_no_rank_for_a_refit(contents):
    files = report(*contents)
    text = files["report.md"].decode()
    section = text[text.index("## After the choice") :]
    assert "GRU 100" in section or "gru 100" in section
    assert "+5.00" in section
    assert "mean logits of" in section
    said = r"Mean of the logits of all seeds of GRU 100.*: \d\.\d+ of the 2 with some held out, 1.* of the 2 with all"
    assert re.search(said, section, re.IGNORECASE)
    assert b"refit_accuracy" in files["tables/refits.csv"]
    assert files["tables/ensembles.csv"].count(b"\n") == 4
    kinds = ", and of each refit, and of each mean of a refit's seeds, and of each ensemble by seconds of a run"
    assert kinds in text, "the figure of accuracy and cost"
    board = files["tables/leaderboard.csv"].decode()
    assert refit(SPEC, 3, 3).key not in board
