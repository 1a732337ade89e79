"""A frame as a LaTeX table: booktabs, over as many pages as it needs, with every character of a text as it is."""

from __future__ import annotations

from typing import Any

import pandas as pd

DIGITS = 4
HEAD = "% Needs \\usepackage{booktabs,longtable}; wide tables also \\usepackage{pdflscape}.\n"
OF_LATEX = {
    "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_", "{": "\\{", "}": "\\}",
    "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "·": "\\textperiodcentered{}", "×": "$\\times$",
    "−": "$-$", "±": "$\\pm$", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", '"': "''",
}  # fmt: skip


def latex(frame: pd.DataFrame) -> str:
    """Return a longtable with the frame's columns and rows; numbers with `DIGITS` digits, a dash for none."""
    layout = "".join("r" if pd.api.types.is_numeric_dtype(frame[name]) else "l" for name in frame)
    header = " & ".join(escaped(str(name)) for name in frame) + " \\\\"
    rows = [" & ".join(map(_cell, row)) + " \\\\" for row in frame.itertuples(index=False)]
    lines = [f"\\begin{{longtable}}{{{layout}}}", "\\toprule", header, "\\midrule", "\\endhead", "\\bottomrule"]
    return HEAD + "\n".join([*lines, "\\endfoot", *rows, "\\end{longtable}"]) + "\n"


def escaped(text: str) -> str:
    """Return a text with the characters that mean something to LaTeX written out, and none that pdflatex lacks."""
    return "".join(OF_LATEX.get(one, one if one.isascii() and one.isprintable() else "?") for one in text)


def _cell(value: Any) -> str:
    if pd.isna(value) if pd.api.types.is_scalar(value) else False:
        return "--"
    if isinstance(value, float):
        return f"{value:.{DIGITS}f}".replace("-", "$-$")
    return escaped(str(value))
