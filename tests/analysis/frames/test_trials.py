"""Which trials are shown, which take part in the study, and which network is the best."""

from analysis.frames.trials import PUBLISHED_EPOCHS, blocks, held_out, scopes
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec
from tests.helpers.ledgers import EMBEDDED, IMDB, load, put

EPOCHS = {name: spec.epochs for name, spec in SYSTEMS.items()}


def test_of_several_variants_the_rule_chooses_the_one_to_show(ledger):
    system = SYSTEMS["gru-3x-1k"]
    for spec, real in (
        (system.replace(**EMBEDDED), False),
        (system.replace(reviews=5000, **IMDB), True),
        (system.replace(epochs=5, **IMDB), True),
        (system.replace(**IMDB), True),
    ):
        put(ledger, spec, real=real)
    trials, _ = load(ledger)
    found = scopes(trials, EPOCHS)
    assert list(zip(found["dataset"], found["reviews_used"], found["epochs"], strict=True)) == [
        ("imdb", 0, PUBLISHED_EPOCHS), ("imdb", 0, 5), ("imdb", 5000, 0), ("embedded", 0, 0),
    ]  # fmt: skip


def test_a_variant_without_a_finished_trial_comes_last(ledger):
    put(ledger, SYSTEMS["gru-3x-1k"].replace(**IMDB), "unfinished")
    put(ledger, SYSTEMS["gru-3x-1k"].replace(**EMBEDDED), real=False)
    trials, _ = load(ledger)
    assert scopes(trials, EPOCHS)["dataset"].tolist() == ["embedded", "imdb"]


def test_different_data_are_different_blocks(ledger):
    for fields in (IMDB, EMBEDDED, IMDB | {"reviews": 50}, IMDB | {"epochs": 2}, IMDB | {"data_sha256": "c" * 64}):
        put(ledger, Spec(**fields), real=fields["dataset"] == "imdb")
    trials, _ = load(ledger)
    assert blocks(trials)["finished"].tolist() == [1] * 5
    assert trials["data"].nunique() == 4  # epochs are no part of the data


def test_only_held_out_validation_takes_part_in_the_study(ledger):
    for validation in (0.2, "test", "first_batch"):
        put(ledger, Spec(validation=validation, **IMDB))
    trials, _ = load(ledger)
    assert held_out(trials)["validation"].tolist() == ["0.2"]


def test_generated_data_is_known_even_where_no_trial_is_finished(ledger):
    put(ledger, Spec(**EMBEDDED), "unfinished")
    assert load(ledger)[0]["real"].tolist() == [False]
