"""A training whose epochs a test looks at."""

from rnnsweep.training.train import train

TIMES = ("seconds", "cpu_seconds", "peak_memory_mb")


def trained(spec, dataset, engine="auto", state=None):
    """Return the result, the rows of its epochs without times, and the states after each epoch."""
    rows, states = [], []

    def on_epoch(epoch):
        rows.append({name: value for name, value in epoch.rows[-1].items() if name not in TIMES})
        states.append({name: array.copy() for name, array in epoch.state().items()})

    return train(spec, dataset, on_epoch, state, engine), rows, states
