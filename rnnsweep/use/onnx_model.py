"""A trained network as an ONNX model of ONNX's own LSTM, GRU and RNN operators, which runtimes compute as one.

Keras's own export writes GRU and SimpleRNN as loops over steps instead. Each operator's page says in which order it
wants the gates: https://onnx.ai/onnx/operators/. A review's padding stands in front and is fed to the cells, as in
training; where it is masked, each text is rolled to the beginning, since an operator's lengths count from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnsweep.data.reviews import OUT_OF_VOCABULARY
from rnnsweep.ensemble import CERTAIN
from rnnsweep.network.output import Output
from rnnsweep.network.packed.bigrams import codes
from rnnsweep.spec import BIGRAM_BASE, Spec
from rnnsweep.types import Floats
from rnnsweep.use.chosen import UseError
from rnnsweep.use.weights import TURNED, Weights, in_keras_cells

OPSET, IR = 17, 8  # that every runtime since 2022 takes
INPUT, OUTPUT = "tokens", "probabilities"
BELOW_ALL = -1e9  # as in network.model, which cannot be imported without Keras
# By cell: the operator, and Keras's gates in its order (Keras: z r h; i f c o. ONNX: z r h; i o f c).
OPERATORS = {"simple_rnn": ("RNN", (0,)), "gru": ("GRU", (0, 1, 2)), "lstm": ("LSTM", (0, 3, 1, 2))}
Member = tuple[Spec, Weights, int]  # of an ensemble: a network, its weights, how often it counts
INSTALL = "ONNX is not installed; `pip install onnx onnxruntime`"


def onnx_bytes(spec: Spec, output: Output, weights: Weights) -> bytes:
    """Return the model: `tokens` int32 [texts, max_len] -> `probabilities` float32 [texts, units of the output].

    Raises `UseError` where ONNX is not installed, or has no operator for the network.
    """
    try:
        import onnx
    except ImportError:
        raise UseError(INSTALL) from None
    reason = without_operator(spec)
    if reason:
        raise UseError(reason)
    graph = _Graph(onnx.helper)
    graph.finish(_network(graph, spec, output, weights, INPUT))
    return graph.to_bytes(spec.key, spec.max_len, output)


def averaged_bytes(members: Sequence[Member], output: Output, name: str) -> bytes:
    """Return the mean of several networks' logits as one model, which is otherwise as `onnx_bytes` makes it.

    `tokens` are as the largest vocabulary and the longest texts of them want it. Raises what `onnx_bytes` does.
    """
    try:
        import onnx
    except ImportError:
        raise UseError(INSTALL) from None
    reason = next(filter(None, (without_operator(spec) for spec, _, _ in members)), "")
    if reason:
        raise UseError(reason)
    graph, total, length = _Graph(onnx.helper), "", max(spec.max_len for spec, _, _ in members)
    whole = sum(times for _, _, times in members)
    for spec, weights, times in members:
        said = _network(graph, spec, output, weights, _narrowed(graph, spec, length))
        part = graph.add("Mul", _logits(graph, said, output), graph.constant(times / whole))
        total = graph.add("Add", total, part) if total else part
    graph.finish(_activated(graph, total, output))
    return graph.to_bytes(name, length, output)


def without_operator(spec: Spec) -> str:
    """Return why ONNX's operators cannot compute a network, or ''."""
    if spec.cell not in (*OPERATORS, *TURNED):
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

    def to_bytes(self, name: str, max_len: int, output: Output) -> bytes:
        """Return the model of this graph, which takes texts of so many steps."""
        import onnx

        helper, kinds = self._helper, onnx.TensorProto
        tokens = helper.make_tensor_value_info(INPUT, kinds.INT32, ["texts", max_len])
        said = helper.make_tensor_value_info(OUTPUT, kinds.FLOAT, ["texts", output.units])
        graph = helper.make_graph(self._nodes, name, [tokens], [said], self._constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="rnnsweep")
        made.ir_version = IR
        onnx.checker.check_model(made)
        return bytes(made.SerializeToString())


def _network(graph: _Graph, spec: Spec, output: Output, weights: Weights, tokens: str) -> str:
    """Return the probabilities [texts, units of the output] of tokens [texts, max_len]."""
    linear = spec.cell == "mingru"  # a GRU whose candidate has no tanh
    spec, weights = in_keras_cells(spec, weights)
    (tables, layers), depth = weights.parts(spec), spec.depth
    recurrent, dense = layers[:depth], layers[depth:]
    query = dense.pop(0)[0] if spec.pooling == "attention" else None
    ids, lengths = tokens if spec.segment is None else _pieces(graph, spec, tokens), ""
    if spec.padding_skipped:
        ids, lengths = _rolled(graph, ids, _piece(spec))
    vectors = graph.add("Gather", graph.constant(tables[-1][0]), ids)
    if spec.bigrams:
        vectors = graph.add("Add", vectors, _of_bigrams(graph, ids, tables[0][0], tables[1][0]))
    steps = graph.add("Transpose", vectors, perm=[1, 0, 2])
    state = ""
    for layer in recurrent:
        every, state = _layer(graph, spec, layer, steps, lengths, linear)
        steps = _joined(graph, every)
    outputs, words = _by_text(graph, spec, steps), _words(graph, spec, ids) if lengths else ""
    kinds = spec.pooling.split("+")
    if query is not None:
        pooled = [_attended(graph, query, outputs, words)]
    else:
        pooled = [_last(graph, state) if kind == "last" else _pooled(graph, kind, outputs, words) for kind in kinds]
    seen = graph.add("Concat", *pooled, axis=-1)
    for kernel, bias in dense[:-1]:
        seen = graph.add("Relu", _dense(graph, seen, kernel, bias))
    return _activated(graph, _dense(graph, seen, *dense[-1]), output)


