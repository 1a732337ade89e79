"""The weights of a trained network as arrays, read from Keras's file without Keras, which takes seconds to start."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import h5py
import numpy as np

from rnnsweep import commands
from rnnsweep.cells import CELLS, OWN
from rnnsweep.ledger import Ledger, Record
from rnnsweep.network.cost import parameters
from rnnsweep.network.output import Output
from rnnsweep.spec import Spec
from rnnsweep.types import Floats
from rnnsweep.use.chosen import Chosen, UseError

# What a layer of Keras holds its variables in, in the order in which a model has them.
OPEN = 40.0
PARTS = ("forward_layer", "backward_layer", "cell", "vars")


@dataclass(frozen=True)
class Weights:
    """A network's variables, those of each layer that has some, from tables to output; those of bigrams come first."""

    layers: tuple[tuple[Floats, ...], ...]

    def trained(self, spec: Spec) -> list[Floats]:
        """Return all variables but the kernels that are fixed without an embedding, as `Network` wants them."""
        tables, (first, *others) = self.parts(spec)
        if not spec.embedding_dim:
            first = tuple(array for at, array in enumerate(first) if at % CELLS[spec.cell].arrays)
        return [array for layer in (*tables[bool(spec.bigrams) :], first, *others) for array in layer]

    def bigrams(self, spec: Spec) -> Floats | None:
        """Return the pairs of words that the network knows, as `Network` wants them; None where it knows none."""
        return self.layers[0][0] if spec.bigrams else None

    def parts(self, spec: Spec) -> tuple[list[tuple[Floats, ...]], list[tuple[Floats, ...]]]:
        """Return the layers that are tables (of bigrams: the pairs, and their vectors; of words), and all others."""
        tables = 3 if spec.bigrams else 1
        return list(self.layers[:tables]), list(self.layers[tables:])


def in_keras_cells(spec: Spec, weights: Weights) -> tuple[Spec, Weights]:
    """Return the same network in cells that Keras and ONNX have: one of `forget` cells as an LSTM's.

    Its input and output gate are open: their weights are 0 and their bias `OPEN`, whose sigmoid is 1 in float32. One of
    `mingru` cells is a GRU's without tanh and recurrent weights, whose update gate says what is kept.
    """
    if spec.cell not in TURNED:
        return spec, weights
    cell, turned = TURNED[spec.cell]
    tables, others = weights.parts(spec)
    layers = [tuple(array for part in _directions(spec, layer) for array in turned(*part)) for layer in
              others[: spec.depth]]  # fmt: skip
    columns = tables[-1][0].shape[1]  # without an embedding, the table has those of all gates
    fields = {"cell": cell, "embedding_dim": columns}
    return spec.replace(**fields), Weights((*tables, *layers, *others[spec.depth :]))


def _directions(spec: Spec, layer: tuple[Floats, ...]) -> list[tuple[Floats, ...]]:
    each = CELLS[spec.cell].arrays
    return [layer[i : i + each] for i in range(0, len(layer), each)]


