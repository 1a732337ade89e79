"""Takes out of this process's environment what would keep OpenBLAS from its own kernels; imported before NumPy.

A benchmark runs as a user's machine would. Some machines set these variables for all of their programs.
"""

import os
import sys

STEERING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # OpenBLAS reads them once, as NumPy loads it

_taken = {name: os.environ.pop(name) for name in STEERING if name in os.environ}
if _taken:
    text = " ".join(f"{name}={value}" for name, value in _taken.items())
    late = ", too late for this process, which has loaded NumPy" if "numpy" in sys.modules else ""
    print(f"taken out of the environment, so that OpenBLAS chooses its own kernels: {text}{late}", file=sys.stderr)
