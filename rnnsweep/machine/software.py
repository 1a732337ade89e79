"""What a result or a node says about the software it ran on: versions, the code's revision, the BLAS."""

from __future__ import annotations

import functools
import importlib
import os
import platform
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rnnsweep.machine.keras_backend import USUAL, backend_name

LIBRARIES = ("keras", "tensorflow", "torch", "jax", "numpy", "numba", "igraph", "ray")
# NumPy's matmul runs on the BLAS that NumPy brings along, and numba's np.dot on SciPy's.
PRODUCTS = {"numpy": "numpy", "scipy": "scipy.linalg.cython_blas"}
STEERING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # have OpenBLAS compute as on another processor


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that are installed, without importing them.

    And `backend`, the one that Keras runs on, where that is another than usual: from the same seed it begins with other
    weights, and a ledger must say so.
    """
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        with suppress(ModuleNotFoundError):
            found[name] = version(name)
    if (backend := backend_name()) != USUAL:
        found["backend"] = backend
    return found


@functools.cache
def revision() -> str:
    """Return the revision of this project's code, as git describes it; empty where it was installed without history."""
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


@functools.cache
def blas() -> dict[str, str]:
    """Return `library` with its version, `kernel` and `threading` of the BLAS that the packed engine's products run on.

    Where NumPy's and SciPy's differ, NumPy's is named first, a stroke between them. What a library does not say is
    empty, as the kernel of Accelerate and MKL.
    """
    found = _product_libraries()
    names, numbers, kernels, layers = (
        "/".join(dict.fromkeys(str(info[field]) for info in found if info.get(field)))
        for field in ("internal_api", "version", "architecture", "threading_layer")
    )
    return {"library": f"{names or _built_with()} {numbers}".strip(), "kernel": kernels, "threading": layers}


@functools.cache
def processor() -> str:
    """Return the processor's name as it names itself, or else its kind, such as arm64."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def blas_text() -> str:
    """Return library, version and kernel in one line, as a result has them: `openblas 0.3.33 SkylakeX`."""
    return f"{blas()['library']} {blas()['kernel']}".strip()


def _product_libraries() -> list[dict[str, Any]]:
    from threadpoolctl import threadpool_info

    for module in PRODUCTS.values():
        importlib.import_module(module)  # only what is loaded is seen
    found = [info for info in threadpool_info() if info["user_api"] == "blas"]
    owned = {name: [info for info in found if _brought_by(name, info["filepath"])] for name in PRODUCTS}
    shared = [info for info in found if not any(info in infos for infos in owned.values())]  # as conda has it
    return [info for infos in owned.values() for info in infos or shared]


def _brought_by(package: str, path: str) -> bool:
    return bool({package, f"{package}.libs"} & set(Path(path).parts[-3:-1]))  # numpy.libs, or numpy/.dylibs


def _built_with() -> str:
    import numpy as np

    configuration: Any = np.show_config(mode="dicts")
    return str(configuration["Build Dependencies"]["blas"]["name"])


@functools.cache
def kernel_warning() -> str | None:
    """Return a line on a kernel below the processor's own, to which the environment holds OpenBLAS; else None."""
    named = [name for name in STEERING if os.environ.get(name)]
    own = _kernel_without(named) if named else ""
    if not own or own == blas()["kernel"]:
        return None
    given = " and ".join(f"{name}={os.environ[name]}" for name in named)
    return (
        f"{given} keeps OpenBLAS to its {blas()['kernel']} kernel, below this processor's {own}: slower, and other "
        f"last digits than without; unset {' and '.join(named)}"
    )


def _kernel_without(names: list[str]) -> str:
    """Return the kernel that a process without these variables runs, since OpenBLAS chooses it once, when loaded."""
    environment = {name: value for name, value in os.environ.items() if name not in names}
    program = "from rnnsweep.machine.software import blas; print(blas()['kernel'])"
    try:
        return subprocess.run(
            [sys.executable, "-c", program], cwd=Path(__file__).parents[2], env=environment, capture_output=True,
            text=True, timeout=60, check=True,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
