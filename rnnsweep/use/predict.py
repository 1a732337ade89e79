"""What a trained network says of texts: its class, the probabilities, and a note where they mean little."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from rnnsweep.data import DataError
from rnnsweep.data.stream import by
from rnnsweep.data.vocabulary import Vocabulary, parse_vocabulary
from rnnsweep.ensemble import logits_of
from rnnsweep.ledger import Ledger
from rnnsweep.ledger.ledger import vocabulary_path
from rnnsweep.network.output import Output, output_of
from rnnsweep.network.packed.network import Network, supports
from rnnsweep.spec import Spec
from rnnsweep.types import Floats, Row, Tokens
from rnnsweep.use.chosen import Chosen, UseError, chosen
from rnnsweep.use.encode import Encoded, Encoder, narrowed
from rnnsweep.use.weights import Weights, check_weights, weights_of

BATCH = 1000  # texts that are predicted at a time
LABELS = "; "  # between several labels of one text


class Trained(Protocol):
    """A network with its weights."""

    def predict(self, ids: Tokens) -> Floats:
        """Return the probabilities, as `Output` shapes them: int32 [texts, max_len] -> float32 [texts, ...]."""


@dataclass(frozen=True)
class Prediction:
    """What is said of one text."""

    text: str
    label: str  # the name of its class; of several labels those that it has
    probabilities: tuple[float, ...]  # of each of `Predictor.named`
    note: str  # '' where there is nothing to say

    def row(self, named: Sequence[str]) -> Row:
        """Return it by column: text, class, `p_` and the name of each class in `named`, note."""
        shares = {f"p_{name}": share for name, share in zip(named, self.probabilities, strict=True)}
        return {"text": self.text, "class": self.label} | shares | {"note": self.note}


class Predictor:
    """A network of a ledger that is ready to be asked.

    Of several seeds, the mean of their probabilities; of an ensemble, that of its members' logits.
    """

    def __init__(self, ledger: Ledger, found: Chosen) -> None:
        """Read vocabulary and weights; raises `UseError` or `DataError` where one cannot be had."""
        check_weights(ledger, found)
        self.chosen, self.vocabulary = found, vocabulary_in(ledger, found.spec)
        self.classes = classes_of(ledger, found.spec, self.vocabulary)
        self.output = kind_of_output(self.vocabulary, self.classes)
        self._encoder = Encoder(self.vocabulary, found.num_words, found.max_len)
        self._networks = [_network(spec, self.output, *weights_of(ledger, spec, self.output)) for spec in found.specs]

    @property
    def named(self) -> tuple[str, ...]:
        """The classes whose probabilities are said: of two, the one that counts as 1."""
        return self.classes if self.output.shape else self.classes[1:]

    def probabilities(self, ids: Tokens) -> Floats:
        """Return the mean over the seeds, or that of the members' logits, as `Output` shapes it: float32 [texts, ...].

        `ids` are int32 [texts, max_len], with the most words and steps that one of the networks reads.
        """
        said = [
            network.predict(narrowed(ids, spec.num_words, spec.max_len))
            for network, spec in zip(self._networks, self.chosen.specs, strict=True)
        ]
        if self.chosen.ensemble is None:
            return np.asarray(np.mean(said, axis=0, dtype=np.float64), np.float32)
        logits = [logits_of(one, self.output) for one in said]
        mean = np.average(logits, axis=0, weights=self.chosen.times).astype(np.float32)
        return self.output.probabilities(mean)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Return the texts as the network reads them."""
        return self._encoder.encode(texts)

    def predict(self, texts: Iterable[str]) -> Iterator[Prediction]:
        """Yield what is said of each text, in order; they are taken a few at a time, so there may be any number."""
        for part in by(BATCH, texts):
            yield from self.predict_all(part)

    def predict_all(self, texts: Sequence[str]) -> list[Prediction]:
        """Return what is said of these texts."""
        encoded = self.encode(texts)
        probabilities = self.probabilities(encoded.ids)
        labels, shares = self.output.classify(probabilities), probabilities.reshape(len(texts), -1)
        return [
            Prediction(text, self._label(label), tuple(map(float, share)), note)
            for text, label, share, note in zip(texts, labels, shares, encoded.notes, strict=True)
        ]

    def _label(self, label: Any) -> str:
        if np.ndim(label):
            return LABELS.join(name for name, has in zip(self.classes, label, strict=True) if has)
        return self.classes[int(label)]


def predict(ledger: Ledger, texts: Iterable[str], key: str | None = None) -> pd.DataFrame:
    """Return a row per text: text, class, a column `p_NAME` per class (of two, of the one that counts as 1), and note.

    By the best network of the ledger, of several seeds their mean, by the one trial of a key, or with `ensemble` by the
    mean of several networks' logits. Raises `UseError` or
    `DataError` where there is no such, or its weights or its words are not there.
    """
    predictor = Predictor(ledger, chosen(ledger, key))
    columns = ["text", "class", *(f"p_{name}" for name in predictor.named), "note"]
    return pd.DataFrame([one.row(predictor.named) for one in predictor.predict(texts)], columns=columns)


def vocabulary_in(ledger: Ledger, spec: Spec) -> Vocabulary:
    """Return the vocabulary of a spec's data; raises `UseError` where there is none, `DataError` where damaged."""
    data = ledger.vocabulary(spec.data_sha256)
    if data is None:
        raise UseError(
            f"results {ledger.uri} has no words of {spec.dataset}, by which a text becomes numbers; run the sweep's "
            "command again, with the same --data: it trains only what is missing, and keeps the words"
        )
    found = parse_vocabulary(data, vocabulary_path(spec.data_sha256))
    if found.sha256 != spec.data_sha256:
        raise DataError(f"{vocabulary_path(spec.data_sha256)} is of other data; delete it, and run the sweep again")
    return found


def classes_of(ledger: Ledger, spec: Spec, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the names of a trial's classes, as its own result has them."""
    names = (ledger.record(spec.key).result() or {}).get("class_names")
    return tuple(names) if names and len(names) == len(vocabulary.classes) else vocabulary.classes


def kind_of_output(vocabulary: Vocabulary, classes: Sequence[str]) -> Output:
    """Return what networks on this data end in."""
    return output_of(len(classes), vocabulary.multilabel)


def _network(spec: Spec, output: Output, data: bytes, weights: Weights) -> Trained:
    """Return the network, packed where it can be, which needs no Keras; else as Keras layers."""
    if supports(spec):
        return _Packed(spec, output, weights)
    from rnnsweep.use.keras_model import KerasNetwork

    return KerasNetwork(spec, output, data)


class _Packed:
    def __init__(self, spec: Spec, output: Output, weights: Weights) -> None:
        self._network = Network(spec, output, bigrams=weights.bigrams(spec))
        self._weights = weights.trained(spec)

    def predict(self, ids: Tokens) -> Floats:
        return self._network.predict(self._weights, ids)
