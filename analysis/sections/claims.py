"""The original's conclusions as claims: each with its verdict in two families, its numbers and its faults."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.document import (
    Block,
    Code,
    Folded,
    Link,
    List,
    Quote,
    Section,
    Small,
    Span,
    Strong,
    Table,
    Text,
    Verdict,
    p_value,
    plural,
    points,
    points_interval,
    printed,
    text,
)
from analysis.frames.contrasts import CONTROLLED, LEAST_SEEDS, PUBLISHED, ROOT_MEAN_SQUARE, SYSTEM
from analysis.frames.trials import records
from analysis.original.claims import CLAIMS, UNDECIDED, Claim, published_difference
from analysis.sections.commands import FACTORIAL_COMMAND, SEEDS_COMMAND, more_seeds
from analysis.sections.source import Source
from rnnsweep.cells import CELLS

FAMILIES = {PUBLISHED: "as published", CONTROLLED: "controlled"}

RULE = [
    text(
        "Each claim is asked twice. ",
        Strong("As published"),
        ": of the original's own networks after their last epoch, in which all that differs between them differs. ",
        Strong("Controlled"),
        ": the mean difference of all pairs of networks that differ in the claimed axis alone, at the epoch with the "
        "best validation accuracy (training accuracy: the last epoch).",
    ),
    text(
        Strong("Random"),
        " are the seeds, each network's own, and the test reviews, which all networks share: an interval is about "
        "other seeds and other reviews. ",
        Strong("Fixed"),
        " are the networks of the grid, the training reviews and their split: nothing is said of others. Networks that "
        "a search suggested take no part, because validation chose them.",
    ),
    text(
        Strong("Verdict"),
        ": a two-sided p-value from a one-sided test of the claim and one of its contrary; all parts of a claim must "
        "hold, and one that fails is enough, its p-value times the number of parts. Holm's method adjusts it for the "
        "seven claims of a family, and below .05 it decides: of studies in which there is no effect at all, at most "
        "one in twenty says anything false. “Makes little difference” holds where both the mean of the pairs and the "
        "root mean square of their effects are below 1 point.",
    ),
]
NEITHER = "neither the claim nor its contrary is shown"
EVIDENCE = ["family", "difference", "effect, pp", "95 % interval, pp", "p", "Holm p", "seeds", "reviews", "df",
            "could have been shown, pp", "original's logs, pp"]  # fmt: skip
BESIDE = ["family", "difference", "true effects, root mean square, pp", "95 % interval, pp", "p of all equal",
          "where trained, pp", "95 % interval, pp", "not trained", "pairs left"]  # fmt: skip
GROUPS = [("", 2), ("how far the pairs part", 3), ("among the runs that trained: a condition no claim has", 4)]


@dataclass(frozen=True)
class _Judged:
    """A claim and the rows about it: of `Verdicts`, one per family, and those of its parts."""

    number: int
    claim: Claim
    sentence: str
    verdicts: Mapping[str, Any]
    parts: Mapping[str, list[Any]]

    @property
    def anchor(self) -> str:
        return f"claim-{self.number}"


def claims_section(source: Source, published: dict[str, Any]) -> Section:
    """Return the verdicts in one table, and a section per claim."""
    found = [_judged(number, claim, source, published) for number, claim in enumerate(CLAIMS, 1)]
    claims = source.study.verdicts.claims
    lacking = claims[claims["interim"] | claims["reason"].ne("")]
    blocks: list[Block] = [
        _table(found),
        *([_more(lacking, source)] if len(lacking) else []),
        List([*RULE, _interim(source.study.planned)], small=True),
        *(_section(one, source, published) for one in found),
    ]
    return Section("Do the conclusions hold?", 2, blocks, anchor="claims", listed="Do the conclusions hold?")


def _interim(planned: Mapping[str, int]) -> Text:
    """Return what an interim verdict is, by the planned numbers of seeds."""
    return text(
        Strong("Interim"),
        " is a verdict before each network has its planned number of seeds, planned by cell and never by network "
        f"({_counts(planned)}): stopping where a result looks good would make false ones common. "
        "Seeds that one of the eight systems has beyond the plan and the others take no part. "
        f"A verdict on a cell of which some runs fail to train takes at least so many: {_counts(LEAST_SEEDS)}. “Could "
        "have been shown” is the smallest true difference that a test finds with probability .8 at .05 / 7.",
    )


def _counts(seeds: Mapping[str, int]) -> str:
    names = {name: "each of the eight systems" if name == SYSTEM else CELLS[name].title for name in seeds}
    return ", ".join(f"{names[name]} {count}" for name, count in seeds.items())


def _judged(number: int, claim: Claim, source: Source, published: dict[str, Any]) -> _Judged:
    claims, parts = (
        frame[frame["claim"] == number] for frame in (source.study.verdicts.claims, source.study.verdicts.parts)
    )
    return _Judged(
        number,
        claim,
        published["conclusions"][claim.table]["claims"][claim.index],
        {family: records(claims[claims["family"] == family])[0] for family in FAMILIES},
        {family: records(parts[parts["family"] == family]) for family in FAMILIES},
    )


def _more(lacking: pd.DataFrame, source: Source) -> Text:
    """Return which commands train the trials that these claims lack."""
    said: list[str | Span] = []
    if (lacking["family"] == PUBLISHED).any():
        said += [" and ", Code(SEEDS_COMMAND), " (as published)"]
    controlled = lacking[lacking["family"] == CONTROLLED]
    begun = controlled["networks"] > 0  # the others name a grid, too, and have no pair in it
    groups: Any = controlled.groupby([controlled[name].where(begun, "") for name in ("data", "epochs")], sort=False)
    commands: list[list[str | Span]] = []
    for (data, epochs), group in groups:
        cells = {part.cell for number in group["claim"] for part in CLAIMS[number - 1].parts}
        one = _of_grid(data, epochs, cells, source)
        if one not in commands:
            commands.append(one)
    said += [word for one in commands for word in (" and ", *one)]
    if len(controlled):
        said += [" with more ", Code("--seeds"), " (controlled)"]
    return text("What lacks trials gets them by ", *said[1:], ".", small=True)


def _of_grid(data: str, epochs: str, cells: Collection[str], source: Source) -> list[str | Span]:
    """Return the command of the grid of real texts with this data and these epochs, else of the factorial on IMDB."""
    for grid in source.study.grids:
        if grid.real and (grid.data, str(grid.epochs)) == (data, epochs):
            spec = source.contents.specs[grid.ended[0]]
            return more_seeds(spec, [] if "" in cells else sorted(cells), source.contents.sources)
    return [Code(FACTORIAL_COMMAND)]


def _table(found: list[_Judged]) -> Table:
    rows = []
    for one in found:
        row = [text(str(one.number)), text(Link(one.sentence, one.anchor))]
        for family in FAMILIES:
            of = one.verdicts[family]
            row += [text(_effect(of)), text(p_value(of.p_holm)), _verdict(of)]
        rows.append(row)
    columns = ["", "claim"]
    for name in FAMILIES.values():
        columns += [f"{name}, pp (95 % interval)", "Holm p", "verdict"]
    groups = [("", 2), *((name, 3) for name in FAMILIES.values())]
    return printed(columns, rows, groups=groups, layout="words claims")


def _effect(of: Any) -> str:
    if pd.isna(of.effect):
        return "—"
    return points(of.effect) + ("" if pd.isna(of.low) else f" ({points_interval(of.low, of.high)})")


def _verdict(of: Any) -> Text:
    said = [word for word in (_status(of), _about(of)) if word]
    return text(Verdict(of.verdict), " " * bool(said), Small("; ".join(said)))


def _status(of: Any) -> str:
    return "interim" if of.interim and pd.notna(of.effect) else ""


def _about(of: Any) -> str:
    """Return what the verdict is about where that is not the original's reviews, all of them, or ''."""
    if pd.isna(of.effect):
        return ""
    if not of.real:
        return "about the generated corpus, not about the original's reviews"
    if not of.data.startswith("imdb"):
        return f"about {of.data}, not about the original's reviews"
    return "" if "all reviews" in of.data else f"on {of.data}"


