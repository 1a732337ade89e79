"""A trained network as an ONNX model of ONNX's own LSTM, GRU and RNN operators, which runtimes compute as one.

Keras's own export writes GRU and SimpleRNN as loops over steps instead. Each operator's page says in which order it
wants the gates: https://onnx.ai/onnx/operators/. A review's padding stands in front and is fed to the cells, as in
training; where it is masked, each text is rolled to the beginning, since an operator's lengths count from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnsweep.network.output import Output
from rnnsweep.spec import Spec
from rnnsweep.types import Floats
from rnnsweep.use.chosen import UseError
from rnnsweep.use.weights import Weights, in_keras_cells

OPSET, IR = 17, 8  # that every runtime since 2022 takes
INPUT, OUTPUT = "tokens", "probabilities"
BELOW_ALL = -1e9  # as in network.model, which cannot be imported without Keras
# By cell: the operator, and Keras's gates in its order (Keras: z r h; i f c o. ONNX: z r h; i o f c).
OPERATORS = {"simple_rnn": ("RNN", (0,)), "gru": ("GRU", (0, 1, 2)), "lstm": ("LSTM", (0, 3, 1, 2))}
INSTALL = "ONNX is not installed; `pip install onnx onnxruntime`"


def onnx_bytes(spec: Spec, output: Output, weights: Weights) -> bytes:
    """Return the model: `tokens` int32 [texts, max_len] -> `probabilities` float32 [texts, units of the output].

    Raises `UseError` where ONNX is not installed, or has no operator for the network.
    """
    try:
        import onnx
    except ImportError:
        raise UseError(INSTALL) from None
    spec, weights = in_keras_cells(spec, weights)
    reason = without_operator(spec)
    if reason:
        raise UseError(reason)
    graph = _Graph(onnx.helper)
    _network(graph, spec, output, weights)
    made = graph.made(spec, output)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def without_operator(spec: Spec) -> str:
    """Return why ONNX's operators cannot compute a network, or ''."""
    if spec.cell not in OPERATORS:
        return f"{spec.key} has the cell {spec.cell}, ONNX has operators of {', '.join(OPERATORS)}; use model.keras"
    return ""


class _Graph:
    """An ONNX graph that grows: each method adds a node and returns the name of what it computes."""

    def __init__(self, helper: Any) -> None:
        self._helper = helper
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        names = [f"{operator.lower()}{len(self._nodes)}_{i}" for i in range(outputs)]
        self._nodes.append(self._helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, values: Any, dtype: type[np.generic] = np.float32) -> str:
        import onnx

        name = f"constant{len(self._constants)}"
        array = np.ascontiguousarray(values, dtype)
        self._constants.append(onnx.numpy_helper.from_array(array, name))
        return name

    def finish(self, name: str) -> None:
        self._nodes.append(self._helper.make_node("Identity", [name], [OUTPUT]))

    def made(self, spec: Spec, output: Output) -> Any:
        import onnx

        helper, kinds = self._helper, onnx.TensorProto
        tokens = helper.make_tensor_value_info(INPUT, kinds.INT32, ["texts", spec.max_len])
        said = helper.make_tensor_value_info(OUTPUT, kinds.FLOAT, ["texts", output.units])
        graph = helper.make_graph(self._nodes, spec.key, [tokens], [said], self._constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="rnnsweep")
        made.ir_version = IR
        return made


def _network(graph: _Graph, spec: Spec, output: Output, weights: Weights) -> None:
    (table,), *recurrent, (kernel, bias) = weights.layers
    ids, lengths = INPUT if spec.segment is None else _pieces(graph, spec), ""
    if spec.padding_skipped:
        ids, lengths = _rolled(graph, ids, _piece(spec))
    steps = graph.add("Transpose", graph.add("Gather", graph.constant(table), ids), perm=[1, 0, 2])
    state = ""
    for layer in recurrent:
        every, state = _layer(graph, spec, layer, steps, lengths)
        steps = _joined(graph, every)
    outputs, words = _by_text(graph, spec, steps), _words(graph, spec, ids) if lengths else ""
    kinds = spec.pooling.split("+")
    pooled = [_last(graph, state) if kind == "last" else _pooled(graph, kind, outputs, words) for kind in kinds]
    seen = graph.add("Concat", *pooled, axis=-1)
    logits = graph.add("Add", graph.add("MatMul", seen, graph.constant(kernel)), graph.constant(bias))
    softmax = output.activation == "softmax"
    graph.finish(graph.add("Softmax", logits, axis=-1) if softmax else graph.add("Sigmoid", logits))


def _piece(spec: Spec) -> int:
    """Return the steps of what the cells read at once: a text's, or those of a piece of it."""
    return min(spec.segment or spec.max_len, spec.max_len)


def _pieces(graph: _Graph, spec: Spec) -> str:
    """Return the tokens as [texts * pieces, steps], pieces counted from the end, as `network.model` cuts them."""
    missing = -spec.max_len % _piece(spec)
    padded = graph.add("Pad", INPUT, graph.constant([0, missing, 0, 0], np.int64))
    return str(graph.add("Reshape", padded, graph.constant([-1, _piece(spec)], np.int64)))


