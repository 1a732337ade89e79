"""The update of a Keras optimizer by compiled loops, on arrays that are Keras's variables again at each epoch's end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rnnsweep.machine.device import keras
from rnnsweep.network.packed.denormals import flushed
from rnnsweep.network.packed.updates import UPDATES, decay, nadam_product, sgd_catch_up, sgd_rows
from rnnsweep.spec import Spec
from rnnsweep.types import Floats, Ints, Row, Tokens

TABLE = "embeddings"  # as Keras names an embedding's one variable, be it of words or of bigrams


def keras_optimizer(spec: Spec) -> keras.optimizers.Optimizer:
    """Return the optimizer of a spec, not built yet; what the spec does not say is at Keras's defaults."""
    if not spec.embedding_apart:
        return _of_kind(spec, spec.optimizer, spec.learning_rate, spec.clip_norm)
    kind = spec.optimizer if spec.embedding_optimizer == "same" else spec.embedding_optimizer
    return Apart(
        _of_kind(spec, kind, spec.embedding_learning_rate or spec.learning_rate),
        _of_kind(spec, spec.optimizer, spec.learning_rate),
        spec.clip_norm,
    )


def _of_kind(spec: Spec, kind: str, rate: float, clip_norm: float = 0.0) -> keras.optimizers.Optimizer:
    config: Row = {"learning_rate": rate}
    if kind == "sgd":
        config["momentum"] = spec.momentum
    if clip_norm:
        config["global_clipnorm"] = clip_norm
    if spec.weight_decay:
        config["weight_decay"] = spec.weight_decay
    return keras.optimizers.get({"class_name": kind, "config": config})


class Apart(keras.optimizers.MultiOptimizer):  # type: ignore[misc]  # Keras has no types
    """A Keras optimizer for the embedding and another for all else; gradients are shortened by the norm of them all."""

    def __init__(
        self, embedding: keras.optimizers.Optimizer, others: keras.optimizers.Optimizer, clip_norm: float = 0.0
    ) -> None:
        """Take the two, and the norm of all gradients together that longer ones are shortened to; 0: any."""
        super().__init__(lambda variable: embedding if variable.name == TABLE else others)
        self._inner_optimizers = [embedding, others]  # in this order, whatever the variables'
        self.longest = clip_norm

    def apply(self, grads: list[Any], trainable_variables: list[keras.Variable] | None = None) -> None:
        """Take one step of these gradients."""
        if self.longest:
            ops = keras.ops
            norm = ops.sqrt(sum(ops.sum(ops.square(grad)) for grad in grads))
            scale = ops.minimum(self.longest / norm, 1.0)
            grads = [grad * scale for grad in grads]
        super().apply(grads, trainable_variables)


def set_rate(optimizer: keras.optimizers.Optimizer, spec: Spec, rate: float) -> None:
    """Give a spec's Keras optimizer the learning rate of the steps that follow; the embedding's keeps its ratio."""
    if spec.embedding_apart:
        embedding, others = optimizer.optimizers
        embedding.learning_rate.assign(rate * embedding_ratio(spec))
        others.learning_rate.assign(rate)
    else:
        optimizer.learning_rate.assign(rate)


def embedding_ratio(spec: Spec) -> float:
    """Return the embedding's learning rate by that of all else."""
    return (spec.embedding_learning_rate or spec.learning_rate) / spec.learning_rate


def in_place(
    spec: Spec, optimizer: keras.optimizers.Optimizer, variables: list[keras.Variable]
) -> InPlaceOptimizer | InPlaceApart:
    """Return what takes the steps of a spec's Keras optimizer, built for these variables, on arrays."""
    if spec.embedding_apart:
        return InPlaceApart(optimizer, variables, embedding_ratio(spec))
    return InPlaceOptimizer(optimizer, variables)


