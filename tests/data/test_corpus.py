import numpy as np
import pytest

from rnnsweep.data import encode, load


@pytest.fixture(scope="module")
def embedded():
    return load("embedded")


def test_the_embedded_corpus_is_the_same_on_every_machine(embedded):
    assert embedded.sha256 == "0810304cd2d544c9ff323406e0f551ac185326b3f25f1ebe9f488d1d98f33a3a"


def test_the_embedded_corpus_has_the_shape_of_imdb(embedded):
    assert (embedded.name, embedded.real, embedded.classes) == ("embedded", False, ("negative", "positive"))
    for reviews in (embedded.train, embedded.test):
        assert len(reviews) == 5000
        assert reviews.labels.mean() == 0.5
        assert (reviews.tokens[reviews.offsets[:-1]] == 1).all()
        assert 225 < reviews.lengths.mean() < 252
        assert 170 < np.median(reviews.lengths) < 187
        assert reviews.lengths.min() >= 11
        assert reviews.lengths.max() <= 2500


def test_ranks_of_the_embedded_corpus_are_by_frequency_in_its_training_set(embedded):
    tokens = embedded.train.tokens
    counts = np.bincount(tokens[tokens > 1] - 3)[1:]
    assert (tokens[tokens > 1] > 3).all()
    assert len(counts) >= 12_000
    assert (np.diff(counts) <= 0).all()


def test_opinion_words_of_the_embedded_corpus_are_in_every_range_of_frequency(embedded):
    ids = encode(embedded.train, 20_000, 80)
    positive, negative = (
        np.bincount(ids[embedded.train.labels == label].ravel(), minlength=20_000)[4:] for label in (1, 0)
    )
    for start, stop in ((0, 200), (200, 1000), (1000, 5000), (5000, 15_000)):
        difference, count = (positive - negative)[start:stop], (positive + negative)[start:stop]
        assert (difference**2).sum() / count.sum() > 1.04  # 1 of words that say nothing


def test_a_bag_of_words_needs_the_late_words_of_the_embedded_corpus_and_not_all_its_words(embedded):
    def accuracy(max_len):
        def counts(reviews):
            ids = encode(reviews, 1000, max_len)
            rows = np.repeat(np.arange(len(ids)), max_len)
            return np.bincount(rows * 1000 + ids.ravel(), minlength=len(ids) * 1000).reshape(-1, 1000)[:, 4:] > 0

        train, labels = counts(embedded.train), embedded.train.labels == 1
        weights = np.log((train[labels].sum(0) + 1) / (train[~labels].sum(0) + 1))
        return ((counts(embedded.test) @ weights > 0) == embedded.test.labels).mean()

    assert accuracy(80) > accuracy(20) + 0.05
    assert accuracy(80) > accuracy(500) + 0.08
