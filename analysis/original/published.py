"""What the original report printed of its eight networks, and where its conclusion tables take it from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

# Which system fills which column of the original's conclusion tables.
COLUMNS = {
    "simple_rnn": ("rnn-2x-10k", "rnn-3x-1k"),
    "gru": ("gru-3x-1k", "gru-2x-10k-80"),
    "lstm": ("lstm-1x-5k", "lstm-1x-1k", "lstm-3x-1k"),
}
AT_500 = ("gru-3x-1k", "gru-2x-10k-500")  # in the GRU table's row maxlen=500
# "testing" is what the original quoted: the validation accuracy of the last line of the log.
QUANTITIES = {
    "training": "last_train_accuracy",
    "testing": "last_val_accuracy",
    "test": "last_val_accuracy",
    "parameters": "params",
    "load_data(num_words=)": "num_words",
    "pad_sequences(maxlen=)": "max_len",
}
OF_EPOCH = {"last_train_accuracy": "accuracy", "last_val_accuracy": "val_accuracy"}


def load_published() -> dict[str, Any]:
    """Return the original report's systems and conclusions, as transcribed in `published.json`."""
    data: dict[str, Any] = json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))
    return data


def published_layers(published: dict[str, Any]) -> list[int]:
    """Return the parameters of each layer of a published network, the embedding first."""
    layers = published["layer_params"]
    return [layers["embedding"], *layers["rnn"], layers["dense"]]


def published_test_accuracy(system: dict[str, Any]) -> float:
    """Return the published accuracy on all test reviews, of the classification report or else of the log, or nan."""
    if "classification_report" in system:
        return float(system["classification_report"]["accuracy"])
    return float(system["epochs"][-1]["val_accuracy"]) if "test" in system["validation"] else np.nan