class InPlaceApart:
    """The arrays and steps of an `Apart`: one `InPlaceOptimizer` for the tables, which come first, one for all else."""

    def __init__(self, optimizer: Apart, variables: list[keras.Variable], ratio: float) -> None:
        """Take up an optimizer that is built for these variables, and the embedding's rate by that of all else."""
        self._optimizer, self._ratio = optimizer, ratio
        tables = self._tables = _tables_in(variables)
        parts = zip(optimizer.optimizers, (variables[:tables], variables[tables:]), strict=True)
        self._table, self._others = (InPlaceOptimizer(*part) for part in parts)

    @property
    def weights(self) -> list[Floats]:
        """The weights as the last step left them."""
        return [*self._table.weights, *self._others.weights]

    @property
    def by_rows(self) -> bool:
        """Whether the tables' steps are taken by `apply_rows`."""
        return self._table.by_rows and not self._optimizer.longest

    def catch_up(self, rows: Tokens) -> None:
        """Bring rows of the tables up to the last step before they are read."""
        self._table.catch_up(rows)

    def apply_rows(self, rows: Tokens, values: Floats, gradients: list[Floats]) -> None:
        """Change the weights by one step of the gradients of some of the tables' rows, and of all other weights."""
        self._table.apply_rows(rows, values, [])
        self._others.apply(gradients)

    def read(self) -> None:
        """Take weights, state, learning rates and number of steps from Keras's variables."""
        self._table.read()
        self._others.read()

    def set_rate(self, rate: float) -> None:
        """Take this learning rate from the next step on; the embedding's keeps its ratio to it."""
        self._table.set_rate(rate * self._ratio)
        self._others.set_rate(rate)

    def apply(self, gradients: list[Floats]) -> None:
        """Change the weights and the state by one step of the gradients, a float32 array of each weight's shape."""
        with flushed():
            gradients = _clipped(gradients, self._optimizer.longest)
        self._table.apply(gradients[: self._tables])
        self._others.apply(gradients[self._tables :])

    def write(self) -> None:
        """Give weights, state and number of steps back to Keras's variables."""
        self._table.write()
        self._others.write()
        self._optimizer.iterations.assign(self._others.steps)


