"""Optuna's suggestions as a queue of specs: nothing is trained twice, and a crash loses nothing.

Two studies hold the same trials. One, in memory, is what the sampler and the pruner see; it also takes the suggestions
that are thrown away, as failed trials, which no sampler learns from. The other, in a database, is the record that a
person opens: every trial of it is a spec of the ledger, and none twice. The ledger is the state: both are made again
from it when a search goes on (docs/decisions/search.md).
"""

from __future__ import annotations

import contextlib
import json
import math
import random
import re
import time
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import optuna
import sqlalchemy
from optuna.distributions import BaseDistribution
from optuna.storages import InMemoryStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from rnnsweep.ledger import Ledger
from rnnsweep.network.cost import parameters
from rnnsweep.search.goal import WATCHED, Goal, SearchError
from rnnsweep.search.lock import only_driver
from rnnsweep.search.samplers import distribution, make_pruner, suggested
from rnnsweep.search.studies import STATES, Known, default_url, ended_as, epochs_of, first_value, words
from rnnsweep.space import Axis, Range, SearchSpace, draw
from rnnsweep.spec import Spec

REPEATS = 50  # suggestions in a row that are thrown away before a random spec is taken
RANDOM_TRIES = 1000  # random specs before there is said to be none left
optuna.logging.set_verbosity(optuna.logging.ERROR)  # what it says of each trial is the display's to say


