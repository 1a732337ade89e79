"""The report's beginning: what the ledger holds, what of it is shown, what is missing, and what the numbers are."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.document import (
    GENERATED,
    Block,
    Box,
    Code,
    Command,
    Link,
    List,
    Section,
    Strong,
    Table,
    Text,
    plural,
    printed,
    text,
)
from analysis.frames.trials import PUBLISHED_EPOCHS, STATUSES, blocks, finished, records, status_counts
from analysis.sections.answer import answer_blocks
from analysis.sections.commands import FACTORIAL_COMMAND, REPORT_COMMAND
from analysis.sections.source import Source, data_name
from rnnsweep.space import SYSTEMS

PATHS = {"packed": "padding computed once (packed)", "keras": "the Keras layers"}
SCOPE_RULE = (
    "Where the ledger holds the eight systems in several variants, one is shown: variants with a finished trial before "
    "those without, real data before generated, all reviews before a subset, then more reviews, the published epochs "
    "before others, then more epochs, then more finished trials."
)
SOME_GENERATED = (
    " of the data is generated.",
    " The embedded corpus holds generated reviews, not real ones. Its figures show how the networks learn from made-up "
    "rules; they prove nothing about real reviews, and are not comparable with the published ones beside them. They "
    "are marked wherever they appear.",
)
NUMBERS = [
    text(
        Strong("Last epoch (as published):"),
        " accuracy by the weights of the last epoch. The original published these.",
    ),
    text(
        Strong("Best epoch by validation accuracy, then the test set once:"),
        " the weights of the epoch with the best validation accuracy, the first of equals. The study uses these, and "
        "only from trials whose validation reviews were held out of the training reviews.",
    ),
    text(
        Strong("Intervals"),
        " are of 95 %, and need two seeds. Of claims, of marginal means and of ranked networks they are for other "
        "seeds and other test reviews, both random; of one network's own tables, for other seeds on these test "
        "reviews. None is about other training reviews or another split of them, which all trials share. ± is the "
        "standard deviation of n values, of n − 1 degrees of freedom. pp: percentage points.",
    ),
    text(
        Strong("Published"),
        " is what the original report printed: one run each, on IMDB. It does not state its optimizer; Adam with a "
        "learning rate of 0.001, Keras's default, is our choice.",
    ),
]


def overview(source: Source) -> list[Block]:
    """Return what stands above the first section: the answer, and what must not be overlooked."""
    trials, warnings = source.trials, source.contents.warnings
    beside = ", beside the published results of the original's eight networks" if len(trials) else ""
    said = plural(len(warnings), "warning")
    warned = [text(Link(f"{said} while reading the ledger", "ledger"), small=True)] if warnings else []
    return [
        text(f"A report on {plural(len(trials), 'trial')}{beside}."),
        *_generated(trials),
        *(answer_blocks(source) if len(trials) else _held(trials)),
        *warned,
    ]


def ledger_section(source: Source) -> Section:
    """Return what the ledger holds, what of it is shown, what is missing, and what the numbers are."""
    held = _held(source.trials) if len(source.trials) else []
    blocks: list[Block] = [
        *held,
        *_shown(source.scopes),
        *_missing(source.trials, source.shown),
        *_warnings(source.contents.warnings),
        Section("What the numbers are", 3, [List(NUMBERS)]),
    ]
    return Section("What the ledger holds", 2, blocks, anchor="ledger", listed="The ledger")


def none_of_the_eight(trials: pd.DataFrame) -> bool:
    """Return whether no trial, finished or not, is of the original's eight networks."""
    return not (trials["system"] != "").any()


def unfinished_systems(shown: pd.DataFrame) -> list[str]:
    """Return the ids of the eight systems that have no finished trial among those shown."""
    done = set(finished(shown)["system"])
    return [name for name in SYSTEMS if name not in done]


def _generated(trials: pd.DataFrame) -> list[Block]:
    if not len(trials) or trials["real"].all():
        return []
    which = "Some" if trials["real"].any() else "All"
    return [Box("generated", [text(Strong(which + SOME_GENERATED[0]), SOME_GENERATED[1])])]


def _held(trials: pd.DataFrame) -> list[Block]:
    if not len(trials):
        empty = Strong("The ledger is empty: no trial is in it.")
        return [Box("note", [text(empty, " The report's eight networks are trained by ", Code(REPORT_COMMAND), ".")])]
    return [_counts(trials), *_computed(trials)]


def _counts(trials: pd.DataFrame) -> Table:
    counts = status_counts(trials)
    rows = [
        [data_name(trials[trials["data"] == data]), *map(str, row), str(sum(row))]
        for data, row in zip(counts.index, counts.to_numpy().tolist(), strict=True)
    ]
    return printed(["data", *STATUSES, "all"], rows)


def _computed(trials: pd.DataFrame) -> list[Text]:
    counts: Any = finished(trials).groupby(["path", "device"]).size()
    found = [
        f"{plural(count, 'trial')} on {device or 'an unnamed device'} with {PATHS.get(path, path or 'an unnamed path')}"
        for (path, device), count in counts.items()
    ]
    return [text(f"Computed: {'; '.join(found)}.", small=True)] if found else []


def _shown(scopes: pd.DataFrame) -> list[Block]:
    if not len(scopes):
        return []
    first, *others = (_scope_text(scope) for scope in records(scopes))
    also: list[Block] = [text("The ledger also holds:"), List([text(other) for other in others])] if others else []
    return [
        text(Strong("The eight systems are shown as trained on:"), f" {first}."),
        *also,
        text(SCOPE_RULE, small=True),
    ]


def _scope_text(scope: Any) -> str:
    generated = "" if scope.real else f" ({GENERATED})"
    epochs = "the published epochs" if scope.epochs == PUBLISHED_EPOCHS else plural(scope.epochs, "epoch")
    return (
        f"{scope.data}{generated}, {epochs}: {scope.systems} of 8 systems, "
        f"{plural(scope.finished, 'finished trial')} of {scope.trials:,}"
    )


def _missing(trials: pd.DataFrame, shown: pd.DataFrame) -> list[Block]:
    found: list[Block] = []
    names = unfinished_systems(shown)
    if names and not none_of_the_eight(trials):
        have = "has" if len(names) == 1 else "have"
        said = f" {len(names)} of the eight systems {have} no finished trial: {', '.join(names)}. They are trained by"
        found += [text(Strong("Missing:"), said), Command(REPORT_COMMAND)]
    if len(trials) and not len(blocks(trials)):
        found.append(
            text(
                "No network with held-out validation is finished yet; the grid over cell, depth, num_words and max_len "
                "is trained by ",
                Code(FACTORIAL_COMMAND),
                ".",
            )
        )
    return found


def _warnings(warnings: list[str]) -> list[Block]:
    if not warnings:
        return []
    said = f"{plural(len(warnings), 'warning')} while reading the ledger"
    return [Box("warning", [text(Strong(said)), List([text(warning) for warning in warnings])])]
