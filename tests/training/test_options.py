"""Options of training: equal on both engines, and the same from a checkpoint as without one."""

import pytest

from rnnsweep.spec import Spec, SpecError
from rnnsweep.training.train import train

SPEC = Spec(units=(4,), embedding_dim=3, num_words=30, max_len=12, batch_size=16, epochs=4, learning_rate=0.01)
RECIPE = {"cell": "forget", "embedding_dim": 0, "segment": 5, "pooling": "max", "bidirectional": True}
OPTIONS = {
    "square loss, momentum and steps": {
        "optimizer": "sgd", "momentum": 0.9, "schedule": "steps", "loss": "square", **RECIPE,
    },
    "smoothed labels and one cycle": {"label_smoothing": 0.1, "schedule": "one_cycle"},
    "a plateau": {"schedule": "plateau", "learning_rate": 0.2},
}  # fmt: skip
TIMES = ("seconds", "cpu_seconds")


def trained(spec, dataset, engine, state=None):
    """Return the rows of the epochs without times, the state after the second one, and the result."""
    states = []
    epochs = []

    def on_epoch(epoch):
        epochs[:] = [{name: value for name, value in row.items() if name not in TIMES} for row in epoch.rows]
        if len(epochs) == 2:
            states.append({name: array.copy() for name, array in epoch.state().items()})

    result = train(spec, dataset, on_epoch, state, engine)
    return list(epochs), states[0] if states else None, result


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_both_engines_train_alike_and_go_on_from_a_checkpoint_to_the_same_numbers(tiny, options):
    spec = SPEC.replace(**options)
    curves = {}
    for engine in ("packed", "keras"):
        rows, state, result = trained(spec, tiny, engine)
        resumed_rows, _, resumed = trained(spec, tiny, engine, state)
        assert resumed_rows == rows
        assert (resumed.predictions["best"] == result.predictions["best"]).all()
        assert (resumed.predictions["last"] == result.predictions["last"]).all()
        curves[engine] = [row[name] for row in rows for name in ("loss", "val_loss")]
    assert curves["packed"] == pytest.approx(curves["keras"], rel=5e-5)


def test_momentum_is_for_sgd_alone():
    with pytest.raises(
        SpecError, match=r"momentum is 0\.9, but optimizer is adam, which has its own; give sgd"
    ):
        Spec(momentum=0.9)
