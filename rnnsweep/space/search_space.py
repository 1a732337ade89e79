"""The space of a search: axes of a few values or a range each, over a base spec, and how a spec is drawn from it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from rnnsweep.space.presets import FACTORIAL, words
from rnnsweep.spec import NONE_HELD_OUT, Spec, SpecError


@dataclass(frozen=True)
class Choice:
    """A few values to choose among."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        return words(self.values)


@dataclass(frozen=True)
class Range:
    """All numbers from low to high, whole ones if both ends are; a logarithmic one is drawn by its logarithm."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        """Raise `SpecError` on ends that enclose no numbers, or have no logarithm where one is asked for."""
        numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (self.low, self.high))
        if not isinstance(self.log, bool):
            raise SpecError(f"log of a range is {self.log!r}; give True or False")
        most = sys.float_info.max  # whole numbers may be larger
        if not numbers or not -most <= self.low <= self.high <= most or (self.log and self.low <= 0):
            remedy = "two numbers, the lower first" + ", above 0 where log is true" * self.log
            raise SpecError(f"a range is from {self.low!r} to {self.high!r}; give {remedy}")

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}{', by logarithm' if self.log else ''}"

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers only."""
        return isinstance(self.low, int) and isinstance(self.high, int)


Axis = Choice | Range
DEEPEST = 100  # recurrent layers of a search: each is an axis of its own
SEARCH_AXES: dict[str, Axis] = {
    "cell": Choice(("simple_rnn", "gru", "lstm", "forget")),
    "depth": Choice((1, 2, 3)),
    "num_words": Choice((*FACTORIAL["num_words"], 30_000)),
    "max_len": Choice(tuple(FACTORIAL["max_len"])),
    "embedding_dim": Range(16, 128, log=True),
    "units": Range(16, 128, log=True),  # of each layer by itself
    "dropout": Range(0.0, 0.6),
    "learning_rate": Range(3e-4, 1e-2, log=True),
    "batch_size": Choice((32, 64, 128, 256)),
    "bigrams": Choice((0, 30_000)),
    "word_dropout": Range(0.0, 0.5),
    "optimizer": Choice(("adam", "rmsprop", "nadam", "sgd")),
    "bidirectional": Choice((False, True)),
    "pooling": Choice(("last", "mean", "max", "max+mean")),
    "segment": Choice((0, 50, 100)),
}
"""What `sweeps/search.py` searches if nothing else is said; the reasons are in docs/decisions/search.md."""
WITH_SGD: dict[str, Any] = {"embedding_dim": 0, "momentum": 0.9, "initial_std": 0.05, "schedule": "steps"}
"""What networks that sgd trains have where nothing else is said: an embedding before them hardly learns by it."""
OF_SGD = "sgd_learning_rate"  # an axis beside learning_rate where sgd is one of several optimizers
SGD_RATES = Range(5e-3, 1e-1, log=True)
OF_OPTIMIZER = {"momentum": ("sgd",), OF_SGD: ("sgd",)}  # axes that only these optimizers have
# What values mean to each other and how they are compared: the same for a whole search.
NO_AXES = (
    "dataset", "data_sha256", "vectors_sha256", "reviews", "vocab_size", "validation", "validation_share", "select",
    "epochs", "seed",
)  # fmt: skip
# Under which other fields a value by itself is valid.
VALID_WITH: dict[str, dict[str, Any]] = {"momentum": {"optimizer": "sgd"}, "segment": {"pooling": "max"}}
# What a spec takes off where another field leaves it nothing to do, so that a base spec cannot hold it.
OF_OTHERS = ("layer_dropout", "recurrent_dropout", "embedding_optimizer", "embedding_learning_rate")
TRIES = 1000  # draws before a space is said to be empty


