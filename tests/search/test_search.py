"""The search: what is suggested and never twice, what the record says, and what a killed driver leaves."""

import collections
import dataclasses
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from optuna.trial import TrialState

from rnnsweep.data import DataError
from rnnsweep.ledger import Ledger, Record
from rnnsweep.network.cost import parameters
from rnnsweep.run import run
from rnnsweep.search import SAMPLERS, Goal, SearchError
from rnnsweep.search.search import Search
from rnnsweep.space import Choice, SearchSpace, search_space
from rnnsweep.spec import Spec
from rnnsweep.sweep import SpecList, check_objectives
from tests.helpers.searches import FIELDS, Trainer, accuracy, go, keys, record
from tests.helpers.sweeps import HERE

BASE = Spec(num_words=100, embedding_dim=4, epochs=4)
FINITE = SearchSpace(BASE, {"cell": Choice(("gru", "lstm")), "max_len": Choice((10, 20, 30)), "units": Choice((4, 8)),
                            "depth": Choice((1, 2))})  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "results")


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "gp"])
def test_a_finite_space_is_covered_once_and_then_the_search_ends(ledger, sampler):
    trials, trainer = go(FINITE, 1000, ledger, sampler=sampler, pruner=None)
    assert len(trials) == FINITE.size == 2 * 3 * (2 + 4)
    assert len(set(keys(trials))) == len(trials)
    assert sorted(trainer.trained) == sorted(keys(trials))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}


def test_units_named_with_depths_are_those_of_the_first_layers(ledger):
    fields = FIELDS | {"units": [(8, 4, 2)], "cell": ["gru", "lstm"], "num_words": [50]}
    fixed = (
        "max_len",
        "embedding_dim",
        "dropout",
        "learning_rate",
        "batch_size",
        "optimizer",
        "bidirectional",
        "pooling",
        "word_dropout",
        "bigrams",
    )
    space = search_space(fields | {name: [getattr(BASE, name)] for name in fixed}, [1, 2, 3])
    assert space.size == len(list(space.cells())) == 6
    trials, _ = go(space, 100, ledger, pruner=None)
    units = [spec.units for spec in ledger.specs(keys(trials)).values()]
    assert collections.Counter(units) == {(8,): 2, (8, 4): 2, (8, 4, 2): 2}


def test_every_trial_of_the_record_has_its_spec_its_value_and_its_epochs(ledger):
    trials, _ = go(search_space(FIELDS | {"optimizer": ["adam", "rmsprop"]}), 12, ledger, pruner=None)
    specs = ledger.specs(keys(trials))
    for trial in trials:
        spec = specs[trial.user_attrs["key"]]
        assert trial.value == pytest.approx(accuracy(spec))
        assert trial.params["learning_rate"] == spec.learning_rate
        assert trial.params["depth"] == len(spec.units)
        assert [trial.params[f"units_{layer}"] for layer in range(1, spec.depth + 1)] == list(spec.units)
        assert trial.intermediate_values == {e: pytest.approx(accuracy(spec) - 0.1 / e) for e in (1, 2, 3, 4)}


def test_a_search_beats_chance_on_a_closed_form(tmp_path):
    best = {}
    for sampler in ("tpe", "random"):
        values = []
        for seed in (1, 2):
            ledger = Ledger(tmp_path / f"{sampler}{seed}")
            trials, _ = go(search_space(FIELDS), 30, ledger, sampler=sampler, sampler_seed=seed, pruner=None)
            values.append(max(trial.value for trial in trials))
        best[sampler] = sum(values)
    assert best["tpe"] > best["random"]


def test_what_a_grid_has_trained_is_told_from_the_ledger(ledger):
    grid = [FINITE.draw(lambda name, axis, cell=cell: cell[name]) for cell in FINITE.cells()]
    run(SpecList(grid), ledger, None, HERE, trainer=Trainer())
    with Search(FINITE, Goal(), 10, ledger, pruner=None) as search:
        trainer = Trainer()
        heard = []
        search.on_known = lambda spec, row: heard.append(spec.key)
        run(search, ledger, None, HERE, trainer=trainer)
    assert trainer.trained == []
    assert search.answered == 10
    assert sorted(heard) == sorted(keys(record(search)))
    assert all(trial.value is not None and len(trial.intermediate_values) == 4 for trial in record(search))
    frame = ledger.load().suggestions
    assert frame["known"].all()
    assert frame["state"].tolist() == ["finished"] * 10


