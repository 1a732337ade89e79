"""The recurrent units, a row each: the one table of cells."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class Cell:
    """What a recurrent unit is made of."""

    title: str  # as the report and Keras write it
    gates: int  # products of `units` columns in its kernels
    biases: int = 1  # rows of its bias
    recurrent: bool = True  # whether its gates see the state, by a recurrent kernel
    has_c: bool = False  # whether it carries a second state beside its output
    cudnn: bool = False  # whether cuDNN computes all its steps at once; step by step a GPU waits for each

    @property
    def arrays(self) -> int:
        """How many arrays of weights it has: kernel, recurrent kernel if any, bias."""
        return 2 + self.recurrent


CELLS = {
    "simple_rnn": Cell("SimpleRNN", gates=1),
    "gru": Cell("GRU", gates=3, biases=2, cudnn=True),  # reset_after has one bias for the input and one for the state
    "lstm": Cell("LSTM", gates=4, has_c=True, cudnn=True),
    "forget": Cell("ForgetGate", gates=2, has_c=True),  # an LSTM without input and output gate
    "mingru": Cell("minGRU", gates=2, recurrent=False),  # Feng and others 2024: its gates see the input alone
}
"""The cells by the name that a spec gives them."""
BUILT_IN = tuple(CELLS)
OWN = "own"  # the cell of a Keras layer of the user's own
CELLS[OWN] = Cell("Own layer", gates=4)  # nobody knows what is in it: counted as an LSTM
OWN_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")  # module:Layer


def source_checksum(name: str) -> str:
    """Return the sha256 of the source file that `module:Layer` is in; raises `LookupError` where there is none."""
    return hashlib.sha256(_source(name).read_bytes()).hexdigest()


def check_names(name: str) -> None:
    """Raise `LookupError` where the source of `module:Layer` is no Python or never names the layer; runs nothing."""
    module, _, layer = name.partition(":")
    source = _source(name)
    if source.suffix != ".py":
        return
    try:
        tree = ast.parse(source.read_bytes())
    except (SyntaxError, ValueError, RecursionError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise LookupError(f"{module} is no Python source ({getattr(error, 'msg', error)}{where})") from None
    named = {getattr(node, field, None) for node in ast.walk(tree) for field in ("name", "asname", "id")}
    if not {layer, "*", "__getattr__"} & named:
        raise LookupError(f"{module} names no {layer}")


def _source(name: str) -> Path:
    _find_here()
    module = name.partition(":")[0]
    try:
        found = importlib.util.find_spec(module)
    except (Exception, SystemExit):  # of a dotted name it imports what is before the last dot, which may do anything
        found = None
    if found is None or not found.origin or not Path(found.origin).is_file():
        raise LookupError(f"no module {module} is in this folder or installed")
    return Path(found.origin)


def imported(name: str) -> ModuleType:
    """Return the module of `module:Layer`; raises what importing it raises."""
    _find_here()
    return importlib.import_module(name.partition(":")[0])


def _find_here() -> None:
    """Have imports look in the current folder, too, after all else."""
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
