"""TODO docstring of analysis/sections/claims.py."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.document import Table, points, printed
from analysis.frames.claims import judge, together
from analysis.frames.trials import records
from analysis.original.claims import CLAIMS, Claim, published_difference
from analysis.sections.overview import Source


# 4. The claims.
def claims_section(published: dict[str, Any], shown: pd.DataFrame, source: Source) -> list[dict[str, Any]]:
    found = []
    for number_, claim in enumerate(CLAIMS, 1):
        evidence = judge(claim, shown, source.trials, source.contents.epochs)
        used = evidence[evidence["used"]]
        found.append(
            {
                "number": number_,
                "id": f"claim-{number_}",
                "text": published["conclusions"][claim.table]["claims"][claim.index],
                "chinese": claim.chinese,
                "caveat": claim.caveat,
                "verdict": together(list(used["verdict"])),
                "about": _about(used),
                "why": _why(used),
                "evidence": _evidence(claim, evidence, published),
            }
        )
    return found


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


def _why(used: pd.DataFrame) -> str:
    reasons = [f"{row.part}: {row.reason}" for row in records(used) if row.reason]
    return "; ".join(reasons)


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
