"""What an exported network takes on this machine, measured when it is exported."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from rnnsweep.types import Tokens
from rnnsweep.use.chosen import Chosen

BATCHES = (1, 32)  # texts at once
REPEATS, MOST_SECONDS = 20, 2.0


@dataclass(frozen=True)
class Timing:
    """Milliseconds a text, the median of some repetitions, of texts as long as the network reads them."""

    what: str
    batch: int
    milliseconds: float


def measured(what: str, run: Callable[[Tokens], Any], found: Chosen) -> list[Timing]:
    """Return what a text takes alone and in a batch; `run` takes int32 [texts, max_len]."""
    random = np.random.default_rng(0)
    return [
        Timing(what, batch, _milliseconds(run, random.integers(3, found.num_words, (batch, found.max_len), np.int32)))
        for batch in BATCHES
    ]


def _milliseconds(run: Callable[[Tokens], Any], ids: Tokens) -> float:
    run(ids)  # what is made at the first call is no part of it
    seconds: list[float] = []
    while len(seconds) < REPEATS and sum(seconds) < MOST_SECONDS:
        begin = time.perf_counter()
        run(ids)
        seconds.append(time.perf_counter() - begin)
    return 1000 * median(seconds) / len(ids)


def keras_timings(model: Any, found: Chosen) -> list[Timing]:
    """Return what a Keras model takes."""
    return measured("model.keras, Keras on all cores", model.predict_on_batch, found)


def onnx_timings(model: bytes, name: str, found: Chosen) -> list[Timing]:
    """Return what an ONNX model takes; nothing where there is no runtime to ask."""
    with suppress(ImportError):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # more of them wait for each other on a machine that does other things, too
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return measured(f"{name}, onnxruntime on one core", lambda ids: session.run(None, {"tokens": ids}), found)
    return []
