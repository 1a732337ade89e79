import numpy as np
import pytest

from rnnsweep.data import DataError, Reviews, encode, load

REVIEWS = Reviews(np.array([1, 4, 9, 1, 5, 6, 7, 8], np.int32), np.array([0, 3, 8]), np.array([0, 1], np.uint8))


def test_encode_pads_and_truncates_in_front_and_replaces_words_outside_the_vocabulary():
    assert encode(REVIEWS, 8, 4).tolist() == [[0, 1, 4, 2], [5, 6, 7, 2]]
    assert encode(REVIEWS, 100, 5).tolist() == [[0, 0, 1, 4, 9], [1, 5, 6, 7, 8]]
    assert encode(REVIEWS, 100, 1).tolist() == [[9], [8]]
    assert encode(REVIEWS, 100, 5).dtype == np.int32


def test_encode_of_a_part_is_the_part_of_encode():
    assert encode(REVIEWS.part(1, 2), 8, 4).tolist() == [[5, 6, 7, 2]]
    assert encode(REVIEWS.first(1), 8, 4).tolist() == [[0, 1, 4, 2]]
    assert len(REVIEWS.first(9)) == 2
    assert REVIEWS.lengths.tolist() == [3, 5]


@pytest.mark.parametrize("max_len", [0, 1, 2, 3, 4, 5, 6, 1000])
def test_steps_are_the_tokens_of_all_reviews_each_cut(max_len):
    assert REVIEWS.steps(max_len) == np.minimum(REVIEWS.lengths, max_len).sum()
    assert REVIEWS.first(1).steps(max_len) == min(3, max_len)
    assert REVIEWS.first(0).steps(max_len) == 0


def test_encode_of_no_reviews_has_no_rows():
    assert encode(REVIEWS.first(0), 8, 4).shape == (0, 4)


@pytest.mark.parametrize(
    ("num_words", "max_len", "message"), [(3, 5, "num_words is 3; give at least 4"), (10, 0, "max_len is 0; give")]
)
def test_encode_refuses_what_leaves_no_word(num_words, max_len, message):
    with pytest.raises(DataError, match=message):
        encode(REVIEWS, num_words, max_len)


def keras_says(path, num_words, max_len, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras.src.datasets import imdb
    from keras.utils import pad_sequences

    monkeypatch.setattr(imdb, "get_file", lambda **kwargs: str(path))
    (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=num_words)
    return pad_sequences(x_train, maxlen=max_len), y_train, pad_sequences(x_test, maxlen=max_len), y_test


def assert_as_keras(path, num_words, max_len, monkeypatch):
    dataset = load(str(path))
    x_train, y_train, x_test, y_test = keras_says(path, num_words, max_len, monkeypatch)
    for reviews, ids, labels in ((dataset.train, x_train, y_train), (dataset.test, x_test, y_test)):
        ours = encode(reviews, num_words, max_len)
        assert ours.dtype == ids.dtype
        assert np.array_equal(ours, ids)
        assert np.array_equal(reviews.labels, labels)


@pytest.mark.parametrize(("num_words", "max_len"), [(4, 3), (8, 4), (100, 10)])
def test_a_small_npz_is_encoded_as_keras_does(tiny, num_words, max_len, monkeypatch):
    assert_as_keras(tiny, num_words, max_len, monkeypatch)


@pytest.mark.parametrize(("num_words", "max_len"), [(1000, 500), (5000, 80), (10_000, 1000)])
def test_imdb_is_encoded_as_keras_does(real_imdb, num_words, max_len, monkeypatch):
    assert_as_keras(real_imdb, num_words, max_len, monkeypatch)
