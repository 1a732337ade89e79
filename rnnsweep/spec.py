"""What one trial is: a frozen, flat value whose hash names the trial's folder in every ledger.

Machines, cores, GPUs, folders and addresses are never part of it, because results must not depend on them.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, get_args, get_type_hints

from rnnsweep.cells import BUILT_IN, CELLS, OWN, OWN_NAME, check_names, source_checksum
from rnnsweep.errors import UserError

OPTIMIZERS = ("adam", "adamw", "nadam", "rmsprop", "sgd")
EMBEDDING_OPTIMIZERS = ("same", *OPTIMIZERS)
POOLINGS = ("last", "mean", "max", "max+mean", "last+max+mean", "attention")
LARGEST_SEED = 2**32 - 1  # that TensorFlow and NumPy take alike
LARGEST_WHOLE = 2**53  # from which on floats, and so estimates and most readers of JSON, miss whole numbers
LARGEST_EXACT = 2**24  # up to which 32-bit floats hold every whole number
BIGRAM_BASE = 2 * LARGEST_EXACT  # first word times this, and second word: a bigram as one number
SMALLEST_FLOAT, LARGEST_FLOAT = 1e-37, 3e38  # that float32 holds with all of its digits
VALIDATIONS = ("first_batch", "test", "grouped")  # or none
NONE_HELD_OUT = "none"  # the validation of what is trained on all texts
NOT_HELD_OUT = ("test", NONE_HELD_OUT)  # validations by which nothing may be chosen
# What the best epoch is chosen by; not all data has each of them (`training.measures.check_selection`).
SELECTIONS = (
    "val_accuracy", "val_loss", "val_micro_f1", "val_macro_f1", "val_balanced_accuracy", "val_auroc",
    "val_average_precision",
)  # fmt: skip
CLASS_WEIGHTS = ("none", "balanced")
LOSSES = ("cross_entropy", "square")
SCHEDULES = ("constant", "steps", "cosine", "one_cycle", "plateau")


class SpecError(UserError, ValueError):
    """A spec no network could be trained from; the message names the field, its valid values and the remedy."""


def later(default: Any) -> Any:
    """Return the declaration of a field that specs did not have from the start, such as `warmup: int = later(0)`.

    At its default it stays out of a spec's JSON, so that every key made before the field keeps its trial.
    """
    return dataclasses.field(default=default, metadata={"later": True})


@dataclass(frozen=True, kw_only=True)
class Spec:
    """All that changes a trial's numbers, one line of meaning per field; raises `SpecError` on an invalid value.

    A new field is declared with `later(default)`, and its default has to be what was done before there was the field.
    """

    dataset: str = "imdb"  # name of the data, as the report prints it
    data_sha256: str = ""  # checksum of the data's content, so that results of different data never mix
    reviews: int | None = None  # train on the first N training reviews, test on the first N test reviews; None: all
    cell: str = "gru"  # recurrent cell: simple_rnn, gru (reset_after), lstm, forget (lstm of that gate alone) or mingru
    units: tuple[int, ...] = (100,)  # units of each recurrent layer, first to last; its length is the depth
    bidirectional: bool = False  # read the review in both directions and concatenate the two outputs
    pooling: str = "last"  # what the dense layer sees of the last layer's steps: last, mean, max, some, or by attention
    embedding_dim: int = 32  # columns of the embedding table; 0: none, each word has its own input to the gates
    num_words: int = 1000  # ranks kept by the Keras rule: 0 pad, 1 start, 2 out of vocabulary, then the commonest words
    vocab_size: int | None = None  # rows of the embedding table; None: num_words
    max_len: int = 500  # steps per review: longer ones lose their beginning, shorter ones are padded in front
    mask_padding: bool = False  # skip padding steps instead of feeding them; off in the original report
    dropout: float = 0.0  # share of the pooled output dropped before the dense layer
    batch_size: int = 128  # reviews per training step
    drop_remainder: bool = False  # leave out the last, smaller batch of each epoch
    validation: float | str = 0.2  # last share of the training reviews held out, or first_batch, test, grouped or none
    epochs: int = 5  # passes over the training reviews
    optimizer: str = "adam"  # Keras optimizer, its other settings at Keras's defaults
    learning_rate: float = 1e-3  # of the optimizer
    seed: int = 1  # of the weights, the order of the reviews and the dropout
    select: str = later("val_accuracy")  # what the best epoch is chosen by
    class_weights: str = later("none")  # none, or balanced: each class counts as much in the loss as any other
    validation_share: float = later(0.2)  # share of the training texts that grouped validation holds out, whole groups
    initial_std: float = later(0.0)  # standard deviation of the normal that all kernels begin with; 0: Keras's starts
    segment: int | None = later(None)  # steps of the pieces that texts are cut into, each read from zeros; None: whole
    vectors_sha256: str = later("")  # checksum of the pretrained vectors that the embedding begins with; empty: none
    momentum: float = later(0.0)  # of sgd alone: share of each step that the next one keeps
    schedule: str = later("constant")  # of the learning rate: steps is a tenth after 80 % of the epochs, plateau a half
    loss: str = later("cross_entropy")  # made small in training; square: of logits from -1 and 1 (other losses stay)
    label_smoothing: float = later(0.0)  # share of each label that is spread over all classes in training
    clip_norm: float = later(0.0)  # norm of all gradients together that longer ones are shortened to; 0: any
    weight_decay: float = later(0.0)  # times the learning rate, share of each weight taken off a step; 0: Keras's own
    word_dropout: float = later(0.0)  # share of a training batch's different words whose vectors are left out of it
    average_epochs: int = later(0)  # the weights after each of the last N epochs are averaged; 0: not
    patience: int = later(0)  # end after N epochs in a row without a better one; 0: all epochs are run
    own_layer: str = later("")  # the cell where it is a Keras layer of your own: module:Layer
    own_sha256: str = later("")  # checksum of the source file of a layer of your own
    hidden: int = later(0)  # units of a dense layer with relu between what is pooled and the output; 0: none
    layer_dropout: float = later(0.0)  # share of what each recurrent layer but the last gives the next, dropped
    channel_dropout: float = later(0.0)  # share of a text's (or its pieces') embedding channels dropped whole
    recurrent_dropout: float = later(0.0)  # share of a text's (or its pieces') states that each gate never sees
    adversarial: float = later(0.0)  # length of noise on a text's embedding that raises its loss most, trained on, too
    embedding_optimizer: str = later("same")  # of the embedding alone, a Keras optimizer; same: that of all weights
    embedding_learning_rate: float = later(0.0)  # of the embedding alone; 0: learning_rate
    train_vectors: bool = later(True)  # train the embedding, pretrained vectors or not; else it stays as it begins
    bigrams: int = later(0)  # pairs of neighbouring words, the commonest, that add vectors of their own to the second's
    schedule_epochs: int = later(0)  # epochs of schedule and averages, where training ends before them; 0: epochs

    def __post_init__(self) -> None:
        if self.vocab_size == self.num_words:  # one network, one key
            object.__setattr__(self, "vocab_size", None)
        self._check_types()
        self._check_cell()
        _choice("optimizer", self.optimizer, OPTIMIZERS)
        _choice("pooling", self.pooling, POOLINGS)
        _choice("select", self.select, SELECTIONS)
        _choice("class_weights", self.class_weights, CLASS_WEIGHTS)
        _choice("loss", self.loss, LOSSES)
        _choice("schedule", self.schedule, SCHEDULES)
        for name in ("momentum", "label_smoothing", "word_dropout"):
            _share(name, getattr(self, name))
        self._check_training()
        self._check_noise()
        self._check_embedding()
        if self.momentum and "sgd" not in (self.optimizer, self.embedding_optimizer):
            raise SpecError(
                f"momentum is {self.momentum}, but optimizer is {self.optimizer}, which has its own; give sgd, "
                "or leave momentum out"
            )
        if not self.units:
            raise SpecError("units is empty; give one number per recurrent layer, for example 100 50 25")
        for unit in self.units:
            _at_least("units", unit, 1)
        if self.segment == 0:
            object.__setattr__(self, "segment", None)
        if self.segment is not None:
            self._check_segment(self.segment)
        if "max" in self.pooling and self.mask_padding:
            raise SpecError(
                f"pooling {self.pooling} sees padding even with mask_padding; give last or mean, or a segment"
            )
        _at_least("embedding_dim", self.embedding_dim, 0)
        _at_least("hidden", self.hidden, 0)
        _at_least("num_words", self.num_words, 4, "ranks 0 to 3 are padding, start, out of vocabulary and unused")
        _at_least("vocab_size", self.vocab_size or 0, 0)
        if self.vocab_size is not None and self.vocab_size < self.num_words:
            raise SpecError(
                f"vocab_size is {self.vocab_size}, below num_words {self.num_words}; give at least {self.num_words}, "
                "or leave it out"
            )
        _at_least("max_len", self.max_len, 1)
        _at_least("batch_size", self.batch_size, 1)
        _at_least("epochs", self.epochs, 1)
        _at_least("seed", self.seed, 0)
        if self.seed > LARGEST_SEED:
            raise SpecError(f"seed is {self.seed}; give at most {LARGEST_SEED}, 32 bits")
        if self.reviews is not None:
            _at_least("reviews", self.reviews, 2)
        if not 0 <= self.initial_std <= 10:
            raise SpecError(f"initial_std is {self.initial_std}; give 0, Keras's own starts, or up to 10, such as 0.05")
        _share("dropout", self.dropout)
        object.__setattr__(self, "dropout", self.dropout + 0.0)  # -0.0 is 0.0: one network, one key
        _rate("learning_rate", self.learning_rate)
        if self.validation == NONE_HELD_OUT:
            self._check_all_trained_on()
        elif isinstance(self.validation, str):
            _choice("validation", self.validation, VALIDATIONS, "or a share between 0 and 1, for example 0.2, or none")
        elif not 0 < self.validation < 1:
            raise SpecError(
                f"validation is {self.validation}; give a share between 0 and 1, or {_or(VALIDATIONS)}, or none"
            )
        if not 0 < self.validation_share < 1:
            raise SpecError(f"validation_share is {self.validation_share}; give a share between 0 and 1")
        if self.validation != "grouped" and self.validation_share != Spec.validation_share:
            raise SpecError(
                f"validation_share is {self.validation_share}, but validation is {self.validation}; give validation "
                "grouped, or leave validation_share out"
            )

    def _check_training(self) -> None:
        for name in ("clip_norm", "weight_decay", "adversarial"):
            value = getattr(self, name)
            if not 0 <= value <= LARGEST_FLOAT or 0 < value < SMALLEST_FLOAT:
                raise SpecError(f"{name} is {value}; give a number from 0 that 32 bits hold, for example 0.01")
        _at_least("patience", self.patience, 0)
        _at_least("average_epochs", self.average_epochs, 0)
        if 0 < self.schedule_epochs < self.epochs:
            raise SpecError(f"schedule_epochs is {self.schedule_epochs}; give at least epochs, {self.epochs}, or 0")
        _at_least("schedule_epochs", self.schedule_epochs, 0)
        if self.schedule_epochs == self.epochs or (self.schedule == "constant" and not self.average_epochs):
            object.__setattr__(self, "schedule_epochs", 0)  # one network, one key
        if self.average_epochs > self.full_epochs:
            raise SpecError(f"average_epochs is {self.average_epochs}; give at most epochs, {self.full_epochs}")
        if self.average_epochs and self.patience:
            raise SpecError(
                f"average_epochs is {self.average_epochs}, but with patience {self.patience} nobody knows which epochs "
                "are the last; leave one of both out"
            )

    def _check_all_trained_on(self) -> None:
        """Raise `SpecError` on what follows held-out texts where there are none."""
        if self.patience:
            raise SpecError(f"patience is {self.patience}, but validation none holds no texts out to wait for; give 0")
        if self.schedule == "plateau":
            raise SpecError("schedule is plateau, but validation none holds no texts out to follow; give another one")
        object.__setattr__(self, "select", type(self).select)  # the last epoch counts: one network, one key

    def _check_cell(self) -> None:
        """Raise `SpecError` on a cell that there is not; a layer of the user's own gets its name and checksum."""
        if OWN_NAME.fullmatch(self.cell):
            if self.own_layer != self.cell:
                object.__setattr__(self, "own_sha256", "")
            object.__setattr__(self, "own_layer", self.cell)
            object.__setattr__(self, "cell", OWN)
        if self.cell != OWN or not self.own_layer:
            _choice("cell", self.cell, BUILT_IN, "or module:Layer, a Keras layer of your own")
            object.__setattr__(self, "own_layer", "")
            object.__setattr__(self, "own_sha256", "")
            return
        if not self.own_sha256:
            try:
                check_names(self.own_layer)
                object.__setattr__(self, "own_sha256", source_checksum(self.own_layer))
            except LookupError as error:
                raise SpecError(f"cell is {self.own_layer}, but {error}; give module:Layer of a file there") from None
        if not self.embedding_dim:
            raise SpecError(f"embedding_dim is 0, but {self.own_layer} has no gates to put words into; give 1 or more")
        object.__setattr__(self, "recurrent_dropout", 0.0)  # its own affair: one network, one key

    def _check_embedding(self) -> None:
        """Raise `SpecError` on training of the embedding alone that cannot be; take off what all weights have."""
        _choice("embedding_optimizer", self.embedding_optimizer, EMBEDDING_OPTIMIZERS)
        if self.embedding_learning_rate:
            _rate("embedding_learning_rate", self.embedding_learning_rate)
        if self.embedding_optimizer == self.optimizer:  # one network, one key
            object.__setattr__(self, "embedding_optimizer", "same")
        if self.embedding_learning_rate == self.learning_rate:
            object.__setattr__(self, "embedding_learning_rate", 0.0)
        if self.embedding_apart and not self.train_vectors:
            raise SpecError(
                "embedding_optimizer and embedding_learning_rate train the embedding, but train_vectors is false; "
                "leave out the first two, or the last"
            )
        _at_least("bigrams", self.bigrams, 0)
        if self.bigrams and not self.train_vectors:
            raise SpecError(
                f"bigrams is {self.bigrams}, whose vectors begin at zero, but train_vectors is false; leave out either"
            )
        if self.bigrams and self.num_words > LARGEST_EXACT:
            raise SpecError(
                f"num_words is {self.num_words}, of more digits than the table of bigrams holds; give at most "
                f"{LARGEST_EXACT}, or leave bigrams out"
            )

    def _check_noise(self) -> None:
        for name in ("layer_dropout", "channel_dropout", "recurrent_dropout"):
            _share(name, getattr(self, name))
        if len(self.units) == 1:  # nothing is between layers: one network, one key
            object.__setattr__(self, "layer_dropout", 0.0)
        if not CELLS[self.cell].recurrent:  # no gate sees the state: one network, one key
            object.__setattr__(self, "recurrent_dropout", 0.0)
        for name in ("channel_dropout", "adversarial"):
            if getattr(self, name) and not self.embedding_dim:
                raise SpecError(
                    f"{name} is {getattr(self, name)}, but embedding_dim is 0, which makes no vectors; give an "
                    "embedding, or word_dropout"
                )

    def _check_segment(self, length: int) -> None:
        _at_least("segment", length, 1)
        if "last" in self.pooling:
            pooled = tuple(pooling for pooling in POOLINGS if "last" not in pooling)
            raise SpecError(
                f"segment is {length}, but pooling is {self.pooling}, of one piece; give pooling {_or(pooled)}"
            )
        object.__setattr__(self, "mask_padding", False)  # one network, one key: pieces have no padding

    def _check_types(self) -> None:
        for name, hint in hints(type(self)).items():  # type: ignore[arg-type]  # mypy sees the hash of a spec, not a class's
            value = getattr(self, name)
            if type(value) is hint:  # nearly all are, and a ledger has thousands of specs
                continue
            if isinstance(value, list) and hint == tuple[int, ...]:  # JSON knows no tuples
                value = tuple(value)
                object.__setattr__(self, name, value)
            if not _is_of(value, hint):
                raise SpecError(f"{name} is {value!r}, of type {type(value).__name__}; give {describe(hint)}")
            if hint is float and isinstance(value, int):  # 1 and 1.0 are one number and must be one key
                object.__setattr__(self, name, float(value))

    @property
    def depth(self) -> int:
        """Number of recurrent layers."""
        return len(self.units)

    @property
    def full_epochs(self) -> int:
        """Epochs that schedule and averages are made for."""
        return self.schedule_epochs or self.epochs

    @property
    def padding_skipped(self) -> bool:
        """Whether padding is never fed to the cells."""
        return self.mask_padding or self.segment is not None

    @property
    def padding_shared(self) -> bool:
        """Whether padding can be computed once for all texts: it is fed, and only before their words."""
        return self._padding_alike and not self.bidirectional

    @property
    def directions_apart(self) -> bool:
        """Whether the first of two directions shares its padding: of one layer, neither reads what the other gives."""
        return self._padding_alike and self.bidirectional and self.depth == 1

    @property
    def _padding_alike(self) -> bool:
        """Whether padding is fed, and in front of each text all alike, whatever the text is."""
        return not (self.padding_skipped or self.noisy_steps or self.pooling == "attention")

    @property
    def embedding_apart(self) -> bool:
        """Whether the embedding is trained by an optimizer of its own, or at a rate of its own."""
        return self.embedding_optimizer != "same" or self.embedding_learning_rate > 0

    @property
    def noisy_steps(self) -> bool:
        """Whether in training a step depends on its text by what is drawn, and not on its words alone."""
        return bool(self.layer_dropout or self.channel_dropout or self.recurrent_dropout or self.adversarial)

    @property
    def word_by_word(self) -> bool:
        """Whether in training a word's vector is another one wherever it stands, so that no product is looked up."""
        return bool(self.channel_dropout or self.adversarial)

    @property
    def embedding_rows(self) -> int:
        """Rows of the embedding table."""
        return self.num_words if self.vocab_size is None else self.vocab_size

    @property
    def bigram_rows(self) -> int:
        """Rows of the table of bigrams: theirs behind one for what is none; 0 without any."""
        return self.bigrams + 1 if self.bigrams else 0

    @functools.cached_property
    def key(self) -> str:
        """First 12 hex digits of the sha256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    def to_json(self) -> str:
        """Return the canonical JSON: all fields but later ones at their default, sorted names, no spaces, ASCII."""
        fields = {
            field.name: value
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) != field.default or not field.metadata.get("later")
        }
        return json.dumps(fields, sort_keys=True, separators=(",", ":"))

    def flags(self) -> list[str]:
        """Return the words of the command line of `sweeps/one.py` that make this spec of the same data."""
        words = ["--cell", self.own_layer or self.cell, "--units", *map(str, self.units)]
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in ("cell", "units", *NO_FLAGS) or value == field.default:
                continue
            flag = field.name.replace("_", "-")
            words += (
                [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
            )
        return words

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Return the spec with these fields, the others at their defaults; raises `SpecError` on an unknown name."""
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(fields) - set(known))
        if unknown:
            raise SpecError(f"unknown field {unknown[0]!r}; the fields are {', '.join(known)}")
        return cls(**fields)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the spec that `to_json` wrote; raises `SpecError` on anything else."""
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:  # the second: nested ten thousand deep
            raise SpecError(f"not JSON: {error}") from None
        if not isinstance(fields, dict):
            raise SpecError("not a JSON object of spec fields")
        return cls.from_dict(fields)

    def replace(self, **fields: Any) -> Self:
        """Return this spec with these fields changed; raises `SpecError` on an unknown name or invalid value."""
        return self.from_dict({**dataclasses.asdict(self), **fields})

    def label(self, cell: str = "") -> str:
        """Return a short name for a person: `gru 100-50 · 1,000 words · 500 steps`; `cell` is its title, if given."""
        both = "bidirectional " if self.bidirectional else ""
        units = "-".join(map(str, self.units))
        cell = self.own_layer.partition(":")[2] or cell or self.cell
        return f"{both}{cell} {units} · {self.num_words:,} words · {self.max_len:,} steps"


@functools.cache
def hints(kind: type[Spec]) -> dict[str, Any]:
    """Return the fields of a kind of spec by name, in their order, each with its type."""
    return get_type_hints(kind)


@functools.cache
def meanings(kind: type[Spec] = Spec) -> dict[str, str]:
    """Return the line of meaning of each field by name, in the fields' order: the comment behind its declaration."""
    line = re.compile(r"^    (\w+): .*?  # (.+)$", re.MULTILINE)
    bases = [base for base in reversed(kind.__mro__) if issubclass(base, Spec)]
    return {name: text for base in bases for name, text in line.findall(inspect.getsource(base))}


