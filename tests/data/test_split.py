import numpy as np
import pytest

from rnnsweep.data import DataError, Dataset, Reviews, split
from rnnsweep.spec import Spec
from tests.helpers.reviews import same


def numbered(reviews):
    """Reviews of one token, which tells them apart."""
    return Reviews(
        np.arange(10, 10 + reviews, dtype=np.int32), np.arange(reviews + 1), (np.arange(reviews) % 2).astype(np.uint8)
    )


DATASET = Dataset("mine", "", True, ("no", "yes"), numbered(20), numbered(6))


def test_validation_is_the_last_share_of_the_first_reviews():
    parts = split(Spec(reviews=10, validation=0.2, batch_size=4), DATASET)
    assert parts.train.tokens.tolist() == list(range(10, 18))
    assert parts.validation.tokens.tolist() == [18, 19]
    assert parts.validation.offsets.tolist() == [0, 1, 2]
    assert len(parts.test) == 6


def test_validation_can_be_the_first_batch_or_the_test_set():
    parts = split(Spec(validation="first_batch", batch_size=4), DATASET)
    assert (len(parts.train), parts.validation.tokens.tolist()) == (16, [10, 11, 12, 13])
    parts = split(Spec(reviews=5, validation="test", batch_size=4), DATASET)
    assert (len(parts.train), len(parts.test)) == (5, 5)
    assert same(parts.validation, parts.test)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (Spec(reviews=21), "mine has 20 training reviews, not 21; lower --reviews"),
        (Spec(batch_size=17), "leaves 16 reviews for training and 4 for validation, with batches of 17; give more"),
        (Spec(batch_size=20, validation="first_batch"), "leaves 0 reviews for training"),
    ],
)
def test_too_few_reviews_are_refused(spec, message):
    with pytest.raises(DataError, match=message):
        split(spec, DATASET)
