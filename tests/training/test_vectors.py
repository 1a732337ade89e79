"""Networks that begin with pretrained vectors, on both engines, trained further or not, and resumed."""

import dataclasses

import numpy as np
import pytest

from rnnsweep.data.reviews import Vectors
from rnnsweep.data.vectors import of_vectors
from rnnsweep.ledger import Ledger
from rnnsweep.machine.device import use_cores
from rnnsweep.network.cost import parameters
from rnnsweep.network.model import build
from rnnsweep.network.tables import begin_with
from rnnsweep.spec import Spec
from rnnsweep.sweep.trial import run_trial
from rnnsweep.training.train import train

use_cores(1)

SPEC = Spec(units=(5, 4), num_words=20, max_len=12, batch_size=16, epochs=2, learning_rate=0.03, data_sha256="0" * 64)
VALUES = np.random.RandomState(1).standard_normal((3, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def begun(tiny):
    return dataclasses.replace(tiny, vectors=Vectors("v.txt", "7" * 64, np.array([5, 10, 25]), VALUES))


def trained(spec, dataset, engine="auto", state=None):
    rows, states = [], []

    def on_epoch(epoch):
        rows.append({name: value for name, value in epoch.rows[-1].items() if "seconds" not in name})
        states.append({name: array.copy() for name, array in epoch.state().items()})

    return train(spec, dataset, on_epoch, state, engine), rows, states


def test_words_with_a_vector_begin_with_it_and_all_others_as_without():
    spec = SPEC.replace(embedding_dim=3, vocab_size=30)
    with_them, without = build(spec), build(spec).get_weights()
    begin_with(with_them, np.array([5, 10, 25]), VALUES, spec.num_words)
    begun = with_them.get_weights()
    assert begun[0][[5, 10]].tolist() == VALUES[:2].tolist()
    others = [i for i in range(30) if i not in (5, 10)]  # 25 is out of vocabulary
    assert np.array_equal(begun[0][others], without[0][others])
    assert all(np.array_equal(a, b) for a, b in zip(begun[1:], without[1:], strict=True))


@pytest.mark.parametrize("kept", [True, False])
def test_both_engines_train_them_or_leave_them_alone_and_a_trial_goes_on(begun, kept):
    spec = SPEC.replace(**of_vectors(begun), train_vectors=kept, optimizer="adamw")
    (result, packed, states), (_, by_keras, _) = (trained(spec, begun, engine) for engine in ("packed", "keras"))
    for name in ("loss", "val_loss"):
        assert [row[name] for row in packed] == pytest.approx([row[name] for row in by_keras], rel=5e-5)
    resumed, rows, _ = trained(spec, begun, "packed", states[0])
    assert rows == packed[1:]
    assert resumed.last_weights != b""
    model = build(spec)
    begin_with(model, begun.vectors.ids, begun.vectors.values, spec.num_words)
    first = model.get_weights()[0]
    tables = [array for array in states[-1].values() if array.shape == first.shape]
    assert any(np.array_equal(table, first) for table in tables) is not kept
    assert result.row["params"] == parameters(spec) == sum(layer["params"] for layer in result.row["layers"])


def test_a_trial_whose_vectors_are_not_there_fails_in_one_line(begun, tiny, tmp_path):
    spec = SPEC.replace(**of_vectors(begun))
    row = run_trial(spec, tiny, Ledger(tmp_path / "results"))
    assert row["status"] == "failed"
    assert row["error"] == (
        f"{spec.key} begins with the vectors of checksum 777777777777, and there are none; give their file with "
        "--vectors"
    )