def _section(one: _Judged, source: Source, published: dict[str, Any]) -> Section:
    blocks: list[Block] = [
        Quote(one.claim.chinese, "zh-Hant"),
        List([_sentence(name, one.verdicts[family]) for family, name in FAMILIES.items()]),
        _evidence(one, published),
        *_beside(one, source),
        *_pairs(one, source),
        text(Strong("What is wrong with the comparison:"), f" {one.claim.caveat}", small=True),
    ]
    return Section(f"{one.number}. {one.sentence}", 3, blocks, anchor=one.anchor)


def _sentence(name: str, of: Any) -> Text:
    why = of.reason or (_could(of) if of.verdict == UNDECIDED else "")
    said = [word for word in (_status(of), _about(of), why) if word]
    where = f"{of.data}, {of.epochs} epochs, {_counted(of)}; in the interval: {of.random}" if of.networks else ""
    return text(
        Strong(f"{name[:1].upper()}{name[1:]}:"), " ", Verdict(of.verdict), " (" * bool(said), "; ".join(said),
        ")" * bool(said), ". ", Small(where),
    )  # fmt: skip


def _could(of: Any) -> str:
    if pd.isna(of.smallest):
        return NEITHER
    return f"{NEITHER}; a difference of {100 * of.smallest:.2f} points could have been"


