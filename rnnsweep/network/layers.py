"""The recurrent layers of a network: Keras's own, and those of cells that Keras has not."""

from __future__ import annotations

from typing import Any

from rnnsweep.machine.device import keras


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
