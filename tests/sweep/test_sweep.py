"""The same sweep in this process, on a real local Ray, through killed workers and killed drivers: the same records."""

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rnnsweep.ledger import Ledger, Record
from rnnsweep.run import run
from rnnsweep.sweep import ATTEMPTS, Machines, SpecList, SweepError, missing
from tests.helpers.sweeps import HERE, SPECS, Heard, numbers

ROOT = Path(__file__).parents[2]


class Assassin(Heard):
    """A display that kills the worker of the first trial it hears an epoch of."""

    killed = None

    def on_epoch(self, spec, row):
        super().on_epoch(spec, row)
        if self.killed is None:
            self.killed = spec.key
            os.kill(row["pid"], signal.SIGKILL)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, tiny):
    ledger = Ledger(tmp_path_factory.mktemp("here"))
    run(SpecList(SPECS), ledger, tiny, HERE, Heard())
    return ledger


def test_every_trial_leaves_its_whole_record_and_no_checkpoint(undisturbed):
    names = {Record.SPEC, Record.EPOCHS, Record.RESULT, Record.PREDICTIONS, Record.BEST_WEIGHTS, Record.LAST_WEIGHTS}
    for spec in SPECS:
        assert {path.name for path in (Path(undisturbed.uri) / spec.key).iterdir()} == names


def test_a_finished_sweep_has_nothing_missing_and_a_new_seed_only_itself(undisturbed):
    assert missing(SPECS, undisturbed) == []
    new = SPECS[0].replace(seed=3)
    assert missing([*SPECS, new, new], undisturbed) == [new]


def test_a_deleted_folder_is_trained_again_to_the_same_numbers(undisturbed, tmp_path, tiny):
    ledger = Ledger(tmp_path)
    run(SpecList(SPECS[:1]), ledger, tiny, HERE, Heard())
    assert ledger.predictions(SPECS[0].key)["best"].tobytes() == numbers(undisturbed)[2][SPECS[0].key]["best"]


def test_cores_that_come_and_go_change_no_bit_of_a_sweep(tmp_path, tiny, monkeypatch):
    specs = [SPECS[0].replace(batch_size=48), SPECS[2].replace(batch_size=48, bidirectional=True)]
    alone, shared = Ledger(tmp_path / "alone"), Ledger(tmp_path / "shared")
    run(SpecList(specs), alone, tiny, Machines(backend="in-process", cpus_per_trial=1), Heard())
    cores, asked = itertools.cycle([2, 1, 4, 2]), []
    monkeypatch.setattr("rnnsweep.sweep.in_process.cores_here", lambda: asked.append(next(cores)) or asked[-1])
    run(SpecList(specs), shared, tiny, HERE, Heard())
    assert len(asked) >= sum(spec.epochs for spec in specs), "at each epoch anew"
    assert numbers(shared) == numbers(alone)


def spoil(ledger, spec):
    """Leave a checkpoint that no training can go on from."""
    ledger.record(spec.key).write_arrays(Record.CHECKPOINT, {"rows": np.zeros(1, np.uint8)})


def test_on_ray_with_a_worker_killed_the_records_are_those_of_one_process(undisturbed, tmp_path, tiny):
    ledger, progress = Ledger(tmp_path / "good"), Assassin()
    run(SpecList(SPECS), ledger, tiny, Machines(), progress)
    assert progress.killed
    assert ("retried", progress.killed) in progress.events
    assert sorted(progress.finished_keys) == sorted(spec.key for spec in SPECS)
    assert numbers(ledger) == numbers(undisturbed)
    # The checkpoint is written before an epoch is told, so no told epoch is ever trained again.
    assert progress.epochs_of(progress.killed) == [1, 2, 3]


