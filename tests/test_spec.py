from dataclasses import dataclass
from pathlib import Path

import pytest

from rnnsweep.errors import UserError
from rnnsweep.spec import ALL_BUT_SEED, HINTS, Spec, SpecError, hints, later, meanings

LEDGER = Path(__file__).parents[2] / "shared" / "ledger"  # real results, which lie beside the project, never in it
# A changed key orphans every ledger there is: declare a new field with `later`.
KEYS = {
    Spec(): "82e3e69ee990",
    Spec(cell="lstm", units=(3, 2), validation="first_batch", vocab_size=2000, reviews=50, seed=4): "bb072f962c29",
    Spec(cell="simple_rnn", bidirectional=True, pooling="max", optimizer="sgd", learning_rate=1): "329fadb735e9",
}


@dataclass(frozen=True, kw_only=True)
class Grown(Spec):
    """Specs as a later version might have them."""

    warmup: float = later(0.0)  # share of the steps before the learning rate is whole
    layers: tuple[int, ...] = later(())  # of something else


@pytest.mark.parametrize(("spec", "key"), KEYS.items())
def test_the_key_of_a_spec_never_changes(spec, key):
    assert spec.key == key


@pytest.mark.parametrize(("spec", "key"), KEYS.items())
def test_a_field_added_later_changes_no_key_that_there_is(spec, key):
    grown = Grown.from_json(spec.to_json())
    assert grown.to_json() == spec.to_json()
    assert grown.key == grown.replace(warmup=0, layers=[]).key == key


def test_a_field_added_later_changes_no_key_of_a_ledger():
    if not LEDGER.is_dir():
        pytest.skip("no real ledger is beside the project (shared/ledger)")
    folders = list(LEDGER.glob("*/spec.json"))
    assert len(folders) > 200
    for path in folders:
        assert Grown.from_json(path.read_bytes()).key == Spec.from_json(path.read_bytes()).key == path.parent.name


def test_another_value_of_a_field_added_later_is_another_trial():
    grown = Grown(warmup=0.1, layers=(3,))
    assert len({Grown().key, Grown(warmup=0.1).key, Grown(layers=(3,)).key, grown.key}) == 4
    assert Grown.from_json(grown.to_json()) == grown != Grown()
    assert Grown(warmup=1).key == Grown(warmup=1.0).key


def test_a_field_added_later_is_a_field_like_any_other():
    assert list(hints(Grown)) == [*HINTS, "warmup", "layers"]
    assert meanings(Grown) == {**meanings(), "warmup": "share of the steps before the learning rate is whole",
                               "layers": "of something else"}  # fmt: skip
    assert Grown(warmup=0.5).flags() == [*Spec().flags(), "--warmup", "0.5"]
    with pytest.raises(SpecError, match="warmup is 'long', of type str; give a number"):
        Grown.from_dict({"warmup": "long"})
    with pytest.raises(SpecError, match=r"unknown field 'depth'; the fields are dataset, .*, warmup, layers"):
        Grown.from_dict({"depth": 2})


def test_every_field_has_a_line_of_meaning():
    assert list(meanings()) == list(HINTS)
    assert meanings()["batch_size"] == "reviews per training step"


def test_all_fields_but_the_seed_make_a_network():
    assert set(HINTS) - set(ALL_BUT_SEED) == {"seed"}


def test_a_mistake_in_a_spec_is_the_users():
    assert issubclass(SpecError, UserError)
    assert issubclass(SpecError, ValueError)


def test_every_field_is_part_of_the_key():
    others = {
        "dataset": "embedded", "data_sha256": "ab", "reviews": 10, "cell": "lstm", "units": (7,), "bidirectional": True,
        "pooling": "last", "embedding_dim": 8, "num_words": 900, "vocab_size": 1100, "max_len": 80,
        "mask_padding": True, "dropout": 0.5, "batch_size": 64, "drop_remainder": True, "validation": "test",
        "epochs": 9, "optimizer": "adam", "learning_rate": 0.1, "seed": 2,
        "select": "val_loss", "class_weights": "balanced", "validation_share": 0.3,
        "vectors_sha256": "cd", "train_vectors": False, "segment": 50, "initial_std": 0.05,
        "momentum": 0.9, "schedule": "steps", "loss": "square", "label_smoothing": 0.1,
        "clip_norm": 1, "weight_decay": 0.1, "word_dropout": 0.3, "average_epochs": 2, "patience": 2,
        "schedule_epochs": 9, "hidden": 8, "layer_dropout": 0.1, "channel_dropout": 0.1, "recurrent_dropout": 0.1,
        "embedding_optimizer": "rmsprop", "embedding_learning_rate": 0.2, "adversarial": 1, "bigrams": 9,
    }  # fmt: skip
    fields = {"validation": "grouped", "pooling": "mean", "optimizer": "sgd", "schedule": "cosine", "units": (9, 8)}
    grouped = Spec(**fields)  # that all fields say something of
    keys = {grouped.replace(**{name: value}).key for name, value in others.items()}
    own = grouped.replace(cell="own", own_layer="a:B", own_sha256="ef")
    keys |= {own.replace(own_layer="a:C").key, own.replace(own_sha256="ab").key}
    assert {*others, "own_layer", "own_sha256"} == set(Spec.__dataclass_fields__)
    assert len(keys | {grouped.key, Spec().key, own.key}) == len(others) + 5


