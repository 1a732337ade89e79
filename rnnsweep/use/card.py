"""The model card of an exported network: what it is, how good, how fast, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnsweep.data.vocabulary import Vocabulary
from rnnsweep.ensemble import logits_of
from rnnsweep.ledger import Ledger, lines_of
from rnnsweep.machine.software import processor
from rnnsweep.spec import FROM_DATA, Spec, meanings
from rnnsweep.types import Arrays
from rnnsweep.use.chosen import Chosen, accuracy_on_test
from rnnsweep.use.predict import classes_of, kind_of_output
from rnnsweep.use.standalone import NEEDS, name_of
from rnnsweep.use.timing import Timing

PURPOSE = {
    "model.keras": "the network as plain Keras layers: int32 [texts, {steps}] to probabilities",
    "model.onnx": "the same in ONNX's own operators, input `tokens`, output `probabilities`",
    "model.int8.onnx": "the same with weights of 8 bits where the operators have such: other digits, so test it first",
    "vocabulary.json": "the number of each word, and the names of the classes",
    "tokenizer.json": "how words are cut into pieces, for the library `tokenizers`",
    "predict.py": "texts to classes, with Keras",
    "predict_onnx.py": "texts to classes, with onnxruntime",
}
# What a script without a library of Unicode's rules cannot tell as training did.
NEARLY = {
    "characters": "The scripts join a letter and its marks as training did, but not flags, Indic conjuncts, or Hangul "
    "written in single jamo, which they read as several characters.",
}


@dataclass(frozen=True)
class Card:
    """All that a model card says."""

    ledger: Ledger
    network: Chosen  # all seeds of it
    found: Chosen  # the one that is exported
    vocabulary: Vocabulary
    sizes: Mapping[str, int]  # bytes by file
    timings: Sequence[Timing]
    notes: Sequence[str]


def card(about: Card) -> str:
    """Return the model card as Markdown."""
    parts = [_head(about), _use(about), _limits(about), _data(about), _choice(about), _accuracy(about), _report(about)]
    return "\n\n".join([*parts, _cost(about), _specs(about.found)]) + "\n"


def _head(about: Card) -> str:
    spec, classes, several_networks = about.found.spec, about.vocabulary.classes, about.found.ensemble
    several = about.vocabulary.multilabel
    kind = f"{len(classes)} labels, any number of them a text," if several else f"{len(classes)} classes"
    if several_networks:
        return (
            f"# Ensemble of {len(about.found.specs)} networks on {spec.dataset}\n\nThe mean of the logits of "
            f"{len(about.found.specs)} recurrent networks that tell texts of {kind} apart, trained by rnnsweep; "
            f"`{about.found.name}`. Its models hold all of them, and take as long as all of them."
        )
    return (
        f"# {spec.label()} on {spec.dataset}\n\nA recurrent network that tells texts of {kind} apart, trained by "
        f"rnnsweep; key `{spec.key}`, seed {spec.seed}."
    )


def _use(about: Card) -> str:
    kind, steps = about.vocabulary.kind.name, about.found.max_len
    needs = f", and `pip install {NEEDS[kind].replace(' and ', ' ')}`" if NEEDS[kind] else ""
    lines = [
        f'    python {name_of(runtime)} "a text" "another text"   # with {runtime}{needs}'
        for runtime in ("keras", "onnxruntime")
        if name_of(runtime) in about.sizes
    ]
    table = ["| file | MB | what it is |", "| --- | ---: | --- |"]
    table += [f"| `{n}` | {s / 1e6:.2f} | {PURPOSE[n].format(steps=steps)} |" for n, s in about.sizes.items()]
    ids = (
        f"A text becomes {kind if kind != 'unicode' else 'words by Unicode'}, each its number in `vocabulary.json` or "
        f"2 where it has none, behind a 1; the last {steps:,} of them count, and zeros fill up the front."
    )
    more = [NEARLY[kind]] if kind in NEARLY else []
    return "\n\n".join(["## Use", "\n".join(lines), "\n".join(table), ids, *more, *about.notes])


def _limits(about: Card) -> str:
    spec, steps = about.found.spec, about.found.max_len
    lines = [
        f"- Texts of another kind than those of {spec.dataset}: another language, script, subject or time.",
        "- Texts of classes that are not among these: it always names one of them."
        if not about.vocabulary.multilabel
        else "- Labels that are not among these.",
        f"- Long texts whose point comes early: all but the last {steps:,} tokens are not read.",
        "- Decisions about people: nobody has looked for whom it errs more often.",
        "- Its probabilities as frequencies, before somebody has compared them: networks are often too sure.",
    ]
    if not about.vocabulary.real:
        lines.insert(0, "- **Anything at all**: it has learned generated reviews, which are no language.")
    return "## What it must not be used for\n\n" + "\n".join(lines)


def _data(about: Card) -> str:
    spec, row = about.found.spec, about.ledger.record(about.found.spec.key).result() or {}
    counts = ", ".join(
        f"{row[name]:,} {what}"
        for name, what in (
            ("train_reviews", "to train"), ("validation_reviews", "for validation"), ("test_reviews", "to test"),
        )
        if isinstance(row.get(name), int)
    )  # fmt: skip
    shared = row.get("test_shared")
    copies = f"\n\n{shared:,} of the test texts are copies of training texts." if shared else ""
    return (
        f"## Data\n\n{spec.dataset}, checksum `{spec.data_sha256[:12]}`: {counts or 'numbers not recorded'}; tokens: "
        f"{about.vocabulary.kind.name}, {len(about.vocabulary.words):,} different ones in the training texts, of which "
        f"{len(about.vocabulary.ids(about.found.num_words)):,} are known to the network. The licence of the data is "
        f"not known here; whoever passes this on has to see to it.{copies}"
    )


def _choice(about: Card) -> str:
    seeds = 1 if about.found.ensemble else len(about.network.specs)
    one = (
        f" Of its {seeds} seeds this is the one of the median validation accuracy, since the best of them is best by "
        "luck, too."
        if seeds > 1
        else ""
    )
    return f"## How it was chosen\n\nBy its key or by rule: {about.network.how}.{one}"


def _accuracy(about: Card) -> str:
    lines = ["| | test accuracy | 95 % interval | |", "| --- | ---: | --- | --- |"]
    several = len(about.network.specs) > 1 and not about.found.ensemble
    shown = [("this ensemble" if about.found.ensemble else "this network", about.found)]
    shown += [(f"all {len(about.network.specs)} seeds, mean", about.network)] if several else []
    for what, found in shown:
        mean, low, high, over = accuracy_on_test(about.ledger, found)
        interval = f"{low:.4f} to {high:.4f}" if low == low else "none"
        lines.append(f"| {what} | {mean:.4f} | {interval} | {over} |")
    return "## Test accuracy\n\n" + "\n".join([*lines, *_line(about)])


def _line(about: Card) -> list[str]:
    """Return the row of the best linear model on the same texts, by its validation, where the ledger has one."""
    found = lines_of(about.ledger.load().baselines, about.found.spec)
    if not len(found):
        return []
    best = found.iloc[0]
    return [f"| for comparison, a linear model ({best['model']}) | {best['test_accuracy']:.4f} | | |"]


def _report(about: Card) -> str:
    """Return precision, recall and F1 of each class on the test texts, from the predictions of the ledger."""
    arrays = _predicted(about)
    if arrays is None:
        return "## By class\n\nThe ledger has no predictions of it."
    from sklearn.metrics import precision_recall_fscore_support

    best, label = arrays["best"], arrays["label"]
    predicted: Any = best.argmax(1) if best.ndim > 1 and label.ndim == 1 else best > 0.5
    names = classes_of(about.ledger, about.found.spec, about.vocabulary)
    numbers = precision_recall_fscore_support(
        label, predicted.astype(label.dtype), labels=np.arange(len(names)), zero_division=0
    )
    rows = ["| class | precision | recall | F1 | test texts |", "| --- | ---: | ---: | ---: | ---: |"]
    rows += [
        f"| {_in_cell(name)} | {p:.3f} | {r:.3f} | {f:.3f} | {n:,} |"
        for name, p, r, f, n in zip(names, *numbers, strict=True)
    ]
    return "## By class\n\n" + "\n".join(rows)


def _predicted(about: Card) -> Arrays | None:
    """Return what the ledger has of the test texts, of an ensemble the mean of its members' logits as probabilities."""
    found = [about.ledger.predictions(key) for key in about.found.keys]
    known = [arrays for arrays in found if arrays is not None]
    if len(known) < len(found) or not about.found.ensemble:
        return found[0]
    output = kind_of_output(about.vocabulary, about.vocabulary.classes)
    logits = [logits_of(arrays["best"], output) for arrays in known]
    mean = np.average(logits, axis=0, weights=about.found.times).astype(np.float32)
    return {"label": known[0]["label"], "best": output.probabilities(mean)}