def _of_bigrams(graph: _Graph, ids: str, pairs: Floats, vectors: Floats) -> str:
    """Return what known pairs add to the vectors of the words that end them [rows, steps, columns].

    ONNX has no operator that finds a number among sorted ones, so it is done by halves, as `network.tables` does it. A
    step behind a text's last has padding before or in it, and so is no pair.
    """
    second = graph.add("Cast", ids, to=7)
    shifted = graph.add("Pad", second, graph.constant([0, 1, 0, 0], np.int64))
    first = graph.add("Slice", shifted, *(graph.constant([n], np.int64) for n in (0, -1, 1)))
    code = graph.add("Add", graph.add("Mul", first, graph.constant(BIGRAM_BASE, np.int64)), second)
    known, last, place = graph.constant(codes(pairs), np.int64), len(pairs) - 1, graph.add("Sub", second, second)
    for step in reversed(range(last.bit_length())):
        further = graph.add("Add", place, graph.constant(2**step, np.int64))
        further = graph.add("Min", further, graph.constant(last, np.int64))
        above = graph.add("Greater", graph.add("Gather", known, further), code)
        place = graph.add("Where", above, place, further)
    there = graph.add("Equal", graph.add("Gather", known, place), code)
    place = graph.add("Where", there, place, graph.constant(0, np.int64))
    silent = np.concatenate([np.zeros_like(vectors[:1]), vectors[1:]])  # row 0 is of no pair
    return str(graph.add("Gather", graph.constant(silent), place))


def _activated(graph: _Graph, logits: str, output: Output) -> str:
    softmax = output.activation == "softmax"
    return str(graph.add("Softmax", logits, axis=-1) if softmax else graph.add("Sigmoid", logits))


def _narrowed(graph: _Graph, spec: Spec, length: int) -> str:
    """Return tokens [texts, length] as a network reads them: its last steps, and 2 for words that it has no row of."""
    ids = INPUT
    if spec.max_len < length:
        ends = (graph.constant([value], np.int64) for value in (length - spec.max_len, length, 1))
        ids = graph.add("Slice", ids, *ends)
    known = graph.add("Less", ids, graph.constant(spec.num_words, np.int32))
    return str(graph.add("Where", known, ids, graph.constant(OUT_OF_VOCABULARY, np.int32)))


def _logits(graph: _Graph, said: str, output: Output) -> str:
    """Return what `ensemble.logits_of` does of probabilities."""
    known = graph.add("Min", graph.add("Max", said, graph.constant(CERTAIN)), graph.constant(1 - CERTAIN))
    logits = graph.add("Log", known)
    if output.activation == "softmax":
        return str(logits)
    return str(graph.add("Sub", logits, graph.add("Log", graph.add("Sub", graph.constant(1.0), known))))


def _dense(graph: _Graph, seen: str, kernel: Floats, bias: Floats) -> str:
    return str(graph.add("Add", graph.add("MatMul", seen, graph.constant(kernel)), graph.constant(bias)))


def _piece(spec: Spec) -> int:
    """Return the steps of what the cells read at once: a text's, or those of a piece of it."""
    return min(spec.segment or spec.max_len, spec.max_len)


def _pieces(graph: _Graph, spec: Spec, tokens: str) -> str:
    """Return the tokens as [texts * pieces, steps], pieces counted from the end, as `network.model` cuts them."""
    missing = -spec.max_len % _piece(spec)
    padded = graph.add("Pad", tokens, graph.constant([0, missing, 0, 0], np.int64))
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


def _layer(
    graph: _Graph, spec: Spec, arrays: Sequence[Floats], steps: str, lengths: str, linear: bool
) -> tuple[str, str]:
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
    if linear:
        attributes["activations"] = ["Sigmoid", "Affine"] * len(directions)
        attributes |= {"activation_alpha": [1.0] * len(directions), "activation_beta": [0.0] * len(directions)}
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


def _attended(graph: _Graph, query: Floats, outputs: str, words: str) -> str:
    """Return the mean of the steps of [texts, steps, columns] by the softmax of their products with the query."""
    scores, axis = graph.add("MatMul", outputs, graph.constant(query)), graph.constant([1], np.int64)
    if words:
        below = graph.add("Mul", graph.add("Sub", graph.constant(1.0), words), graph.constant(BELOW_ALL))
        scores = graph.add("Add", scores, below)
    shares = graph.add("Softmax", scores, axis=1)
    mean = graph.add("ReduceSum", graph.add("Mul", shares, outputs), axis, keepdims=0)
    return str(graph.add("Mul", mean, graph.add("ReduceMax", words, axes=[1], keepdims=0)) if words else mean)


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