@pytest.mark.parametrize("pruner", ["median", "asha"])
def test_a_poor_trial_is_stopped_early_and_a_later_grid_goes_on_from_its_checkpoint(ledger, pruner):
    trials, trainer = go(search_space(FIELDS), 30, ledger, pruner=pruner)
    pruned = [trial for trial in trials if trial.state == TrialState.PRUNED]
    assert 0 < len(pruned) < 25
    key = pruned[0].user_attrs["key"]
    assert 1 <= len(pruned[0].intermediate_values) < 4
    assert ledger.load().trials.set_index("key").loc[key, "status"] == "pruned"
    assert trainer.epochs[key, 4] == 0
    ledger.record(key).write_arrays(Record.CHECKPOINT, {"rows": [0] * len(pruned[0].intermediate_values)})
    later = Trainer()
    run(SpecList(ledger.specs([key]).values()), ledger, None, HERE, trainer=later)
    assert sorted(epoch for _, epoch in later.epochs) == list(range(len(pruned[0].intermediate_values) + 1, 5))
    assert ledger.load().trials.set_index("key").loc[key, "status"] == "finished"


def test_without_pruning_every_trial_is_trained_to_its_end(ledger):
    trials, _ = go(search_space(FIELDS), 15, ledger, pruner=None)
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}


def test_failed_and_diverged_trials_fail_in_the_record_and_nothing_stays_running(ledger):
    class Failing(Trainer):
        def __call__(self, spec, dataset, on_epoch, state):
            if spec.cell == "gru":
                raise ValueError("no")
            result = super().__call__(spec, dataset, on_epoch, state)
            if spec.max_len == 10:
                result.row.update(status="diverged", error="not finite")
            return result

    trials, _ = go(FINITE, 36, ledger, trainer=Failing(), pruner=None)
    state = {key: trial.state for key, trial in zip(keys(trials), trials, strict=True)}
    for key, spec in ledger.specs(state).items():
        bad = spec.cell == "gru" or spec.max_len == 10
        assert state[key] == (TrialState.FAIL if bad else TrialState.COMPLETE)


@pytest.mark.parametrize("killed", [(1, 1), (7, 2), (9, 1)])
@pytest.mark.parametrize("lost", [False, True], ids=["record kept", "record lost"])
def test_an_interrupted_search_goes_on_with_what_it_had(ledger, killed, lost):
    space = search_space(FIELDS)
    with pytest.raises(KeyboardInterrupt):
        go(space, 14, ledger, trainer=Trainer(killed=killed))
    before = ledger.load().suggestions
    assert before["state"].tolist().count("running") == 1
    if lost:
        (ledger.studies_folder() / "optuna.db").unlink()
    trials, trainer = go(space, 14, ledger)
    assert len(trials) == 14
    assert len(set(keys(trials))) == 14
    assert keys(trials)[: len(before)] == before["key"].tolist()
    assert trainer.trained[0] == before["key"].iloc[-1], "the one that was cut off comes first"
    assert TrialState.RUNNING not in {trial.state for trial in trials}
    epochs = ledger.load().epochs.groupby("key")["epoch"].max()
    assert all(len(trial.intermediate_values) == epochs[key] for key, trial in zip(keys(trials), trials, strict=True))


