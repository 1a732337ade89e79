"""Newswires as Keras ships them: its layout, its split and its names, from a small file in its place."""

import hashlib

import numpy as np
import pytest

from rnnsweep.data import DataError, encode, load, reuters
from tests.helpers.reviews import objects, rows_of, same, write, write_npz

COUNT = 23


def newswires(path, **changes):
    random = np.random.RandomState(0)
    lists = objects([random.randint(1, 60, random.randint(1, 9)).tolist() for _ in range(COUNT)])
    none = dict.fromkeys(("x_train", "y_train", "x_test", "y_test"))
    return write_npz(path, **none | {"x": lists, "y": np.arange(COUNT) * 2} | changes)


@pytest.fixture
def small(tmp_path):
    return newswires(tmp_path / "wires.npz")


def test_a_file_in_its_layout_is_read_and_split_as_keras_does(small, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras.src.datasets import reuters as keras_reuters
    from keras.utils import pad_sequences

    monkeypatch.setattr(keras_reuters, "get_file", lambda **kwargs: str(small))
    sets = keras_reuters.load_data(num_words=40)
    dataset = load(str(small))
    assert (dataset.name, len(dataset.train), len(dataset.test)) == ("reuters", 18, 5)
    for ours, (x, y) in zip((dataset.train, dataset.test), sets, strict=True):
        assert np.array_equal(encode(ours, 40, 6), pad_sequences(x, maxlen=6))
        assert np.array_equal(ours.labels, y)
    assert dataset.classes == keras_reuters.get_label_names()
    assert len(dataset.classes) == 46


def test_the_address_and_the_checksum_are_those_of_keras():
    import inspect

    from keras.src.datasets import reuters as keras_reuters

    source = inspect.getsource(keras_reuters.load_data)
    assert reuters.OFFICIAL in source
    folder, _, name = reuters.URL.rpartition("/")
    assert f"{folder}/" in source
    assert name in source


def test_the_copy_of_keras_is_used_and_another_file_in_its_place_is_refused(tmp_path, small, monkeypatch):
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    copy = newswires(tmp_path / "keras" / "datasets" / "reuters.npz")
    with pytest.raises(DataError, match=r"reuters\.npz has the wrong checksum.*delete it, or name it with --data"):
        load("reuters")
    monkeypatch.setattr(reuters, "OFFICIAL", hashlib.sha256(copy.read_bytes()).hexdigest())
    dataset = load("reuters")
    assert same(dataset.train, load(str(small)).train)
    assert rows_of(load("reuters").test) == rows_of(dataset.test)


def test_without_a_network_it_is_said_how_to_go_on(monkeypatch):
    monkeypatch.setattr(reuters, "URL", "http://127.0.0.1:9/reuters.npz")
    with pytest.raises(DataError, match=r"reuters\.npz cannot be downloaded .*give your own copy with --data PATH"):
        load("reuters")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": np.arange(COUNT) * 3}, r"layout of Keras's reuters\.npz.*y has labels that are not from 0 to 45"),
        ({"y": np.arange(4)}, "y has 4 labels for 23 reviews"),
        ({"y": np.zeros(COUNT, int)}, "train reviews are all of one class; give reviews of several classes"),
        ({"x": np.zeros(3)}, "x is float64"),
        ({"x": None}, r"layout of Keras's imdb\.npz.*it has no x_train"),
    ],
)
def test_a_file_with_the_wrong_arrays_is_refused(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        load(str(newswires(tmp_path / "wrong.npz", **changes)))


def test_a_file_that_is_no_archive_is_not_taken_for_one(tmp_path):
    assert not reuters.is_like_reuters(tmp_path / "none.npz")
    with pytest.raises(DataError, match="is no npz"):
        load(write(tmp_path / "broken.npz", "PK"))
