"""The two studies of a search, which hold the same trials.

One, in memory, is what the sampler and the pruner see; it also takes the suggestions that are thrown away, as failed
trials, which no sampler learns from, and forgets what is long ago. The other, in a database, is the record that a
person opens: every trial of it is a spec of the ledger, and none twice. The ledger is the state: both are made again
from it when a search goes on (docs/decisions/search.md).
"""

from __future__ import annotations

import contextlib
import math
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage, RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from rnnsweep.files import cache_folder
from rnnsweep.ledger import STUDIES, Ledger
from rnnsweep.network.cost import parameters
from rnnsweep.network.output import Output
from rnnsweep.redact import without_password
from rnnsweep.search.earlier import Earlier, watched_values
from rnnsweep.search.goal import WATCHED, Goal, SearchError
from rnnsweep.search.lock import only_driver
from rnnsweep.search.samplers import distribution, make_pruner
from rnnsweep.space import Axis, SearchSpace
from rnnsweep.spec import Spec

REMEMBERED = 1000  # trials that the sampler's study keeps of a search that has had twice as many
BEST = 100  # of them the best: TPE looks for more like the best tenth, at most 25
SAID = {"state", "params", "known", "suggest_seconds"}  # of a suggestion that `note` wrote
STATES = {
    "finished": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "diverged": TrialState.FAIL,
}
optuna.logging.set_verbosity(optuna.logging.ERROR)  # what it says of each trial is the display's to say


@dataclass
class Known:
    """A trial of the study."""

    spec: Spec
    number: int
    params: dict[str, Any]  # as the axes name them
    trials: list[Trial]  # of the sampler's study, and of the record where it has not ended there; none once it ended
    answered: bool = False  # by the ledger: another sweep had trained it
    suggest_seconds: float = 0.0  # that its suggestion took
    epochs: set[int] = field(default_factory=set)  # that the sampler's study has the values of
    recorded: frozenset[int] = frozenset()  # that the record had when it was opened
    seconds: float = 0.0  # of these epochs
    feasible: bool = False
    values: list[float] | None = None  # of a finished one
    watched: dict[int, float] = field(default_factory=dict)  # the watched objective by epoch
    paused: bool = False  # stopped at a rung, and goes on from its checkpoint where it is among the best there