@pytest.mark.parametrize("machines", [HERE, Machines(max_concurrent=1)], ids=["here", "ray"])
def test_a_trial_that_fails_is_retried_then_recorded_and_the_others_go_on(tmp_path, tiny, machines):
    ledger, progress = Ledger(tmp_path), Heard()
    bad = SPECS[0]
    spoil(ledger, bad)
    run(SpecList(SPECS[:2]), ledger, tiny, machines, progress)
    assert progress.events.count(("retried", bad.key)) == ATTEMPTS - 1
    assert list(progress.failed_keys) == [bad.key]
    trials = ledger.load().trials.set_index("key")
    assert trials["status"].to_dict() == {bad.key: "failed", SPECS[1].key: "finished"}
    assert "Traceback" in trials.loc[bad.key, "error"]
    assert missing(SPECS[:2], ledger) == [bad]


def test_a_diverged_trial_is_a_row_and_is_not_trained_again(tmp_path, tiny):
    ledger, progress = Ledger(tmp_path), Heard()
    spec = SPECS[0].replace(cell="simple_rnn", optimizer="sgd", learning_rate=1e38)
    run(SpecList([spec]), ledger, tiny, HERE, progress)
    assert ledger.load().trials.loc[0, "status"] == "diverged"
    assert progress.failed_keys[spec.key] == "the loss is not finite in epoch 1"
    assert missing([spec], ledger) == []


def test_a_cluster_that_does_not_answer_is_one_clear_error(tmp_path, tiny):
    with pytest.raises(SweepError, match=r"no Ray cluster at --address 127.0.0.1:1: .*leave --address out"):
        run(SpecList(SPECS), Ledger(tmp_path), tiny, Machines(address="127.0.0.1:1"), Heard())


def test_a_trial_that_no_node_has_room_for_is_one_clear_error(tmp_path, tiny):
    message = "no node has room for a trial of 1 CPUs and 64 GPUs; lower --cpus-per-trial or --gpus-per-trial"
    with pytest.raises(SweepError, match=message):
        run(SpecList(SPECS), Ledger(tmp_path), tiny, Machines(gpus_per_trial=64), Heard())


def test_a_damaged_result_is_trained_again(tmp_path, tiny):
    ledger, progress = Ledger(tmp_path), Heard()
    ledger.record(SPECS[0].key).write(Record.RESULT, b"{}")
    assert missing(SPECS[:1], ledger) == SPECS[:1]
    run(SpecList(SPECS[:1]), ledger, tiny, HERE, progress)
    assert progress.finished_keys == [SPECS[0].key]


def command(results, *more):
    flags = ["--preset", "demo", "--data", "embedded", "--cell", "gru", "--units", "24", "--max-len", "200"]
    flags += ["--num-words", "500", "1000", "--seeds", "2", "--epochs", "5", "--results", str(results), *more]
    return [sys.executable, str(ROOT / "sweeps" / "grid.py"), *flags]


def read_until(process, text):
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"{text!r} was never printed")


def start(results):
    return subprocess.Popen(
        command(results), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        # Also where the tests themselves run in the background of a shell, which has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def test_a_killed_driver_and_an_interrupted_one_lose_nothing(tmp_path):
    disturbed = tmp_path / "disturbed"
    with start(disturbed) as process:
        read_until(process, "1/4")
        process.kill()
    done = {path: path.stat().st_mtime_ns for path in disturbed.glob(f"*/{Record.RESULT}")}
    assert done
    with start(disturbed) as process:
        read_until(process, "plan")
        process.send_signal(signal.SIGINT)
        output = process.communicate()[0]
    assert process.returncode == 130, output
    assert "interrupted; nothing finished is lost. To go on: python" in output
    assert "Traceback" not in output
    subprocess.run(command(disturbed, "--in-process"), check=True, capture_output=True)
    subprocess.run(command(tmp_path / "calm", "--in-process"), check=True, capture_output=True)
    assert numbers(Ledger(disturbed)) == numbers(Ledger(tmp_path / "calm"))
    assert done == {path: path.stat().st_mtime_ns for path in done}