def test_equal_networks_have_equal_keys_however_they_are_written():
    assert Spec(vocab_size=1000, num_words=1000) == Spec(num_words=1000)
    assert Spec(learning_rate=1).key == Spec(learning_rate=1.0).key
    assert Spec.from_dict({"units": [100, 50]}) == Spec(units=(100, 50))


def test_what_drops_nothing_or_is_the_same_for_all_weights_is_one_network_and_one_key():
    assert Spec(layer_dropout=0.3) == Spec()
    assert Spec(layer_dropout=0.3, units=(3, 2)) != Spec(units=(3, 2))
    assert Spec(cell="mingru", recurrent_dropout=0.3) == Spec(cell="mingru")
    assert Spec(embedding_optimizer="adam", embedding_learning_rate=1e-3) == Spec()


def test_json_gives_the_spec_back():
    spec = Spec(cell="lstm", units=(3, 2), validation="first_batch", vocab_size=2000, reviews=50)
    assert Spec.from_json(spec.to_json()) == spec


def test_a_changed_num_words_takes_the_embedding_rows_along():
    assert Spec(num_words=1000).replace(num_words=5000).embedding_rows == 5000
    assert Spec(num_words=10_000, vocab_size=11_000).embedding_rows == 11_000


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cell": "rnn"}, "cell is 'rnn'; give simple_rnn, gru, lstm, forget or mingru"),
        ({"optimizer": "adem"}, "optimizer is 'adem'; give adam"),
        ({"pooling": "sum"}, "pooling is 'sum'; give last, mean, max, max.mean, last.max.mean or attention"),
        (
            {"pooling": "max", "mask_padding": True},
            "pooling max sees padding even with mask_padding; give last or mean",
        ),
        ({"units": ()}, "units is empty; give one number per recurrent layer"),
        ({"units": (10, 0)}, "units is 0; give at least 1"),
        ({"units": 100}, "units is 100, of type int; give whole numbers"),
        ({"embedding_dim": -1}, "embedding_dim is -1; give at least 0"),
        ({"initial_std": -1}, "initial_std is -1.0; give 0, Keras's own starts, or up to 10, such as 0.05"),
        ({"segment": -1, "pooling": "max"}, "segment is -1; give at least 1"),
        ({"segment": 9}, "segment is 9, but pooling is last, of one piece; give pooling mean, max, max.mean or att"),
        ({"num_words": 3}, "num_words is 3; give at least 4"),
        ({"num_words": 1000, "vocab_size": 999}, "vocab_size is 999, below num_words 1000; give at least 1000"),
        ({"max_len": 0}, "max_len is 0; give at least 1"),
        ({"batch_size": 0}, "batch_size is 0; give at least 1"),
        ({"epochs": 0}, "epochs is 0; give at least 1"),
        ({"epochs": 2.5}, "epochs is 2.5, of type float; give a whole number"),
        ({"epochs": True}, "epochs is True, of type bool; give a whole number"),
        ({"seed": -1}, "seed is -1; give at least 0"),
        ({"reviews": 1}, "reviews is 1; give at least 2"),
        ({"layer_dropout": 1}, "layer_dropout is 1.0; give a share from 0 to below 1"),
        ({"hidden": -1}, "hidden is -1; give at least 0"),
        ({"adversarial": -1}, "adversarial is -1.0; give a number from 0 that 32 bits hold"),
        (
            {"channel_dropout": 0.1, "embedding_dim": 0},
            "channel_dropout is 0.1, but embedding_dim is 0, which makes no",
        ),
        ({"adversarial": 1, "embedding_dim": 0}, "adversarial is 1.0, but embedding_dim is 0, which makes no vectors"),
        ({"embedding_optimizer": "x"}, "embedding_optimizer is 'x'; give same, adam"),
        ({"embedding_learning_rate": -1}, "embedding_learning_rate is -1.0; give a number above 0"),
        (
            {"embedding_optimizer": "sgd", "train_vectors": False},
            "train the embedding, but train_vectors is false; leave",
        ),
        ({"dropout": 1.0}, "dropout is 1.0; give a share from 0 to below 1"),
        ({"learning_rate": 0}, "learning_rate is 0.*; give a number above 0"),
        ({"learning_rate": float("inf")}, "learning_rate is inf; give a number above 0"),
        ({"validation": 1.0}, "validation is 1.0; give a share between 0 and 1, or first_batch, test or grouped"),
        ({"validation": "last"}, "validation is 'last'; give first_batch, test or grouped, or a share"),
        ({"validation": "grouped", "validation_share": 1}, "validation_share is 1.0; give a share between 0 and 1"),
        (
            {"validation_share": 0.3},
            "validation_share is 0.3, but validation is 0.2; give validation grouped, or leave",
        ),
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
