"""Keras's backend is looked for before a sweep, by Keras's own rule."""

import json

import pytest

from rnnsweep.ledger import Ledger
from rnnsweep.machine.device import keras
from rnnsweep.machine.keras_backend import BackendError, check_backend
from rnnsweep.run import run
from rnnsweep.sweep import SpecList
from tests.helpers.sweeps import HERE


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))


def say(tmp_path, text):
    (tmp_path / "keras.json").write_text(text)


def test_the_usual_backend_is_there(tmp_path):
    check_backend()
    say(tmp_path, json.dumps({"backend": "tensorflow"}))
    check_backend()


@pytest.mark.parametrize("text", ["", "[]", "[" * 9999, '{"backend": null}'])
def test_a_file_of_anything_names_no_backend(tmp_path, text):
    say(tmp_path, text)
    check_backend()


def test_a_backend_that_is_not_installed_is_named_once_with_what_named_it(tmp_path, monkeypatch):
    say(tmp_path, json.dumps({"backend": "no_such_backend"}))
    with pytest.raises(BackendError, match=r"run on 'no_such_backend', by .*keras.json, and no such module"):
        run(SpecList([]), Ledger(tmp_path / "results"), None, HERE)
    assert not (tmp_path / "results").exists()
    monkeypatch.setenv("KERAS_BACKEND", "no.such.module")
    with pytest.raises(BackendError, match=r"'no.such.module', by KERAS_BACKEND, .*set KERAS_BACKEND=tensorflow"):
        check_backend()


def test_what_numbers_depend_on_is_said_to_keras_whatever_its_file_says():
    assert keras.config.floatx() == "float32"
    assert keras.config.dtype_policy().name == "float32"
    assert keras.config.epsilon() == 1e-7
    assert keras.config.image_data_format() == "channels_last"
