"""How long a trial will take and how much memory it will need, before anything runs."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Any

from rnnsweep.cells import OWN
from rnnsweep.data import Dataset, Reviews, split
from rnnsweep.network.cost import parameters, step_flops, training_flops
from rnnsweep.network.output import output_of
from rnnsweep.spec import SELECTIONS, Spec
from rnnsweep.training.measures import check_selection

# One core of a 2024 server. They only seed the estimate: trials that the ledger holds already correct it.
PACKED_FLOPS = 5.5e10  # per second, multiplications and additions of the real time steps, padding computed once
STEP_SECONDS = 0.003  # of a training step, whatever its size: the optimizer's graph, and copies
WEIGHT_SECONDS = 4e-9  # per weight and training step, for the optimizer
TRIAL_SECONDS = 0.4  # to build a network and trace its optimizer
KERAS_TIMES = 4  # slower than packed: the Keras layers, which compute a layer of the user's own (docs/performance.md)
FURTHER_CORE = 0.6  # of a core's speed, what each further one adds to a trial (benchmarks/cores.py)
BASE_MB = 1350.0  # a worker that has imported TensorFlow, compiled the recurrences and trained before


@dataclass(frozen=True)
class Estimate:
    """Wall seconds of a whole trial on one core, and its peak memory in MB."""

    seconds: float
    memory_mb: float


def estimate(spec: Spec, dataset: Dataset) -> Estimate:
    """Return what a trial should take: the floating-point operations of its time steps, and its arrays."""
    output = output_of(len(dataset.classes), dataset.multilabel)
    check_selection(spec, output)
    parts = split(spec, dataset)
    train, validation, test = (_steps(part, spec) for part in (parts.train, parts.validation, parts.test))
    per_step = step_flops(spec) / PACKED_FLOPS
    per_training_step = training_flops(spec) / PACKED_FLOPS
    batches = -(-len(parts.train) // spec.batch_size)
    epoch = train * per_training_step + validation * per_step
    epoch += batches * (STEP_SECONDS + parameters(spec, output) * WEIGHT_SECONDS)
    ids = spec.max_len * (len(parts.train) + len(parts.validation) + len(parts.test))
    slower = KERAS_TIMES if spec.cell == OWN else 1
    return Estimate(
        seconds=TRIAL_SECONDS + slower * (spec.epochs * epoch + 2 * test * per_step),
        memory_mb=BASE_MB + 4 * (2 * ids + 10 * parameters(spec, output)) / 2**20,
    )


def check_objectives(objectives: Iterable[str], dataset: Dataset) -> None:
    """Raise `DataError` where a search looks for what this data does not have, such as an AUROC of three classes."""
    output = output_of(len(dataset.classes), dataset.multilabel)
    for name in objectives:
        if name in SELECTIONS:
            check_selection(Spec(dataset=dataset.name, select=name), output, "the objective")


def refusal(spec: Spec, needed: Estimate, memory_mb: float) -> str | None:
    """Return, in one line, that a trial needs more than these MB of memory; None where it may fit."""
    if needed.memory_mb <= memory_mb:
        return None
    return (
        f"{spec.label()} · {spec.embedding_dim:,} columns · batches of {spec.batch_size:,} needs about "
        f"{needed.memory_mb / 1024:,.0f} GB of memory, and there are {memory_mb / 1024:,.1f} GB; lower units, "
        "num_words, embedding_dim, max_len, batch_size or reviews"
    )


def correction(estimates: Mapping[str, Estimate], results: Mapping[str, Mapping[str, Any]]) -> float:
    """Return by what estimated seconds must be multiplied to fit the results of the same keys.

    The median of measured over estimated, 1 where there is nothing to learn from.
    """
    taken = {key: core_seconds(results[key]) for key in estimates}
    ratios = [seconds / estimates[key].seconds for key, seconds in taken.items() if seconds]
    return median(ratios) if ratios else 1.0


def core_seconds(row: Mapping[str, Any]) -> float:
    """Return the seconds that a trial or an epoch would have taken on one core, by its row; 0 where it does not say.

    Those are its wall seconds, but its CPU's where several cores computed it.
    """
    wall, cpu = float(row.get("seconds") or 0.0), float(row.get("cpu_seconds") or 0.0)
    return max(wall, cpu) if row.get("device", "cpu") == "cpu" else wall


def wall_seconds(seconds: Iterable[float], slots: int, cores: int | None = None) -> float:
    """Return how long trials of so many seconds of one core take, begun in this order, so many at a time.

    Of `cores`, those that no trial waits for are shared by the trials that run. None: each keeps to its own, and the
    trials count as work of which each slot gets as much.
    """
    if cores is None:
        work = list(seconds)
        return sum(work) / max(min(slots, len(work)), 1)
    waiting = iter(seconds)
    ends = list(islice(waiting, slots))  # in seconds of one core since the beginning, as all advance alike
    heapq.heapify(ends)
    wall = done = 0.0
    while ends:
        share = max(cores / len(ends), 1.0)
        end = ends[0]
        wall += (end - done) / (1 + FURTHER_CORE * (share - 1))
        done = end
        following = next(waiting, None)
        if following is None:
            heapq.heappop(ends)
        else:
            heapq.heapreplace(ends, done + following)
    return wall


def longest_first(specs: Iterable[Spec], estimates: Mapping[str, Estimate]) -> list[Spec]:
    """Return the specs by falling estimated time, so that no long trial is left for the end; ties by key.

    Also where trials share cores: one on two cores is less than twice as fast, so few should be left at the end.
    """
    return sorted(specs, key=lambda spec: (-estimates[spec.key].seconds, spec.key))


def _steps(reviews: Reviews, spec: Spec) -> float:
    """Return the steps that are computed of all texts, of two directions their mean."""
    words, all_steps = reviews.steps(spec.max_len), len(reviews) * spec.max_len
    if spec.padding_skipped or spec.padding_shared:
        return words
    return (words + all_steps) / 2 if spec.directions_apart else all_steps