@dataclass(frozen=True)
class SearchSpace:
    """The axes of a search over a base spec.

    `units` is an axis of every layer that `depth` makes; without it, `depth` takes the first of the base's layers.
    """

    base: Spec
    axes: Mapping[str, Axis]
    with_sgd: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # fields of those alone that sgd trains

    def draw(self, choose: Callable[[str, Axis], Any]) -> Spec:
        """Return a spec whose values `choose(name, axis)` gave; a layer's units are named `units_1`, `units_2`, ...

        Raises `SpecError` on values that make no network together: such a spec is none of the space's.
        """
        fields: dict[str, Any] = {}
        for name, axis in self._flat.items():
            if self._applies(name, fields):
                fields[name] = choose(name, axis)
        if fields.get("optimizer", self.base.optimizer) == "sgd":
            fields |= self.with_sgd
        if OF_SGD in fields:
            fields["learning_rate"] = fields.pop(OF_SGD)
        if "depth" in self.axes:
            depth = choose("depth", self.axes["depth"])
            chosen = tuple(choose(name, axis) for name, axis in self._layers(depth).items())
            fields["units"] = chosen or self.base.units[:depth]
        return self.base.replace(**fields)

    def sample(self, random: Random, count: int) -> list[Spec]:
        """Return so many specs drawn at random; raises `SpecError`, the last one met, where nearly none is valid."""
        found: list[Spec] = []
        last: SpecError | None = None
        for _ in range(TRIES * count):
            try:
                found.append(self.draw(lambda name, axis: draw(random, axis)))
            except SpecError as error:
                last = error
            if len(found) == count:
                return found
        raise last or SpecError("the space holds no spec")

    def params_of(self, spec: Spec) -> dict[str, Any] | None:
        """Return the choices that make a spec, whatever its seed, epochs and reviews; None where the space lacks it."""
        params: dict[str, Any] = {}

        def choose(name: str, axis: Axis) -> Any:
            value = _value_in(spec, name)
            if name in OF_OTHERS and not _holds(axis, value):
                value = _taken_off(spec, name, axis)
            if not _holds(axis, value):
                raise SpecError(f"{name} is {value}; the axis has {axis}")
            return params.setdefault(name, value)

        try:
            drawn = self.draw(choose)
        except SpecError:
            return None
        base = self.base
        return params if drawn == spec.replace(epochs=base.epochs, reviews=base.reviews, seed=base.seed) else None

    def cells(self) -> Iterator[dict[str, Any]]:
        """Yield the choices that make each spec of a finite space, by name, the last axis changing fastest."""
        for depth in _values(self.axes["depth"]) if "depth" in self.axes else (0,):
            layers = self._layers(depth)
            for flat in self._combinations({}, list(self._flat)):
                for found in itertools.product(*(_values(axis) for axis in layers.values())):
                    params = ({"depth": depth} if depth else {}) | flat | dict(zip(layers, found, strict=True))
                    with contextlib.suppress(SpecError):
                        self.draw(lambda name, axis: params[name])  # noqa: B023
                        yield params

    def _combinations(self, chosen: dict[str, Any], names: Sequence[str]) -> Iterator[dict[str, Any]]:
        if not names:
            yield chosen
            return
        name, *others = names
        if not self._applies(name, chosen):
            yield from self._combinations(chosen, others)
            return
        for value in _values(self.axes[name]):
            yield from self._combinations(chosen | {name: value}, others)

    @property
    def size(self) -> float:
        """How many specs it holds at most; infinite where an axis is a range of fractions."""
        depths = _values(self.axes["depth"]) if "depth" in self.axes else (0,)
        optimizers = _values(self.axes["optimizer"]) if "optimizer" in self.axes else (self.base.optimizer,)
        found = []
        for depth, optimizer in itertools.product(depths, optimizers):
            named = {name: axis for name, axis in self._flat.items()
                     if name != "optimizer" and self._applies(name, {"optimizer": optimizer})}  # fmt: skip
            found.append(math.prod(_count(axis) for axis in (named | self._layers(depth)).values()))
        return math.fsum(found)

    @property
    def _flat(self) -> dict[str, Axis]:
        """The axes other than of the layers; those that depend on the value of another one come last."""
        flat = {name: axis for name, axis in self.axes.items() if name not in ("depth", "units")}
        not_sgd = {*self.with_sgd, *(["learning_rate"] if OF_SGD in flat else [])}
        of_some = [name for name in flat if name in (*OF_OPTIMIZER, "segment") or name in not_sgd]
        return {name: flat[name] for name in [*(name for name in flat if name not in of_some), *of_some]}

    def _applies(self, name: str, chosen: Mapping[str, Any]) -> bool:
        """Return whether specs with these choices so far have a value of this axis."""
        optimizer = chosen.get("optimizer", self.base.optimizer)
        if name == "learning_rate":
            return OF_SGD not in self.axes or optimizer != "sgd"
        if name in self.with_sgd:
            return bool(optimizer != "sgd")
        if name == "segment" and 0 in _ends(self.axes[name]):  # else what pools the last step is thrown away
            return "last" not in chosen.get("pooling", self.base.pooling)
        return name not in OF_OPTIMIZER or optimizer in OF_OPTIMIZER[name]

    def _layers(self, depth: int) -> dict[str, Axis]:
        each = self.axes.get("units")
        return {} if each is None else {f"units_{layer}": each for layer in range(1, depth + 1)}

    @property
    def name(self) -> str:
        """A name that spaces with the same axes over the same base share: the data's, and a checksum."""
        axes = {name: [type(axis).__name__, dataclasses.astuple(axis)] for name, axis in self.axes.items()}
        settings = [self.base.to_json(), axes, *([dict(self.with_sgd)] if self.with_sgd else [])]
        text = json.dumps(settings, separators=(",", ":"))
        return f"{self.base.dataset}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def search_space(fields: Mapping[str, Sequence[Any] | Range], depths: Sequence[int] | None = None) -> SearchSpace:
    """Return the search space with some axes narrowed to these values or ranges, and other fields set to one value.

    `units` given are those of all layers, and end the search over depth, or of the deepest network where `depths` are
    given too. A field that is no axis by itself becomes one where several values of it are given. Raises `SpecError` on
    an invalid value, or on several values of a field that cannot be an axis.
    """
    axes, base = dict(SEARCH_AXES), Spec()
    if depths and max(depths) > DEEPEST:
        raise SpecError(f"depth is {max(depths):,}; give at most {DEEPEST}")
    if depths:
        axes["depth"] = Choice(tuple(depths))
    if "units" in fields and not isinstance(fields["units"], Range):
        layers = fields["units"][0]
        if not depths:
            del axes["depth"]
        elif max(depths) > len(layers):
            raise SpecError(f"depth is {max(depths)}, but units names {len(layers)} layers; give units of each layer")
    for name, given in fields.items():
        axes[name] = given if isinstance(given, Range) else Choice(tuple(given))
        if name == "segment":
            axes[name] = Choice(tuple(length or 0 for length in _ends(axes[name])))
        if name in NO_AXES and _count(axes[name]) != 1:
            raise SpecError(f"{name} is no axis of the search, so it takes one value, not {axes[name]}")
    optimizers = set(_ends(axes["optimizer"]))
    with_sgd = {name: value for name, value in WITH_SGD.items() if name not in fields and "sgd" in optimizers}
    if "learning_rate" not in fields and "sgd" in optimizers:
        axes[OF_SGD if len(optimizers) > 1 else "learning_rate"] = SGD_RATES
    for name, axis in list(axes.items()):
        if name == OF_SGD:
            continue
        ends = _ends(axis)
        for value in ends:  # every value by itself, so that a mistake shows before anything runs
            base.replace(**VALID_WITH.get(name, {}) | _field(name, value))
        of_layers = name == "depth" or (name == "units" and isinstance(axis, Range))
        of_some = (name in OF_OPTIMIZER and "optimizer" in axes) or (name == "segment" and "pooling" in axes)
        of_some = of_some or name in OF_OTHERS
        if len(set(ends)) == 1 and not of_layers and not of_some:
            base = base.replace(**_field(name, ends[0]))
            del axes[name]
    if base.validation == NONE_HELD_OUT:
        raise SpecError(
            "validation is none, but a search chooses by held-out texts; give grouped or a share such as 0.2 (--refit "
            "trains the winner on all texts)"
        )
    if optimizers == {"sgd"}:
        base, axes = base.replace(**with_sgd), {name: axis for name, axis in axes.items() if name not in with_sgd}
        with_sgd = {}
    if "segment" not in fields and "pooling" not in axes and "last" in base.pooling:
        del axes["segment"]
    space = SearchSpace(base, axes, with_sgd)
    space.sample(Random(0), 1)
    return space