@pytest.mark.parametrize("pruner", ["median", "asha"])
def test_pruning_is_as_informed_after_a_restart_as_before(ledger, pruner):
    space = search_space(FIELDS)
    go(space, 20, ledger, pruner=pruner)

    def verdicts(search):
        known = next(iter(search._studies.known.values()))
        spec = known.spec.replace(seed=99)  # a trial of known values, asked about at every epoch
        found = []
        for value in (0.1, 0.5, 0.8, 1.0, 1.2, 1.4, 2.0):
            trial = search._studies.asked.ask()
            trial.report(value, 1)
            first = trial.should_prune()
            trial.report(value, 2)
            found.append((first, trial.should_prune()))
            search._studies.asked.tell(trial, state=TrialState.FAIL)
        return found, spec.key

    with Search(space, Goal(), 20, ledger, pruner=pruner) as search:
        once = verdicts(search)
    (ledger.studies_folder() / "optuna.db").unlink()
    with Search(space, Goal(), 20, ledger, pruner=pruner) as search:
        assert verdicts(search) == once
    assert len(set(once[0])) > 1


def test_a_record_whose_folders_were_deleted_keeps_its_trials(ledger):
    space = search_space(FIELDS)
    trials, _ = go(space, 6, ledger, pruner=None)
    gone = Path(ledger.uri) / keys(trials)[2]
    for path in gone.iterdir():
        path.unlink()
    again, trainer = go(space, 8, ledger, pruner=None)
    assert len(trainer.trained) == 2
    assert keys(again)[:6] == keys(trials)
    assert [trial.value for trial in again[:6]] == [trial.value for trial in trials]


def test_more_trials_go_on_with_the_same_study(ledger):
    first, _ = go(search_space(FIELDS), 5, ledger, pruner=None)
    second, trainer = go(search_space(FIELDS), 9, ledger, pruner=None)
    assert keys(second)[:5] == keys(first)
    assert len(trainer.trained) == 4


def test_several_objectives_give_a_front_that_nothing_beats(ledger):
    goal = Goal(objectives=("val_accuracy", "params"))
    trials, _ = go(search_space(FIELDS), 25, ledger, goal)
    points = {trial.user_attrs["key"]: trial.values for trial in trials}
    with Search(search_space(FIELDS), goal, 25, ledger) as search:
        front = [spec.key for spec in search.best(25)]
    for key, (value, params) in points.items():
        beaten = any(v >= value and p <= params and (v, p) != (value, params) for v, p in points.values())
        assert (key in front) == (not beaten)
    assert [points[key][0] for key in front] == sorted((points[key][0] for key in front), reverse=True)


def test_a_network_above_max_params_is_never_trained(ledger):
    trials, _ = go(search_space(FIELDS), 15, ledger, Goal(max_params=100_000))
    assert all(parameters(spec) <= 100_000 for spec in ledger.specs(keys(trials)).values())
    assert all(trial.constraints["params"] <= 0 for trial in trials)


def test_a_trial_slower_than_max_seconds_is_stopped_and_never_the_best(ledger):
    class Uneven(Trainer):
        def __call__(self, spec, dataset, on_epoch, state):
            self.seconds = 10.0 if spec.cell == "lstm" else 1.0
            return super().__call__(spec, dataset, on_epoch, state)

    goal = Goal(max_seconds=15)
    trials, trainer = go(FINITE, 36, ledger, goal, trainer=Uneven(), pruner=None)
    specs = ledger.specs(keys(trials))
    for trial in trials:
        slow = specs[trial.user_attrs["key"]].cell == "lstm"
        assert trial.state == (TrialState.PRUNED if slow else TrialState.COMPLETE)
        assert (trial.constraints["seconds"] > 0) == slow
    assert {epoch for key, epoch in trainer.epochs if specs[key].cell == "lstm"} == {1, 2}
    with Search(FINITE, goal, 36, ledger, pruner=None) as search:
        assert search.best(1)[0].cell == "gru"


def test_a_limit_that_no_network_keeps_is_one_clear_error(ledger):
    with pytest.raises(SearchError, match="1,000 random specs hold no new one within the limits; widen them"):
        go(search_space(FIELDS), 3, ledger, Goal(max_params=10))


def test_two_searches_on_one_ledger_never_mix(ledger):
    one, _ = go(search_space(FIELDS | {"cell": ["gru"]}), 4, ledger)
    two, _ = go(search_space(FIELDS | {"cell": ["lstm"]}), 4, ledger)
    assert {trial.params.get("max_len") for trial in one}
    assert not set(keys(one)) & set(keys(two))
    assert len(ledger.load().suggestions["study"].unique()) == 2


