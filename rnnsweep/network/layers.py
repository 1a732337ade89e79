"""The recurrent layers of a network: Keras's own, and those of cells that Keras has not."""

from __future__ import annotations

from typing import Any

from rnnsweep.machine.device import keras


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
    float32 [batch, inputs], states h and c [batch, units] -> h', and [h', c'].
    """

    def __init__(self, units: int, **options: Any) -> None:
        """Take the number of units; options are those of any Keras layer."""
        super().__init__(**options)
        self.units, self.state_size, self.output_size = units, [units, units], units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights for so many inputs, initialised as Keras's LSTM initialises them, biases at 0."""
        columns = 2 * self.units
        self.kernel = self.add_weight((input_shape[-1], columns), "glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight((self.units, columns), "orthogonal", name="recurrent_kernel")
        self.bias = self.add_weight((columns,), "zeros", name="bias")

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """Take one step."""
        h, c = states
        sums = keras.ops.matmul(inputs, self.kernel) + keras.ops.matmul(h, self.recurrent_kernel) + self.bias
        forget, candidate = keras.ops.split(sums, 2, axis=-1)
        c = keras.ops.sigmoid(forget) * c + keras.ops.tanh(candidate)
        h = keras.ops.tanh(c)
        return h, [h, c]

    def get_config(self) -> dict[str, Any]:
        """Return what the cell is made again from."""
        return {**super().get_config(), "units": self.units}


def forget(units: int, **options: Any) -> keras.layers.RNN:
    """Return the recurrent layer of so many `ForgetCell` units; options are those of Keras's RNN."""
    return keras.layers.RNN(ForgetCell(units), **options)


RECURRENT = {
    "simple_rnn": keras.layers.SimpleRNN,
    "gru": keras.layers.GRU,
    "lstm": keras.layers.LSTM,
    "forget": forget,
}
"""What makes a recurrent layer by the name of its cell."""
