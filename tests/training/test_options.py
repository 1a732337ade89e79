"""Options of training: equal on both engines, and the same from a checkpoint as without one."""

import numpy as np
import pytest

from rnnsweep.ledger.record import check_epochs
from rnnsweep.machine.device import use_cores
from rnnsweep.network.model import build
from rnnsweep.network.packed.network import Network
from rnnsweep.spec import Spec, SpecError
from rnnsweep.training.engines import engine_class
from rnnsweep.training.result import best_epoch
from rnnsweep.training.train import train

use_cores(1)

SPEC = Spec(units=(4,), embedding_dim=3, num_words=30, max_len=12, batch_size=16, epochs=4, learning_rate=0.01)
RECIPE = {"cell": "forget", "embedding_dim": 0, "segment": 5, "pooling": "max", "bidirectional": True}
OPTIONS = {
    "square loss, momentum and steps": {
        "optimizer": "sgd", "momentum": 0.9, "schedule": "steps", "loss": "square", **RECIPE,
    },
    "smoothed labels and one cycle": {"label_smoothing": 0.1, "schedule": "one_cycle"},
    "a plateau, clipping and decay": {
        "schedule": "plateau", "learning_rate": 0.2, "clip_norm": 0.05, "weight_decay": 0.1,
    },
    "an optimizer of its own for the embedding": {
        "embedding_optimizer": "sgd", "embedding_learning_rate": 3, "momentum": 0.5, "clip_norm": 0.05,
        "schedule": "cosine", "hidden": 5,
    },
    "a learning rate of its own for the table": {"embedding_learning_rate": 0.1, "weight_decay": 0.1, **RECIPE},
    "averaged weights": {"average_epochs": 3, "optimizer": "adamw"},
    "pairs of words, averaged, their rate one of their own": {
        "bigrams": 50, "average_epochs": 2, "embedding_learning_rate": 0.05, **RECIPE,
    },
    "pairs of words under a mask": {"bigrams": 20, "mask_padding": True, "units": (4, 3), "clip_norm": 0.1},
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


def test_words_left_out_are_drawn_again_from_a_checkpoint_and_stay_in_for_predictions(tiny):
    spec = SPEC.replace(word_dropout=0.5, bigrams=20)
    for engine in ("packed", "keras"):
        rows, state, result = trained(spec, tiny, engine)
        resumed_rows, _, resumed = trained(spec, tiny, engine, state)
        assert resumed_rows == rows
        assert (resumed.predictions["last"] == result.predictions["last"]).all()
        assert rows != trained(SPEC.replace(bigrams=20), tiny, engine)[0]


def test_what_layers_drop_is_drawn_again_from_a_checkpoint_and_stays_in_for_predictions(tiny):
    rates = {"layer_dropout": 0.3, "channel_dropout": 0.3, "recurrent_dropout": 0.3, "adversarial": 0.5}
    spec = SPEC.replace(cell="forget", units=(4, 3), bidirectional=True, segment=6, pooling="attention", epochs=3)
    for engine in ("packed", "keras"):
        noisy = spec.replace(**dict(list(rates.items())[: 4 if engine == "packed" else 3]))
        rows, state, result = trained(noisy, tiny, engine)
        resumed_rows, _, resumed = trained(noisy, tiny, engine, state)
        assert resumed_rows == rows
        assert (resumed.predictions["last"] == result.predictions["last"]).all()


def test_adversarial_noise_is_packed_on_any_device_and_not_for_the_keras_layers():
    assert engine_class("auto", SPEC.replace(adversarial=1), "gpu").name == "packed"
    assert engine_class("auto", SPEC, "gpu").name == "keras"
    for alone in ({"cell": "simple_rnn"}, {"mask_padding": True}, {"recurrent_dropout": 0.1}):  # what cuDNN has not
        assert engine_class("auto", SPEC.replace(**alone), "gpu").name == "packed"
    with pytest.raises(
        ValueError, match=r"adversarial is 1\.0, which the Keras layers do not train on; give engine packed"
    ):
        engine_class("keras", SPEC.replace(adversarial=1), "cpu")


def test_a_training_step_leaves_whole_words_out_and_enlarges_the_others_on_both_paths():
    small = SPEC.replace(word_dropout=0.5)
    layer = build(small).get_layer("embedding")
    ids = np.arange(30)[None]
    vectors = layer(ids, training=False)[0]
    ratio = np.array(layer(ids, training=True)[0] / vectors)
    assert (ratio[0] == 1).all(), "padding stays"
    assert {tuple(row) for row in ratio[1:].round(4)} == {(0, 0, 0), (2, 2, 2)}
    model = build(SPEC)
    weights = [np.array(weight) for weight in model.get_weights()]
    scale = np.where(ratio[:, 0] > 1.5, 2, ratio[:, 0]).astype(np.float32)
    scaled = [weights[0] * scale[:, None], *weights[1:]]
    tokens, labels = np.random.default_rng(0).integers(0, 30, (7, 12)).astype(np.int32), np.arange(7) % 2
    loss, _, gradients = Network(SPEC).loss_and_gradients(weights, tokens, labels, word_scale=scale)
    gradients = [gradient.copy() for gradient in gradients]
    same_loss, _, same = Network(SPEC).loss_and_gradients(scaled, tokens, labels)
    assert loss == same_loss
    np.testing.assert_array_equal(gradients[0], same[0] * scale[:, None])
    for ours, theirs in zip(gradients[1:], same[1:], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_averaged_weights_are_the_mean_of_those_after_the_last_epochs(tiny):
    plain, averaged = SPEC.replace(epochs=3), SPEC.replace(epochs=3, average_epochs=2)
    after = []
    train(plain, tiny, lambda epoch: after.append(epoch.state()))
    found = []
    train(averaged, tiny, lambda epoch: found.append(epoch.state()))
    weights = len(build(SPEC).weights)
    for i in range(weights):
        mean = (after[1][f"variable{i}"] + after[2][f"variable{i}"]) / 2
        np.testing.assert_allclose(found[2][f"variable{i}"], mean, rtol=1e-5, atol=1e-7)


def test_patience_ends_a_training_whose_record_is_whole(tiny):
    spec = SPEC.replace(epochs=30, learning_rate=0.3, patience=2)
    rows, _, result = trained(spec, tiny, "packed")
    assert len(rows) == best_epoch(rows) + 2 < 30
    warnings = []
    check_epochs(spec, result.row, rows, warnings)
    assert not warnings
    check_epochs(spec, result.row, rows[:-1], warnings)
    assert len(warnings) == 1


def test_momentum_is_for_sgd_alone():
    with pytest.raises(SpecError, match=r"momentum is 0\.9, but optimizer is adam, which has its own; give sgd"):
        Spec(momentum=0.9)


def test_averaging_needs_to_know_the_last_epochs():
    with pytest.raises(SpecError, match="with patience 2 nobody knows which epochs are the last"):
        Spec(average_epochs=2, patience=2)
    with pytest.raises(SpecError, match="average_epochs is 9; give at most epochs, 5"):
        Spec(average_epochs=9)
