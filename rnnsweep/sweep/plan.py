"""The plan of a sweep whose specs are known: which of them the ledger lacks, and what those should take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnsweep.data import Dataset
from rnnsweep.ledger import Ledger
from rnnsweep.machine.memory import memory_here_mb
from rnnsweep.spec import Spec
from rnnsweep.sweep.estimate import Estimate, correction, estimate, longest_first, refusal
from rnnsweep.sweep.machines import Machines, SweepError, cores_here

LEARNED_FROM = 500  # finished trials whose median says how fast the machine is; keys are hashes, so any will do


@dataclass(frozen=True)
class Plan:
    """What a sweep will train, the longest trial first, and the seconds of one core that each should take, by key."""

    specs: list[Spec]
    to_run: list[Spec]
    estimates: dict[str, Estimate]  # of all specs, by key, as if nothing was known of this machine
    seconds: dict[str, float]  # of those to run, by what the ledger's trials took
    slots: int | None  # trials at a time; None: only the cluster knows
    cores: int | None  # that trials share; None: each keeps to its own, or only the cluster knows

    @property
    def done(self) -> int:
        """How many of the specs have a result."""
        return len(self.specs) - len(self.to_run)


def plan(specs: Sequence[Spec], dataset: Dataset, ledger: Ledger, machines: Machines) -> Plan:
    """Return what is left to train of these specs, each once; raises `SweepError` where a machine here is too small."""
    results = ledger.results()
    chosen = list({spec.key: spec for spec in specs}.values())
    estimates = {spec.key: estimate(spec, dataset) for spec in chosen}
    factor = correction(known_estimates(ledger, results, dataset), results)
    to_run = longest_first((spec for spec in chosen if spec.key not in results), estimates)
    if machines.address is None and not machines.gpus_per_trial:
        _refuse_too_large(to_run, estimates)
    seconds = {spec.key: factor * estimates[spec.key].seconds for spec in to_run}
    return Plan(chosen, to_run, estimates, seconds, slots_here(machines), cores_to_share(machines))


def known_estimates(ledger: Ledger, results: Mapping[str, Any], dataset: Dataset) -> dict[str, Estimate]:
    """Return estimates for some finished trials on these reviews, to hold them against what they really took."""
    finished = sorted(key for key, row in results.items() if row["status"] == "finished")
    specs = ledger.specs(finished[:LEARNED_FROM])
    return {key: estimate(spec, dataset) for key, spec in specs.items() if spec.data_sha256 == dataset.sha256}


def slots_here(machines: Machines) -> int | None:
    """Return how many trials run at a time, None where only the cluster knows; raises `SweepError` where none can."""
    if machines.in_process:
        return 1
    if machines.address is not None:
        return machines.max_concurrent  # the cluster knows, once it is reached
    slots = int(cores_here() / machines.least_cpus + 1e-9)
    if not slots:
        raise SweepError(f"--cpus-per-trial is {machines.least_cpus:g}, but there are {cores_here()} cores here")
    return min(slots, machines.max_concurrent or slots)


def cores_to_share(machines: Machines) -> int | None:
    """Return the cores of which trials share those that nothing waits for, None where they do not, or on a cluster."""
    return cores_here() if machines.cpus_per_trial == "auto" and machines.address is None else None


def _refuse_too_large(specs: Sequence[Spec], estimates: Mapping[str, Estimate]) -> None:
    """Raise `SweepError` where a trial cannot fit the memory of this machine, before any of them runs."""
    here = memory_here_mb()
    reasons = (refusal(spec, estimates[spec.key], here) for spec in specs)
    reason = next((found for found in reasons if found), None)
    if reason:
        raise SweepError(reason)