def _ends(axis: Axis) -> list[Any]:
    return [axis.low, axis.high] if isinstance(axis, Range) else list(axis.values)


def _field(name: str, value: Any) -> dict[str, Any]:
    """Return what a value of an axis makes of a spec's fields."""
    if name == "depth":
        if value < 1:
            raise SpecError(f"depth is {value}; give at least 1")
        return {}
    return {name: (value,) if name == "units" and isinstance(value, int | float) else value}


def draw(random: Random, axis: Axis) -> Any:
    """Return a value of an axis at random, evenly, or evenly by its logarithm."""
    if isinstance(axis, Choice):
        return random.choice(axis.values)
    if not axis.log:
        return random.randint(int(axis.low), int(axis.high)) if axis.whole else random.uniform(axis.low, axis.high)
    value = math.exp(random.uniform(math.log(axis.low), math.log(axis.high)))
    return round(value) if axis.whole else min(max(value, axis.low), axis.high)


def _value_in(spec: Spec, name: str) -> Any:
    """Return what a spec has of an axis, None of the units of a layer that it has not."""
    if name == OF_SGD:
        return spec.learning_rate
    if name == "cell":
        return spec.own_layer or spec.cell
    if name == "segment":  # whole texts are 0 on an axis
        return spec.segment or 0
    layer = name.removeprefix("units_")
    if layer == name:
        return getattr(spec, name)
    return spec.units[int(layer) - 1] if int(layer) <= spec.depth else None


def _taken_off(spec: Spec, name: str, axis: Axis) -> Any:
    """Return a value of one of `OF_OTHERS` that leaves a spec as it is, or what the spec has."""
    of_all = name.removeprefix("embedding_")
    value = getattr(spec, of_all) if of_all != name else _ends(axis)[0]
    return value if spec.replace(**{name: value}) == spec else getattr(spec, name)


def _holds(axis: Axis, value: Any) -> bool:
    if isinstance(axis, Choice):
        return value in axis.values
    return value is not None and axis.low <= value <= axis.high


def _count(axis: Axis) -> float:
    if isinstance(axis, Choice):
        return len(axis.values)
    return int(axis.high) - int(axis.low) + 1 if axis.whole else math.inf


def _values(axis: Axis) -> Sequence[Any]:
    if isinstance(axis, Choice):
        return axis.values
    return range(int(axis.low), int(axis.high) + 1)
