"""Which network to use: those that cannot be told from the best, and the linear models they have to pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.document import (
    Block,
    Box,
    Code,
    Folded,
    Link,
    Section,
    Small,
    Strong,
    Table,
    Text,
    interval_text,
    number,
    plural,
    points,
    printed,
    text,
)
from analysis.frames.lines import bar_of, line_name, models
from analysis.frames.trials import records
from analysis.sections.commands import FACTORIAL_COMMAND
from analysis.sections.source import Source, generated_box
from rnnsweep.ledger import COMMONEST

MEANING = text(
    "Networks are ranked by their mean test accuracy at the epoch with the best validation accuracy, each by equally "
    "many seeds, its first ones; a network with fewer has no rank. ",
    Strong("May be the best"),
    " marks those that cannot be told from the best: Hsu's multiple comparisons with the best, of 95 %, for other "
    "seeds and other test reviews; each interval is about these, too, and not corrected for their number. Where many "
    "cannot be told apart, the first of them is the best one only by luck, and its accuracy too high: train the one "
    "you choose again with fresh seeds. Seconds are of the CPU and one run.",
)
NO_LINES = text(
    "No linear model stands beside them: the ledger has none. ", Code(FACTORIAL_COMMAND), " computes them in seconds; "
    "without that bar, nobody knows what a network is worth.",
)  # fmt: skip
COLUMNS = ["rank", "network", "epochs", "seeds", "test accuracy", "95 % interval", "validation", "CPU seconds",
           "may be the best", "key"]  # fmt: skip
NARROW = ["epochs", "validation", "CPU seconds", "key"]
TOP = 10


def leaderboard_section(source: Source) -> Section:
    """Return a section per data with its ranked networks and linear models, or one sentence where nothing is ranked."""
    board = source.study.board
    parts = [_board(source, data, board[board["data"] == data]) for data in board["data"].unique()]
    none = Box("note", [text("No network of a grid with held-out validation is finished.")])
    blocks: list[Block] = [MEANING, *parts] if parts else [none]
    return Section("Which networks may be the best", 2, blocks, anchor="board", listed="Which may be the best")


def _board(source: Source, data: str, rows: pd.DataFrame) -> Section:
    lines = source.study.lines[source.study.lines["data"] == data]
    ranked = rows[rows["rank"].notna()]
    top, rest = rows.head(TOP), rows.iloc[TOP:]
    first = lines.drop_duplicates("model")
    more = [_network(row) for row in records(rest)]
    others = [_line(row) for row in records(models(lines.drop(first.index)))]
    blocks: list[Block] = [
        *_generated(source, data),
        *_ranked(ranked),
        *(passed(source, data) if len(lines) else [NO_LINES]),
        _table(_together(top, first)),
        *([Folded(text(f"The other {plural(len(more), 'network')}"), [_table(more)])] if more else []),
        *([Folded(text("The linear models of other words and lengths"), [_table(others)])] if others else []),
        *_beside(source, data),
        *_copies(source, ranked, lines),
    ]
    return Section(data, 3, blocks)


def _together(networks: pd.DataFrame, lines: pd.DataFrame) -> list[list[str | Text]]:
    """Return the rows of networks and linear models, the highest test accuracy first, what has no rank last."""
    ranked = networks["rank"].notna()
    rows = [(row.test_accuracy, _network(row)) for row in records(networks[ranked])]
    rows += [(row.test_accuracy, _line(row)) for row in records(lines)]
    ordered = [row for _, row in sorted(rows, key=lambda row: -row[0])]
    return ordered + [_network(row) for row in records(networks[~ranked])]


def _generated(source: Source, data: str) -> list[Box]:
    return generated_box(all(grid.real for grid in source.study.grids if grid.data == data))


def _ranked(ranked: pd.DataFrame) -> list[Text]:
    if not len(ranked):
        return [text("Nothing is ranked yet: it takes two seeds of each network.")]
    best = int(ranked["best"].sum())
    used = int(ranked["used"].iloc[0])
    said = f"{best} of {plural(len(ranked), 'network')} may be the best, by {used} seeds of each."
    where = (
        "" if ranked["reviews"].notna().all() else " Without stored predictions: intervals are of this test set only."
    )
    return [text(Strong(said), where)]


def passed(source: Source, data: str) -> list[Text]:
    """Return in words which networks of this data pass the best linear model, or nothing where there is none."""
    bar, board = bar_of(source.study.lines, data), source.study.board
    networks = board[board["data"] == data]
    networks = networks[networks["rank"].notna()] if networks["rank"].notna().any() else networks
    if bar is None or not len(networks):
        return []
    first = networks.sort_values("test_accuracy").iloc[-1]
    above = int((networks["test_accuracy"] > bar["test_accuracy"]).sum())
    if above:
        passing = f"{plural(above, 'network')} of {len(networks)} {'passes' if above == 1 else 'pass'}"
    else:
        passing = "No network passes"
    said = (
        f": {bar['title']} ({bar['num_words']:,} words, {bar['max_len']:,} steps) has {number(bar['test_accuracy'])} "
        f"of the test reviews after {number(bar['seconds'], 1)} s; {first['network']} has "
        f"{number(first['test_accuracy'])} after {number(first['seconds'], 0)} s."
    )
    begin = f"{passing} the best linear model on {data}"
    return [text(Strong(begin), said)]


def _network(row: Any) -> list[str | Text]:
    ranked = pd.notna(row.rank)
    seeds = str(row.n) if not ranked or row.used == row.n else f"{row.used} of {row.n}"
    return [
        str(row.rank) if ranked else "—",
        row.network,
        str(row.epochs),
        seeds,
        number(row.test_accuracy),
        interval_text(row.low, row.high),
        number(row.val_accuracy),
        number(row.seconds, 0),
        "yes" if row.best else "",
        text(Link(row.key, f"trial-{row.key}")),
    ]


def _line(row: Any) -> list[str | Text]:
    """Return a linear model's row; its interval is of other test reviews alone: nothing else in it is random."""
    accuracies = [number(row.test_accuracy), interval_text(row.low, row.high), number(row.val_accuracy)]
    name = text(line_name(row), " ", Small("linear" if row.model != COMMONEST else "no model"))
    return ["—", name, "", "", *accuracies, number(row.seconds, 1), "", ""]


