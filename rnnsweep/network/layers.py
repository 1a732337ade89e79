"""The recurrent layers of a network: Keras's own, and those of cells that Keras has not."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from rnnsweep.cells import OWN, imported, source_checksum
from rnnsweep.errors import UserError, reason
from rnnsweep.machine.device import keras
from rnnsweep.spec import Spec


@keras.saving.register_keras_serializable("rnnsweep")
class Embedding(keras.layers.Embedding):  # type: ignore[misc]  # Keras has no types
    """Keras's table of words, of which a training step leaves some out: Gal and Ghahramani 2016, of a batch at a time.

    It has Keras's name, so that its weights are those of a network that leaves none out.
    """

    def __init__(self, *arguments: Any, dropped: float = 0.0, seed: int = 0, **options: Any) -> None:
        """Leave out each word, but for the padding, with this probability; all else is as Keras's embedding has it."""
        super().__init__(*arguments, **options)
        self.dropped, self.seed = dropped, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        """Return the shape of the vectors, in training or not."""
        return super().compute_output_spec(inputs)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the vectors of int32 [batch, steps]; in training those of the words that are kept are enlarged."""
        vectors = super().call(inputs)
        if not training:
            return vectors
        ops = keras.ops
        drawn = keras.random.uniform((self.input_dim,), seed=self.seed_generator)
        scale = ops.cast(drawn >= self.dropped, "float32") / (1 - self.dropped)
        scale = ops.where(ops.arange(self.input_dim) == 0, 1.0, scale)
        return vectors * ops.expand_dims(ops.take(scale, inputs), -1)

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made again from."""
        return {**super().get_config(), "dropped": self.dropped, "seed": self.seed}


