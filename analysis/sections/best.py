"""The best network: by what rule it was chosen, the command that trains it again, and all that is known of it."""

from __future__ import annotations

import pandas as pd

from analysis.document import Block, Box, Code, Name, Section, Span, Strong, number, plural, text
from analysis.frames.networks import studied
from analysis.frames.trials import blocks
from analysis.sections.commands import train_again
from analysis.sections.leaderboard import passed
from analysis.sections.network import network_blocks
from analysis.sections.source import Source, data_name, generated_box, label
from rnnsweep.choice import networks, title_of

NONE = "There is none yet: no network with held-out validation is finished."
OPTIMISM = (
    "These seeds chose it, so that both accuracies are too high on average: the test set took no part in the choice, "
    "but a seed that is lucky is so on both. What it is worth, only fresh seeds say, which"
)
CONFIRM = "python sweeps/search.py --confirm"
FRESH = (
    "{count} of these seeds chose it, in a search, so that both accuracies are somewhat too high on average; "
    "the others, {fresh}, have {val} and {test} by themselves."
)
ONE_SEED = " It is of one seed: another seed may put another network first."


def best_section(source: Source) -> Section:
    """Return the section of the network with the best mean validation accuracy of the first data block."""
    found = blocks(source.trials)
    if len(found):
        inside: list[Block] = _best(source, source.trials[source.trials["key"].isin(found["keys"].iloc[0])])
    else:
        inside = [Box("note", [text(NONE)])]
    return Section("The best network", 2, inside, anchor="best", listed="The best network")


def _best(source: Source, trials: pd.DataFrame) -> list[Block]:
    ranked = networks(trials)
    best = ranked.iloc[0]
    chosen = trials[trials["key"].isin(best["keys"])]
    spec = source.contents.specs[chosen["key"].iloc[0]]
    system = str(chosen["system"].iloc[0])
    said = (
        f": the best mean {title_of(best['measure'])}, {number(best['val'])} (n={best['n']}), of "
        f"{plural(int(ranked['ranked'].sum()), 'network')} on {data_name(chosen)}, {plural(spec.epochs, 'epoch')}; "
        f"test accuracy {number(best['test_accuracy'])}. "
    )
    once = ONE_SEED if best["n"] == 1 else ""
    return [
        text(
            Strong(label(spec)), " " * bool(system), Name(system), said, *_worth(source, chosen, best["measure"]), once
        ),
        *passed(source, str(chosen["data"].iloc[0])),
        *generated_box(bool(chosen["real"].iloc[0])),
        *train_again("Trained again by", spec, source.contents.sources),
        *network_blocks(source, "best", chosen, None),
    ]


def _worth(source: Source, chosen: pd.DataFrame, measure: str) -> list[str | Span]:
    """Return in words how far these accuracies may be too high: fresh seeds of what a search suggested are not."""
    fresh = studied(chosen, source.contents.suggestions)
    if len(fresh) in (0, len(chosen)):
        return [f"{OPTIMISM} ", Code(CONFIRM), " trains."]
    val, test = number(fresh[measure].mean()), number(fresh["test_accuracy"].mean())
    count = len(chosen) - len(fresh)
    return [FRESH.format(count=count, fresh=plural(len(fresh), "fresh one"), val=val, test=test)]
