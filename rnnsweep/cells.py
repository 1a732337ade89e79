"""The recurrent units, a row each: the one table of cells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """What a recurrent unit is made of."""

    title: str  # as the report and Keras write it
    gates: int  # products of `units` columns in its kernels
    biases: int = 1  # rows of its bias
    has_c: bool = False  # whether it carries a second state beside its output


CELLS = {
    "simple_rnn": Cell("SimpleRNN", gates=1),
    "gru": Cell("GRU", gates=3, biases=2),  # reset_after has one bias for the input and one for the state
    "lstm": Cell("LSTM", gates=4, has_c=True),
    "forget": Cell("ForgetGate", gates=2, has_c=True),  # an LSTM without input and output gate
}
"""The cells by the name that a spec gives them."""
