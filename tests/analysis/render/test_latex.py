"""Tables for a paper: escaped, and taken by pdflatex."""

import shutil
import subprocess

import pandas as pd
import pytest

from analysis.render.latex import escaped, latex

HOSTILE = "\x00\x1b[31m\r\n\\end{longtable}\\input{/etc/hostname}% \u202e"
FRAME = pd.DataFrame({
    "a_b": ["50 % & more", '{x}~^\\$#|<>"·×−±\N{SNOWMAN}', HOSTILE], "value": [-0.12345, float("nan"), 1.0]
})  # fmt: skip


def test_characters_that_mean_something_to_latex_are_written_out():
    assert escaped("50 % & a_b") == "50 \\% \\& a\\_b"
    assert "-- \\\\" in latex(FRAME)
    assert "$-$0.1235" in latex(FRAME)


def test_text_of_the_data_ends_no_table_and_runs_nothing():
    said = escaped(HOSTILE)
    assert said.startswith("??[31m??\\textbackslash{}end\\{longtable\\}")
    assert said.isascii()
    assert said.isprintable()


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
