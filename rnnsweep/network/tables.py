"""The tables of a network: of words, and of the pairs of words that it knows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnsweep.machine.device import keras
from rnnsweep.network.cost import table_columns
from rnnsweep.network.layers import Embedding
from rnnsweep.spec import LARGEST_EXACT, LARGEST_SEED, Spec
from rnnsweep.types import Floats, Ints

SEED_STEP = 1_000_003  # between the seeds of layers that draw; that of the last dropout is the spec's


def embedding(spec: Spec) -> keras.layers.Embedding:
    """Return the table of words, or, without an embedding, of what each gives the gates (Johnson and Zhang 2016)."""
    # Where the table is the gates' input itself, Keras's narrow uniform start would leave all gates half open.
    start = "uniform" if spec.embedding_dim else keras.initializers.RandomNormal(stddev=0.05)
    return _table(spec, spec.seed)(
        spec.embedding_rows,
        table_columns(spec),
        start,
        mask_zero=spec.padding_skipped,
        name="embedding",
        trainable=spec.train_vectors,
    )


def _table(spec: Spec, seed: int) -> Callable[..., keras.layers.Embedding]:
    """Return what makes a table of which training leaves out rows as the spec says, drawn by this seed."""
    dropped = functools.partial(Embedding, dropped=spec.word_dropout, seed=seed)
    return dropped if spec.word_dropout else keras.layers.Embedding


def with_bigrams(spec: Spec, words: keras.layers.Layer, tokens: Any) -> Any:
    """Return the vectors of the words [batch, steps, columns], each with that of the pair that it ends, if it is one.

    The pairs are a table that is not trained, ascending: `begin_with_bigrams` fills it, and weights keep it.
    """
    ops, kind = keras.ops, keras.layers.Embedding
    pairs = kind(spec.bigram_rows, 2, "zeros", name="bigrams", trainable=False)
    vectors = _table(spec, seed_of(spec, 3 * spec.depth))(spec.bigram_rows, table_columns(spec), name="bigram_vectors")
    second = ops.cast(tokens, "float32")  # as the table has them, exactly
    first = ops.pad(second[:, :-1], ((0, 0), (1, 0)))
    place = ops.zeros_like(tokens)  # of the last pair that is not above
    for step in reversed(range(spec.bigrams.bit_length())):
        further = place + 2**step
        here = pairs(ops.minimum(further, spec.bigrams))
        same = ops.equal(here[..., 0], first)
        above = ops.logical_or(here[..., 0] > first, ops.logical_and(same, here[..., 1] > second))
        place = ops.where(ops.logical_or(further > spec.bigrams, above), place, further)
    there = ops.logical_and(place > 0, ops.all(ops.equal(pairs(place), ops.stack([first, second], axis=-1)), axis=-1))
    place = ops.where(there, place, 0)
    return words(tokens) + ops.cast(there, "float32")[..., None] * vectors(place)


def begin_with_bigrams(model: keras.Model, found: Ints) -> None:
    """Give a network these pairs of words, int64 [pairs, 2], ascending, at most as many as its table has rows for.

    Row 0 is of no pair; so are the rows behind the last, which no words are as large as.
    """
    pairs = model.get_layer("bigrams").embeddings
    table = np.full(pairs.shape, LARGEST_EXACT, np.float32)
    table[0] = 0
    table[1 : len(found) + 1] = found
    pairs.assign(table)


def begin_with(model: keras.Model, ids: Ints, values: Floats, num_words: int) -> None:
    """Give these words, numbers below num_words of int64 [words], their vectors, float32 [words, embedding_dim].

    Those that have none, and all other rows of the embedding, stay as they are.
    """
    table = np.array(keras.ops.convert_to_numpy(model.get_layer("embedding").embeddings))
    kept = ids < num_words
    table[ids[kept]] = values[kept]
    model.get_layer("embedding").embeddings.assign(table)


def seed_of(spec: Spec, place: int) -> int:
    """Return the seed of one of the layers that draw, so that no two draw alike."""
    return (spec.seed + SEED_STEP * (place + 1)) % (LARGEST_SEED + 1)
