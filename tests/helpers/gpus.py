"""GPUs that a test says are there: a stand-in for NVIDIA's own tool."""

import os
from pathlib import Path


def say_of_gpus(folder: Path, *gpus: str) -> str:
    """Put an `nvidia-smi` into the folder that says these lines, and return the PATH that finds it."""
    tool = folder / "nvidia-smi"
    tool.write_text("#!/bin/sh\n" + "".join(f"echo '{gpu}'\n" for gpu in gpus))
    tool.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"
