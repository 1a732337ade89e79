"""Two networks beside each other, or a network beside a stranger's predictions."""

from __future__ import annotations

from analysis.document import Block, Section, Strong, Table, number, p_value, plural, points, printed, text
from analysis.document import points_interval as interval_of
from analysis.frames.comparison import BEST, Comparison, Side
from analysis.frames.trials import records

ONCE = "Another training of what has one seed may come out otherwise: nothing here says how far."
ALIKE = "Both give the true class of every review the same probability."
REVIEWS = "Reviews are numbered from 0, in the order of the test set; their texts are not in the ledger."


def comparison_section(found: Comparison) -> Section:
    """Return the section of a comparison."""
    epoch = "the best epoch by validation" if found.epoch == BEST else "the last epoch"
    said = (
        f"{points(found.difference)} points of test accuracy, first minus second (95 % interval "
        f"{interval_of(found.low, found.high)}; p {p_value(found.p)})."
    )
    once = min(found.first.seeds, found.second.seeds) == 1
    blocks: list[Block] = [
        text(Strong(said), f" Random in the interval: {found.random}. On {found.data}, {epoch}.{f' {ONCE}' * once}"),
        printed(["", "network", "seeds", "test accuracy", "key"], [_side("first", found.first),
                _side("second", found.second)], layout="two"),
    ]  # fmt: skip
    if len(found.reviews):
        most = f"The {plural(len(found.reviews), 'review')} on which they differ most: {REVIEWS}"
        blocks += [text(most, small=True), _reviews(found)]
    else:
        blocks.append(text(ALIKE, small=True))
    title = f"{found.first.name} beside {found.second.name}"
    return Section(title, 2, blocks, anchor="comparison", listed="Compared")


def _side(place: str, side: Side) -> list[str]:
    seeds = str(side.seeds) if side.key else "a file"
    return [place, side.name, seeds, number(side.accuracy), side.key or "—"]


def _reviews(found: Comparison) -> Table:
    columns = ["review", "true class", "first: probability of it", "second: probability of it"]
    rows = [[str(row.review), row.true, number(row.first, 3), number(row.second, 3)] for row in records(found.reviews)]
    return printed(columns, rows, layout="two")
