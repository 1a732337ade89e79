"""TODO docstring of analysis/sections/overview.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from analysis.document import GENERATED, plural, printed
from analysis.frames.trials import PUBLISHED_EPOCHS, STATUSES, blocks, finished, records, status_counts
from rnnsweep.ledger import LedgerFrames
from rnnsweep.space import SYSTEMS

REPORT_COMMAND = "python sweeps/grid.py --preset report --data imdb"
SEEDS_COMMAND = f"{REPORT_COMMAND} --seeds 3"
FACTORIAL_COMMAND = "python sweeps/grid.py --data imdb"
SCOPE_RULE = (
    "Where the ledger holds the eight systems in several variants, one is shown: variants with a finished trial before "
    "those without, real data before generated, all reviews before a subset, then more reviews, the published epochs "
    "before others, then more epochs, then more finished trials."
)
Predictions = Callable[[str], dict[str, NDArray[Any]] | None]


@dataclass(frozen=True)
class Source:
    contents: LedgerFrames
    predictions: Predictions
    trials: pd.DataFrame  # prepared


# 1. The head.
def head_section(source: Source, scopes: pd.DataFrame, shown: pd.DataFrame) -> dict[str, Any]:
    trials = source.trials
    counts = status_counts(trials)
    rows = [[data_name(trials[trials["data"] == data]), *map(str, row), str(sum(row))] for data, row in
            zip(counts.index, counts.to_numpy().tolist(), strict=True)]  # fmt: skip
    return {
        "empty": not len(trials),
        "trials": plural(len(trials), "trial"),
        "generated": bool(len(trials)) and not trials["real"].all(),
        "only_generated": bool(len(trials)) and not trials["real"].any(),
        "shown_generated": bool(len(shown)) and not shown["real"].iloc[0],
        "counts": printed(["data", *STATUSES, "all"], rows),
        "scope": _scope_text(records(scopes)[0]) if len(scopes) else "",
        "other_scopes": [_scope_text(scope) for scope in records(scopes)[1:]],
        "scope_rule": SCOPE_RULE,
        "missing": _missing(shown),
        "no_system": not (trials["system"] != "").any(),
        "missing_command": REPORT_COMMAND,
        "seeds_command": SEEDS_COMMAND,
        "factorial_command": FACTORIAL_COMMAND,
        "no_grid": not len(blocks(trials)),
        "warnings": source.contents.warnings,
        "computed": _computed(trials),
    }


def data_name(trials: pd.DataFrame) -> str:
    return str(trials["data"].iloc[0]) + ("" if trials["real"].iloc[0] else f" ({GENERATED})")


def _scope_text(scope: Any) -> str:
    generated = "" if scope.real else f" ({GENERATED})"
    epochs = "the published epochs" if scope.epochs == PUBLISHED_EPOCHS else plural(scope.epochs, "epoch")
    return (
        f"{scope.data}{generated}, {epochs}: {scope.systems} of 8 systems, "
        f"{plural(scope.finished, 'finished trial')} of {scope.trials:,}"
    )


def _missing(shown: pd.DataFrame) -> list[str]:
    done = set(finished(shown)["system"])
    return [name for name in SYSTEMS if name not in done]


def _computed(trials: pd.DataFrame) -> str:
    done = finished(trials)
    counts: Any = done.groupby(["path", "device"]).size()
    words = {"packed": "padding computed once (packed)", "keras": "the Keras layers"}
    return "; ".join(
        f"{plural(count, 'trial')} on {device or 'an unnamed device'} with {words.get(path, path or 'an unnamed path')}"
        for (path, device), count in counts.items()
    )
