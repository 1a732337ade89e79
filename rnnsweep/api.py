"""What `import rnnsweep` offers: the scripts' commands as functions that take and return values.

Each raises `UserError`, whose message is one line, where a user can put something right.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import pandas as pd

from rnnsweep import arguments, choice, commands, space
from rnnsweep.data import Dataset, Reading
from rnnsweep.data import load as load_dataset
from rnnsweep.data.vectors import of_vectors
from rnnsweep.data.vocabulary import FILES
from rnnsweep.ensemble import Ensemble
from rnnsweep.errors import UserError
from rnnsweep.ledger import Ledger
from rnnsweep.refits import SEEDS as REFIT_SEEDS
from rnnsweep.refits import compared, reason_against, refits
from rnnsweep.run import BACKENDS, run
from rnnsweep.search import MEASURES, OBJECTIVES, PRUNERS, SAMPLERS, Goal
from rnnsweep.spec import FROM_DATA, Spec, SpecError
from rnnsweep.sweep import (
    Machines,
    Progress,
    SpecList,
    check_objectives,
    cores_to_share,
    correction,
    duration,
    estimate,
    known_estimates,
    plan,
    slots_here,
    wall_seconds,
)
from rnnsweep.sweep.views import console_here
from rnnsweep.sweep.vocabulary import keep_vocabulary

Source = str | PathLike[str] | Dataset
Place = str | PathLike[str]
SEEDS = 5  # fresh ones that confirm a spec, as many as of the command
CONFIRMED = ("n", "mean", "sd", "low", "high")  # of `choice.confirmed`, of the test accuracy


@dataclass(frozen=True)
class Loaded(Dataset):
    """A data set that knows what it was loaded from, which a ledger keeps, so that its networks can be used."""

    source: str = ""
    reading: Reading = dataclasses.field(default_factory=Reading)


def load(data: str | PathLike[str] = "auto", **reading: Any) -> Dataset:
    """Return the texts that `data` names: auto, imdb, reuters, embedded, or a file or folder of your own.

    Of a file, `reading` says what is not to be found out: the fields of `rnnsweep.data.Reading`, such as
    `text_column="review"` or `tokens="characters"`.
    """
    how, source = _reading(reading), fspath(arguments.place("data", data))
    found = load_dataset(source, reading=how)
    fields = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return Loaded(**fields, source=found.name if source == "auto" else source, reading=how)


def grid(preset: str = "factorial", *, seeds: int = 1, depth: Sequence[int] | None = None, **fields: Any) -> list[Spec]:
    """Return the specs of a preset (factorial, report, best or demo), narrowed to some values of a spec's fields.

    A field takes one value or several: `grid(cell=["gru", "lstm"], units=[(100,), (100, 50)], max_len=500, seeds=3)`.
    """
    given = _fields(fields)
    for field, values in given.items():
        if isinstance(values, space.Range):
            raise UserError(f"{field} is {values}, a range, which only a search draws from; give a list of values")
    if "seed" not in given:
        given["seed"] = range(1, arguments.whole("seeds", seeds) + 1)
    return space.preset(preset, given, _depths(depth))


def sweep(
    specs: Iterable[Spec], data: Source = "auto", *, results: Place = "results", machines: Machines | None = None
) -> pd.DataFrame:
    """Train the specs that the ledger lacks, on this data; return the row of each, in their order.

    A trial that failed is a row whose status and error say so. `machines` is where they run, by default on all cores
    here, by Ray; `Machines(backend="in-process")` runs one after another in this process.
    """
    chosen = arguments.several(Spec, "specs", specs, "a list of rnnsweep.Spec, such as rnnsweep.grid(cell='gru')")
    if not chosen:
        raise UserError("there are no specs to train; give some, such as rnnsweep.grid(cell='gru')")
    dataset, where = _dataset(data), _machines(machines)
    wanted = [_on(spec, dataset) for spec in chosen]
    store = _opened(results, dataset)
    _train(wanted, dataset, store, where)
    rows = store.load().trials.set_index("key", drop=False)
    return rows.loc[list(dict.fromkeys(spec.key for spec in wanted))].reset_index(drop=True)


def search(
    trials: int | None,
    data: Source = "auto",
    *,
    results: Place = "results",
    machines: Machines | None = None,
    objectives: Sequence[str] = ("val_accuracy",),
    max_params: int | None = None,
    max_seconds: float | None = None,
    sampler: str = "tpe",
    sampler_seed: int = 1,
    pruner: str | None = "median",
    confirm: int = 0,
    seeds: int = SEEDS,
    name: str | None = None,
    depth: Sequence[int] | None = None,
    budget: float | None = None,
    warm: bool = True,
    **fields: Any,
) -> pd.DataFrame:
    """Let Optuna suggest so many trials, those of earlier calls included; return the row of each, the best first.

    `budget` are seconds beside the trials, or instead of them (None): no trial is begun that would not end within them
    from now, by its estimate. A `warm` search begins with what the ledger knows of the data.
    A field narrows its axis to values, or to a `rnnsweep.Range`. The best `confirm` specs are trained again with
    `seeds` fresh seeds, and the columns n, mean, sd, low and high say their test accuracy by these; the winner is the
    first row. Beside the columns of a sweep there are `number` and `state`, of the study.
    """
    from rnnsweep.search.search import Search

    if trials is None and budget is None:
        raise UserError("neither trials nor budget says when the search ends; give one of them, or both")
    for argument, value in {"trials": trials, "max_params": max_params}.items():
        if value is not None:
            arguments.whole(argument, value)
    for argument, seconds in {"budget": budget, "max_seconds": max_seconds}.items():
        if seconds is not None:
            arguments.above_0(argument, seconds)
    arguments.whole("confirm", confirm, least=0)
    arguments.whole("sampler_seed", sampler_seed, least=0)
    arguments.flag("warm", warm)
    arguments.whole("seeds", seeds)
    if name is not None:
        arguments.a(str, "name", name, "letters, digits, '.', '_' and '-'")
    arguments.one_of("sampler", sampler, SAMPLERS)
    if pruner is not None:
        arguments.one_of("pruner", pruner, PRUNERS)
    if not arguments.several(str, "objectives", objectives, f"a list of some of {', '.join(OBJECTIVES)}"):
        raise UserError(f"objectives are none; give some of {', '.join(OBJECTIVES)}")
    dataset, where = _dataset(data), _machines(machines)
    store = _opened(results, dataset)
    usual: dict[str, Any] = {} if dataset.validation is not None else {"validation": ["grouped"]}
    fixed = {"dataset": dataset.name, "data_sha256": dataset.sha256, **of_vectors(dataset)}
    of_data = {name: [value] for name, value in fixed.items()}
    if objectives[0] in MEASURES:
        usual["select"] = [objectives[0]]
    check_objectives(objectives, dataset)
    axes = space.search_space(usual | _fields(fields) | of_data, _depths(depth))
    goal = Goal(objectives=tuple(objectives), max_params=max_params, max_seconds=max_seconds)
    where = where.unshared() if goal.timed else where
    known = store.results() if budget is not None else {}
    factor = correction(known_estimates(store, known, dataset), known)
    study = Search(
        axes,
        goal,
        trials,
        store,
        sampler=sampler,
        sampler_seed=sampler_seed,
        pruner=pruner,
        name=name,
        classes=len(dataset.classes),
        multilabel=dataset.multilabel,
        warm=warm,
        budget=budget,
        seconds_of=lambda spec: factor * estimate(spec, dataset).seconds,
    )
    with study:
        study.describe()
        _, left = study.progress()
        slots, cores = slots_here(where) or 1, cores_to_share(where)
        with Progress(console_here(), {}, slots, (left, 0.0), test=False, cores=cores) as progress:
            study.on_known = progress.known
            run(study, store, dataset, where, progress)
        best = [spec.key for spec in study.best(study.begun)]
        chosen = study.best(confirm) if confirm else []
        fresh = [spec.replace(seed=spec.seed + added) for spec in chosen for added in range(1, seeds + 1)]
        _train(fresh, dataset, store, where, test=False)
        ranked = choice.confirmed(store.load().trials, [spec.key for spec in chosen], seeds)
        found: dict[str, Any] = {"confirmed": [spec.key for spec in chosen], "seeds": seeds}
        winner = [*ranked["key"], *best][:1]
        study.describe(**found, **({"winner": winner[0]} if winner else {}))
    return _suggested(store, study.name, [*ranked["key"], *best], ranked)


def refit(
    results: Place,
    data: Source = "auto",
    *,
    key: str | None = None,
    seeds: int = REFIT_SEEDS,
    machines: Machines | None = None,
) -> pd.DataFrame:
    """Train the best network of a ledger, or the one of a key, again on training and validation texts together.

    It ends after the median of its seeds' best epochs, of a key after that one trial's, with fresh seeds. Return one
    row: test accuracy and 95 % interval without (test_accuracy, low, high, n) and with the refit (`refit_` before
    each), and their difference.
    """
    from rnnsweep.use.chosen import chosen

    arguments.whole("seeds", seeds)
    dataset, where = _dataset(data), _machines(machines)
    store = _existing(results)
    found = chosen(store, _key(key))
    if found.spec.data_sha256 != dataset.sha256:
        raise UserError(f"{found.spec.key} was trained on {found.spec.dataset}, other texts than these; give its data")
    if reason := reason_against(found.spec):
        raise UserError(f"{found.spec.key} has no refit: {reason}")
    trained = refits(found.specs, [int(epoch) for epoch in found.trials["best_epoch"]], seeds)
    _train(trained, dataset, store, where)
    frames, keys = store.load(), {*found.keys, *(spec.key for spec in trained)}
    return compared(frames.trials, frames.specs, frames.studies, store.predictions, keys)


def ensemble(results: Place = "results") -> Ensemble:
    """Return the ensemble of a ledger's networks that validation chooses: its members, accuracies and costs.

    `predict(results, texts, "ensemble")` asks it. Raises `UserError` where no mean is better than the best network.
    """
    from rnnsweep.use.chosen import ensemble_of

    return ensemble_of(_existing(results))


def ledger(results: Place = "results") -> pd.DataFrame:
    """Return the row of each trial of a ledger, as `tables/trials.csv` of the report has them."""
    return _existing(results).load().trials


def predict(results: Place, texts: Iterable[str], key: str | None = None) -> pd.DataFrame:
    """Return the class and the probabilities of each text, by the best network of a ledger or by the one of a key.

    With `ensemble` for the key it is the mean of several networks' logits, with `refit` that of the seeds of the best
    network that were trained on all texts.
    """
    from rnnsweep.use.predict import predict as predict_texts

    if isinstance(texts, str):
        raise UserError('texts is one text; give a list of them: ["a text"]')
    given = arguments.several(str, "texts", texts, 'a list of texts: ["a text"]')
    return predict_texts(_existing(results), given, _key(key))


def report(results: Place = "results", out: Place = "report") -> Path:
    """Write the report of a ledger into a folder; return the path of its page.

    A process of its own writes it, so that this one keeps its matplotlib, and its own `analysis` if it has one.
    """
    where, into = arguments.place("results", results), arguments.place("out", out)
    words = ["report", "--results", fspath(where), "--out", fspath(into)]
    done = subprocess.run(
        [sys.executable, "-m", commands.PROGRAM, *words], capture_output=True, text=True, check=False
    )  # fmt: skip
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["the report ended without a word"])[-1]
        raise UserError(last.removeprefix(f"{commands.PROGRAM} report: "))
    return Path(out) / "report.html"


def _reading(given: Mapping[str, Any]) -> Reading:
    """Return how a file is to be read; columns may be numbers, files may be words. Raises `UserError`."""
    known = [field.name for field in dataclasses.fields(Reading)]
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise UserError(f"unknown {unknown[0]!r}; what can be said of a file is {', '.join(known)}")
    left = [name for name, value in given.items() if value is None and getattr(Reading(), name) is None]
    values: dict[str, Any] = {name: _said(name, value) for name, value in given.items() if name not in left}
    return Reading(**values)


def _said(name: str, value: Any) -> Any:
    """Return one field of a reading as its class has it; raises `UserError` on another kind of value."""
    if name in FILES and arguments.place(name, value):
        return Path(value)
    if name.endswith("_column"):
        return _named(name, value, "the name of a column, or its number from 1")
    if name in ("label_columns", "classes"):
        remedy = "a list of names, or of numbers"
        return tuple(_named(f"one of {name}", item, remedy) for item in arguments.several(object, name, value, remedy))
    if isinstance(getattr(Reading(), name), bool) or name == "header":
        return arguments.flag(name, value)
    if name in ("min_label", "pieces"):
        return arguments.whole(name, value)
    if name == "positive":
        return _named(name, value, "the name of a class")
    if not arguments.a(str, name, value, "a text"):
        raise UserError(f"{name} is empty; give a text, or leave it out")
    return value


def _named(name: str, value: Any, remedy: str) -> str:
    """Return a name, or a number as one; raises `UserError` on anything else, True and False too."""
    if not isinstance(value, str) and not arguments.is_number(value):
        raise arguments.refusal(name, value, remedy)
    return str(value)


def _fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of each field as a list; units are one value unless they are several networks' units."""
    for name in FROM_DATA:
        if name in fields:
            raise SpecError(f"{name} is what the data says; give data instead")
    return {name: _values(name, value) for name, value in fields.items()}


