"""The training steps of an epoch by one of rnnsweep's engines, for benchmarks that clock them alone."""

from __future__ import annotations

import environment  # noqa: F401  (before NumPy)
import numpy as np

from rnnsweep.machine.device import keras
from rnnsweep.network.model import build
from rnnsweep.spec import Spec
from rnnsweep.training.engines import Engine, engine_class
from rnnsweep.training.optimizer import keras_optimizer


def fresh(spec: Spec, name: str = "packed") -> tuple[Engine, list[keras.Variable]]:
    """Return an engine of this name with a new network, and the variables of that and its optimizer."""
    model, optimizer = build(spec), keras_optimizer(spec)
    optimizer.build(model.trainable_variables)
    engine: Engine = engine_class(name, spec, "cpu")(spec, model, optimizer)
    return engine, [*model.variables, *optimizer.variables]


def steps(engine: Engine, size: int, ids: np.ndarray, labels: np.ndarray) -> list[float]:
    """Take a training step on each batch of this size in turn; returns their losses."""
    return [engine.step(ids[i : i + size], labels[i : i + size])[0] for i in range(0, len(ids), size)]
