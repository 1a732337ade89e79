import pytest

from rnnsweep.spec import Spec, SpecError


def test_the_key_of_the_default_spec_never_changes():
    # A changed key orphans every ledger there is: add a field only with a migration.
    assert Spec().key == "82e3e69ee990"


def test_every_field_is_part_of_the_key():
    others = {
        "dataset": "embedded", "data_sha256": "ab", "reviews": 10, "cell": "lstm", "units": (7,), "bidirectional": True,
        "pooling": "mean", "embedding_dim": 8, "num_words": 900, "vocab_size": 1100, "max_len": 80,
        "mask_padding": True, "dropout": 0.5, "batch_size": 64, "drop_remainder": True, "validation": "test",
        "epochs": 9, "optimizer": "sgd", "learning_rate": 0.1, "seed": 2,
    }  # fmt: skip
    keys = {Spec().replace(**{name: value}).key for name, value in others.items()}
    assert set(others) == set(Spec.__dataclass_fields__)
    assert len(keys | {Spec().key}) == len(others) + 1


def test_equal_networks_have_equal_keys_however_they_are_written():
    assert Spec(vocab_size=1000, num_words=1000) == Spec(num_words=1000)
    assert Spec(learning_rate=1).key == Spec(learning_rate=1.0).key
    assert Spec.from_dict({"units": [100, 50]}) == Spec(units=(100, 50))


def test_json_gives_the_spec_back():
    spec = Spec(cell="lstm", units=(3, 2), validation="first_batch", vocab_size=2000, reviews=50)
    assert Spec.from_json(spec.to_json()) == spec


def test_a_changed_num_words_takes_the_embedding_rows_along():
    assert Spec(num_words=1000).replace(num_words=5000).embedding_rows == 5000
    assert Spec(num_words=10_000, vocab_size=11_000).embedding_rows == 11_000


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cell": "rnn"}, "cell is 'rnn'; give simple_rnn, gru or lstm"),
        ({"optimizer": "adem"}, "optimizer is 'adem'; give adam"),
        ({"pooling": "sum"}, "pooling is 'sum'; give last, mean or max"),
        (
            {"pooling": "max", "mask_padding": True},
            "pooling max sees padding even with mask_padding; give last or mean",
        ),
        ({"units": ()}, "units is empty; give one number per recurrent layer"),
        ({"units": (10, 0)}, "units is 0; give at least 1"),
        ({"units": 100}, "units is 100, of type int; give whole numbers"),
        ({"embedding_dim": 0}, "embedding_dim is 0; give at least 1"),
        ({"num_words": 3}, "num_words is 3; give at least 4"),
        ({"num_words": 1000, "vocab_size": 999}, "vocab_size is 999, below num_words 1000; give at least 1000"),
        ({"max_len": 0}, "max_len is 0; give at least 1"),
        ({"batch_size": 0}, "batch_size is 0; give at least 1"),
        ({"epochs": 0}, "epochs is 0; give at least 1"),
        ({"epochs": 2.5}, "epochs is 2.5, of type float; give a whole number"),
        ({"epochs": True}, "epochs is True, of type bool; give a whole number"),
        ({"seed": -1}, "seed is -1; give at least 0"),
        ({"reviews": 1}, "reviews is 1; give at least 2"),
        ({"dropout": 1.0}, "dropout is 1.0; give a share from 0 to below 1"),
        ({"learning_rate": 0}, "learning_rate is 0.*; give a number above 0"),
        ({"learning_rate": float("inf")}, "learning_rate is inf; give a number above 0"),
        ({"validation": 1.0}, "validation is 1.0; give a share between 0 and 1, or first_batch or test"),
        ({"validation": "last"}, "validation is 'last'; give first_batch or test, or a share"),
        ({"layers": 2}, "unknown field 'layers'; the fields are dataset"),
    ],
)
def test_an_invalid_field_is_named_with_its_valid_values(fields, message):
    with pytest.raises(SpecError, match=message):
        Spec.from_dict(fields)


@pytest.mark.parametrize(("text", "message"), [("{", "not JSON"), ("[]", "not a JSON object")])
def test_text_that_is_no_spec_is_refused(text, message):
    with pytest.raises(SpecError, match=message):
        Spec.from_json(text)


def test_a_label_reads_like_a_sentence():
    assert (
        Spec(cell="gru", units=(100, 50), num_words=10_000, max_len=80).label()
        == "gru 100-50 · 10,000 words · 80 steps"
    )