def _values(name: str, value: Any) -> Any:
    several = isinstance(value, list | tuple | range)
    if isinstance(value, space.Range):
        return value
    if several and not len(value):
        raise UserError(f"{name} has no values; give one, or several as a list")
    if name == "units":
        nested = several and all(isinstance(item, list | tuple) for item in value)
        return [tuple(item) for item in value] if nested else [tuple(value) if several else (value,)]
    return list(value) if several else [value]


def _depths(depth: Sequence[int] | None) -> list[int] | None:
    if depth is None:
        return None
    several = arguments.several(object, "depth", depth, "a list of whole numbers, such as [1, 2]")
    if not several:
        raise UserError("depth has no values; give a list of whole numbers, such as [1, 2]")
    return [arguments.whole("depth", layers) for layers in several]


def _machines(machines: Machines | None) -> Machines:
    remedy = 'rnnsweep.Machines(...), such as rnnsweep.Machines(backend="in-process")'
    chosen = Machines() if machines is None else arguments.a(Machines, "machines", machines, remedy)
    arguments.one_of("the backend of machines", chosen.backend, BACKENDS)
    return chosen


def _key(key: str | None) -> str | None:
    return None if key is None else str(arguments.a(str, "key", key, "the 12 hexadecimal digits of a trial, or best"))