def _counted(of: Any) -> str:
    pairs = f" in {plural(of.pairs, 'pair')}" if of.family == CONTROLLED and of.pairs < of.networks else ""
    alone = f", {of.missing} without a partner" if of.family == CONTROLLED and of.missing else ""
    return f"{plural(of.networks, 'network')}{pairs}{alone}"


def _evidence(one: _Judged, published: dict[str, Any]) -> Table:
    original = {part.text: published_difference(part, published) for part in one.claim.parts}
    rows = []
    for family, name in FAMILIES.items():
        of, parts = one.verdicts[family], one.parts[family]
        several = len(parts) > 1
        for part in parts:
            logs = points(original.get(part.part, float("nan"))) if family == PUBLISHED else ""
            holm = "" if several else p_value(of.p_holm)
            p = part.p if several else of.p
            rows.append([name, part.part, *_numbers(part), p_value(p), holm, *_sizes(part), logs])
        if several:
            rows.append([name, "all of these", "", "", p_value(of.p), p_value(of.p_holm), of.seeds, "", "", "", ""])
    return printed(EVIDENCE, rows, layout="two")


def _numbers(part: Any) -> list[str]:
    if part.part.endswith(ROOT_MEAN_SQUARE) and pd.notna(part.effect):  # a size, without a sign
        return [
            f"{100 * part.effect:.2f}",
            "—" if pd.isna(part.low) else f"{100 * part.low:.2f} to {100 * part.high:.2f}",
        ]
    return [points(part.effect), points_interval(part.low, part.high)]


def _sizes(part: Any) -> list[str]:
    reviews = "—" if pd.isna(part.reviews) else f"{part.reviews:,}"
    df = "—" if pd.isna(part.df) else f"{part.df:.1f}"
    return [part.seeds, reviews, df, "—" if pd.isna(part.smallest) else f"{100 * part.smallest:.2f}"]


def _beside(one: _Judged, source: Source) -> list[Block]:
    """Return how far the pairs behind a mean part, and the contrast among the runs that trained."""
    found = source.study.verdicts
    trained = found.trained[found.trained["claim"] == one.number]
    both = trained.merge(found.spreads, on=["claim", "family", "part"], how="left", suffixes=("", "_spread"))
    rows = [
        [
            FAMILIES[row.family],
            row.part,
            "—" if pd.isna(row.rms) else f"{100 * row.rms:.2f}",
            "—" if pd.isna(row.rms_low) else f"{100 * row.rms_low:.2f} to {100 * row.rms_high:.2f}",
            p_value(row.p_equal),
            points(row.effect) if row.failed else "all trained",
            points_interval(row.low, row.high) if row.failed else "",
            f"{row.failed} of {row.n}",
            f"{row.pairs} of {row.of_pairs}",
        ]
        for row in records(both)
    ]
    return [printed(BESIDE, rows, groups=GROUPS, layout="two")] if rows else []


def _pairs(one: _Judged, source: Source) -> list[Block]:
    found = source.study.verdicts
    pairs, falls = (
        frame[(frame["claim"] == one.number) & (frame["family"] == CONTROLLED)] for frame in (found.pairs, found.falls)
    )
    if not len(pairs):
        return []
    if len(falls):
        return _slopes(pairs, falls)
    columns = ["difference", "first", "second", "effect, pp", "95 % interval, pp", "seeds"]
    rows = [
        [row.part, row.first, row.second, points(row.effect), points_interval(row.low, row.high), _seeds(row)]
        for row in records(pairs)
    ]
    summary = text(f"Every pair, each with an interval of its own and no verdict ({len(rows)})")
    return [Folded(summary, [printed(columns, rows, layout="words")])]


def _slopes(pairs: pd.DataFrame, falls: pd.DataFrame) -> list[Block]:
    mean = falls["last_minus_best"].mean()
    said = (
        f"Beside the slopes, as a description: the last epoch's validation accuracy is {-100 * mean:.2f} points below "
        "the network's own best one, on average. It is no evidence of a fall, for a flat curve that only wavers ends "
        "below its best epoch, too."
    )
    ends = dict(zip(falls["first"], falls["last_minus_best"], strict=True))
    columns = ["network", "slope, pp per epoch", "95 % interval, pp", "last − best, pp", "seeds"]
    rows = [
        [row.first, points(row.effect), points_interval(row.low, row.high), points(ends[row.first]), row.first_n]
        for row in records(pairs)
    ]
    summary = text(f"Every network, each with an interval of its own and no verdict ({len(rows)})")
    return [text(said, small=True), Folded(summary, [printed(columns, rows, layout="words")])]


def _seeds(row: Any) -> str:
    return row.first_n if row.first_n == row.second_n else f"{row.first_n}, {row.second_n}"
