"""Optuna's suggestions as a queue of specs: nothing is trained twice, and a crash loses nothing."""

from __future__ import annotations

import json
import math
import random
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

from rnnsweep.ledger import Ledger
from rnnsweep.network.cost import parameters
from rnnsweep.network.output import output_of
from rnnsweep.search.earlier import earlier_trials, most_promising, same_fidelity
from rnnsweep.search.goal import Goal, SearchError
from rnnsweep.search.promotion import is_rung, promoted
from rnnsweep.search.samplers import make_sampler, suggested
from rnnsweep.search.studies import Known, Studies, default_url, ended_as
from rnnsweep.space import Axis, Range, SearchSpace, draw
from rnnsweep.spec import Spec, SpecError
from rnnsweep.sweep.queue import Wait
from rnnsweep.types import Row

REPEATS = 50  # suggestions in a row that are thrown away before a random spec is taken
RANDOM_TRIES = 1000  # random specs before there is said to be none left


class Search:
    """A study of one ledger: hands out what the sampler suggests, hears what becomes of it, and keeps the record.

    It is a `sweep.Queue`, and a context manager that keeps every other driver out of the study.
    """

    def __init__(
        self,
        space: SearchSpace,
        goal: Goal,
        trials: int | None,
        ledger: Ledger,
        *,
        sampler: str = "tpe",
        sampler_seed: int = 1,
        pruner: str | None = "median",
        name: str | None = None,
        url: str | None = None,
        classes: int = 2,
        multilabel: bool = False,
        warm: bool = True,
        budget: float | None = None,
        seconds_of: Callable[[Spec], float] = lambda spec: 0.0,
    ) -> None:
        """Search for so many trials, those of earlier runs included; raises `SearchError` on what cannot be.

        `budget` are the seconds within which the trials of this run are to end, by what `seconds_of` a spec says; then
        `trials` may be None, for as many as that gives room to.

        `classes` and `multilabel` are of the data: so many units have the outputs of its networks. A `warm` search
        begins with what the ledger knows of the space's networks (docs/decisions/search.md).
        """
        if sampler == "grid" and not math.isfinite(space.size):
            ranges = ", ".join(name for name, axis in space.axes.items() if isinstance(axis, Range))
            raise SearchError(f"sampler grid needs values to choose among, and these are ranges: {ranges}; give values")
        self.space, self.goal, self.trials, self.sampler = space, goal, trials, sampler
        self.pruner = pruner if goal.watched else None
        self.name = space.name if name is None else name
        if not re.fullmatch(r"[\w.-]{1,100}", self.name):
            raise SearchError(f"--name is {self.name[:120]!r}; give letters, digits, '.', '_' and '-', 1 to 100")
        self.url = default_url(ledger) if url is None else url
        if not self.url:
            raise SearchError("--study has no name: '' is no database; give sqlite:///FILE, or leave it out")
        if url is not None and re.fullmatch(r"sqlite(\+\w+)?://(/|/:memory:)?", url):
            raise SearchError(f"--study {url} keeps nothing: it is in memory; give sqlite:///FILE, or leave it out")
        # Hears what the ledger answered.
        self.on_known: Callable[[Spec, Row], None] = lambda spec, row: None
        self._ledger, self._output = ledger, output_of(classes, multilabel)
        self._sampler_seed, self._warm = sampler_seed, warm
        self._budget, self._seconds_of = budget, seconds_of
        self._until = math.inf  # by the monotonic clock
        self._at_work: set[str] = set()  # keys handed out, and not ended or paused
        self.warmed = 0  # trials that the sampler learned from before it suggested one
        self._random = random.Random(sampler_seed)
        self._begun: deque[Spec] = deque()  # handed out by an earlier run, and not ended
        first = make_sampler(sampler, sampler_seed)
        self._studies = Studies(
            space, goal, self.name, self.url, ledger, sampler=first, pruner=self.pruner, output=self._output
        )

    @property
    def begun(self) -> int:
        """How many trials the study has, ended or not."""
        return len(self._studies.known)

    @property
    def answered(self) -> int:
        """How many trials of the study the ledger answered, because another sweep had trained their specs."""
        return sum(known.answered for known in self._studies.known.values())

    @property
    def suggest_seconds(self) -> list[float]:
        """What each suggestion took, in seconds."""
        return [known.suggest_seconds for known in self._studies.known.values()]

    def progress(self) -> tuple[int, int]:
        """Return how many trials have ended and how many are left, by the ledger; nothing need be open for it."""
        said = self._ledger.suggestions(self.name)
        results = self._ledger.results()
        ended = sum(ended_as(None, record, results.get(key)) is not None for key, record in said.items())
        return ended, max(self.trials or 0, len(said)) - ended

    def states(self) -> dict[str, int]:
        """Return how many trials the record has of each state: finished, pruned, failed or running."""
        return self._studies.states()

    def best(self, count: int) -> list[Spec]:
        """Return the best finished specs that keep to the limits, the best first; see `Studies.best`."""
        return self._studies.best(count)

    def describe(self, **found: Any) -> None:
        """Write into the ledger what this search looks for, and what its end `found`."""
        axes = {name: str(axis) for name, axis in self.space.axes.items()}
        settings = {"goal": self.goal.to_dict(), "axes": axes, "base": json.loads(self.space.base.to_json())}
        settings |= {"trials": self.trials or self.begun, "sampler": self.sampler, "pruner": self.pruner or "none"}
        self._ledger.write_study(self.name, (self._ledger.study(self.name) or {}) | settings | found)

    def __enter__(self) -> Search:
        """Open the record and go on from the ledger; raises `SearchError` if the study is another's or in use."""
        if self._budget is not None:
            self._until = time.monotonic() + self._budget
        self._begun.extend(self._studies.open(pausing=self._promotes))
        self._studies.asked.sampler = self._next_sampler()
        if self._warm:
            self._warm_up()
        return self

    def _next_sampler(self) -> BaseSampler:
        """Return a sampler that does not draw the same numbers again."""
        return make_sampler(self.sampler, (self._sampler_seed + self.begun) % 2**32)

    def _warm_up(self) -> None:
        """Tell the sampler what the ledger knows, and have a new study begin with the best of it."""
        known = self._studies.known
        trials = [trial for trial in earlier_trials(self.space, self.goal, self._ledger) if trial.spec.key not in known]
        comparable = same_fidelity(self.space, trials)
        self._studies.learn(comparable)
        self.warmed = len(comparable)
        if not self.begun and self.sampler != "grid":  # a grid has its own order
            for params in most_promising(trials, self.goal):
                self._studies.asked.enqueue_trial(params)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let others at the study."""
        self._studies.close()

    # The queue.

    def __length_hint__(self) -> int:
        """How many trials are still to be handed out, if the ledger answers none of them; not known of a budget."""
        return NotImplemented if self.trials is None else max(self.trials - self.begun, 0) + len(self._begun)

    def ask(self) -> Spec | Wait | None:
        """Return the next spec to train: a begun one, else a paused one that is among the best, else a new one.

        None when there are as many trials as asked for, or the budget is spent, and nothing can be promoted any more;
        `Wait` where that depends on trials that run.
        """
        spec = self._next()
        if spec is not None:
            self._at_work.add(spec.key)
            return spec
        if self._at_work and self._promotes:
            return Wait()
        if not self._at_work and time.monotonic() < self._until:
            self._studies.prune_paused()
        return None

    def _next(self) -> Spec | None:
        if self._begun:
            return self._begun.popleft()
        if time.monotonic() >= self._until:
            return None
        if self._promotes and (known := promoted(self._studies.known.values(), self.space.base.epochs, self._maximize)):
            known.paused = False
            self._studies.note(known, "running")
            return known.spec
        return self._new()

    def _new(self) -> Spec | None:
        while self.trials is None or self.begun < self.trials:
            suggestion = self._suggest()
            if suggestion is None:
                return None
            self._hear_ledger(suggestion)  # another search's epochs, perhaps
            row = self._ledger.record(suggestion.spec.key).result() if suggestion.answered else None
            if row is None:
                return suggestion.spec
            self._studies.end(suggestion, row)
            self.on_known(suggestion.spec, row)
        return None

    @property
    def _promotes(self) -> bool:
        return self.pruner == "asha"

    @property
    def _maximize(self) -> bool:
        return self.goal.directions[0] == "maximize"

    def report(self, spec: Spec, row: Mapping[str, Any]) -> bool:
        """Hear an epoch's row; return whether to stop the trial there."""
        known = self._studies.known[spec.key]
        stop = self._studies.hear(known, [row])
        if self._promotes:
            known.paused = stop = stop and is_rung(int(row["epoch"]), spec.epochs)
        if self.goal.max_seconds is not None and known.seconds > self.goal.max_seconds:
            known.paused, stop = False, True
        return stop

    def tell(self, spec: Spec, row: Mapping[str, Any]) -> None:
        """Hear how a trial ended or that it is paused, and tell both studies."""
        known = self._studies.known[spec.key]
        self._at_work.discard(spec.key)
        self._hear_ledger(known)  # epochs whose worker was killed in telling
        if known.paused and row["status"] == "pruned":
            self._studies.note(known, "paused")
            return
        known.paused = False
        self._studies.end(known, row)

    def _hear_ledger(self, known: Known) -> None:
        self._studies.hear(known, self._ledger.record(known.spec.key).epochs())

    # The suggestions.

    def _suggest(self) -> Known | None:
        """Add to the studies a spec that they do not hold and that keeps to --max-params; None if there is none."""
        begun = time.perf_counter()
        if self._studies.is_long:
            self._studies.forget(self._next_sampler())
        asked = self._next_cell() if self.sampler == "grid" else self._ask_sampler()
        if asked is None:
            return None
        spec, trial = asked
        answered = self._ledger.record(spec.key).result() is not None
        return self._studies.add(spec, trial, answered, time.perf_counter() - begun)

    def _ask_sampler(self) -> tuple[Spec, Trial] | None:
        for _ in range(REPEATS):
            spec, trial = self._asked()
            if spec is not None and self._is_new(spec):
                return spec, trial
            self._studies.asked.tell(trial, state=TrialState.FAIL)
        return self._random_spec()

    def _random_spec(self) -> tuple[Spec, Trial] | None:
        """Return any spec that is left, where the sampler insists on those it knows."""
        for _ in range(RANDOM_TRIES):
            params: dict[str, Any] = {}
            spec = self._drawn(lambda name, axis: params.setdefault(name, draw(self._random, axis)))  # noqa: B023
            if spec is not None and self._is_new(spec):
                return self._asked_for(spec, params)
        if math.isfinite(self.space.size):
            return self._next_cell()
        if self._budget is not None:  # nothing that the rest of it has room for
            return None
        raise SearchError(f"{RANDOM_TRIES:,} random specs hold no new one within the limits; widen them or the axes")

    def _next_cell(self) -> tuple[Spec, Trial] | None:
        for params in self.space.cells():
            spec = self.space.draw(lambda name, axis: params[name])  # noqa: B023
            if self._is_new(spec):
                return self._asked_for(spec, params)
        return None

    def _asked_for(self, spec: Spec, params: Mapping[str, Any]) -> tuple[Spec, Trial]:
        self._studies.asked.enqueue_trial(dict(params))
        return spec, self._asked()[1]

    def _asked(self) -> tuple[Spec | None, Trial]:
        """Return what the sampler suggests, None for values that make no network together, and its trial."""
        trial = self._studies.asked.ask()
        return self._drawn(lambda name, axis: suggested(trial, name, axis)), trial

    def _drawn(self, choose: Callable[[str, Axis], Any]) -> Spec | None:
        try:
            return self.space.draw(choose)
        except SpecError:
            return None

    def _is_new(self, spec: Spec) -> bool:
        limit = self.goal.max_params
        if spec.key in self._studies.known or (limit is not None and parameters(spec, self._output) > limit):
            return False
        left = self._until - time.monotonic()
        return left == math.inf or self._seconds_of(spec) <= left
