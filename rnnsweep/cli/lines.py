"""The linear lines of a sweep: for which settings they are computed, and the bar that the networks have to pass."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from rnnsweep import choice
from rnnsweep.baselines import (
    Baseline,
    BaselineSettings,
    baseline_files,
    baseline_key,
    read_baselines,
    refit_key,
    refitted,
)
from rnnsweep.cli import screen
from rnnsweep.cli.lines_beside import PATIENCE, Answer, answered, beside
from rnnsweep.data import Dataset, split
from rnnsweep.data.split import Parts, shared_with_training
from rnnsweep.ledger import SETTING, Ledger, LedgerFrames, lines_of, refitted_pairs
from rnnsweep.refits import reason_against, refit
from rnnsweep.spec import NONE_HELD_OUT, Spec

MOST = 12  # settings that a sweep computes lines for, where there are more of them
# One core of a 2024 server, of the four lines together, measured on IMDB (20,000 of 25,000 reviews to train on).
SETTING_SECONDS, TOKEN_SECONDS = 0.3, 2.4e-6
PROCESS_MB, TOKEN_MB = 200, 1e-4  # at most, of the largest setting, as measured there (1.6 GB)
WORTH_A_PROCESS = 4.0  # seconds of lines; one that begins has imported scikit-learn after two


def settings_of(specs: Iterable[Spec]) -> dict[str, Spec]:
    """Return a spec for each setting that these specs' lines need, by the key of the lines.

    Where that are more than `MOST`, each vocabulary is taken at the largest length only, and where that are still as
    many, only the largest vocabulary. Without held-out texts no C can be chosen, so that there are no lines.
    """
    held = (spec for spec in specs if spec.validation != NONE_HELD_OUT)
    found = {baseline_key(BaselineSettings.of(spec)): spec for spec in held}
    for names in (["num_words"], []):
        if len(found) <= MOST:
            break
        found = _largest(found, names)
    return found


def _largest(found: dict[str, Spec], names: Sequence[str]) -> dict[str, Spec]:
    """Return of all settings that are equal but for lengths and vocabularies, these `names` apart, the largest one."""
    kept: dict[str, str] = {}
    for key, spec in sorted(found.items(), key=lambda item: (item[1].max_len, item[1].num_words, item[0])):
        fields = asdict(BaselineSettings.of(spec))
        alike = repr([value for name, value in fields.items() if name not in ("max_len", "num_words") or name in names])
        kept[alike] = key
    return {key: found[key] for key in kept.values()}


def lacking(specs: Iterable[Spec], ledger: Ledger, options: argparse.Namespace) -> list[Spec]:
    """Return a spec for each setting whose lines the ledger does not have, by its last listing."""
    if not options.baselines:
        return []
    known = ledger.baseline_keys()
    return [spec for key, spec in settings_of(specs).items() if key not in known]


def seconds_of(specs: Iterable[Spec], dataset: Dataset) -> float:
    """Return what the lines of these settings should take on one core."""
    return sum(SETTING_SECONDS + TOKEN_SECONDS * _tokens(spec, dataset) * _fits(dataset) for spec in specs)


def _tokens(spec: Spec, dataset: Dataset) -> int:
    """Return how many words of the data a spec's networks and lines see."""
    parts = split(spec, dataset)
    sets = (parts.train, parts.validation, parts.test)
    return sum(int(np.minimum(reviews.lengths, spec.max_len).sum()) for reviews in sets)


def _fits(dataset: Dataset) -> float:
    """Return how much longer than of two classes the lines take: one class, or label, against the rest at a time."""
    many = len(dataset.classes)
    if dataset.multilabel:
        return float(many)
    return 1.0 if many == 2 else many / 2  # as measured: a class of 16 takes half as long as two classes


def compute(console: Console, specs: Sequence[Spec], ledger: Ledger, dataset: Dataset) -> None:
    """Compute the lines of these settings and write them; what has none, as texts of one class, is a warning."""
    for number, spec in enumerate(specs, 1):
        with console.status(f"linear lines, setting {number} of {len(specs)}"):
            _write(console, spec, answered(*_asked(spec, dataset)), ledger, dataset)