HINTS = hints(Spec)
ALL_BUT_SEED = tuple(name for name in HINTS if name != "seed")  # equal in two trials: the same network, trained again
FROM_DATA = ("dataset", "data_sha256", "vectors_sha256")  # the data says these itself
NO_FLAGS = (*FROM_DATA, "own_layer", "own_sha256")  # and `cell` says these


def _is_of(value: Any, hint: Any) -> bool:
    if hint == tuple[int, ...]:
        return isinstance(value, tuple) and all(_is_of(item, int) for item in value)
    if get_args(hint):
        return any(_is_of(value, part) for part in get_args(hint))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))


def describe(hint: Any) -> str:
    """Return what a field of this type holds, in words."""
    names = {int: "a whole number", float: "a number", str: "a word", bool: "true or false", type(None): "nothing"}
    if hint == tuple[int, ...]:
        return "whole numbers"
    return " or ".join(names[part] for part in get_args(hint) or (hint,))


def _or(words: tuple[str, ...]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]


def _choice(name: str, value: str, valid: tuple[str, ...], remedy: str = "") -> None:
    if value not in valid:
        raise SpecError(f"{name} is {value!r}; give {_or(valid)}" + (f", {remedy}" if remedy else ""))


def _at_least(name: str, value: int, least: int, reason: str = "") -> None:
    if abs(value) > LARGEST_WHOLE:  # of thousands of digits Python makes no text
        raise SpecError(f"{name} is a number of {value.bit_length()} bits; give {least} to {LARGEST_WHOLE:,}")
    if value < least:
        raise SpecError(f"{name} is {value}; give at least {least}" + (f": {reason}" if reason else ""))


def _rate(name: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise SpecError(f"{name} is {value}; give a number above 0, for example 0.001")
    if not SMALLEST_FLOAT <= value <= LARGEST_FLOAT:
        raise SpecError(f"{name} is {value}; give {SMALLEST_FLOAT:.0e} to {LARGEST_FLOAT:.0e}, the numbers of 32 bits")


def _share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise SpecError(f"{name} is {value}; give a share from 0 to below 1")