def _in_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _cost(about: Card) -> str:
    rows = ["| model | texts at once | milliseconds a text |", "| --- | ---: | ---: |"]
    rows += [f"| {one.what} | {one.batch} | {one.milliseconds:.2f} |" for one in about.timings]
    return (
        f"## What it takes\n\nOn the machine that exported it ({processor()}), of texts of {about.found.max_len:,} "
        "tokens, their splitting into tokens not counted:\n\n" + "\n".join(rows)
    )


def _specs(found: Chosen) -> str:
    """Return the fields of a network, or the networks of an ensemble as the flags that train each."""
    if not found.ensemble:
        return _spec(found.spec)
    rows = [
        f"| `{spec.key}` | {times} | {spec.label()} | {spec.seed} | `{' '.join(spec.flags())}` |"
        for spec, times in zip(found.specs, found.times, strict=True)
    ]
    head = "| key | counts | network | seed | flags of `sweeps/one.py` |\n| --- | ---: | --- | ---: | --- |\n"
    return "## Networks\n\n" + head + "\n".join(rows)


def _spec(spec: Spec) -> str:
    fields = {name: getattr(spec, name) for name in meanings() if name not in FROM_DATA}
    rows = [f"| {name} | {value} | {_in_cell(meanings()[name])} |" for name, value in fields.items()]
    return "## Spec\n\n| field | value | meaning |\n| --- | --- | --- |\n" + "\n".join(rows)
