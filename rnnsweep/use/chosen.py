"""Which network of a ledger is used: the one of a key, the best by the rule that reports and summaries follow, its
refit, or the ensemble of several."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnsweep import choice, commands
from rnnsweep.ensemble import Ensemble, ensemble, mean_of, members_frame
from rnnsweep.errors import UserError
from rnnsweep.ledger import Ledger, LedgerFrames
from rnnsweep.refits import refitted_of
from rnnsweep.spec import NONE_HELD_OUT, Spec
from rnnsweep.stats import ACCURACY, contrast, sample, wilson

BEST, REFIT, ENSEMBLE = "best", "refit", "ensemble"


class UseError(UserError, ValueError):
    """A network that cannot be used; the message names the culprit and the remedy."""


@dataclass(frozen=True)
class Chosen:
    """A network of a ledger, as so many trained seeds, or an ensemble of several, and why it is this one."""

    specs: tuple[Spec, ...]  # a seed each, that of the lowest number first; of an ensemble its members
    trials: pd.DataFrame  # their rows of `LedgerFrames.trials`, in this order
    how: str  # how it was chosen, in one line
    ensemble: Ensemble | None = None

    @property
    def spec(self) -> Spec:
        """The first seed's spec; the others are the same network, but of an ensemble."""
        return self.specs[0]

    @property
    def name(self) -> str:
        """What it is called in a line of what it says: its key, or the ensemble's name."""
        return self.ensemble.name if self.ensemble else self.spec.key

    @property
    def times(self) -> tuple[int, ...]:
        """How often each of the specs counts in their mean."""
        return tuple(self.ensemble.members.values()) if self.ensemble else (1,) * len(self.specs)

    @property
    def words(self) -> str:
        """What names it on a command line."""
        if self.ensemble:
            return REFIT if self.spec.validation == NONE_HELD_OUT else ENSEMBLE
        return BEST if len(self.specs) > 1 else self.spec.key

    @property
    def num_words(self) -> int:
        """Number of ids that the largest vocabulary of them has."""
        return max(spec.num_words for spec in self.specs)

    @property
    def max_len(self) -> int:
        """Steps of a text that the longest of them reads."""
        return max(spec.max_len for spec in self.specs)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of its trials, in the order of the seeds."""
        return tuple(spec.key for spec in self.specs)

    def only(self, key: str) -> Chosen:
        """Return one of its seeds alone."""
        at = self.keys.index(key)
        return Chosen((self.specs[at],), self.trials.iloc[[at]], self.how)

    def median(self) -> Chosen:
        """Return the seed of the median validation accuracy alone, of an even number the better of the two."""
        order = self.trials["val_accuracy"].to_numpy().argsort(kind="stable")
        return self.only(self.keys[int(order[len(order) // 2])])

    def describe(self) -> str:
        """Return what it is in one line: key, network, seeds; of an ensemble its members."""
        if self.ensemble:
            members = ", ".join(f"{key} x {count}" for key, count in self.ensemble.members.items())
            return f"{self.name}  mean logits of {len(self.specs)} networks · {self.spec.dataset} · {members}"
        seeds = ", ".join(str(spec.seed) for spec in self.specs)
        return f"{self.spec.key}  {self.spec.label()} · {self.spec.dataset} · seed{'s' * (len(self.specs) > 1)} {seeds}"


def chosen(ledger: Ledger, key: str | None = None) -> Chosen:
    """Return the network of a key, or with None or `best` the best one of the ledger, its refit, or the ensemble.

    Raises `UseError`.
    """
    frames = ledger.load()
    if key == REFIT:
        return _refit(ledger, frames)
    if key == ENSEMBLE:
        return _ensemble(frames, ensemble_of(ledger, frames))
    return _named(ledger, frames, key) if key not in (None, BEST) else _best(ledger, frames)


def _named(ledger: Ledger, frames: LedgerFrames, key: str | None) -> Chosen:
    trials = frames.trials[frames.trials["key"] == key]
    if not len(trials):
        said = next((line for line in frames.warnings if line.startswith(f"{key}/")), None)
        reason = said or f"there is no trial {key}; give best, or a key of its report"
        raise UseError(f"results {ledger.uri}: {reason}")
    spec, status = frames.specs[str(key)], trials["status"].iloc[0]
    if status != "finished":
        again = shlex.join([*commands.words("one"), *spec.flags(), "--results", ledger.uri])
        raise UseError(f"{key} is {status}, so there is no network of it; give another key, or train it: {again}")
    return Chosen((spec,), trials, "named by its key")


def ensemble_of(ledger: Ledger, frames: LedgerFrames | None = None) -> Ensemble:
    """Return the ensemble of the one data set of a ledger; raises `UseError` where there is none."""
    frames = frames or ledger.load()
    trials = _of_one_data(ledger, _held_out(ledger, frames))
    found = ensemble(frames, ledger.predictions, set(trials["key"]))
    if found is None:
        raise UseError(
            f"results {ledger.uri} has no networks whose mean is better on validation than the best of them; give "
            f"{BEST}, or train more: other seeds or other cells, validated on the same texts"
        )
    return found


def _ensemble(frames: LedgerFrames, found: Ensemble) -> Chosen:
    how = (
        f"mean of the logits, chosen greedily on validation ({found.val_accuracy:.3f}) from the finished networks that "
        "share their validation texts; the test set took no part"
    )
    rows = members_frame(found, frames)
    return Chosen(tuple(frames.specs[key] for key in rows["key"]), rows, how, found)


def _refit(ledger: Ledger, frames: LedgerFrames) -> Chosen:
    """Return the refit of the best network: the mean of the logits of all its seeds."""
    best = _best(ledger, frames)
    rows = refitted_of(best.spec, frames.trials, frames.specs)
    if not len(rows):
        raise UseError(
            f"results {ledger.uri} has no refit of its best network, {best.spec.key}; train one by the command that "
            "trained it and --refit"
        )
    epochs = f"trained on all texts, {rows['epochs'].iloc[0]:.0f} epochs as validated"
    how = f"the refit of {best.spec.key} ({best.how}), {epochs}"
    mean = mean_of(rows, ledger.predictions)
    if mean is None:
        rows = rows.iloc[:1]
    else:
        how += f"; the mean of the logits of its {len(rows)} seeds"
    return Chosen(tuple(frames.specs[key] for key in rows["key"]), rows, how, mean)


def _best(ledger: Ledger, frames: LedgerFrames) -> Chosen:
    trials = _of_one_data(ledger, _held_out(ledger, frames))
    found = _of_search(frames, trials)
    return found if found is not None else _of_networks(frames, trials)


def _held_out(ledger: Ledger, frames: LedgerFrames) -> pd.DataFrame:
    """Return the finished trials that were validated on held-out texts, where there are none those on the test set."""
    done = frames.trials[frames.trials["status"] == "finished"]
    if not len(done):
        train = shlex.join([*commands.words("grid"), "--results", ledger.uri])
        raise UseError(f"results {ledger.uri} has no finished trial; train some, such as by `{train}`")
    validated = done[done["validation"] != NONE_HELD_OUT]
    if not len(validated):
        raise UseError(
            f"results {ledger.uri} has networks that held no texts out, and so no best one; give the key of one: "
            f"{', '.join(done['key'][:3])}"
        )
    return choice.held_out(validated)


def _of_one_data(ledger: Ledger, done: pd.DataFrame) -> pd.DataFrame:
    """Return the trials of the one real data set, and of its subsets of reviews the largest."""
    real = done[done["real_data"].eq(True)]
    trials = real if len(real) else done
    sets = trials.groupby("data_sha256", sort=True)
    if len(sets) > 1:
        best = [choice.networks(_largest(group)).iloc[0] for _, group in sets]
        shown = "; ".join(f"{row['key']} of {row['dataset']}" for row in best)
        raise UseError(
            f"results {ledger.uri} has networks of {len(sets)} data sets, whose accuracies do not compare; give the "
            f"key of one's best: {shown}"
        )
    return _largest(trials)


def _largest(trials: pd.DataFrame) -> pd.DataFrame:
    whole = trials["reviews"].isna()
    return trials[whole] if whole.any() else trials[trials["reviews"] == trials["reviews"].max()]


def _of_search(frames: LedgerFrames, trials: pd.DataFrame) -> Chosen | None:
    """Return the winner of the one search that these trials are of, on fresh seeds; None where it confirmed none."""
    said = frames.suggestions
    names = sorted(set(said.loc[said["key"].isin(trials["key"]), "study"]))
    study = frames.studies.get(names[0], {}) if len(names) == 1 else {}
    confirmed, seeds = study.get("confirmed") or [], int(study.get("seeds") or 0)
    fresh = {key: choice.planned(frames.trials, key, seeds) for key in confirmed}
    known = {*said.loc[said["study"].isin(names), "key"], *(key for rows in fresh.values() for key in rows["key"])}
    ranked = choice.confirmed(frames.trials, confirmed, seeds)
    if not len(ranked) or not set(trials["key"]) <= known:
        return None
    rows = fresh[ranked["key"].iloc[0]].sort_values("seed")
    how = (
        f"best mean {choice.title_of(choice.measure_of(rows))} ({ranked['val'].iloc[0]:.3f}) on fresh seeds, of "
        f"{len(confirmed)} that the "
        f"search {names[0]} confirmed; the test set took no part"
    )
    return Chosen(tuple(frames.specs[key] for key in rows["key"]), rows, how)


def _of_networks(frames: LedgerFrames, trials: pd.DataFrame) -> Chosen:
    ranked = choice.networks(trials)
    best = ranked.iloc[0]
    rows = trials[trials["key"].isin(best["keys"])].sort_values("seed")
    by = f"{choice.title_of(best['measure'])} ({best['val']:.3f})"
    seeds = f"mean {by} over {len(rows)} seeds" if len(rows) > 1 else f"{by} of one seed"
    how = f"best {seeds}, of {int(ranked['ranked'].sum())} networks; the test set took no part"
    return Chosen(tuple(frames.specs[key] for key in rows["key"]), rows, how)


def accuracy_on_test(ledger: Ledger, found: Chosen) -> tuple[float, float, float, str]:
    """Return mean test accuracy, low and high of its 95 % interval, and over what the interval is.

    Of several seeds it is Student's t over seeds, and over the texts where the predictions are there; of one, Wilson's
    over the test texts, which says nothing of other seeds. nan where a record lacks its numbers.
    Of an ensemble it is Wilson's over the test texts, which says nothing of other seeds of its members.
    """
    if found.ensemble:
        texts = f"Wilson's, over {found.ensemble.test_texts:,} test texts of this ensemble"
        return found.ensemble.test_accuracy, *found.ensemble.interval(), texts
    accuracies = found.trials["test_accuracy"].to_numpy(dtype=np.float64)
    mean = float(accuracies.mean())
    if len(accuracies) == 1:
        reviews = (ledger.record(found.keys[0]).result() or {}).get("test_reviews")
        if not isinstance(reviews, int) or not 0 <= mean <= 1:
            return mean, float("nan"), float("nan"), "one seed, its test texts not known"
        return mean, *wilson(round(mean * reviews), reviews), f"Wilson's, over {reviews:,} test texts of one seed"
    decided = contrast([sample(accuracies, choice.right_of_all(map(ledger.predictions, found.keys)))], [1.0], ACCURACY)
    return mean, *decided.interval(), f"Student's t, over {len(accuracies)} seeds"
