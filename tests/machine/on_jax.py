"""Trains by both engines on the backend that KERAS_BACKEND names, and from a checkpoint, and prints what came out."""

import jax
import numpy as np

from rnnsweep.data import load
from rnnsweep.machine.device import use_cores
from rnnsweep.spec import Spec
from rnnsweep.training.train import train

dataset = load("embedded")
spec = Spec(cell="gru", units=(4,), num_words=50, max_len=8, reviews=100, epochs=2, batch_size=32)
spec = spec.replace(dataset=dataset.name, data_sha256=dataset.sha256)
use_cores(1)
for engine in ("packed", "keras"):
    states = []
    whole = train(spec, dataset, lambda epoch, states=states: states.append(epoch.state()), engine=engine)
    resumed = train(spec, dataset, state=states[0], engine=engine)
    same = (np.array_equal(whole.predictions[name], resumed.predictions[name]) for name in whole.predictions)
    print(whole.row["path"], all(same) and whole.last_weights == resumed.last_weights)
print(jax.config.jax_default_matmul_precision, whole.row["versions"]["backend"])
