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

from optuna.trial import Trial, TrialState

from rnnsweep.ledger import Ledger
from rnnsweep.network.cost import parameters
from rnnsweep.network.output import output_of
from rnnsweep.search.goal import Goal, SearchError
from rnnsweep.search.samplers import make_sampler, suggested
from rnnsweep.search.studies import Known, Studies, default_url, ended_as
from rnnsweep.space import Range, SearchSpace, draw
from rnnsweep.spec import Spec
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
        trials: int,
        ledger: Ledger,
        *,
        sampler: str = "tpe",
        sampler_seed: int = 1,
        pruner: str | None = "median",
        name: str | None = None,
        url: str | None = None,
        classes: int = 2,
        multilabel: bool = False,
    ) -> None:
        """Search for so many trials, those of earlier runs included; raises `SearchError` on what cannot be.

        `classes` and `multilabel` are of the data: so many units have the outputs of its networks.
        """
        if sampler == "grid" and not math.isfinite(space.size):
            ranges = ", ".join(name for name, axis in space.axes.items() if isinstance(axis, Range))
            raise SearchError(f"sampler grid needs values to choose among, and these are ranges: {ranges}; give values")
        self.space, self.goal, self.trials, self.sampler = space, goal, trials, sampler
        self.pruner = pruner if goal.watched else None
        self.name = name or space.name
        if not re.fullmatch(r"[\w.-]+", self.name):
            raise SearchError(f"--name is {name!r}; give letters, digits, '.', '_' and '-'")
        self.url = url or default_url(ledger)
        if url is not None and re.fullmatch(r"sqlite(\+\w+)?://(/|/:memory:)?", url):
            raise SearchError(f"--study {url} keeps nothing: it is in memory; give sqlite:///FILE, or leave it out")
        # Hears what the ledger answered.
        self.on_known: Callable[[Spec, Row], None] = lambda spec, row: None
        self._ledger, self._output = ledger, output_of(classes, multilabel)
        self._sampler_seed = sampler_seed
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
        return ended, max(self.trials, len(said)) - ended

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
        settings |= {"trials": self.trials, "sampler": self.sampler, "pruner": self.pruner or "none"}
        self._ledger.write_study(self.name, (self._ledger.study(self.name) or {}) | settings | found)

    def __enter__(self) -> Search:
        """Open the record and go on from the ledger; raises `SearchError` if the study is another's or in use."""
        self._begun.extend(self._studies.open())
        # Not the same numbers again.
        self._studies.asked.sampler = make_sampler(self.sampler, self._sampler_seed + self.begun)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let others at the study."""
        self._studies.close()

    # The queue.

    def __length_hint__(self) -> int:
        """How many trials are still to be handed out, if the ledger answers none of them."""
        return max(self.trials - self.begun, 0) + len(self._begun)

    def ask(self) -> Spec | None:
        """Return the next spec to train, begun ones first; None when there are as many trials as asked for."""
        if self._begun:
            return self._begun.popleft()
        while self.begun < self.trials:
            known = self._suggest()
            if known is None:
                return None
            self._hear_ledger(known)  # another search's epochs, perhaps
            row = self._ledger.record(known.spec.key).result() if known.answered else None
            if row is None:
                return known.spec
            self._studies.end(known, row)
            self.on_known(known.spec, row)
        return None

    def report(self, spec: Spec, row: Mapping[str, Any]) -> bool:
        """Hear an epoch's row; return whether to stop the trial there."""
        known = self._studies.known[spec.key]
        stop = self._studies.hear(known, [row])
        return stop or (self.goal.max_seconds is not None and known.seconds > self.goal.max_seconds)

    def tell(self, spec: Spec, row: Mapping[str, Any]) -> None:
        """Hear how a trial ended, and tell both studies."""
        known = self._studies.known[spec.key]
        self._hear_ledger(known)  # epochs whose worker was killed in telling
        self._studies.end(known, row)

    def _hear_ledger(self, known: Known) -> None:
        self._studies.hear(known, self._ledger.record(known.spec.key).epochs())

    # The suggestions.

    def _suggest(self) -> Known | None:
        """Add to the studies a spec that they do not hold and that keeps to --max-params; None if there is none."""
        begun = time.perf_counter()
        asked = self._next_cell() if self.sampler == "grid" else self._ask_sampler()
        if asked is None:
            return None
        spec, trial = asked
        answered = self._ledger.record(spec.key).result() is not None
        return self._studies.add(spec, trial, answered, time.perf_counter() - begun)

    def _ask_sampler(self) -> tuple[Spec, Trial] | None:
        for _ in range(REPEATS):
            spec, trial = self._asked()
            if self._is_new(spec):
                return spec, trial
            self._studies.asked.tell(trial, state=TrialState.FAIL)
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
        self._studies.asked.enqueue_trial(dict(params))
        return self._asked()

    def _asked(self) -> tuple[Spec, Trial]:
        trial = self._studies.asked.ask()
        return self.space.draw(lambda name, axis: suggested(trial, name, axis)), trial

    def _is_new(self, spec: Spec) -> bool:
        limit = self.goal.max_params
        return spec.key not in self._studies.known and (limit is None or parameters(spec, self._output) <= limit)