class InPlaceOptimizer:
    """A Keras optimizer's weights and state as arrays, changed in place by the optimizer's own formula.

    `read` takes them from Keras's variables, `write` gives them back. Raises `KeyError` on an optimizer without a loop,
    and `ValueError` on one that is not built for these variables.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, variables: list[keras.Variable]) -> None:
        """Take up an optimizer that is built for these variables; nothing is read yet."""
        self._optimizer, self._variables = optimizer, variables
        self._name = type(optimizer).__name__.lower()
        self._update, settings = UPDATES[self._name]
        if not self._is_built():  # else the loops would write where no array is
            raise ValueError(f"{self._name} is not built for these {len(variables)} variables; call its build first")
        self._decay, self._longest = optimizer.weight_decay or 0, optimizer.global_clipnorm or 0
        self._settings = np.array([getattr(optimizer, setting) for setting in settings])
        self._tables = _tables_in(variables)
        self._taken: list[Ints] = []  # of each table whose rows catch up, the step that each of them is at
        self.weights: list[Floats] = []  # as the last step left them
        self._state: list[Floats] = []  # of each weight its arrays, and what belongs to all at the end
        self.steps = 0  # that were taken
        self._rate = np.float32(0)  # of the next step

    def read(self) -> None:
        """Take weights, state, learning rate and number of steps from Keras's variables."""
        self.weights = [_array(variable) for variable in self._variables]
        self._state = [_array(variable) for variable in self._state_variables()]
        self.steps = int(_array(self._optimizer.iterations))
        self._rate = np.float32(_array(self._optimizer.learning_rate))
        tables = self.weights[: self._tables] if self.by_rows else []
        self._taken = [np.full(len(table), self.steps) for table in tables]

    @property
    def by_rows(self) -> bool:
        """Whether the tables' steps are taken by `apply_rows`: of SGD, where a gradient changes its own row alone."""
        return self._name == "sgd" and self._tables > 0 and not self._decay and not self._longest

    def catch_up(self, rows: Tokens) -> None:
        """Bring rows of the tables, numbered as `RowGradient` does, up to the last step before they are read."""
        if not self._state:  # without momentum, a row without a gradient does not move
            return
        with flushed():
            for at, first, last in self._tables_from():
                own = rows[(rows >= first) & (rows < last)] - first
                arrays = self.weights[at], self._state[at], self._taken[at]
                sgd_catch_up(*arrays, own, self.steps, self._settings)

    def apply_rows(self, rows: Tokens, values: Floats, gradients: list[Floats]) -> None:
        """Change the weights by one step of the gradients of some of the tables' rows, and of all other weights.

        `rows` int [rows], each once, caught up, and ascending where there is more than one table; `values` float32
        [rows, columns].
        """
        self.steps += 1
        with flushed():
            for at, first, last in self._tables_from():
                named = slice(*np.searchsorted(rows, [first, last])) if self._tables > 1 else slice(None)
                momentum = self._state[at] if self._state else np.empty((0, 0), np.float32)
                arrays = self.weights[at], momentum, self._taken[at], rows[named] - first, values[named]
                sgd_rows(*arrays, self.steps, self._rate, self._settings)
            self._step(self._tables, gradients)

    def _tables_from(self) -> Iterator[tuple[int, int, int]]:
        """Yield each table's place among the weights, the number of its first row, and one past its last one's.

        The rows of bigrams, whose table is first, are numbered behind those of words.
        """
        first = 0
        for at in reversed(range(self._tables)):
            last = first + len(self.weights[at])
            yield at, first, last
            first = last

    def set_rate(self, rate: float) -> None:
        """Take this learning rate from the next step on."""
        self._rate = np.float32(rate)

    def apply(self, gradients: list[Floats]) -> None:
        """Change the weights and the state by one step of the gradients, a float32 array of each weight's shape."""
        self.steps += 1
        for taken in self._taken:
            taken[:] = self.steps
        with flushed():
            self._step(0, _clipped(gradients, self._longest))

    def _step(self, first: int, gradients: list[Floats]) -> None:
        """Take one step of the weights from the first on."""
        shared = self._shared()
        each = self._arrays_of_each(len(self._state))
        for i, (weight, gradient) in enumerate(zip(self.weights[first:], gradients, strict=True), first):
            own = self._state[i * each : (i + 1) * each] + [shared[:0]] * (2 - each)
            arrays = [array.reshape(-1) for array in (weight, gradient, *own)]
            if self._decay:
                decay(arrays[0], self._decay, self._rate)
            self._update(*arrays, shared, self.steps, self._rate, self._settings)

    def write(self) -> None:
        """Give weights, state and number of steps back to Keras's variables."""
        if self.by_rows:
            self.catch_up(np.arange(sum(map(len, self.weights[: self._tables])), dtype=np.int32))
        for variable, array in zip(self._variables, self.weights, strict=True):
            variable.assign(array.copy())  # a backend may keep the array that it is given
        for variable, array in zip(self._state_variables(), self._state, strict=True):
            variable.assign(array.copy())
        self._optimizer.iterations.assign(self.steps)
        self._optimizer.learning_rate.assign(self._rate)

    def _shared(self) -> Floats:
        """Return what belongs to all weights, float32 [1], as of this step: Nadam's product of momenta, or 1."""
        if self._name != "nadam":
            return np.ones(1, np.float32)
        product = self._state[-1].reshape(1)
        product[0] = nadam_product(product[0], self.steps, self._settings[0])
        return product

    def _arrays_of_each(self, arrays: int) -> int:
        """Return how many of the state's arrays each weight has; one more belongs to all, of Nadam."""
        return (arrays - (self._name == "nadam")) // len(self._variables)

    def _is_built(self) -> bool:
        state = [variable.shape for variable in self._state_variables()] if self._optimizer.built else []
        each = self._arrays_of_each(len(state))
        own = [variable.shape for variable in self._variables for _ in range(each)]
        return bool(self._optimizer.built) and state[: len(own)] == own

    def _state_variables(self) -> list[keras.Variable]:
        # Keras has the number of steps and the learning rate in front, then each weight's, then what belongs to all.
        variables: list[keras.Variable] = self._optimizer.variables[2:]
        return variables


def _tables_in(variables: list[keras.Variable]) -> int:
    """Return how many of these variables are tables; they are in front."""
    return sum(variable.name == TABLE for variable in variables)


def _clipped(gradients: list[Floats], longest: float) -> list[Floats]:
    """Return the gradients, shortened where all together are longer than allowed: Pascanu and others 2013."""
    if not longest:
        return gradients
    norm = np.sqrt(sum(float(np.vdot(gradient, gradient)) for gradient in gradients))
    return gradients if norm <= longest else [g * np.float32(longest / norm) for g in gradients]


def _array(variable: keras.Variable) -> Floats:
    return np.array(keras.ops.convert_to_numpy(variable))
