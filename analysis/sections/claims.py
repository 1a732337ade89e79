"""The original's conclusions as claims: each with its verdict, the evidence, and what is wrong with the comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.document import (
    Block,
    Code,
    Link,
    Quote,
    Section,
    Small,
    Strong,
    Table,
    Text,
    Verdict,
    points,
    printed,
    text,
)
from analysis.frames.claims import judge, together
from analysis.frames.trials import records
from analysis.original.claims import CLAIMS, RULE, Claim, published_difference
from analysis.sections.commands import FACTORIAL_COMMAND, SEEDS_COMMAND
from analysis.sections.source import Source

EVIDENCE = text(
    Strong("Eight systems"),
    ": the original's own networks, last epoch, over seeds; all that differs between them differs. ",
    Strong("Matched pairs"),
    ": networks of the ledger that differ in the claimed axis alone, best epoch by validation (training accuracy: last "
    "epoch), a pair's seeds averaged; n counts pairs, and the interval is over the other axes' values, for the reviews "
    "at hand. Where both have an interval, real data goes before generated, and matched pairs decide. “Validation” is "
    "judged on the whole test set on both sides. “Published” differences are of the logs' last epochs, and compare the "
    "different validation reviews that the original had.",
    small=True,
)
MORE = text(
    "What lacks an interval gets one by more seeds, ",
    Code(SEEDS_COMMAND),
    ", or by the grid, ",
    Code(FACTORIAL_COMMAND),
    ".",
    small=True,
)


@dataclass(frozen=True)
class _Judged:
    number: int
    claim: Claim
    sentence: str
    verdict: str
    about: str  # what the verdict is about, where that is not the claim as the original made it
    why: str  # what the deciding evidence lacks
    evidence: Table

    @property
    def anchor(self) -> str:
        return f"claim-{self.number}"


def claims_section(source: Source, published: dict[str, Any], shown: pd.DataFrame) -> Section:
    """Return the verdicts in one table, and a section per claim; `shown` are the trials of the eight systems' scope."""
    found = [_judged(number, claim, source, published, shown) for number, claim in enumerate(CLAIMS, 1)]
    rows = [[text(str(one.number)), text(Link(one.sentence, one.anchor)), _verdict(one)] for one in found]
    blocks: list[Block] = [
        text(RULE),
        EVIDENCE,
        printed(["", "claim", "verdict"], rows, layout="words claims"),
        *([MORE] if any(one.why for one in found) else []),
        *(_section(one) for one in found),
    ]
    return Section("Do the conclusions hold?", 2, blocks, anchor="claims", listed="Do the conclusions hold?")


def _judged(number: int, claim: Claim, source: Source, published: dict[str, Any], shown: pd.DataFrame) -> _Judged:
    evidence = judge(claim, shown, source.trials, source.contents.epochs)
    used = evidence[evidence["used"]]
    return _Judged(
        number,
        claim,
        published["conclusions"][claim.table]["claims"][claim.index],
        together(list(used["verdict"])),
        _about(used),
        "; ".join(f"{row.part}: {row.reason}" for row in records(used) if row.reason),
        _evidence(claim, evidence, published),
    )


def _section(one: _Judged) -> Section:
    about, why = (f" {one.about}" if one.about else ""), (f"({one.why})" if one.why else "")
    blocks: list[Block] = [
        Quote(one.claim.chinese, "zh-Hant"),
        text(Verdict(one.verdict), about, " " * bool(why), Small(why)),
        one.evidence,
        text(Strong("What is wrong with the comparison:"), f" {one.claim.caveat}", small=True),
    ]
    return Section(f"{one.number}. {one.sentence}", 3, blocks, anchor=one.anchor)


def _verdict(one: _Judged) -> Text:
    return text(Verdict(one.verdict), " " * bool(one.about), Small(one.about))


def _about(used: pd.DataFrame) -> str:
    """Return what the verdict is about where that is not the claim as the original made it, or ''."""
    decided = used[used["low"].notna()]
    if not len(decided):
        return ""
    if not decided["real"].all():
        return "about the generated corpus, not about the original's reviews"
    if (decided["dataset"] != "imdb").any():
        return f"about {decided['data'].iloc[0]}, not about the original's reviews"
    parts = [data for data in decided["data"] if "all reviews" not in data]
    return f"on {parts[0]}" if parts else ""


def _evidence(claim: Claim, evidence: pd.DataFrame, published: dict[str, Any]) -> Table:
    original = {part.text: published_difference(part, published) for part in claim.parts}
    columns = ["difference", "evidence", "data", "measured, pp", "95 % interval, pp", "n", "published, pp", "says"]
    rows = [
        [
            row.part,
            row.evidence + (" (decides)" if row.used and pd.notna(row.low) else ""),
            (row.data + ("" if row.real else ", generated")) if row.data else "—",
            points(row.difference),
            "—" if pd.isna(row.low) else f"{points(row.low)} to {points(row.high)}",
            f"{row.first_n}" if pd.isna(row.second_n) else f"{row.first_n}, {int(row.second_n)}",
            points(original[row.part]),
            row.verdict,
        ]
        for row in records(evidence)
    ]
    return printed(columns, rows, layout="words")
