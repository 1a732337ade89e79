"""A training that holds no texts out: all are trained on, and the last epoch is the one that counts."""

import dataclasses

import numpy as np
import pytest

from rnnsweep.data import split
from rnnsweep.spec import Spec, SpecError
from tests.helpers.training import trained

SPEC = Spec(units=(3,), embedding_dim=2, num_words=30, max_len=8, batch_size=20, epochs=3, validation="none")


def test_all_texts_are_trained_on_those_that_the_file_names_for_validation_too(tiny):
    parts = split(SPEC, tiny)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (100, 0, 60)
    named = dataclasses.replace(tiny, train=tiny.train.first(70), validation=tiny.train.part(70, 100), sha256="1" * 64)
    both = split(SPEC, named).train
    assert np.array_equal(both.tokens, tiny.train.tokens)
    assert np.array_equal(both.offsets, tiny.train.offsets)
    assert np.array_equal(both.labels, tiny.train.labels)
    assert len(split(SPEC.replace(reviews=20), named).train) == 40


@pytest.mark.parametrize("engine", ["packed", "keras"])
def test_its_last_epoch_is_its_best_and_nothing_is_said_of_validation(tiny, engine):
    result, rows, states = trained(SPEC, tiny, engine)
    assert result.row["status"] == "finished"
    assert (result.row["best_epoch"], result.row["validation_reviews"]) == (3, 0)
    assert not [name for name in (*rows[0], *result.row, *result.predictions) if name.startswith("val")
                and name != "validation_reviews"]  # fmt: skip
    assert np.array_equal(result.predictions["best"], result.predictions["last"])
    again, _, _ = trained(SPEC, tiny, engine, states[0])
    assert np.array_equal(again.predictions["last"], result.predictions["last"])


@pytest.mark.parametrize("more", [{"schedule": "cosine"}, {"schedule": "steps"}, {"average_epochs": 3}])
def test_a_training_that_ends_before_its_schedule_has_what_the_whole_one_had_there(tiny, more):
    whole = trained(SPEC.replace(epochs=5, **more), tiny)[1]
    part = trained(SPEC.replace(epochs=3, schedule_epochs=5, **more), tiny)[1]
    assert part == whole[:3]


def test_what_follows_held_out_texts_is_refused_where_there_are_none():
    with pytest.raises(SpecError, match="patience is 2, but validation none holds no texts out"):
        SPEC.replace(patience=2)
    with pytest.raises(SpecError, match="schedule is plateau, but validation none holds no texts out"):
        SPEC.replace(schedule="plateau")
    with pytest.raises(SpecError, match="schedule_epochs is 2; give at least epochs, 3, or 0"):
        SPEC.replace(schedule_epochs=2, schedule="steps")


def test_one_training_has_one_key():
    assert SPEC.replace(schedule_epochs=9) == SPEC, "a constant rate knows no other epochs"
    assert SPEC.replace(select="val_loss") == SPEC, "nothing is selected"
    assert SPEC.replace(schedule="cosine", schedule_epochs=3) == SPEC.replace(schedule="cosine")
