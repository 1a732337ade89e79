"""Tables for a paper: escaped, and taken by pdflatex."""

import shutil
import subprocess

import pandas as pd
import pytest

from analysis.render.latex import escaped, latex

FRAME = pd.DataFrame({"a_b": ["50 % & more", '{x}~^\\$#|<>"·×−±\N{SNOWMAN}'], "value": [-0.12345, float("nan")]})


def test_characters_that_mean_something_to_latex_are_written_out():
    assert escaped("50 % & a_b") == "50 \\% \\& a\\_b"
    assert "-- \\\\" in latex(FRAME)
    assert "$-$0.1235" in latex(FRAME)


def test_pdflatex_takes_a_table_of_every_character(tmp_path):
    if not shutil.which("pdflatex"):
        pytest.skip("pdflatex is not installed")
    (tmp_path / "table.tex").write_text(latex(FRAME))
    (tmp_path / "x.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs,longtable}\\begin{document}\\input{table.tex}\\end{document}"
    )
    found = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "x.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout[-2000:]
    assert (tmp_path / "x.pdf").stat().st_size > 1000