def _by_text(graph: _Graph, spec: Spec, steps: str) -> str:
    """Return [steps, rows, columns] as [texts, steps of all pieces, columns]."""
    turned, length = graph.add("Transpose", steps, perm=[1, 0, 2]), _piece(spec)
    every = spec.max_len + -spec.max_len % length
    columns = spec.units[-1] * (2 if spec.bidirectional else 1)
    return str(graph.add("Reshape", turned, graph.constant([-1, every, columns], np.int64)))


def _words(graph: _Graph, spec: Spec, ids: str) -> str:
    """Return which steps are words, 0 or 1 [texts, steps of all pieces, 1]."""
    are = graph.add("Cast", graph.add("Greater", ids, graph.constant(0, np.int32)), to=1)
    every = spec.max_len + -spec.max_len % _piece(spec)
    return str(graph.add("Reshape", are, graph.constant([-1, every, 1], np.int64)))


def _layer(graph: _Graph, spec: Spec, arrays: Sequence[Floats], steps: str, lengths: str) -> tuple[str, str]:
    """Return every output [steps, directions, texts, units] and the last states [directions, texts, units]."""
    operator, order = OPERATORS[spec.cell]
    units = arrays[1].shape[0]
    directions = [arrays[i : i + 3] for i in range(0, len(arrays), 3)]

    def gates(array: Floats) -> Floats:
        return np.concatenate([array[..., gate * units : (gate + 1) * units] for gate in order], -1)

    kernels = [gates(kernel).T for kernel, _, _ in directions]
    states = [gates(recurrent).T for _, recurrent, _ in directions]
    biases = [gates(bias) for _, _, bias in directions]  # a GRU's are two: of the input, of the state
    biases = [np.concatenate([b.ravel(), np.zeros(b.size * (b.ndim < 2), np.float32)]) for b in biases]
    attributes: dict[str, Any] = {"hidden_size": units}
    if len(directions) > 1:
        attributes["direction"] = "bidirectional"
    if operator == "GRU":
        attributes["linear_before_reset"] = 1
    inputs = [steps, *(graph.constant(np.stack(values)) for values in (kernels, states, biases))]
    names = graph.add(operator, *inputs, *([lengths] if lengths else []), outputs=2, **attributes)
    return names[0], names[1]


def _joined(graph: _Graph, every: str) -> str:
    """Return [steps, directions, texts, units] as [steps, texts, directions * units]."""
    turned = graph.add("Transpose", every, perm=[0, 2, 1, 3])
    return str(graph.add("Reshape", turned, graph.constant([0, 0, -1], np.int64)))


def _last(graph: _Graph, state: str) -> str:
    """Return [directions, texts, units] as [texts, directions * units]."""
    turned = graph.add("Transpose", state, perm=[1, 0, 2])
    return str(graph.add("Reshape", turned, graph.constant([0, -1], np.int64)))


def _pooled(graph: _Graph, kind: str, outputs: str, words: str) -> str:
    """Return mean or maximum over the steps of [texts, steps, columns], or over those that are words alone."""
    if not words:
        return str(graph.add("ReduceMean" if kind == "mean" else "ReduceMax", outputs, axes=[1], keepdims=0))
    kept, one = graph.add("Mul", outputs, words), graph.constant(1.0)
    if kind == "mean":
        axis = graph.constant([1], np.int64)
        count = graph.add("Max", graph.add("ReduceSum", words, axis, keepdims=0), one)
        return str(graph.add("Div", graph.add("ReduceSum", kept, axis, keepdims=0), count))
    below = graph.add("Mul", graph.add("Sub", one, words), graph.constant(BELOW_ALL))
    largest = graph.add("ReduceMax", graph.add("Add", kept, below), axes=[1], keepdims=0)
    return str(graph.add("Mul", largest, graph.add("ReduceMax", words, axes=[1], keepdims=0)))


def _rolled(graph: _Graph, ids: str, length: int) -> tuple[str, str]:
    """Return the tokens [rows, length] with the padding behind, and their number in each row, int32 [rows], at least 1.

    An operator takes no row without a step; what it makes of one without a word is left out when it is pooled.
    """
    steps = graph.constant(length, np.int32)
    padding = graph.add("Cast", graph.add("Equal", ids, graph.constant(0, np.int32)), to=6)
    count = graph.add("ReduceSum", padding, graph.constant([1], np.int64), keepdims=1)
    places = graph.add("Add", graph.constant(np.arange(length)[None], np.int32), count)
    rolled = graph.add("GatherElements", ids, graph.add("Mod", places, steps), axis=1)
    words = graph.add("Squeeze", graph.add("Sub", steps, count), graph.constant([1], np.int64))
    return rolled, graph.add("Max", words, graph.constant(1, np.int32))


def quantized(model: bytes) -> bytes:
    """Return the model with weights of 8 bits, where its operators have such; raises `UseError` without onnxruntime."""
    import logging
    import tempfile
    from pathlib import Path

    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError:
        raise UseError(INSTALL) from None
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)  # it advises a preparation that changes nothing here
    try:
        with tempfile.TemporaryDirectory() as folder:
            whole, small = (Path(folder) / name for name in ("model.onnx", "model.int8.onnx"))
            whole.write_bytes(model)
            quantize_dynamic(whole, small, weight_type=QuantType.QInt8)
            return small.read_bytes()
    finally:
        logging.root.setLevel(level)