def _dataset(data: Source) -> Dataset:
    return data if isinstance(data, Dataset) else load(data)


def _on(spec: Spec, dataset: Dataset) -> Spec:
    return spec.replace(dataset=dataset.name, data_sha256=dataset.sha256, **of_vectors(dataset))


def _opened(results: Place, dataset: Dataset) -> Ledger:
    """Return the ledger there, which keeps how the data is found again and its words."""
    store = Ledger(arguments.place("results", results))
    store.check_writable()
    if isinstance(dataset, Loaded):
        store.name_data(dataset.sha256, dataset.reading.words(dataset.source))
        keep_vocabulary(store, dataset, dataset.source, dataset.reading, lambda line: warnings.warn(line, stacklevel=4))
    return store


def _existing(results: Place) -> Ledger:
    store = Ledger(arguments.place("results", results))
    if not store.exists():
        raise UserError(
            f"there are no results at {fspath(results)}; make them: rnnsweep.sweep(specs, data, results=...)"
        )
    return store


def _train(specs: list[Spec], dataset: Dataset, store: Ledger, machines: Machines, test: bool = True) -> None:
    """Train what the ledger lacks of these specs: the plan in a line, then a live view."""
    found = plan(specs, dataset, store, machines)
    if not found.to_run:
        return
    console, slots = console_here(), min(found.slots or 1, len(found.to_run))
    about = duration(wall_seconds(found.seconds.values(), slots, found.cores))
    console.print(f"{len(found.specs)} trials: {found.done} done, {len(found.to_run)} to train, about {about} "
                  f"on {slots} slot{'s' * (slots > 1)}", soft_wrap=True)  # fmt: skip
    with Progress(console, found.seconds, slots, test=test, cores=found.cores) as progress:
        run(SpecList(found.to_run), store, dataset, machines, progress)


def _suggested(store: Ledger, study: str, order: Sequence[str], ranked: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a study's trials: those in `order` first, the others by their number behind."""
    frames = store.load()
    said = frames.suggestions[frames.suggestions["study"] == study][["key", "number", "state"]]
    within = ranked.assign(low=ranked["low"].clip(lower=0.0), high=ranked["high"].clip(upper=1.0))
    rows = frames.trials.merge(said, on="key").merge(within[["key", *CONFIRMED]], on="key", how="left")
    place = {key: index for index, key in reversed(list(enumerate(order)))}
    ordered = rows.assign(_place=rows["key"].map(place)).sort_values(["_place", "number"], ignore_index=True)
    return ordered.drop(columns="_place")
