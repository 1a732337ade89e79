"""What a user types and reads: flags, plans, mistakes and exit statuses, by the functions behind `sweeps/`."""

import json
import os
import re
import signal
from pathlib import Path

import pytest

import rnnsweep.cli.run
from rnnsweep.cli import grid as commands
from rnnsweep.cli.guard import STOPS
from rnnsweep.ledger import Ledger, Record
from rnnsweep.spec import HINTS, NO_FLAGS, Spec

SMALL = ["--units", "4", "--embedding-dim", "3", "--num-words", "30", "--max-len", "12"]
SMALL += ["--batch-size", "16", "--epochs", "1", "--reviews", "100"]


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


def grid(results, *arguments):
    return commands.grid("A grid.", ["--data", "embedded", "--results", str(results), *arguments])


def one(results, *arguments):
    return commands.one("One trial.", ["--data", "embedded", "--results", str(results), *arguments])


def specs(results):
    return {Spec.from_json(path.read_text()) for path in results.glob(f"*/{Record.SPEC}")}


def mistake(capsys, call, *arguments):
    with pytest.raises(SystemExit) as end:
        call(*arguments)
    assert end.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_the_plan_says_what_would_run_and_runs_nothing(results, capsys):
    assert grid(results, "--preset", "report", "--seeds", "3", "--plan") == 0
    out = capsys.readouterr().out
    assert "plan     24 trials: 0 done, 24 to train" in out
    assert "generated, not real reviews" in out
    assert "seed" in out
    assert "GB per trial" in out
    assert not results.exists()


def test_grouped_validation_says_how_many_groups_it_holds_out(results, capsys):
    assert one(results, *SMALL, "--validation", "grouped", "--plan") == 0
    assert re.search(
        r"validate 20 of 100 texts held out in \d+ whole groups of \d+, .*, \d+\.\d s", capsys.readouterr().out
    )


def test_a_grid_computes_its_lines_once_and_says_at_the_end_how_the_best_network_stands_to_them(results, capsys):
    assert grid(results, *SMALL, "--cell", "gru", "--in-process", "--seeds", "2", "--plan") == 0
    assert "besides, linear models of 1 setting: about" in capsys.readouterr().out
    assert grid(results, *SMALL, "--cell", "gru", "--in-process", "--seeds", "2") == 0
    out = capsys.readouterr().out
    assert re.search(
        r"best network so far: gru 4 .*, test 0\.\d+ \(n = 2\); best linear line: .*, 30 words, 12 steps", out
    )
    frames = Ledger(results).load()
    assert frames.baselines["model"].tolist() == ["commonest", "nbsvm_2", "tfidf_lr_1", "tfidf_lr_2"]
    assert frames.planned == {"gru": 2}
    assert frames.warnings == []
    assert grid(results, *SMALL, "--cell", "gru", "--in-process", "--plan") == 0
    assert "linear models" not in capsys.readouterr().out


def test_a_grid_without_lines_and_one_trial_compute_none(results, capsys):
    assert one(results, *SMALL) == 0
    assert grid(results, *SMALL, "--cell", "gru", "--in-process", "--no-baselines") == 0
    assert not len(Ledger(results).load().baselines)
    assert "linear" not in capsys.readouterr().out


def test_a_grid_without_a_preset_is_the_factorial(results, capsys):
    grid(results, "--plan")
    assert "81 trials" in capsys.readouterr().out


def test_one_trains_the_network_of_its_flags_and_a_later_grid_does_not_again(results, capsys):
    assert one(results, *SMALL, "--cell", "lstm", "--seed", "2") == 0
    (spec,) = specs(results)
    assert (spec.cell, spec.units, spec.reviews, spec.seed, spec.dataset) == ("lstm", (4,), 100, 2, "embedded")
    assert spec.data_sha256
    capsys.readouterr()
    assert grid(results, *SMALL, "--cell", "lstm", "--seeds", "2", "--plan") == 0
    assert "2 trials: 1 done, 1 to train" in capsys.readouterr().out


def test_every_field_of_the_spec_is_a_flag(results):
    flags = ["--cell", "lstm", "--units", "4", "3", "--bidirectional", "--pooling", "mean", "--embedding-dim", "3"]
    flags += ["--num-words", "30", "--vocab-size", "40", "--max-len", "12", "--mask-padding", "--dropout", "0.5"]
    flags += ["--batch-size", "16", "--drop-remainder", "--validation", "grouped", "--epochs", "1"]
    flags += ["--validation-share", "0.3", "--select", "val_loss", "--class-weights", "balanced", "--optimizer", "sgd"]
    flags += ["--learning-rate", "0.1", "--seed", "5", "--reviews", "100", "--no-train-vectors", "--loss", "square"]
    flags += ["--momentum", "0.5", "--schedule", "cosine", "--label-smoothing", "0.1", "--clip-norm", "1"]
    flags += ["--weight-decay", "0.1", "--word-dropout", "0.3", "--average-epochs", "1", "--initial-std", "0.05"]
    flags += ["--hidden", "2", "--layer-dropout", "0.1", "--channel-dropout", "0.1", "--recurrent-dropout", "0.1"]
    flags += ["--adversarial", "0.1", "--schedule-epochs", "2"]
    assert one(results, *flags) == 0
    (spec,) = specs(results)
    excluded = ["--segment", "5", "--pooling", "mean", "--patience", "1"]
    excluded += ["--embedding-optimizer", "sgd", "--embedding-learning-rate", "0.01", "--bigrams", "9"]
    assert one(results, *SMALL, *excluded) == 0
    (other,) = specs(results) - {spec}
    default = Spec()
    changed = {name for name in HINTS for each in (spec, other) if getattr(each, name) != getattr(default, name)}
    assert changed == set(HINTS) - set(NO_FLAGS) | {"dataset", "data_sha256"}
    assert (spec.validation, spec.units, spec.dropout) == ("grouped", (4, 3), 0.5)