def _table(rows: Sequence[Sequence[str | Text]]) -> Table:
    return printed(COLUMNS, rows, layout="two", narrow=NARROW, anchors=[_anchor(row[-1]) for row in rows])


def _anchor(key: str | Text) -> str:
    """Return what a link to a network's row leads to, '' for a linear model's row."""
    found = [span.to for span in key.spans if isinstance(span, Link)] if isinstance(key, Text) else []
    return found[0].replace("trial-", "network-", 1) if found else ""


def _beside(source: Source, data: str) -> list[Block]:
    """Return the best line and the best network of each words and length."""
    found = source.study.beside[source.study.beside["data"] == data]
    if not len(found):
        return []
    columns = ["num_words", "max_len", "linear model", "its test accuracy", "seconds", "network",
               "its test accuracy, mean", "above, pp"]  # fmt: skip
    rows = [
        [
            f"{row.num_words:,}",
            f"{row.max_len:,}",
            row.line,
            number(row.line_accuracy),
            number(row.line_seconds, 1),
            row.network,
            number(row.network_accuracy),
            points(row.above),
        ]
        for row in records(found)
    ]
    above = int((found["above"] > 0).sum())
    said = (
        "Setting by setting, the best linear model by validation and the best network by the test set, which favours "
        f"the network: it is above in {above} of {len(found)}."
    )
    return [text(said, small=True), printed(columns, rows, layout="two")]


def _copies(source: Source, ranked: pd.DataFrame, lines: pd.DataFrame) -> list[Text]:
    """Return how many test reviews stand in the training set, too, and what is left of accuracies without them."""
    trials = source.trials[source.trials["key"].isin(ranked["key"])]
    known = pd.concat([lines["test_shared"], trials["test_shared"]]).dropna()
    if not len(known) or not known.max():
        return []
    of = [
        (row.title, row.test_accuracy, row.test_accuracy_distinct)
        for row in records(lines[lines["model"] != COMMONEST].head(1))
    ]
    names = dict(zip(ranked["key"], ranked["network"], strict=True))
    of += [(names[row.key], row.test_accuracy, row.test_accuracy_distinct) for row in records(trials.head(1))]
    without = [f"{name}: {number(rest)} instead of {number(whole)}" for name, whole, rest in of if pd.notna(rest)]
    said = (
        f"{plural(int(known.max()), 'test review')} of these are copies of training reviews"
        f"{'; without them, ' * bool(without)}{'; '.join(without)}. All accuracies without them: "
    )
    return [text(said, Code("test_accuracy_distinct"), " in the tables.", small=True)]