@keras.saving.register_keras_serializable("rnnsweep")
class ForgetCell(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """An LSTM's unit without input and output gate (Johnson and Zhang 2016): c' = f c + u, h' = tanh c'.

    f = sigmoid and u = tanh of input @ kernel + h @ recurrent kernel + bias, in this order of columns. One step:
    float32 [batch, inputs], states h and c [batch, units] -> h', and [h', c']. As in Keras's LSTM, recurrent dropout
    is one mask of h for each gate, the same at all steps of a text.
    """

    def __init__(self, units: int, recurrent_dropout: float = 0.0, seed: int | None = None, **options: Any) -> None:
        """Take the number of units, and what is dropped by what seed; options are those of any Keras layer."""
        super().__init__(**options)
        self.units, self.state_size, self.output_size = units, [units, units], units
        self.recurrent_dropout, self.seed = recurrent_dropout, seed
        if recurrent_dropout:  # else it would be one more variable of every checkpoint
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.masks: tuple[Any, ...] | None = None  # of h as each gate sees it, in training

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights for so many inputs, initialised as Keras's LSTM initialises them, biases at 0."""
        columns = 2 * self.units
        self.kernel = self.add_weight((input_shape[-1], columns), "glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight((self.units, columns), "orthogonal", name="recurrent_kernel")
        self.bias = self.add_weight((columns,), "zeros", name="bias")

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """Take one step."""
        h, c = states
        sums = keras.ops.matmul(inputs, self.kernel) + self._recurrent(h) + self.bias
        forget, candidate = keras.ops.split(sums, 2, axis=-1)
        c = keras.ops.sigmoid(forget) * c + keras.ops.tanh(candidate)
        h = keras.ops.tanh(c)
        return h, [h, c]

    def _recurrent(self, h: Any) -> Any:
        if self.masks is None:
            return keras.ops.matmul(h, self.recurrent_kernel)
        kernels = keras.ops.split(self.recurrent_kernel, 2, axis=-1)
        products = [keras.ops.matmul(h * mask, kernel) for mask, kernel in zip(self.masks, kernels, strict=True)]
        return keras.ops.concatenate(products, axis=-1)

    def get_recurrent_dropout_mask(self, h: Any) -> tuple[Any, ...]:
        """Return the masks of the states [batch, units], drawn anew."""
        ones = keras.ops.ones_like(h)
        return tuple(keras.random.dropout(ones, self.recurrent_dropout, seed=self.seed_generator) for _ in range(2))

    def get_config(self) -> dict[str, Any]:
        """Return what the cell is made again from."""
        own = {"units": self.units, "recurrent_dropout": self.recurrent_dropout, "seed": self.seed}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("rnnsweep")
class RNN(keras.layers.RNN):  # type: ignore[misc]  # Keras has no types
    """Keras's recurrent layer, whose cell's masks are drawn before its first step; by Keras's name, as `Embedding`."""

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        """Return the outputs, as Keras's layer does."""
        if training:
            h = keras.ops.zeros((keras.ops.shape(sequences)[0], self.cell.units))
            self.cell.masks = tuple(self.cell.get_recurrent_dropout_mask(h))
        outputs = super().call(sequences, initial_state=initial_state, mask=mask, training=training)
        self.cell.masks = None
        return outputs


def forget(units: int, recurrent_dropout: float = 0.0, seed: int | None = None, **options: Any) -> keras.layers.RNN:
    """Return the recurrent layer of so many `ForgetCell` units; options are those of Keras's RNN."""
    kind = RNN if recurrent_dropout else keras.layers.RNN
    return kind(ForgetCell(units, recurrent_dropout, seed), **options)


@keras.saving.register_keras_serializable("rnnsweep")
class MinGRUCell(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """A GRU's unit whose gates see the input alone: h' = (1 - z) h + z u (minGRU, Feng and others 2024).

    z = sigmoid and u of input @ kernel + bias, in this order of columns. One step: float32 [batch, inputs], state h
    [batch, units] -> h', and [h'].
    """

    def __init__(self, units: int, **options: Any) -> None:
        """Take the number of units; options are those of any Keras layer."""
        super().__init__(**options)
        self.units, self.state_size, self.output_size = units, units, units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights for so many inputs, the kernel initialised as Keras's GRU initialises its own, bias at 0."""
        self.kernel = self.add_weight((input_shape[-1], 2 * self.units), "glorot_uniform", name="kernel")
        self.bias = self.add_weight((2 * self.units,), "zeros", name="bias")

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """Take one step."""
        update, candidate = keras.ops.split(keras.ops.matmul(inputs, self.kernel) + self.bias, 2, axis=-1)
        z = keras.ops.sigmoid(update)
        h = (1 - z) * states[0] + z * candidate
        return h, [h]

    def get_config(self) -> dict[str, Any]:
        """Return what the cell is made again from."""
        return {**super().get_config(), "units": self.units}


def mingru(units: int, **options: Any) -> keras.layers.RNN:
    """Return the recurrent layer of so many `MinGRUCell` units; options are those of Keras's RNN."""
    return keras.layers.RNN(MinGRUCell(units), **options)


def linear_gru(units: int, **options: Any) -> keras.layers.RNN:
    """Return Keras's GRU without a tanh: with no recurrent weights, and its update gate turned round, a minGRU."""
    return keras.layers.GRU(units, activation="linear", **options)


def own(spec: Spec) -> Recurrent:
    """Return the Keras layer of the user's own that a spec names; raises `UserError` where it cannot be had."""
    name = spec.own_layer
    try:
        checksum, kind = source_checksum(name), getattr(imported(name), name.partition(":")[2], None)
    except (Exception, SystemExit) as error:  # whatever the user's module does; a script may end its process
        said = "" if isinstance(error, SystemExit) else str(error)
        reason = said.splitlines()[0] if said else repr(error)
        raise UserError(f"cell {name} cannot be imported ({reason}); mend it, or run where it is") from None
    if checksum != spec.own_sha256:
        raise UserError(
            f"the source of {name} is another one (checksum {checksum[:12]}) than that of {spec.key} "
            f"({spec.own_sha256[:12]}); give its old source, or train it anew by --cell {name}"
        )
    if not (isinstance(kind, type) and issubclass(kind, keras.layers.Layer)):
        raise UserError(f"cell {name} is no Keras layer; name a subclass of keras.layers.Layer in that module")
    return kind


Given = ParamSpec("Given")
Build = Callable[Concatenate[Spec, Given], keras.Model]


def naming_own(build: Build[Given]) -> Build[Given]:
    """Return what builds networks, but raising `UserError` with its name where a layer of the user's own makes none."""

    @functools.wraps(build)
    def named(spec: Spec, /, *values: Given.args, **options: Given.kwargs) -> keras.Model:
        if spec.cell != OWN:
            return build(spec, *values, **options)
        try:
            model = build(spec, *values, **options)
        except UserError:
            raise
        except (Exception, SystemExit) as error:  # whatever it does when it is made or called
            raise UserError(
                f"cell {spec.own_layer} makes no network ({reason(traceback.format_exc())}); a layer is made with "
                "units, return_sequences and name, and called with [texts, steps, channels]; mend it"
            ) from error
        _check_outputs(model, spec)
        return model

    return named


def _check_outputs(model: keras.Model, spec: Spec) -> None:
    """Raise `UserError` where a layer of the user's own gives no channels of texts, or of their steps."""
    for index in range(spec.depth):
        name = ("bidirectional_" if spec.bidirectional else "") + (OWN if index == 0 else f"{OWN}_{index}")
        shape = model.get_layer(name).output.shape
        steps = index < spec.depth - 1 or spec.pooling != "last"
        if len(shape) != 2 + steps or shape[0] is not None:
            wanted = "[texts, steps, channels], as return_sequences asks" if steps else "[texts, channels]"
            raise UserError(f"cell {spec.own_layer} gives {list(shape)} instead of {wanted}, texts None; mend it")


Recurrent = Callable[..., keras.layers.RNN]
RECURRENT: dict[str, Recurrent] = {
    "simple_rnn": keras.layers.SimpleRNN,
    "gru": keras.layers.GRU,
    "lstm": keras.layers.LSTM,
    "forget": forget,
    "mingru": mingru,
}
"""What makes a recurrent layer by the name of its cell."""