def test_a_system_is_trained_by_its_id(results, capsys):
    assert one(results, "--system", "gru-2x-10k-80", "--reviews", "200", "--epochs", "1", "--plan") == 0
    assert "1 trials: 0 done, 1 to train" in capsys.readouterr().out


def test_a_failed_trial_is_named_and_the_exit_status_is_1(results, capsys):
    assert one(results, *SMALL, "--cell", "simple_rnn", "--optimizer", "sgd", "--learning-rate", "1e38") == 1
    out = capsys.readouterr().out
    (spec,) = specs(results)
    assert f"{spec.key}  the loss is not finite in epoch 1" in out
    assert "0 of 1 trials finished" in out


def test_finished_trials_correct_the_estimate(results, capsys):
    one(results, *SMALL)
    (spec,) = specs(results)
    ledger = Ledger(results)
    row = json.loads(ledger.record(spec.key).read(Record.RESULT))
    ledger.record(spec.key).write_json(Record.RESULT, row | {"seconds": 3600.0})
    capsys.readouterr()
    one(results, *SMALL, "--seed", "9", "--cpus-per-trial", "1", "--plan")  # another trial of the same size
    assert "about 1 h 0 min on 1 slot" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cell", "rnn"], "cell is 'rnn'; give simple_rnn, gru, lstm, forget or mingru"),
        (["--num-words", "many"], "num_words is 'many'; give a whole number"),
        (["--units", "0"], "units is 0; give at least 1"),
        (["--units", "ten"], "units is 'ten'; give whole numbers"),
        (["--max-len", "0"], "max_len is 0; give at least 1"),
        (["--seeds", "0"], "argument --seeds: '0' is not a whole number from 1"),
        (["--preset", "big"], "argument --preset: invalid choice: 'big' (choose from"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["--epoch", "3"], "unrecognized arguments: --epoch"),
        (["--reviews", "10"], "give more reviews or a smaller --batch-size"),
        (["--reviews", "100000"], "embedded has 5,000 training reviews, not 100,000; lower --reviews"),
        (["--depth", "7"], "no spec of the preset has depth 7; they have 1, 2, 3"),
        (["--cpus-per-trial", "0"], "argument --cpus-per-trial: '0' is not a number above 0"),
        (["--cpus-per-trial", "4096"], "--cpus-per-trial is 4096, but there are"),
        (["--gpus-per-trial", "few"], "argument --gpus-per-trial: 'few' is not a number from 0"),
        (["--data", "nowhere.npz"], "nowhere.npz"),
        (["--results", "nowhere://x"], "give a folder, or s3://BUCKET/PATH"),
        (["--address", "127.0.0.1:1", *SMALL], "no Ray cluster at --address 127.0.0.1:1"),
        (["--address", "nonsense", *SMALL], "no Ray cluster at --address nonsense"),
    ],
)
def test_a_mistake_is_one_line_that_names_culprit_and_remedy(results, capsys, arguments, message):
    assert message in mistake(capsys, grid, results, *arguments)


def test_results_that_cannot_be_written_are_refused_before_anything_runs(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    message = mistake(capsys, one, tmp_path / "file" / "x", *SMALL)
    assert "cannot be written" in message
    assert "--results" in message


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_polite_end_and_a_closed_terminal_are_interruptions(results, capsys, monkeypatch, number):
    kept = {each: signal.getsignal(each) for each in STOPS}
    signal.signal(number, signal.SIG_DFL)  # also where the tests themselves run under nohup
    monkeypatch.setattr(rnnsweep.cli.run, "run", lambda *arguments: os.kill(os.getpid(), number))
    try:
        assert one(results, *SMALL) == 130
    finally:
        for each, handler in kept.items():
            signal.signal(each, handler)
    assert "interrupted; nothing finished is lost. To go on: python" in capsys.readouterr().out


def test_a_sweep_that_is_to_outlive_its_terminal_does(results, monkeypatch):
    kept = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup has it
    train = rnnsweep.cli.run.run

    def hung_up(*arguments):
        os.kill(os.getpid(), signal.SIGHUP)
        train(*arguments)

    monkeypatch.setattr(rnnsweep.cli.run, "run", hung_up)
    try:
        assert one(results, *SMALL) == 0
    finally:
        signal.signal(signal.SIGHUP, kept)


def test_the_scripts_are_short_lab_notes_over_the_library():
    for path in sorted((Path(__file__).parents[2] / "sweeps").glob("*.py")):
        text = path.read_text()
        assert text.startswith('"""')
        assert len(text.split('"""')[2].splitlines()) <= 20
