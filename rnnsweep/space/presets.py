"""The report's eight systems, and the presets: lists of specs that a name stands for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from rnnsweep.spec import HINTS, Spec, SpecError

# The optimizer is not stated in the original: Adam at 1e-3, Keras's default and our choice.
SYSTEMS: dict[str, Spec] = {
    "rnn-3x-1k": Spec(cell="simple_rnn", units=(100, 50, 25), epochs=10),
    "rnn-2x-10k": Spec(
        cell="simple_rnn",
        units=(64, 64),
        embedding_dim=100,
        num_words=10_000,
        drop_remainder=True,
        validation="test",
        epochs=10,
    ),
    "gru-3x-1k": Spec(cell="gru", units=(100, 50, 25), epochs=10),
    "gru-2x-10k-80": Spec(
        cell="gru",
        units=(128, 128),
        embedding_dim=128,
        num_words=10_000,
        vocab_size=11_000,  # as the original has it: 1,000 rows that no word ever uses
        max_len=80,
        drop_remainder=True,
        validation="test",
        epochs=5,
    ),
    "gru-2x-10k-500": Spec(
        cell="gru",
        units=(128, 128),
        embedding_dim=128,
        num_words=10_000,
        drop_remainder=True,
        validation="test",
        epochs=5,
    ),
    # The original's heading says max_len 1000; its summary and its conclusion table say 500.
    "lstm-1x-5k": Spec(cell="lstm", units=(100,), num_words=5000, batch_size=64, validation="first_batch", epochs=10),
    "lstm-1x-1k": Spec(cell="lstm", units=(100,), batch_size=64, validation="first_batch", epochs=10),
    "lstm-3x-1k": Spec(cell="lstm", units=(100, 50, 25), epochs=10),
}
"""The eight networks of the original report by id, on the whole of IMDB with the published epochs and seed 1."""
SYSTEM = "system"  # what they are called together where seeds are planned by cell: theirs are planned apart
# What a sweep may change without a system becoming another network.
NOT_PART_OF_A_SYSTEM = ("dataset", "data_sha256", "reviews", "epochs", "seed")
UNITS = (100, 50, 25)
FACTORIAL: dict[str, Sequence[Any]] = {
    "cell": ("simple_rnn", "gru", "lstm"),
    "units": tuple(UNITS[:depth] for depth in (1, 2, 3)),
    "num_words": (1000, 5000, 10_000),
    "max_len": (80, 500, 1000),
}
# Small enough for a laptop, yet with more than one value on every axis.
DEMO: dict[str, Sequence[Any]] = {
    "cell": ("simple_rnn", "gru", "lstm"),
    "units": ((16,), (16, 16)),
    "num_words": (200, 1000),
    "max_len": (40, 120),
}
DEMO_BASE = Spec(embedding_dim=16, batch_size=64, epochs=5, reviews=3000, learning_rate=0.005)
# After Johnson and Zhang (2016), with a fifth of their units: on IMDB further than any other network. Pairs are learned
# by heart where no word is dropped; the mean beside the maximum makes seeds alike (docs/networks.md).
BEST = Spec(
    cell="forget",
    units=(100,),
    bidirectional=True,
    embedding_dim=0,
    num_words=30_000,
    max_len=1000,
    segment=50,
    bigrams=30_000,
    pooling="max+mean",
    dropout=0.5,
    word_dropout=0.3,
    initial_std=0.05,
    loss="square",
    optimizer="sgd",
    learning_rate=0.02,
    momentum=0.9,
    schedule="steps",
    batch_size=50,
    drop_remainder=True,
    validation="grouped",
    epochs=20,
)


def grid(base: Spec, **axes: Sequence[Any]) -> list[Spec]:
    """Return one spec per combination of the axes' values, the last axis changing fastest; raises `SpecError`."""
    cells = math.prod(len(values) for values in axes.values())
    if cells > MOST:
        longest = max(axes, key=lambda name: len(axes[name]))
        raise SpecError(
            f"the grid has {cells:,} trials, {len(axes[longest]):,} values of {longest} among others; give at most "
            f"{MOST:,}, or search: sweeps/search.py"
        )
    return [base.replace(**dict(zip(axes, values, strict=True))) for values in itertools.product(*axes.values())]


MOST = 100_000  # trials of a grid: a plan of them takes a minute
PRESETS = ("factorial", "report", "best", "demo")


def preset(name: str, fields: Mapping[str, Sequence[Any]], depths: Sequence[int] | None = None) -> list[Spec]:
    """Return the specs of a preset with some fields narrowed or fixed to these values.

    In `factorial` and `demo` the values replace the axis, in `best` the field. In `report` they choose among the eight
    systems, but for the fields that make no other network of them (epochs, reviews, seed, data), which they set.
    Raises `SpecError` when a value is invalid or nothing is left.
    """
    if name == "report":
        specs = _chosen(list(SYSTEMS.values()), {k: v for k, v in fields.items() if k not in NOT_PART_OF_A_SYSTEM})
        set_to = {k: v for k, v in fields.items() if k in NOT_PART_OF_A_SYSTEM}
        specs = [spec for system in specs for spec in grid(system, **set_to)]
    elif name == "factorial":
        specs = grid(Spec(), **{**FACTORIAL, **fields})
    elif name == "best":
        specs = grid(BEST, **fields)
    elif name == "demo":
        specs = grid(DEMO_BASE, **{**DEMO, **fields})
    else:
        raise SpecError(f"preset is {name!r}; give {', '.join(PRESETS)}")
    return _chosen(specs, {"depth": depths} if depths else {})


def _chosen(specs: list[Spec], wanted: Mapping[str, Sequence[Any]]) -> list[Spec]:
    for name, values in wanted.items():
        found = {getattr(spec, name) for spec in specs}
        specs = [spec for spec in specs if getattr(spec, name) in values]
        if not specs:
            raise SpecError(f"no spec of the preset has {name} {words(values)}; they have {words(sorted(found))}")
    return specs


def words(values: Sequence[Any]) -> str:
    """Return values for a person: a comma between them, and between a network's layers a hyphen."""
    return ", ".join("-".join(map(str, value)) if isinstance(value, tuple) else str(value) for value in values)


def system_of(spec: Spec) -> str:
    """Return the id of the report's system that this spec trains, whatever its data, epochs and seed; or ''."""
    return _ID_OF_SYSTEM.get(_network(spec), "")


def _network(spec: Spec) -> tuple[Any, ...]:
    return tuple(getattr(spec, name) for name in _OF_A_SYSTEM)


_OF_A_SYSTEM = tuple(name for name in HINTS if name not in NOT_PART_OF_A_SYSTEM)
_ID_OF_SYSTEM = {_network(spec): name for name, spec in SYSTEMS.items()}