def test_other_objectives_of_an_existing_study_are_refused(ledger):
    go(FINITE, 2, ledger, name="mine")
    message = "study mine was begun with objectives val_accuracy, not val_accuracy params; keep that, or begin another"
    for lost in (False, True):
        if lost:
            (ledger.studies_folder() / "optuna.db").unlink()
        with pytest.raises(SearchError, match=message):
            go(FINITE, 2, ledger, Goal(objectives=("val_accuracy", "params")), name="mine")


def test_another_space_under_the_same_name_is_refused(ledger):
    go(FINITE, 2, ledger, name="mine")
    with pytest.raises(SearchError, match=r"study mine .* begin another one with --name"):
        go(search_space(FIELDS), 2, ledger, name="mine")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda ledger: Goal(objectives=("speed",)), "objectives are speed; give some of val_accuracy, val"),
        (lambda ledger: Search(search_space(FIELDS), Goal(), 1, ledger, sampler="grid"), "these are ranges: emb"),
        (lambda ledger: Search(FINITE, Goal(), 1, ledger, name="a/b"), "--name is 'a/b'; give letters"),
        (lambda ledger: go(FINITE, 1, ledger, url="nonsense"), "the study cannot be kept at nonsense"),
        (lambda ledger: go(FINITE, 1, ledger, url="sqlite:////proc/no/x.db"), "the study cannot be kept at sqlite"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_clear_error(ledger, make, message):
    with pytest.raises(SearchError, match=message) as error:
        make(ledger)
    assert "\n" not in str(error.value)


def test_the_record_can_be_watched_in_optunas_dashboard_while_the_search_runs(ledger, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    def said(text):
        WebDriverWait(browser, 60).until(lambda b: text in b.find_element(By.TAG_NAME, "body").text)

    go(search_space(FIELDS), 6, ledger, pruner=None)
    with Search(search_space(FIELDS), Goal(), 7, ledger, pruner=None) as search:
        search.ask()  # one trial is running
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        # Not gunicorn, which it takes where that is installed, and which does not say when it listens.
        command = [str(Path(sys.executable).with_name("optuna-dashboard")), search.url, "--server", "wsgiref"]
        command += ["--port", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            for line in process.stdout:
                if "Listening on" in line:
                    break
            browser.get(f"http://127.0.0.1:{port}/dashboard")
            said(search.name)
            browser.get(f"http://127.0.0.1:{port}/dashboard/studies/1/trials")
            said("Trial 6")
            browser.find_element(By.XPATH, "//*[contains(text(), 'Trial 6')]").click()
            said("learning_rate")
            said("Running")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def test_the_weights_of_the_output_are_those_of_the_classes(ledger):
    smallest = min(parameters(FINITE.draw(lambda name, axis, cell=cell: cell[name])) for cell in FINITE.cells())
    trials, _ = go(FINITE, 1, ledger, Goal(max_params=smallest))
    assert len(trials) == 1
    trials, _ = go(FINITE, 1, ledger, Goal(max_params=smallest), name="of-46", classes=46)
    assert trials == []


def test_a_measure_that_only_some_data_has_is_watched_where_the_epochs_have_it(ledger):
    goal = Goal(objectives=("val_macro_f1",))
    assert (goal.directions, goal.watched) == (["maximize"], "val_macro_f1")
    trials, _ = go(search_space(FIELDS), 2, ledger, goal)  # the closed form has no such measure
    assert [trial.state.name for trial in trials] == ["FAIL", "FAIL"]


def test_an_objective_that_the_data_cannot_have_is_refused(tiny):
    three = dataclasses.replace(tiny, classes=("a", "b", "c"))
    check_objectives(("val_auroc", "seconds"), tiny)
    with pytest.raises(
        DataError, match="the objective is val_auroc, which is of two classes; tiny has 3: give val_acc"
    ):
        check_objectives(("val_accuracy", "val_auroc"), three)
