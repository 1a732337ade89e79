"""A network of a ledger as a folder that needs no rnnsweep: for Keras, for ONNX, with its words and a model card."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from rnnsweep.data.reviews import OUT_OF_VOCABULARY, START
from rnnsweep.data.tokens import Subwords
from rnnsweep.files import write_whole
from rnnsweep.ledger import Ledger
from rnnsweep.network.output import Output
from rnnsweep.use.card import Card, card
from rnnsweep.use.chosen import Chosen, UseError, chosen
from rnnsweep.use.onnx_model import averaged_bytes, onnx_bytes, quantized, without_operator
from rnnsweep.use.predict import classes_of, kind_of_output, vocabulary_in
from rnnsweep.use.standalone import name_of, script
from rnnsweep.use.timing import Timing, keras_timings, onnx_timings
from rnnsweep.use.weights import check_weights, weights_of

KERAS, ONNX, INT8 = "model.keras", "model.onnx", "model.int8.onnx"


@dataclass(frozen=True)
class Exported:
    """What was written."""

    folder: Path
    key: str  # of the trial whose weights it has, or an ensemble's name
    files: tuple[str, ...]  # their names in the folder, the model card last
    notes: tuple[str, ...]  # what was left out, and why


def export(ledger: Ledger, key: str | None, out: Path, int8: bool = False) -> Exported:
    """Write a network as a folder: model.keras, model.onnx, vocabulary.json, a script for each, a model card.

    Of several seeds it is the one of the median validation accuracy: the best of them is best by luck, too. An ensemble
    is one model, which averages its members' logits. Without the
    extra `onnx`, or an operator for the network, there is no model.onnx, and a note says why. `int8` adds one of 8-bit
    weights. Raises `UseError` or `DataError` where the network cannot be had, and where the folder cannot be written.
    """
    network = chosen(ledger, key)
    check_weights(ledger, network)
    found = network if network.ensemble else network.median()
    _check_cells(found)
    vocabulary = vocabulary_in(ledger, found.spec)
    output = kind_of_output(vocabulary, classes_of(ledger, found.spec, vocabulary))
    files, timings, notes = _models(ledger, found, output, int8)
    files |= {"vocabulary.json": _words(ledger, found)}
    if isinstance(vocabulary.kind, Subwords):
        files["tokenizer.json"] = json.dumps(json.loads(vocabulary.kind.to_json())["tokenizer"]).encode()
    for runtime, model in (("keras", KERAS), ("onnxruntime", ONNX)):
        if model in files:
            files[name_of(runtime)] = script(vocabulary, runtime).encode()
    sizes = {name: len(data) for name, data in files.items()}
    files["README.md"] = card(Card(ledger, network, found, vocabulary, sizes, timings, notes)).encode()
    try:
        for name, data in files.items():
            write_whole(out / name, data)
    except OSError as error:
        raise UseError(f"--out {out} cannot be written ({error.strerror}); give another folder") from None
    return Exported(out, found.name, tuple(files), notes)


def _check_cells(found: Chosen) -> None:
    """Raise `UseError` where no exported model could be loaded without a source that is not in it."""
    for spec in found.specs:
        if spec.own_layer:
            raise UseError(
                f"{spec.key} has the cell {spec.own_layer}, a layer of your own, whose source no exported model holds; "
                "predict answers by it"
            )


def _words(ledger: Ledger, found: Chosen) -> bytes:
    """Return all by which the exported scripts make numbers of a text, as JSON."""
    vocabulary, spec = vocabulary_in(ledger, found.spec), found.spec
    value = {
        "tokens": vocabulary.kind.name,
        "max_len": found.max_len,
        "start": START,
        "unknown": OUT_OF_VOCABULARY,
        "classes": list(classes_of(ledger, spec, vocabulary)),
        "words": vocabulary.ids(found.num_words),
    }
    return (json.dumps(value, ensure_ascii=False, indent=0) + "\n").encode("utf-8", "replace")


def _models(
    ledger: Ledger, found: Chosen, output: Output, int8: bool
) -> tuple[dict[str, bytes], list[Timing], tuple[str, ...]]:
    """Return the models by file name, what each takes here, and what was left out."""
    from rnnsweep.use.keras_model import averaged, keras_bytes, plain

    spec = found.spec
    stored = [weights_of(ledger, spec, output) for spec in found.specs]
    each = [plain(spec, output, *both) for spec, both in zip(found.specs, stored, strict=True)]
    model = averaged(each, found.specs, found.times, output) if found.ensemble else each[0]
    files, timings = {KERAS: keras_bytes(model)}, keras_timings(model, found)
    members = [
        (spec, weights, times) for spec, (_, weights), times in zip(found.specs, stored, found.times, strict=True)
    ]
    try:
        whole = found.ensemble is not None
        files[ONNX] = averaged_bytes(members, output, found.name) if whole else onnx_bytes(spec, output, stored[0][1])
        if int8:
            files[INT8] = quantized(files[ONNX])
        for name in (ONNX, INT8):
            timings += onnx_timings(files[name], name, found) if name in files else []
    except UseError as reason:
        if int8 and not any(map(without_operator, found.specs)):
            raise
        return files, timings, (f"no {ONNX}: {reason}",)
    return files, timings, ()
