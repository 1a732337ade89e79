"""What is said of the BLAS, in processes of their own, since a kernel is chosen once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnnsweep.machine import software

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys
from rnnsweep.machine.software import blas, blas_text, kernel_warning
heavy = sorted({"tensorflow", "keras", "ray"} & set(sys.modules))
print(json.dumps([blas(), blas_text(), kernel_warning(), heavy]))
"""


def said(**environment):
    """Return what a process with this environment says, and one line that warns or None."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=own | environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def plain():
    blas, text, warning, heavy = said()
    if "openblas" not in blas["library"]:
        pytest.skip(f"NumPy computes with {text}, not with OpenBLAS")
    return blas, text, warning, heavy


def test_the_blas_is_named_with_version_and_kernel_without_tensorflow(plain):
    blas, text, warning, heavy = plain
    assert set(blas) == {"library", "kernel", "threading"}
    assert text == f"{blas['library']} {blas['kernel']}"
    assert text.split()[0] == "openblas"
    assert len(text.split()) == 3
    assert (warning, heavy) == (None, [])


@pytest.fixture(scope="module")
def haswell(plain):
    blas, text, warning, _ = said(OPENBLAS_CORETYPE="Haswell")
    if blas["kernel"] == plain[0]["kernel"]:
        pytest.skip(f"this processor runs {blas['kernel']} either way")
    return blas, text, warning


def test_a_kernel_that_the_environment_asks_for_is_the_one_that_is_named(haswell):
    blas, text, _ = haswell
    assert blas["kernel"] == "Haswell"
    assert text.endswith(" Haswell")


def test_a_kernel_below_the_processors_is_warned_of_with_the_variable_to_unset(plain, haswell):
    warning = haswell[2]
    assert warning.startswith("OPENBLAS_CORETYPE=Haswell keeps OpenBLAS to its Haswell kernel")
    assert f"below this processor's {plain[0]['kernel']}" in warning
    assert warning.endswith("unset OPENBLAS_CORETYPE")
    assert "\n" not in warning


def test_a_variable_that_changes_no_kernel_is_not_warned_of(plain):
    assert said(OPENBLAS_CORETYPE=plain[0]["kernel"], OPENBLAS_L2_SIZE="1048576")[2] is None


@pytest.fixture
def libraries(monkeypatch):
    """Set what threadpoolctl finds in this process."""

    def find(*found):
        monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: list(found))
        return software.blas.__wrapped__()

    return find


def library(path, version, kernel, api="openblas"):
    return {
        "user_api": "blas", "internal_api": api, "filepath": f"/site-packages/{path}", "version": version,
        "threading_layer": "pthreads", "architecture": kernel,
    }  # fmt: skip


def test_the_blas_of_numpy_and_of_scipy_are_named_once_where_they_are_equal(libraries):
    ours = [library("scipy.libs/b.so", "0.3.30", "Zen"), library("numpy.libs/a.so", "0.3.31", "Zen")]
    assert libraries(*ours) == {"library": "openblas 0.3.31/0.3.30", "kernel": "Zen", "threading": "pthreads"}
    other = library("other/c.so", "1", "Prescott")
    assert libraries(other, *ours)["kernel"] == "Zen"
    assert libraries(library("scipy/.dylibs/b.dylib", "1", "Haswell"), ours[1])["kernel"] == "Zen/Haswell"


def test_one_blas_for_all_is_named_and_one_that_does_not_say_its_kernel_has_none(libraries):
    shared = library("../../libopenblas.so", "0.3.29", "Zen")
    assert libraries(shared)["library"] == "openblas 0.3.29"
    mkl = library("../../libmkl_rt.so", "2024.1", None, api="mkl")
    assert libraries(mkl) == {"library": "mkl 2024.1", "kernel": "", "threading": "pthreads"}


def test_a_blas_that_cannot_be_seen_has_the_name_that_numpy_was_built_with(libraries, monkeypatch):
    built = {"Build Dependencies": {"blas": {"name": "accelerate"}}}
    monkeypatch.setattr("numpy.show_config", lambda mode: built)
    assert libraries() == {"library": "accelerate", "kernel": "", "threading": ""}
