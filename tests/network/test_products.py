"""The products of the packed recurrences: with a matrix whose rows begin with lines of the cache."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from rnnsweep.network.packed.batch import LINE, Workspace, empty, in_lines
from rnnsweep.network.packed.steps import multiply


@pytest.mark.parametrize("rows", [1, 2, 16])
@pytest.mark.parametrize("columns", [1, 25, 32])
def test_a_product_is_numpys_and_reads_nothing_of_what_fills_the_lines(rows, columns):
    random = np.random.default_rng(rows)
    left, right = (random.normal(size=shape).astype(np.float32) for shape in ((rows, 40), (40, columns)))
    filled = in_lines(right)
    filled[:, columns:] = np.nan
    out = empty(rows, columns)

    multiply(left, filled, out)

    np.testing.assert_allclose(out, left.astype(np.float64) @ right, rtol=0, atol=1e-5)


def test_each_row_in_lines_and_each_buffer_begins_with_a_line():
    rows = in_lines(np.zeros((3, 25), np.float32))
    buffer = Workspace()("any", 5, 3)

    assert [row.ctypes.data % LINE for row in rows] == [0, 0, 0]
    assert buffer.ctypes.data % LINE == 0


def test_the_library_of_the_products_is_there_before_a_network_limits_its_threads():
    code = "import rnnsweep.network.packed.network, sys; sys.exit('scipy.linalg.cython_blas' not in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
