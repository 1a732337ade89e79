"""The exact fast path on a CPU: loss, gradients and predictions of a spec's network, padding computed at most once.

The same mathematics as the Keras layers' (`keras/src/layers/rnn`), ordered otherwise:

* Where padding is fed and read in one direction, every text's padding in front is the same, so it is computed once, as
  one more row, up to the latest beginning. A text copies that row's state where it begins, and on the way back its
  gradient flows into the padding row. Where padding is masked, or texts are cut into segments, it is left out, and a
  text begins with zeros. So the work grows with the words in a batch, not with `max_len`; but for the second direction
  of networks that read fed padding from both ends, and of more than one layer for both: each text's padding differs.
* The second direction reads each row from its end: the same pairs, mirrored within their row; of one layer whose
  padding is fed, it is a network of its own beside that of the first.
* Texts are sorted by length and taken a few at a time, forward and backward, so that what the backward pass needs
  still lies in the processor's cache. Within such a group the rows of one step, and the steps one after another, are
  contiguous (packed): a **pair** is one (step, row) that is computed.
* The embedding is multiplied by the first kernel once per different word, then rows are gathered.
* Time is cut into chunks, and all layers of one direction are taken through one chunk before the next, so that what
  passes between them is still in the cache. The gradient of each weight is one matrix product per layer and chunk.
* The loops over steps are compiled by numba and call BLAS; everything around them is NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  (numba loads it at its first product, too late to be limited)
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from rnnsweep.cells import CELLS
from rnnsweep.network.loss import loss_of
from rnnsweep.network.output import Output, output_of
from rnnsweep.network.packed.batch import Batch, Packer, Sequence, Workspace
from rnnsweep.network.packed.bigrams import Bigrams
from rnnsweep.network.packed.denormals import flushed
from rnnsweep.network.packed.head import Head
from rnnsweep.network.packed.noise import Noise
from rnnsweep.network.packed.passes import Apart, Layer, Passes
from rnnsweep.network.packed.pooling import Pooling
from rnnsweep.network.packed.steps import STEPS
from rnnsweep.network.packed.turns import IsTurn, Turns
from rnnsweep.spec import Spec
from rnnsweep.types import Floats, Tokens


@dataclass(frozen=True)
class RowGradient:
    """The gradient of a table of which a batch reads some rows: all others are zero; bigrams' are behind the words'."""

    rows: Tokens  # [n], each once
    values: Floats  # [n, columns]


def supports(spec: Spec) -> bool:
    """Return whether `Network` computes this spec."""
    return spec.cell in STEPS


class Network:
    """Loss, gradients and predictions of one spec's network, from its weights as arrays; it keeps buffers, no state.

    `weights` are those of `model.trainable_weights`: embedding [rows, dim]; per layer, and in it per direction, kernel
    [inputs, gates * units], recurrent kernel [units, gates * units] and bias; with attention its query [width, 1]; per
    dense layer, kernel [width, outputs] and bias [outputs]. Without an embedding the table is [rows, directions * gates
    * units], and the first layer has no kernel. GRU: Cho et al. 2014 with `reset_after`, gates z, r, h and bias [2, 3 *
    units]; LSTM: Hochreiter and Schmidhuber 1997, gates i, f, c, o; minGRU has no recurrent kernel. With bigrams their
    vectors [bigram_rows, dim] stand in front of all. Raises `ValueError` on a spec that `supports` refuses.
    """

    def __init__(self, spec: Spec, classes: int | Output = 2, threads: int = 1, bigrams: Floats | None = None) -> None:
        """Prepare for one spec and so many classes; compiles nothing yet. No bit depends on the number of threads.

        `bigrams` are the pairs that the spec's network knows, as `Bigrams` wants them.
        """
        if not supports(spec):
            raise ValueError(
                f"the packed engine computes {', '.join(sorted(STEPS))}, and no other cell; train {spec.label()} with "
                "the Keras layers"
            )
        self._spec, self._output = spec, output_of(classes)
        self._loss = loss_of(spec, self._output)
        self._directions = 2 if spec.bidirectional else 1
        self._head = Head(spec)
        self._packer, self._buffer = Packer(spec), Workspace()
        self._bigrams = None if bigrams is None else Bigrams(spec, bigrams, self._buffer)
        self._turns = Turns(1)
        self._buffers: list[Workspace] = []  # of each lane, kept for when there are as many again
        self.use_threads(threads)
        self._table_gradient: Floats | None = None
        self._table_rows: Tokens = np.arange(0, dtype=np.int32)  # of it, all that are not zero
        # A second thread within a product costs more in waiting than it gains, and would change the last digits.
        self._blas = ThreadpoolController()

    def use_threads(self, threads: int) -> None:
        """Compute by so many threads from now on, at least one."""
        if threads != self._turns.threads:
            self._turns.end()
            self._turns = Turns(threads)
            self._buffers += [Workspace() for _ in range(self._turns.lanes - len(self._buffers))]

    def loss_and_gradients(
        self,
        weights: list[Floats],
        ids: Tokens,
        labels: NDArray[Any],
        dropout_mask: Floats | None = None,
        sample_weights: Floats | None = None,
        word_scale: Floats | None = None,
        noise: Noise | None = None,
    ) -> tuple[float, Floats, list[Floats]]:
        """Return the mean loss, probabilities, as `Output` shapes them, and the gradient of each weight, dense.

        `ids` int32 [batch, steps], `labels` classes [batch], `dropout_mask` float32 [batch, `pooled_width`] holds the
        scale, `sample_weights` float32 [batch] multiply each review's loss, `word_scale` float32 [rows] the vectors of
        words, and behind them of bigrams, `noise` draws what is dropped within the layers. The gradients are buffers:
        the next call overwrites them. Raises `IndexError` on an id beyond the embedding.
        """
        loss, probabilities, table, gradients = self.loss_and_row_gradient(
            weights, ids, labels, dropout_mask, sample_weights, word_scale, noise
        )
        words = self._spec.embedding_rows
        if self._table_gradient is None:
            self._table_gradient = np.zeros((words + self._spec.bigram_rows, weights[0].shape[1]), np.float32)
        self._table_gradient[self._table_rows] = 0
        self._table_gradient[table.rows] = table.values
        self._table_rows = table.rows.copy()
        tables = [self._table_gradient[words:]] if self._bigrams else []
        return loss, probabilities, [*tables, self._table_gradient[:words], *gradients]

    def loss_and_row_gradient(
        self,
        weights: list[Floats],
        ids: Tokens,
        labels: NDArray[Any],
        dropout_mask: Floats | None = None,
        sample_weights: Floats | None = None,
        word_scale: Floats | None = None,
        noise: Noise | None = None,
        reading: Callable[[Tokens], None] = lambda rows: None,
    ) -> tuple[float, Floats, RowGradient, list[Floats]]:
        """Return the same, but the table's gradient as the rows that the batch reads, before those of other weights.

        `reading` is called with the rows that are to be read, before they are; one may be named twice.
        """
        tables, weights = self._tables_apart(weights)
        gradients = [self._buffer.zeros(f"gradient{i}", *weight.shape) for i, weight in enumerate(weights[1:], 1)]
        # A loss of NaN says enough.
        with self._blas.limit(limits=1, user_api="blas"), np.errstate(all="ignore"), flushed():
            batch = self._pack(ids)
            rows = self._rows(batch.words)
            reading(rows)
            embedded = self._embedded(tables, batch.words, rows, word_scale)
            passes = self._passes(weights, gradients, embedded, noise)
            losses, logits = self._through(passes, batch, weights, gradients, labels, dropout_mask, sample_weights)
            if isinstance(passes, Passes) and self._spec.word_by_word:
                table = passes.dembedded
            else:
                table = self._table_gradients(passes.dtables, weights, gradients, embedded)
            found = self._row_gradient(batch.words, rows, table, word_scale)
            return float(losses.mean()), self._output.probabilities(logits), found, gradients

    def predict(self, weights: list[Floats], ids: Tokens) -> Floats:
        """Return the probabilities, as `Output` shapes them: int32 [reviews, steps] -> float32 [reviews, ...]."""
        logits = np.empty((len(ids), self._output.units), np.float32)
        if not len(ids):
            return self._output.probabilities(logits)
        tables, weights = self._tables_apart(weights)
        with self._blas.limit(limits=1, user_api="blas"), np.errstate(all="ignore"), flushed():
            batch = self._pack(ids)
            passes = self._passes(weights, [], self._embedded(tables, batch.words, self._rows(batch.words)))
            passes.begin(batch.padding, ids.shape[1])
            lanes = self._by_lane(passes)

            def work(lane: int, group: Sequence, is_turn: IsTurn) -> Callable[[], None]:
                logits[group.reviews] = self._head.forward(weights, lanes[lane].output(group, keep=False)[1])[-1]
                return lanes[lane].end_group

            self._turns(batch.groups, work)
            return self._output.probabilities(logits)

    def _tables_apart(self, weights: list[Floats]) -> tuple[list[Floats], list[Floats]]:
        """Return the tables, of bigrams if there are any and of words, and all weights but the former."""
        others = weights[1:] if self._bigrams else weights
        return weights[: 1 + (self._bigrams is not None)], others

    def _pack(self, ids: Tokens) -> Batch:
        return self._packer.pack(ids, self._bigrams.numbered if self._bigrams else None)

    def _rows(self, numbers: Tokens) -> Tokens:
        """Return the rows that the vectors of a batch's words are made of, numbered as `RowGradient` has them."""
        return self._bigrams.rows(numbers) if self._bigrams else numbers

    def _embedded(self, tables: list[Floats], numbers: Tokens, rows: Tokens, scale: Floats | None = None) -> Floats:
        if self._bigrams:
            return self._bigrams.vectors(numbers, rows, (tables[0], tables[1]), scale)
        embedded: Floats = np.take(tables[0], rows, axis=0)
        return embedded if scale is None else embedded * scale[rows, None]

    def _row_gradient(self, numbers: Tokens, rows: Tokens, gradient: Floats, scale: Floats | None) -> RowGradient:
        if self._bigrams:
            return RowGradient(*self._bigrams.gradient(numbers, rows, gradient, scale))
        return RowGradient(rows, gradient if scale is None else gradient * scale[rows, None])

    def _passes(
        self, weights: list[Floats], gradients: list[Floats], embedded: Floats, noise: Noise | None = None
    ) -> Passes | Apart:
        queries = int(self._spec.pooling == "attention")
        end = -self._head.arrays - queries
        parts, dparts = self._parts(weights[1:end]), self._parts(gradients[:end])
        layers = [
            _layer(self._spec.units[i // self._directions], part, dparts[i] if gradients else [])
            for i, part in enumerate(parts)
        ]
        query = tuple(arrays[end] for arrays in (weights, gradients) if queries and arrays)
        apart, length = self._spec.word_by_word and bool(gradients), self._spec.adversarial
        tables = self._tables(layers, embedded[:0] if apart else embedded)
        cell, kinds, units = self._spec.cell, self._spec.pooling, self._spec.units[-1]
        if self._spec.directions_apart:
            first, second = (
                Passes(cell, [layer], [table], Pooling(kinds, 1, units, buffer), buffer, embedded)
                for layer, table, buffer in zip(layers, tables, (self._buffer, self._buffer.second), strict=True)
            )
            return Apart(first, second, len(kinds.split("+")))
        pooling = Pooling(kinds, self._directions, units, self._buffer, query)
        return Passes(cell, layers, tables, pooling, self._buffer, embedded, noise, apart, length)

    def _by_lane(self, passes: Passes | Apart) -> list[Passes | Apart]:
        """Return the passes of each lane, which threads take groups through."""
        return (
            [passes]
            if self._turns.threads == 1
            else [passes.of_lane(buffer) for buffer in self._buffers[: self._turns.lanes]]
        )

    def _parts(self, arrays: list[Floats]) -> list[list[Floats]]:
        """Return kernel, recurrent kernel and bias of each layer in each direction; what it lacks has no rows."""
        found, rest = [], iter(arrays)
        for i in range(self._spec.depth * self._directions if arrays else 0):
            looked_up = i < self._directions and not self._spec.embedding_dim
            kernel = np.empty((0, 0), np.float32) if looked_up else next(rest)
            recurrent = next(rest) if CELLS[self._spec.cell].recurrent else None
            bias = next(rest)
            found.append([kernel, np.empty((0, bias.size), np.float32) if recurrent is None else recurrent, bias])
        return found

    def _tables(self, layers: list[Layer], embedded: Floats) -> list[Floats]:
        """Return what each word gives the gates of the first layer, for each direction: [words, gates * units]."""
        tables = [self._buffer(f"table{i}", len(embedded), layers[i].columns) for i in range(self._directions)]
        for i, table in enumerate(tables):
            if self._spec.embedding_dim:
                np.matmul(embedded, layers[i].kernel, out=table)
            else:
                table[:] = embedded[:, i * table.shape[1] : (i + 1) * table.shape[1]]
        return tables

    def _table_gradients(
        self, dtables: list[Floats], weights: list[Floats], gradients: list[Floats], embedded: Floats
    ) -> Floats:
        """Fill the gradients of the first layer's kernels; return that of the batch's rows of the table."""
        if not self._spec.embedding_dim:
            return np.concatenate(dtables, axis=1)
        each = CELLS[self._spec.cell].arrays
        for i, dtable in enumerate(dtables):
            np.matmul(embedded.T, dtable, out=gradients[each * i])
        table = dtables[0] @ weights[1].T
        if self._directions > 1:
            table += dtables[1] @ weights[1 + each].T
        return table

    def _through(
        self,
        passes: Passes | Apart,
        batch: Batch,
        weights: list[Floats],
        gradients: list[Floats],
        labels: NDArray[Any],
        dropout_mask: Floats | None,
        sample_weights: Floats | None,
    ) -> tuple[Floats, Floats]:
        """Take a batch forward and back; returns each review's loss and logits."""
        losses = np.zeros(len(labels), np.float32)
        logits = np.empty((len(labels), self._output.units), np.float32)
        padding = passes.begin(batch.padding, self._spec.max_len)
        passes.start_gradients()
        lanes = self._by_lane(passes)

        def both_ways(passes: Passes | Apart, group: Sequence) -> Floats:
            mask, (tape, output) = _rows(dropout_mask, group), passes.output(group)
            if mask is not None:
                output = output * mask
            values = self._head.forward(weights, output)
            loss, dlogit = self._loss(values[-1], labels[group.reviews])
            if (scale := _rows(sample_weights, group)) is not None:
                loss, dlogit = loss * scale, dlogit * scale[:, None]
            losses[group.reviews] += loss
            dlogit /= np.float32(len(labels))
            doutput = self._head.backward(weights, gradients, values, dlogit, passes.add)
            passes.backward(group, tape, doutput if mask is None else doutput * mask)
            return values[-1]

        def work(lane: int, group: Sequence, is_turn: IsTurn) -> Callable[[], None]:
            passes = lanes[lane]
            passes.begin_group(is_turn)
            logits[group.reviews] = both_ways(passes, group)
            if isinstance(passes, Passes) and self._spec.adversarial:
                passes.lead_away(group)
                both_ways(passes, group)
                passes.come_back()
            return passes.end_group

        self._turns(batch.groups, work)
        if batch.padding is not None and padding is not None:
            passes.backward(batch.padding, padding)
        return losses, logits


def _layer(units: int, weights: list[Floats], gradients: list[Floats]) -> Layer:
    kernel, recurrent, bias = weights
    recurrent_bias = bias[:0]
    if bias.ndim == 2:  # the state's bias of the last gate is scaled with what the state gives it
        recurrent_bias = bias[1, -units:]
        bias = np.concatenate([bias[0, :-units] + bias[1, :-units], bias[0, -units:]])
    return Layer(units, kernel, recurrent, bias, recurrent_bias, gradients)


def _rows(array: Floats | None, group: Sequence) -> Floats | None:
    return None if array is None else array[group.reviews]