class Studies:
    """The sampler's study, `asked`, and the record: opened, brought up to the ledger, and told the same."""

    def __init__(
        self,
        space: SearchSpace,
        goal: Goal,
        name: str,
        url: str,
        ledger: Ledger,
        *,
        sampler: BaseSampler,
        pruner: str | None,
        output: Output,
    ) -> None:
        """Begin with an empty study of the sampler's; the record is not opened before `open`."""
        self.known: dict[str, Known] = {}  # by key, in the order of the numbers
        self._space, self._goal, self._name, self._url, self._ledger = space, goal, name, url, ledger
        self._output, self._pruner = output, pruner
        self._open = contextlib.ExitStack()
        self.asked = self._empty(sampler)

    def _empty(self, sampler: BaseSampler) -> optuna.Study:
        return optuna.create_study(
            storage=InMemoryStorage(),
            study_name=self._name,
            directions=self._goal.directions,
            sampler=sampler,
            pruner=make_pruner(self._pruner, self._space.base.epochs),
        )

    def states(self) -> dict[str, int]:
        """Return how many trials the record has of each state: finished, pruned, failed, paused or running.

        To the record, a paused trial runs.
        """
        states = [trial.state for trial in self._record.get_trials(deepcopy=False)]
        names = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running"}
        counts = {name: states.count(TrialState[state]) for state, name in names.items()}
        counts["paused"] = sum(known.paused for known in self.known.values())
        counts["running"] -= counts["paused"]
        return {name: count for name, count in counts.items() if count}

    # Opening: both studies brought up to what the ledger says.

    def open(self, pausing: bool = False) -> list[Spec]:
        """Open the record, keep other drivers out of it, and return the specs that were begun and have not ended.

        Those that were paused are not among them where this search is `pausing` trials, too.
        Raises `SearchError` if the record cannot be opened, is in use, or is that of another search.
        """
        try:
            self._open_record()
            self._check_goal()
            return self._catch_up(pausing)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let others at the record."""
        self._open.close()

    def _open_record(self) -> None:
        try:
            url = sqlalchemy.make_url(self._url)
            if url.drivername.startswith("sqlite") and url.database:
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            storage = RDBStorage(self._url)
            if url.drivername.startswith("sqlite"):  # the ledger is safe on disk, and the record is made again from it
                sqlalchemy.event.listen(storage.engine, "connect", lambda c, _: c.execute("PRAGMA synchronous=OFF"))
                storage.engine.dispose()
            self._open.callback(storage.engine.dispose)
            self._open.callback(storage.remove_session)
            self._open.enter_context(only_driver(storage.engine, self._name))
            self._record = optuna.create_study(
                storage=optuna.storages.get_storage(storage),
                study_name=self._name,
                directions=self._goal.directions,
                load_if_exists=True,
            )
        except SearchError:
            raise
        except (sqlalchemy.exc.SQLAlchemyError, ImportError, OSError, LookupError, ValueError) as error:
            reason = without_password(str(error).splitlines()[0])
            raise SearchError(f"the study cannot be kept at {without_password(self._url)}: {reason}") from None

    def _check_goal(self) -> None:
        goal = self._goal.to_dict()
        before = self._record.user_attrs.get("goal") or (self._ledger.study(self._name) or {}).get("goal") or goal
        changed = [name for name in goal if goal[name] != before[name]]
        if changed:
            was, now = _words(before[changed[0]]), _words(goal[changed[0]])
            raise SearchError(
                f"study {self._name} was begun with {changed[0]} {was}, not {now}; keep that, or begin another one "
                "with --name"
            )
        self._record.set_user_attr("goal", goal)
        with warnings.catch_warnings(action="ignore"):  # of Optuna's, that names of metrics are new
            self._record.set_metric_names(list(self._goal.objectives))

    def _catch_up(self, pausing: bool) -> list[Spec]:
        recorded = {trial.user_attrs["key"]: trial for trial in self._record.get_trials(deepcopy=False)}
        said = {key: row for key, row in self._ledger.suggestions(self._name).items() if row.keys() >= SAID}
        keys = [*said, *(key for key in recorded if key not in said)]  # a deleted folder's trial is in the record only
        results = self._ledger.results() if keys else {}
        epochs = self._ledger.epochs(keys)
        begun = []
        for key in keys:
            old, mine, result = recorded.get(key), said.get(key), results.get(key)
            known = self._add_earlier((mine or {"params": recorded[key].params})["params"], old, key)
            if mine is None:
                self.note(known, "running")
            else:
                known.answered, known.suggest_seconds = mine["known"], mine["suggest_seconds"]
            self.hear(known, epochs[key] or _epochs_of(old))
            state = ended_as(old, mine, result)
            if state is None and pausing and (mine or {}).get("state") == "paused" and result is None:
                known.paused = True
            elif state is None:
                begun.append(known.spec)
            else:
                values = self._goal.values(result) if result is not None and state == TrialState.COMPLETE else None
                self._tell(known, state, values or (old.values if old is not None else None), result or {})
        return begun

    def _add_earlier(self, params: Mapping[str, Any], recorded: FrozenTrial | None, key: str) -> Known:
        """Add an earlier run's trial to the sampler's study, and to the record if it lacks it or has it running."""
        try:
            spec = self._space.draw(lambda name, axis: params[name])
        except KeyError as error:
            raise SearchError(f"study {self._name} has no axis {error}; begin another one with --name") from None
        if spec.key != key:
            raise SearchError(
                f"study {self._name} holds {key}, which this search would not train: its fixed fields or axes were "
                "others; begin another one with --name"
            )
        known = Known(spec, len(self.known), dict(params), [])
        known.trials.append(self._new_trial(self.asked, known, recorded.system_attrs if recorded is not None else {}))
        if recorded is None:
            known.trials.append(self._new_trial(self._record, known, {}))
        elif not recorded.state.is_finished():
            known.trials.append(Trial(self._record, recorded._trial_id))
            known.recorded = frozenset(recorded.intermediate_values)
        self.known[key] = known
        return known

    # Telling: the same to both.

    def add(self, spec: Spec, trial: Trial, answered: bool, seconds: float) -> Known:
        """Add a spec that the sampler's study has suggested in so many seconds as this trial; return it."""
        known = Known(spec, len(self.known), dict(trial.params), [trial], answered, seconds)
        # First the ledger, then the record: what only the ledger holds is added when the search goes on.
        self.note(known, "running")
        # `trials` would copy them all, which costs more than the sampler.
        suggested = self.asked.get_trials(deepcopy=False)[trial.number]
        known.trials.append(self._new_trial(self._record, known, suggested.system_attrs))
        self.known[spec.key] = known
        return known

    def note(self, known: Known, state: str) -> None:
        """Write into the ledger all that the study is made of again, and the report drawn from."""
        record = {"number": known.number, "state": state, "params": known.params}
        record |= {"known": known.answered, "suggest_seconds": known.suggest_seconds}
        self._ledger.record(known.spec.key).write_suggestion(self._name, record)

    def hear(self, known: Known, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Pass values of epochs on to both studies, each once; return whether the pruner would stop the trial."""
        stop = False
        for row in rows:
            epoch = int(row["epoch"])
            if epoch in known.epochs:
                continue
            known.epochs.add(epoch)
            known.seconds += float(row["seconds"])
            if self._goal.watched is not None and row.get(self._goal.watched) is not None:
                known.watched[epoch] = float(row[self._goal.watched])
                for trial in known.trials[: 1 if epoch in known.recorded else None]:
                    trial.report(float(row[self._goal.watched]), epoch)
                stop = bool(known.trials[0].should_prune())
        return stop

    def end(self, known: Known, row: Mapping[str, Any]) -> None:
        """Tell both studies how a trial ended, by the status of its row, and the ledger what its result does not."""
        status = str(row["status"])
        if status != "finished":
            self.note(known, "pruned" if status == "pruned" else "failed")
        values = self._goal.values(row) if status == "finished" else []
        # Optuna takes no trial whose value is none, such as an AUROC of one class.
        state = STATES[status] if all(map(math.isfinite, values)) else TrialState.FAIL
        self._tell(known, state, values if state == TrialState.COMPLETE else None, row)

    def prune_paused(self) -> None:
        """End the trials that nothing will promote any more; their checkpoints stay."""
        for known in self.known.values():
            if known.paused:
                known.paused = False
                self.end(known, {"status": "pruned"})

    def _tell(self, known: Known, state: TrialState, values: Sequence[float] | None, row: Mapping[str, Any]) -> None:
        limits = self._goal.constraints(parameters(known.spec, self._output), float(row.get("seconds", known.seconds)))
        known.feasible = all(value <= 0 for value in limits.values())
        known.values = list(values) if state == TrialState.COMPLETE and values is not None else None
        for trial in known.trials:
            for name, value in limits.items():
                trial.set_constraint(name, value)
            trial.study.tell(trial, known.values, state=state)
        known.trials = []

    def learn(self, trials: Sequence[Earlier]) -> None:
        """Tell the sampler and the pruner of trials that are none of the study's."""
        epochs = self._ledger.epochs([trial.spec.key for trial in trials])
        for trial in trials:
            limits = self._goal.constraints(parameters(trial.spec, self._output), float(trial.row.get("seconds", 0.0)))
            self.asked.add_trial(
                create_trial(
                    values=trial.values,
                    params=trial.params,
                    distributions=self._distributions(trial.params),
                    intermediate_values=watched_values(epochs[trial.spec.key], self._goal),
                    constraints=limits,
                )
            )

    @property
    def is_long(self) -> bool:
        """Whether the sampler's study has twice as many trials as it keeps."""
        return len(self.asked.get_trials(deepcopy=False)) >= 2 * REMEMBERED

    def forget(self, sampler: BaseSampler) -> None:
        """Begin another study of this sampler's with those that run, the best and the latest of the one there is.

        A decision looks at every trial of the study: of thousands, it would take seconds, and a search of n trials n²
        of them. What is left out is an earlier trial that was not among the best.
        """
        trials = self.asked.get_trials(deepcopy=False)
        open_ = [trial for trial in trials if not trial.state.is_finished()]
        ended = [trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
        kept = {trial.number for trial in [*open_, *self._best_of(ended), *ended[-(REMEMBERED - BEST) :]]}
        running = {known.trials[0].number: known for known in self.known.values() if known.trials}
        self.asked = self._empty(sampler)
        for number in sorted(kept):
            trial = _added(self.asked, trials[number])
            if number in running:
                running[number].trials[0] = trial

    def _best_of(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Return the best finished trials that keep to the limits, of each objective by itself."""
        done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        done = [trial for trial in done if all(value <= 0 for value in trial.constraints.values())]
        best: list[FrozenTrial] = []
        for objective, direction in enumerate(self._goal.directions):
            done.sort(key=lambda trial: trial.values[objective], reverse=direction == "maximize")
            best += done[: BEST // len(self._goal.directions)]
        return best

    def _distributions(self, params: Mapping[str, Any]) -> dict[str, BaseDistribution]:
        """Return the axes of these choices, as Optuna's studies hold them."""
        found: dict[str, BaseDistribution] = {}

        def choose(name: str, axis: Axis) -> Any:
            found[name] = distribution(axis)
            return params[name]

        self._space.draw(choose)
        return found

    def _new_trial(self, study: optuna.Study, known: Known, attributes: Mapping[str, Any]) -> Trial:
        """Add a running trial; the attributes are what NSGA-II keeps its generations in."""
        kept = {name: value for name, value in attributes.items() if name.startswith("nsga2")}
        running = create_trial(
            state=TrialState.RUNNING,
            params=known.params,
            distributions=self._distributions(known.params),
            user_attrs={"key": known.spec.key},
            system_attrs=kept,
        )
        return _added(study, running)

    # The end.

    def best(self, count: int) -> list[Spec]:
        """Return the best finished specs that keep to the limits; of several objectives, of the Pareto front.

        The best come first: by the objective, of several by the first.
        """
        done = [(known, known.values[0]) for known in self.known.values() if known.values]
        if len(self._goal.objectives) == 1:
            found = [(known, value) for known, value in done if known.feasible]
        else:
            front = {trial.user_attrs["key"] for trial in self._record.best_trials}
            found = [(known, value) for known, value in done if known.spec.key in front]
        sign = -1 if self._goal.directions[0] == "maximize" else 1
        return [known.spec for known, _ in sorted(found, key=lambda item: sign * item[1])[:count]]


def _added(study: optuna.Study, trial: FrozenTrial) -> Trial:
    """Add a trial to a study; return it as what can be told how it goes on."""
    study.add_trial(trial)
    return Trial(study, study.get_trials(deepcopy=False)[-1]._trial_id)


def ended_as(
    recorded: FrozenTrial | None, said: Mapping[str, Any] | None, result: Mapping[str, Any] | None
) -> TrialState | None:
    """Return how a trial ended, or None where it goes on: by the record, else by the ledger."""
    if recorded is not None and recorded.state.is_finished():
        return recorded.state
    if said is not None and said.get("state") in STATES:
        return STATES[str(said["state"])]
    return STATES[str(result["status"])] if result is not None else None


def default_url(ledger: Ledger) -> str:
    """Return the address of an SQLite file beside the ledger, or, for one in a bucket, on this machine."""
    folder = ledger.studies_folder()
    if folder is None:
        folder = cache_folder() / STUDIES / f"{zlib.crc32(ledger.uri.encode()):08x}"
    # Made of its parts: in a text a `?` or `%` of the folder's name would mean something.
    return sqlalchemy.URL.create("sqlite", database=str(folder / "optuna.db")).render_as_string(hide_password=False)


def _epochs_of(recorded: FrozenTrial | None) -> list[Mapping[str, Any]]:
    """Return the epochs that the record has values of, where the ledger has none."""
    if recorded is None:
        return []
    values = recorded.intermediate_values.items()
    return [{"epoch": epoch, "seconds": 0.0, **dict.fromkeys(WATCHED, value)} for epoch, value in values]


def _words(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
