"""Predictions of a file: written as they are made, gone on with, and never mixed."""

import pytest

from rnnsweep.data.stream import Source
from rnnsweep.ledger import Ledger
from rnnsweep.use.chosen import UseError, chosen
from rnnsweep.use.predict import Predictor
from rnnsweep.use.rows import predict_file


@pytest.fixture
def asked(trained):
    ledger = Ledger(trained / "results")
    return Predictor(ledger, chosen(ledger))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("id,review\n" + "".join(f'{i},"a great, dull film {i}"\n' for i in range(2500)))
    return path


def run(asked, file, out):
    return [done.rows for done in predict_file(asked, Source(file), out)]


def test_each_row_of_the_file_is_a_line_and_half_a_run_goes_on_to_the_same_file(asked, file, tmp_path):
    whole, half = tmp_path / "whole.csv", tmp_path / "half.csv"
    rows = run(asked, file, whole)
    assert len(rows) == 3
    assert rows[-1] == 2500
    lines = whole.read_bytes().splitlines(keepends=True)
    assert lines[0] == b"row,network,class,p_pos,note\n"
    assert [int(line.split(b",")[0]) for line in lines[1:]] == list(range(1, 2501))
    half.write_bytes(b"".join(lines[:1300]) + lines[1300][:7])  # cut off within a line
    assert run(asked, file, half)[-1] == 2500
    assert half.read_bytes() == whole.read_bytes()
    assert run(asked, file, half)[-1] == 2500  # all there: nothing is added
    assert half.read_bytes() == whole.read_bytes()


def test_lines_of_another_network_or_of_another_file_are_refused(asked, file, trained, keys, tmp_path):
    out = tmp_path / "out.csv"
    run(asked, file, out)
    ledger = Ledger(trained / "results")
    other = Predictor(ledger, chosen(ledger, keys["lstm", 1]))
    with pytest.raises(UseError, match=rf"has lines of another network than {keys['lstm', 1]}; name another --out"):
        run(other, file, out)
    file.write_text("review\ngreat\n")
    with pytest.raises(UseError, match=r"has 2,500 lines, and .*new\.csv only 1 rows; name another --out"):
        run(asked, file, out)
    out.write_text("a,b\n1,2\n")
    with pytest.raises(UseError, match=r"is not of this network's classes, or no predictions at all"):
        run(asked, file, out)