def _lstm(*arrays: Floats) -> tuple[Floats, ...]:
    """Return arrays [..., 2 * units], forget gate and candidate, as an LSTM's: gates i, f, c, o."""
    open_gates = [np.full_like(array[..., : array.shape[-1] // 2], OPEN if array.ndim == 1 else 0) for array in arrays]
    return tuple(np.concatenate([gate, array, gate], -1) for gate, array in zip(open_gates, arrays, strict=True))


def _gru(kernel: Floats, bias: Floats) -> tuple[Floats, ...]:
    """Return kernel and bias [..., 2 * units], update gate and candidate, as a GRU's three arrays: gates z, r, h."""
    units = bias.size // 2
    kernel, bias = (np.concatenate([-a[..., :units], 0 * a[..., :units], a[..., units:]], -1) for a in (kernel, bias))
    return kernel, np.zeros((units, 3 * units), np.float32), np.stack([bias, 0 * bias])


TURNED: dict[str, tuple[str, Callable[..., tuple[Floats, ...]]]] = {"forget": ("lstm", _lstm), "mingru": ("gru", _gru)}
"""The cells that neither Keras nor ONNX has, each with the one that it can be written as, and how."""


def weights_of(ledger: Ledger, spec: Spec, output: Output) -> tuple[bytes, Weights]:
    """Return the best epoch's weights of a trial as Keras's file, and as arrays.

    Raises `UseError` where they are not there, damaged or of a later Keras.
    """
    record = ledger.record(spec.key)
    data = record.read(Record.BEST_WEIGHTS)
    if data is None:
        raise _unreadable(ledger, spec, "it is not there")
    if spec.cell == OWN:  # only its own code knows what its arrays are
        return data, Weights(())
    layers = (record.result() or {}).get("layers") or []
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            found = tuple(arrays_in(file, layers))
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise _unreadable(ledger, spec, str(error).splitlines()[0] if str(error) else type(error).__name__) from None
    weights = Weights(found)
    read = sum(array.size for array in weights.trained(spec))
    if read != parameters(spec, output):
        raise _unreadable(
            ledger, spec, f"it holds {read:,} numbers, not the {parameters(spec, output):,} of its network"
        )
    return data, weights


class MissingWeightsError(UseError):
    """Trials whose records have no weights, as those of a ledger that was thinned out; to be trained again."""

    def __init__(self, uri: str, found: Chosen, specs: Sequence[Spec]) -> None:
        command = shlex.join([*commands.words("predict"), found.words, "--results", uri, "--train"])
        super().__init__(
            f"results {uri}: {specs[0].key} ({specs[0].label()}) has no weights; train it again by `{command}`"
        )


def lacking(ledger: Ledger, found: Chosen) -> list[Spec]:
    """Return the seeds of a network whose records have no weights, by the ledger's last listing."""
    return [spec for spec in found.specs if not ledger.is_listed(ledger.record(spec.key).path(Record.BEST_WEIGHTS))]


def check_weights(ledger: Ledger, found: Chosen) -> None:
    """Raise `MissingWeightsError` where a seed of a network has none, by the ledger's last listing."""
    if specs := lacking(ledger, found):
        raise MissingWeightsError(ledger.uri, found, specs)


def _unreadable(ledger: Ledger, spec: Spec, reason: str) -> UseError:
    path, here = ledger.record(spec.key).path(Record.BEST_WEIGHTS), version("keras")
    result = ledger.record(spec.key).result() or {}
    wrote = (result.get("versions") or {}).get("keras")
    if wrote is not None and _numbers(wrote) > _numbers(here):
        return UseError(f"{path} was written by Keras {wrote}, here is {here} ({reason}); use that one, or a later one")
    return UseError(f"{path} is damaged ({reason}); delete it, and train it again with --train")


def _numbers(words: str) -> tuple[int, ...]:
    return tuple(int(part) for part in words.split(".") if part.isdigit())


def arrays_in(file: Any, layers: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Floats, ...]]:
    """Yield the variables of each layer; the file calls layers by their kind, and counts them."""
    seen: dict[str, int] = {}
    for layer in layers:
        kind = _snake(str(layer["type"]))
        count = seen.get(kind, 0)
        seen[kind] = count + 1
        if layer.get("params"):
            yield tuple(_variables(file["layers"][f"{kind}_{count}" if count else kind]))


def _variables(group: Any) -> Iterator[Floats]:
    for part in PARTS:
        if part in group and part != "vars":
            yield from _variables(group[part])
    if "vars" in group:
        for name in sorted(group["vars"], key=int):
            yield np.asarray(group["vars"][name], dtype=np.float32)


def _snake(kind: str) -> str:
    """Return the name that Keras makes of a class's, as `to_snake_case` of keras/src/utils/naming.py does."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))).lower()