def while_training(
    console: Console, specs: Sequence[Spec], ledger: Ledger, dataset: Dataset, free_mb: float, processes: int = 1
) -> contextlib.AbstractContextManager[None]:
    """Compute and write the lines of these settings while what is within goes on, beside which so many MB are free.

    In so many processes, or fewer where these have too little memory or nothing to do. At once, before what is within,
    where there is no memory for one, or it would not pay.
    """
    needed_mb = PROCESS_MB + TOKEN_MB * max((_tokens(spec, dataset) for spec in specs), default=0)
    processes = min(processes, len(specs), int(free_mb // needed_mb))
    if processes < 1 or seconds_of(specs, dataset) < WORTH_A_PROCESS:
        compute(console, specs, ledger, dataset)
        return contextlib.nullcontext()

    def take(place: int, answer: Answer) -> None:
        _write(console, specs[place], answer, ledger, dataset)

    asked = [_asked(spec, dataset) for spec in specs]
    patience = max(PATIENCE, 3 * max(seconds_of([spec], dataset) for spec in specs))
    return beside(asked, take, lambda: console.status("linear lines"), processes, patience)


def _asked(spec: Spec, dataset: Dataset) -> tuple[Parts, BaselineSettings]:
    return split(spec, dataset), BaselineSettings.of(spec)


def _write(console: Console, spec: Spec, answer: Answer, ledger: Ledger, dataset: Dataset) -> None:
    if isinstance(answer, ValueError):
        reason = (str(answer).splitlines() or ["no reason given"])[0]
        where = f"{spec.num_words:,} words, {spec.max_len:,} steps"
        screen.print_warning(console, f"no linear lines for {where}: {reason}; --no-baselines leaves them out")
        return
    _add_facts(answer, spec, dataset)
    ledger.write_baselines(baseline_key(BaselineSettings.of(spec)), *baseline_files(answer))


def compute_refits(console: Console, specs: Iterable[Spec], ledger: Ledger, dataset: Dataset) -> None:
    """Train the lines of these specs' settings again on all texts, each with its C, and write what is not there."""
    known = ledger.baseline_keys()
    for spec in settings_of(specs).values():
        settings = BaselineSettings.of(spec)
        files = ledger.read_baselines(baseline_key(settings))
        if files is None or refit_key(settings) in known or reason_against(spec):
            continue
        with console.status(f"linear lines on all texts, {spec.num_words:,} words, {spec.max_len:,} steps"):
            chosen = {line.row["model"]: line.row["C"] for line in read_baselines(*files)}
            whole = refit(spec, spec.epochs, spec.seed)
            again = refitted(split(whole, dataset), settings, chosen)
            _add_facts(again, whole, dataset)
            ledger.write_baselines(refit_key(settings), *baseline_files(again))


def refitted_lines(frames: LedgerFrames, specs: Iterable[Spec]) -> pd.DataFrame:
    """Return a row per model of the specs' data: the best of its lines by validation, and the same trained on all.

    Columns: title, num_words, max_len, test_accuracy, refit_accuracy.
    """
    settings = {_setting(*(getattr(spec, name) for name in SETTING)) for spec in specs}
    both = refitted_pairs(frames.baselines, frames.refits)
    columns = zip(*(both[name] for name in SETTING), strict=True)
    here = both[np.array([_setting(*values) in settings for values in columns], bool)]
    best = here.sort_values("val_accuracy", ascending=False, kind="stable").drop_duplicates("model")
    return best[["title", "num_words", "max_len", "test_accuracy", "refit_accuracy"]].reset_index(drop=True)


def _add_facts(lines: Sequence[Baseline], spec: Spec, dataset: Dataset) -> None:
    """Add to the rows what only the data knows: their name, the number of classes, and accuracies without copies."""
    kept = ~shared_with_training(spec, dataset)
    labels = split(spec, dataset).test.labels[kept]
    for line in lines:
        right = line.predicted[kept] == labels
        distinct = float((right.all(1) if right.ndim == 2 else right).mean()) if len(labels) else None
        line.row.update(
            dataset=dataset.name,
            classes=len(dataset.classes),
            test_shared=int((~kept).sum()),
            test_accuracy_distinct=distinct,
        )


def print_best(console: Console, frames: LedgerFrames, specs: Sequence[Spec]) -> None:
    """Print the best network on the data and settings of these specs, beside the best linear line on that data.

    Both are chosen by validation, and of the networks all count that the ledger has, with all of their seeds.
    """
    settings = {_setting(*(getattr(spec, name) for name in SETTING)) for spec in specs}
    columns = zip(*(frames.trials[name] for name in SETTING), strict=True)
    trials = frames.trials[[_setting(*values) in settings for values in columns]]
    done = trials[trials["status"] == "finished"]
    found = choice.networks(choice.held_out(done))
    if len(found):
        best = found.iloc[0]
        spec = frames.specs[best["key"]]
        print_against(console, frames, spec, best["test_accuracy"], int(best["n"]))
        print_measure(console, frames, spec, best)


def _setting(reviews: Any, validation: Any, *others: Any) -> tuple[Any, ...]:
    """Return values that are equal in a spec and in the trials' frame, which has its own words for some."""
    return 0 if reviews is None or reviews is pd.NA else int(reviews), str(validation), *others


def print_measure(console: Console, frames: LedgerFrames, spec: Spec, best: Any) -> None:
    """Print the same of what a row of `choice.networks` was chosen by, where that is no accuracy and lines have it."""
    measure = str(best["measure"])
    tested = measure.replace("val_", "test_")
    if measure == choice.ACCURACY or measure not in frames.baselines or tested not in frames.trials:
        return
    found = lines_of(frames.baselines, spec, measure)
    if len(found):
        value = float(frames.trials.loc[frames.trials["key"].isin(best["keys"]), tested].mean())
        screen.print_bar_measure(console, choice.title_of(measure), value, _row(found), tested)


def print_against(console: Console, frames: LedgerFrames, spec: Spec, accuracy: float, seeds: int) -> None:
    """Print a network with its mean test accuracy beside the best linear line on the same data; nothing without one."""
    found = lines_of(frames.baselines, spec)
    if len(found):
        screen.print_bar(console, spec, accuracy, seeds, _row(found))


def _row(found: pd.DataFrame) -> dict[str, Any]:
    return {str(name): value for name, value in found.iloc[0].items()}