class Search:
    """A study of one ledger: hands out what the sampler suggests, hears what becomes of it, and keeps the record.

    It is a `sweep.Queue`, and a context manager that keeps every other driver out of the study.
    """

    def __init__(
        self,
        space: SearchSpace,
        goal: Goal,
        trials: int,
        ledger: Ledger,
        *,
        sampler: str = "tpe",
        sampler_seed: int = 1,
        pruner: str | None = "median",
        name: str | None = None,
        url: str | None = None,
    ) -> None:
        """Search for so many trials, those of earlier runs included; raises `SearchError` on what cannot be."""
        if sampler == "grid" and not math.isfinite(space.size):
            ranges = ", ".join(name for name, axis in space.axes.items() if isinstance(axis, Range))
            raise SearchError(f"sampler grid needs values to choose among, and these are ranges: {ranges}; give values")
        self.space, self.goal, self.trials, self.sampler = space, goal, trials, sampler
        # What an epoch's row says of the objective; nothing to prune by where that is several, or no accuracy or loss.
        self._watched = goal.objectives[0] if goal.objectives[0] in WATCHED and len(goal.objectives) == 1 else None
        self.pruner = pruner if self._watched else None
        self.name = name or space.name
        if not re.fullmatch(r"[\w.-]+", self.name):
            raise SearchError(f"--name is {name!r}; give letters, digits, '.', '_' and '-'")
        self.url = url or default_url(ledger)
        self.on_known: Callable[[Spec, Mapping[str, Any]], None] = lambda spec, row: (
            None
        )  # hears what the ledger answered
        self._ledger = ledger
        self._sampler_seed = sampler_seed
        self._random = random.Random(sampler_seed)
        self._known: dict[str, Known] = {}  # by key, in the order of the numbers
        self._begun: deque[Spec] = deque()  # handed out by an earlier run, and not ended
        self._open = contextlib.ExitStack()
        self._study = optuna.create_study(
            storage=InMemoryStorage(),
            study_name=self.name,
            directions=goal.directions,
            sampler=self._make_sampler(sampler_seed),
            pruner=make_pruner(self.pruner),
        )

    @property
    def begun(self) -> int:
        """How many trials the study has, ended or not."""
        return len(self._known)

    @property
    def answered(self) -> int:
        """How many trials of the study the ledger answered, because another sweep had trained their specs."""
        return sum(known.answered for known in self._known.values())

    @property
    def suggest_seconds(self) -> list[float]:
        """What each suggestion took, in seconds."""
        return [known.suggest_seconds for known in self._known.values()]

    def progress(self) -> tuple[int, int]:
        """Return how many trials have ended and how many are left, by the ledger; nothing need be open for it."""
        said = self._ledger.suggestions(self.name)
        results = self._ledger.results()
        ended = sum(ended_as(None, record, results.get(key)) is not None for key, record in said.items())
        return ended, max(self.trials, len(said)) - ended

    def states(self) -> dict[str, int]:
        """Return how many trials the record has of each state: finished, pruned, failed or running."""
        states = [trial.state for trial in self._record.get_trials(deepcopy=False)]
        names = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running"}
        return {name: states.count(TrialState[state]) for state, name in names.items() if TrialState[state] in states}

    def __length_hint__(self) -> int:
        """How many trials are still to be handed out, if the ledger answers none of them."""
        return max(self.trials - len(self._known), 0) + len(self._begun)

    # Opening: both studies brought up to what the ledger says.

    def __enter__(self) -> Search:
        """Open the record and go on from the ledger; raises `SearchError` if the study is another's or in use."""
        try:
            self._open_record()
            self._catch_up()
        except BaseException:
            self._open.close()
            raise
        self._study.sampler = self._make_sampler(self._sampler_seed + len(self._known))  # not the same numbers again
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let others at the study."""
        self._open.close()

    def _open_record(self) -> None:
        try:
            url = sqlalchemy.make_url(self.url)
            if url.drivername.startswith("sqlite") and url.database:
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            storage = RDBStorage(self.url)
            if url.drivername.startswith("sqlite"):  # the ledger is safe on disk, and the record is made again from it
                sqlalchemy.event.listen(storage.engine, "connect", lambda c, _: c.execute("PRAGMA synchronous=OFF"))
                storage.engine.dispose()
            self._open.callback(storage.engine.dispose)
            self._open.callback(storage.remove_session)
            self._open.enter_context(only_driver(storage.engine, self.name))
            self._record = optuna.create_study(
                storage=optuna.storages.get_storage(storage),
                study_name=self.name,
                directions=self.goal.directions,
                load_if_exists=True,
            )
        except (sqlalchemy.exc.SQLAlchemyError, ImportError, OSError) as error:
            raise SearchError(f"the study cannot be kept at {self.url}: {str(error).splitlines()[0]}") from None
        self._check_goal()

    def _check_goal(self) -> None:
        goal = self.goal.to_dict()
        before = self._record.user_attrs.get("goal") or (self._ledger.study(self.name) or {}).get("goal") or goal
        changed = [name for name in goal if goal[name] != before[name]]
        if changed:
            was, now = words(before[changed[0]]), words(goal[changed[0]])
            raise SearchError(
                f"study {self.name} was begun with {changed[0]} {was}, not {now}; keep that, or begin another one "
                "with --name"
            )
        self._record.set_user_attr("goal", goal)
        with warnings.catch_warnings(action="ignore"):  # of Optuna's, that names of metrics are new
            self._record.set_metric_names(list(self.goal.objectives))

    def _catch_up(self) -> None:
        recorded = {trial.user_attrs["key"]: trial for trial in self._record.get_trials(deepcopy=False)}
        said = self._ledger.suggestions(self.name)
        keys = [*said, *(key for key in recorded if key not in said)]  # a deleted folder's trial is in the record only
        results = self._ledger.results() if keys else {}
        epochs = self._ledger.epochs(keys)
        for key in keys:
            old, mine = recorded.get(key), said.get(key)
            known = self._add((mine or {"params": recorded[key].params})["params"], old, key)
            if mine is None:
                self._say(known, "running")
            else:
                known.answered, known.suggest_seconds = mine["known"], mine["suggest_seconds"]
            self._hear_epochs(known, epochs[key] or epochs_of(old))
            state = ended_as(old, mine, results.get(key))
            if state is None:
                self._begun.append(known.spec)
            else:
                values = self.goal.values(results[key]) if key in results and state == TrialState.COMPLETE else None
                self._tell(known, state, values or (old.values if old is not None else None), results.get(key, {}))

    def describe(self, **found: Any) -> None:
        """Write into the ledger what this search looks for, and what its end `found`."""
        axes = {name: str(axis) for name, axis in self.space.axes.items()}
        settings = {"goal": self.goal.to_dict(), "axes": axes, "base": json.loads(self.space.base.to_json())}
        settings |= {"trials": self.trials, "sampler": self.sampler, "pruner": self.pruner or "none"}
        self._ledger.write_study(self.name, (self._ledger.study(self.name) or {}) | settings | found)

    # The queue.

    def take(self) -> Spec | None:
        """Return the next spec to train, begun ones first; None when there are as many trials as asked for."""
        if self._begun:
            return self._begun.popleft()
        while len(self._known) < self.trials:
            known = self._suggest()
            if known is None:
                return None
            row = self._ledger.result(known.spec.key) if known.answered else None
            self._hear_epochs(known, self._ledger.epochs([known.spec.key])[known.spec.key])  # another search's, perhaps
            if row is None:
                return known.spec
            self.ended(known.spec, row)
            self.on_known(known.spec, row)
        return None

    def epoch(self, spec: Spec, row: Mapping[str, Any]) -> bool:
        """Hear an epoch's row; return whether to stop the trial there."""
        known = self._known[spec.key]
        stop = self._hear_epochs(known, [row])
        return stop or (self.goal.max_seconds is not None and known.seconds > self.goal.max_seconds)

    def ended(self, spec: Spec, row: Mapping[str, Any]) -> None:
        """Hear how a trial ended, and tell both studies."""
        known, status = self._known[spec.key], str(row["status"])
        self._hear_epochs(known, self._ledger.epochs([spec.key])[spec.key])  # those whose worker was killed in telling
        if status != "finished":
            self._say(known, "pruned" if status == "pruned" else "failed")
        self._tell(known, STATES[status], self.goal.values(row) if status == "finished" else None, row)

    # The end.

    def best(self, count: int) -> list[Spec]:
        """Return the best finished specs that keep to the limits; of several objectives, of the Pareto front.

        The best come first: by the objective, of several by the first.
        """
        if len(self.goal.objectives) == 1:
            found = [known for known in self._known.values() if known.values and known.feasible]
        else:
            front = {trial.number for trial in self._study.best_trials}
            found = [known for known in self._known.values() if known.values and known.trials[0].number in front]
        sign = -1 if self.goal.directions[0] == StudyDirection.MAXIMIZE else 1
        return [known.spec for known in sorted(found, key=lambda known: sign * first_value(known))[:count]]

    # The two studies.

    def _suggest(self) -> Known | None:
        """Add to the studies a spec that they do not hold and that keeps to --max-params; None if there is none."""
        begun = time.perf_counter()
        asked = self._next_cell() if self.sampler == "grid" else self._ask()
        if asked is None:
            return None
        spec, trial = asked
        answered = self._ledger.result(spec.key) is not None
        seconds = time.perf_counter() - begun
        known = Known(spec, len(self._known), dict(trial.params), [trial], answered, seconds)
        # First the ledger, then the record: what only the ledger holds is added when the search goes on.
        self._say(known, "running")
        known.trials.append(self._new_trial(self._record, known, self._study.trials[trial.number].system_attrs))
        self._known[spec.key] = known
        return known

    def _ask(self) -> tuple[Spec, Trial] | None:
        for _ in range(REPEATS):
            trial = self._study.ask()
            spec = self.space.draw(lambda name, axis: suggested(trial, name, axis))  # noqa: B023  (used at once)
            if self._is_new(spec):
                return spec, trial
            self._study.tell(trial, state=TrialState.FAIL)
        return self._random_spec()

    def _random_spec(self) -> tuple[Spec, Trial] | None:
        """Return any spec that is left, where the sampler insists on those it knows."""
        for _ in range(RANDOM_TRIES):
            params: dict[str, Any] = {}
            if self._is_new(self.space.draw(lambda name, axis: params.setdefault(name, draw(self._random, axis)))):  # noqa: B023
                return self._asked_for(params)
        if math.isfinite(self.space.size):
            return self._next_cell()
        raise SearchError(f"{RANDOM_TRIES:,} random specs hold no new one within the limits; widen them or the axes")

    def _next_cell(self) -> tuple[Spec, Trial] | None:
        for params in self.space.cells():
            if self._is_new(self.space.draw(lambda name, axis: params[name])):  # noqa: B023
                return self._asked_for(params)
        return None

    def _asked_for(self, params: Mapping[str, Any]) -> tuple[Spec, Trial]:
        self._study.enqueue_trial(dict(params))
        trial = self._study.ask()
        return self.space.draw(lambda name, axis: suggested(trial, name, axis)), trial

    def _is_new(self, spec: Spec) -> bool:
        limit = self.goal.max_params
        return spec.key not in self._known and (limit is None or parameters(spec) <= limit)

    def _add(self, params: Mapping[str, Any], recorded: FrozenTrial | None, key: str) -> Known:
        """Add an earlier run's trial to the sampler's study, and to the record if it lacks it or has it running."""
        try:
            spec = self.space.draw(lambda name, axis: params[name])
        except KeyError as error:
            raise SearchError(f"study {self.name} has no axis {error}; begin another one with --name") from None
        if spec.key != key:
            raise SearchError(
                f"study {self.name} holds {key}, which this search would not train: its fixed fields or axes were "
                "others; begin another one with --name"
            )
        known = Known(spec, len(self._known), dict(params), [])
        known.trials.append(self._new_trial(self._study, known, recorded.system_attrs if recorded is not None else {}))
        if recorded is None:
            known.trials.append(self._new_trial(self._record, known, {}))
        elif not recorded.state.is_finished():
            known.trials.append(Trial(self._record, recorded._trial_id))
            known.recorded = frozenset(recorded.intermediate_values)
        self._known[key] = known
        return known

    def _new_trial(self, study: optuna.Study, known: Known, attributes: Mapping[str, Any]) -> Trial:
        """Add a running trial; the attributes are what NSGA-II keeps its generations in."""
        distributions: dict[str, BaseDistribution] = {}

        def choose(name: str, axis: Axis) -> Any:
            distributions[name] = distribution(axis)
            return known.params[name]

        self.space.draw(choose)
        kept = {name: value for name, value in attributes.items() if name.startswith("nsga2")}
        study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=known.params,
                distributions=distributions,
                user_attrs={"key": known.spec.key},
                system_attrs=kept,
            )
        )
        return Trial(study, study.get_trials(deepcopy=False)[-1]._trial_id)

    def _say(self, known: Known, state: str) -> None:
        """Write into the ledger all that the study is made of again, and the report drawn from."""
        record = {"number": known.number, "state": state, "params": known.params}
        record |= {"known": known.answered, "suggest_seconds": known.suggest_seconds}
        self._ledger.write_suggestion(known.spec.key, self.name, record)

    def _hear_epochs(self, known: Known, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Pass values of epochs on to both studies, each once; return whether the pruner would stop the trial."""
        stop = False
        for row in rows:
            epoch = int(row["epoch"])
            if epoch in known.epochs:
                continue
            known.epochs.add(epoch)
            known.seconds += float(row["seconds"])
            if self._watched is not None:
                for trial in known.trials[: 1 if epoch in known.recorded else None]:
                    trial.report(float(row[self._watched]), epoch)
                stop = bool(known.trials[0].should_prune())
        return stop

    def _tell(self, known: Known, state: TrialState, values: Sequence[float] | None, row: Mapping[str, Any]) -> None:
        limits = self.goal.constraints(parameters(known.spec), float(row.get("seconds", known.seconds)))
        known.feasible = all(value <= 0 for value in limits.values())
        known.values = list(values) if state == TrialState.COMPLETE and values is not None else None
        for trial in known.trials:
            for name, value in limits.items():
                trial.set_constraint(name, value)
            trial.study.tell(trial, known.values, state=state)

    def _make_sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        if self.sampler == "gp":
            try:
                return optuna.samplers.GPSampler(seed=seed, deterministic_objective=False)
            except ImportError:
                raise SearchError("sampler gp needs PyTorch: pip install torch; or give another --sampler") from None
        if self.sampler == "nsga2":
            return optuna.samplers.NSGAIISampler(seed=seed)
        if self.sampler == "tpe":
            return optuna.samplers.TPESampler(seed=seed)
        return optuna.samplers.RandomSampler(seed=seed)  # grid asks for each cell by name
